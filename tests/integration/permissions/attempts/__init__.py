"""What people and agents try to write, and what comes of it: a module a role, an entry a try."""

from dataclasses import dataclass, field
from typing import Any

from tests.integration.permissions.house import CATALOGUE

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Write:
    """A mutation of one root field."""

    table: str
    #: insert, update or delete.
    operation: str
    document: str
    variables: Json
    #: The same in other words: by primary key, as one of many, as a single object. They answer null, or
    #: `affected_rows` in a list.
    otherwise: "tuple[tuple[str, Json], ...]" = ()


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """Somebody tries to write. Exactly one of `rows` and `code` says what happens."""

    says: str
    me: object
    write: Write
    #: So many rows are written.
    rows: int | None = None
    #: It is refused with this code, and nothing is written.
    code: str | None = None
    #: SQL to be run first.
    before: str = ""
    #: An SQL condition that holds afterwards.
    then: str = "true"

    @property
    def changes(self) -> bool:
        """Whether anything is written."""
        return bool(self.rows)


def insert(table: str, *rows: Json, on_conflict: Json | None = None, **row: Any) -> Write:
    """Insert rows; a single one may be given by its columns."""
    name = CATALOGUE[table].graphql_name
    objects = [*rows, row] if row else list(rows)
    declared = f"$objects: [{name}_insert_input!]!" + (f", $conflict: {name}_on_conflict" if on_conflict else "")
    conflict = ", on_conflict: $conflict" if on_conflict else ""
    one = f"mutation ($object: {name}_insert_input!) {{ it: insert_{name}_one(object: $object) {{ __typename }} }}"
    return Write(
        table=table,
        operation="insert",
        document=f"mutation ({declared}) {{ it: insert_{name}(objects: $objects{conflict}) {{ affected_rows }} }}",
        variables={"objects": objects} | ({"conflict": on_conflict} if on_conflict else {}),
        otherwise=((one, {"object": objects[0]}),) if len(objects) == 1 and not on_conflict else (),
    )


def update(table: str, key: object, **changes: Any) -> Write:
    """Set columns of the row with this id, of those that a condition holds of, or of every row for the key `...`."""
    name = CATALOGUE[table].graphql_name
    by_pk = f"mutation ($key: {name}_pk_columns_input!, $set: {name}_set_input!)"
    by_pk += f" {{ it: update_{name}_by_pk(pk_columns: $key, _set: $set) {{ __typename }} }}"
    many = f"mutation ($all: [{name}_updates!]!) {{ it: update_{name}_many(updates: $all) {{ affected_rows }} }}"
    is_id = key is not ... and not isinstance(key, dict)
    where = {"id": {"_eq": key}} if is_id else key if isinstance(key, dict) else {}
    return Write(
        table=table,
        operation="update",
        document=f"mutation ($where: {name}_bool_exp!, $set: {name}_set_input!)"
        f" {{ it: update_{name}(where: $where, _set: $set) {{ affected_rows }} }}",
        variables={"where": where, "set": changes},
        otherwise=(
            *(((by_pk, {"key": {"id": key}, "set": changes}),) if is_id else ()),
            (many, {"all": [{"where": where, "_set": changes}]}),
        ),
    )


@dataclass(frozen=True)
class Attempts:
    """All attempts in one role."""

    role: str
    all: list[Attempt] = field(default_factory=list)

    def add(self, says: str, me: object, write: Write, **outcome: Any) -> None:
        """Another one."""
        self.all.append(Attempt(says=says, me=me, write=write, **outcome))
