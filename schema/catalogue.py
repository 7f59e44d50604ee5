"""What exists in a database, as a value: tables, columns, relationships, and their GraphQL names.

The catalogue is made once at start (`from_metadata` for our own tables) and then only read. The engine takes every
identifier that reaches SQL from here, so a name that a client sends is only ever looked up, never written down.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from schema.types import PgType

#: `schema.name` as it stands in the database.
TableKey = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a relation."""

    name: str
    type: PgType
    nullable: bool
    #: An insert may leave it out (a default, an identity or a generated value exists, or null is allowed).
    has_default: bool = False
    #: GENERATED ALWAYS (expression or identity): never an input.
    generated: bool = False
    comment: str | None = None
    #: The field's name; the column's unless metadata renames it.
    graphql_name: str

    @property
    def scalar(self) -> str:
        """The GraphQL scalar of the column's (element) type."""
        return self.type.scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """A primary key or unique constraint: what `on_conflict` may name."""

    name: str
    columns: tuple[str, ...]
    primary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Relationship:
    """A way from a row to related rows: `columns` pairs a local column with the target's."""

    name: str
    kind: Literal["object", "array"]
    target: TableKey
    columns: tuple[tuple[str, str], ...]
    #: An object relationship that may lead nowhere.
    nullable: bool = True
    #: The target has at most one row for a key, so that no LIMIT is needed to keep an object single.
    unique: bool = False
    #: The local row is inserted before the target's (the key lives on the target).
    insert_after: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table or view."""

    schema: str
    name: str
    graphql_name: str
    columns: Mapping[str, Column]
    primary_key: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    relationships: Mapping[str, Relationship] = field(default_factory=dict)
    comment: str | None = None
    insertable: bool = True
    updatable: bool = True
    deletable: bool = True

    @property
    def key(self) -> TableKey:
        """`schema.name`."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All tables by their key."""

    tables: Mapping[TableKey, Table]

    def __iter__(self) -> Iterator[Table]:
        """The tables in their declared order."""
        return iter(self.tables.values())

    def __getitem__(self, key: TableKey) -> Table:
        """The table `schema.name`. Raises KeyError when there is none."""
        return self.tables[key]


def graphql_table_name(schema: str, name: str) -> str:
    """The root of a table's field names: its name in `public`, else `<schema>_<name>` (HASURA_DIALECT §1)."""
    return name if schema == "public" else f"{schema}_{name}"
