"""Small random schemas: tables with columns of any kind that may be null, and keys that refer to each other."""

from dataclasses import dataclass
from random import Random
from typing import Final

#: Kind of a column → its SQL type. Text sorts as in Python.
TYPES: Final = {
    "int": "integer",
    "big": "bigint",
    "text": 'text COLLATE "C"',
    "bool": "boolean",
    "numeric": "numeric",
    "date": "date",
    "array": 'text[] COLLATE "C"',
    "json": "jsonb",
}
_NUMBER_OF_SCHEMAS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A column."""

    name: str
    kind: str
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A relationship: `local` of this row equals `remote` of the target's."""

    name: str
    target: str
    local: str
    remote: str
    many: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table. Its key is `id`."""

    name: str
    fields: tuple[Field, ...]
    ways: tuple[Way, ...]

    def field(self, name: str) -> Field:
        """The column of that name."""
        return next(field for field in self.fields if field.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """Tables in the order in which rows can be inserted."""

    name: str
    tables: tuple[Relation, ...]

    def __getitem__(self, name: str) -> Relation:
        """The table of that name."""
        return next(table for table in self.tables if table.name == name)

    def ddl(self) -> str:
        """The statements that make it."""
        parts = [f"CREATE SCHEMA {self.name};"]
        for table in self.tables:
            columns = [
                f"{field.name} {TYPES[field.kind]}{' NOT NULL' if field.required else ''}" for field in table.fields
            ]
            keys = [
                f"FOREIGN KEY ({way.local}) REFERENCES {self.name}.{way.target}" for way in table.ways if not way.many
            ]
            parts.append(f"CREATE TABLE {self.name}.{table.name} ({', '.join([*columns, 'PRIMARY KEY (id)', *keys])});")
        return "\n".join(parts)


def random_schemas() -> list[Schema]:
    """The same ones each time, so that a failure can be met again."""
    return [_random_schema(number) for number in range(_NUMBER_OF_SCHEMAS)]


def _random_schema(number: int) -> Schema:
    random = Random(number)  # noqa: S311 -- not a secret
    names = ["one", "two", "three"][: random.randint(2, 3)]
    fields: dict[str, list[Field]] = {}
    ways: dict[str, list[Way]] = {name: [] for name in names}
    for place, name in enumerate(names):
        kinds = [random.choice(list(TYPES)) for _ in range(random.randint(2, 4))]
        columns = [Field(name="id", kind="int", required=True)]
        columns += [
            Field(name=f"c{index}", kind=kind, required=random.random() < 0.25) for index, kind in enumerate(kinds)
        ]
        # To a table before it, so that rows can be inserted in order; sometimes to itself.
        targets = {names[random.randrange(place)]} if place else set()
        if random.random() < 0.5:
            targets.add(name)
        for target in sorted(targets):
            column = f"{target}_id"
            columns.append(Field(name=column, kind="int", required=target != name and random.random() < 0.3))
            ways[name].append(Way(name=target, target=target, local=column, remote="id", many=False))
            ways[target].append(Way(name=f"{name}s", target=name, local="id", remote=column, many=True))
        fields[name] = columns
    return Schema(
        name=f"s{number}",
        tables=tuple(Relation(name=name, fields=tuple(fields[name]), ways=tuple(ways[name])) for name in names),
    )
