"""PostgreSQL types as GraphQL sees them.

A column's type is named here the way `pg_type.typname` names it (`int4`, `timestamptz`, `_text` is `text` with
`is_array`). HASURA_DIALECT §1: four types have GraphQL's built-in scalars, every other one is a custom scalar
named after the PostgreSQL type.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from schema.naming import as_graphql_name

_BUILT_IN_SCALARS: Final[Mapping[str, str]] = {
    "int4": "Int",
    "bool": "Boolean",
    "text": "String",
    "varchar": "String",
    "float4": "Float",
}

#: Hasura names a few scalars by PostgreSQL's longer spelling.
_SCALAR_SPELLING: Final[Mapping[str, str]] = {"int8": "bigint", "int2": "smallint", "bpchar": "bpchar"}

TEXT_TYPES: Final = frozenset({"text", "varchar", "bpchar", "citext", "name"})
INTEGER_TYPES: Final = frozenset({"int2", "int4", "int8"})
NUMERIC_TYPES: Final = INTEGER_TYPES | {"float4", "float8", "numeric", "money"}
JSON_TYPES: Final = frozenset({"json", "jsonb"})
#: Types whose values PostgreSQL can't sort, nor tell which are equal: they have no operator class for a B-tree.
UNORDERED_TYPES: Final = frozenset({"json", "xml", "point", "line", "lseg", "box", "path", "polygon", "circle"})

#: Types that PostgreSQL has `min` and `max` of, besides enums and arrays; those of UUIDs the renderer makes.
_MIN_MAX_TYPES: Final = (
    (NUMERIC_TYPES | TEXT_TYPES)
    | {"char", "cidr", "date", "inet", "interval", "oid", "pg_lsn", "tid", "time", "timestamp", "timestamptz", "timetz"}
    | {"uuid"}
)

#: SQL spellings that PostgreSQL, SQLAlchemy and people use for one type.
_ALIASES: Final[Mapping[str, str]] = {
    "integer": "int4",
    "int": "int4",
    "bigint": "int8",
    "smallint": "int2",
    "boolean": "bool",
    "real": "float4",
    "double precision": "float8",
    "float": "float8",
    "decimal": "numeric",
    "character varying": "varchar",
    "character": "bpchar",
    "char": "bpchar",
    "timestamp without time zone": "timestamp",
    "timestamp with time zone": "timestamptz",
    "time without time zone": "time",
    "time with time zone": "timetz",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PgType:
    """The type of a column or argument.

    `name` is the element type's for an array. `schema` is set for types outside `pg_catalog` (enums, domains,
    extension types), so that casts find them whatever the search path.
    """

    name: str
    is_array: bool = False
    is_enum: bool = False
    schema: str | None = None
    #: Rows of a table, or of a type that was made of columns: `(1,"a b")`.
    is_row: bool = False

    @property
    def scalar(self) -> str:
        """The GraphQL scalar's name."""
        if self.is_row:
            # The name alone is the table's own type's.
            return f"{as_graphql_name(self.name)}_scalar"
        return _BUILT_IN_SCALARS.get(self.name) or _SCALAR_SPELLING.get(self.name) or as_graphql_name(self.name)

    @property
    def is_text(self) -> bool:
        """Whether pattern operators apply."""
        return self.name in TEXT_TYPES and not self.is_array

    @property
    def is_numeric(self) -> bool:
        """Whether `sum`, `avg` and `_inc` apply."""
        return self.name in NUMERIC_TYPES and not self.is_array

    @property
    def is_json(self) -> bool:
        """Whether the value is a JSON document."""
        return self.name in JSON_TYPES and not self.is_array

    @property
    def is_ordered(self) -> bool:
        """Whether rows can be sorted and grouped by its values."""
        return self.name not in UNORDERED_TYPES

    @property
    def is_comparable(self) -> bool:
        """Whether `min` and `max` apply (HASURA_DIALECT §2, Aggregates)."""
        if not self.is_ordered or self.name in ("jsonb", "bool"):
            return False
        return self.is_array or self.is_enum or self.name in _MIN_MAX_TYPES

    @property
    def element(self) -> "PgType":
        """The type of one element of an array."""
        return PgType(name=self.name, is_enum=self.is_enum, schema=self.schema)


def parse_pg_type(text: str) -> PgType:
    """The type that an SQL spelling such as `VARCHAR(40)`, `numeric(10, 2)` or `TEXT[]` names."""
    spelling = text.strip().lower()
    is_array = spelling.endswith("[]")
    while spelling.endswith("[]"):
        spelling = spelling[:-2].strip()
    if "(" in spelling:
        before, _, rest = spelling.partition("(")
        spelling = (before.strip() + " " + rest.partition(")")[2].strip()).strip()
    return PgType(name=_ALIASES.get(spelling, spelling), is_array=is_array)
