"""What exists in a database, as a value: tables, columns, relationships, and their GraphQL names.

The catalogue is made once at start (`from_metadata` for our own tables) and then only read. The engine takes every
identifier that reaches SQL from here, so a name that a client sends is only ever looked up, never written down.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from schema.types import PgType

#: `schema.name` as it stands in the database.
TableKey = str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """The rows of a table that lists what columns of others may hold (Hasura's enum tables)."""

    #: The GraphQL enum's name.
    name: str
    #: Each value with its comment.
    values: tuple[tuple[str, str | None], ...]


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
    #: The function that computes the value from the row, where this is no stored column.
    computed_by: "ComputedField | None" = None
    #: What must hold of a row for the value to be seen in it, else null (a compiled condition; inherited roles).
    mask: Any = None
    #: Declared by a domain over an enum: PostgreSQL's operators for enums take no domains (its manual, 38.2.5).
    is_enum_domain: bool = False
    #: What it may hold, where it refers to an enum table.
    choices: Choices | None = None

    @property
    def scalar(self) -> str:
        """The GraphQL scalar of the column's (element) type, or its enum."""
        return self.type.scalar if self.choices is None else self.choices.name


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
class Argument:
    """A parameter of a function."""

    name: str
    type: PgType
    has_default: bool = False
    #: It has no name in the database (`name` is what clients call it), so it can only be given by its place.
    nameless: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function: a root field when it returns rows of a table, else what a computed field calls."""

    schema: str
    name: str
    graphql_name: str
    arguments: tuple[Argument, ...]
    #: The table whose rows it returns, or None for a scalar.
    returns: TableKey | None = None
    returns_scalar: PgType | None = None
    #: It returns any number of them (SETOF).
    returns_set: bool = False
    #: The field that aggregates its rows, where metadata names it.
    aggregate_name: str | None = None
    #: It may write: a root field of mutations.
    volatile: bool = False
    #: The argument that takes the session variables as JSON; clients don't see it.
    session_argument: str | None = None
    comment: str | None = None

    @property
    def key(self) -> str:
        """`schema.name`."""
        return f"{self.schema}.{self.name}"

    def client_arguments(self, *hidden: str | None) -> tuple[Argument, ...]:
        """The arguments that a client gives: all but the session's and those in `hidden`."""
        return tuple(item for item in self.arguments if item.name not in (self.session_argument, *hidden))


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedField:
    """A field of a table that a function computes from the row."""

    name: str
    function: Function
    #: The argument that takes the row.
    row_argument: str
    comment: str | None = None
    #: As of a column.
    mask: Any = None

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """What a client gives besides."""
        return self.function.client_arguments(self.row_argument)

    @property
    def column(self) -> Column | None:
        """It as a column to compare and sort by, when it is a scalar without arguments."""
        if self.function.returns_scalar is None or self.arguments:
            return None
        return self.scalar_column

    @property
    def scalar_column(self) -> Column:
        """It as a column to show."""
        assert self.function.returns_scalar is not None
        return Column(
            name=self.name,
            type=self.function.returns_scalar,
            nullable=True,
            comment=self.comment,
            graphql_name=self.name,
            computed_by=self,
            mask=self.mask,
        )


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
    computed_fields: Mapping[str, ComputedField] = field(default_factory=dict)
    comment: str | None = None
    insertable: bool = True
    updatable: bool = True
    deletable: bool = True
    #: Names of root fields that differ from the usual ones, by operation (`select_by_pk`, `insert_one` …).
    root_names: Mapping[str, str] = field(default_factory=dict)
    #: Holds what may only be read on the record (for us: protected health information).
    sensitive: bool = False
    #: For a view: the table whose rows it shows one by one, columns of one name holding the same value or its text.
    shows: TableKey | None = None

    @property
    def key(self) -> TableKey:
        """`schema.name`."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All tables by their key, and the functions that are root fields by theirs."""

    tables: Mapping[TableKey, Table]
    functions: Mapping[str, Function] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Table]:
        """The tables in their declared order."""
        return iter(self.tables.values())

    def __getitem__(self, key: TableKey) -> Table:
        """The table `schema.name`. Raises KeyError when there is none."""
        return self.tables[key]


def graphql_table_name(schema: str, name: str) -> str:
    """The root of a table's field names: its name in `public`, else `<schema>_<name>` (HASURA_DIALECT §1)."""
    return name if schema == "public" else f"{schema}_{name}"
