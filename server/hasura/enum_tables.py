"""Enum tables (`is_enum: true`): a table whose rows are the values that columns of other tables may hold.

Hasura's rules: a single text column as its key, at most one text column beside it (the values' descriptions), one row
at least, and values that GraphQL can spell as enum values. The rows are read once, at start.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol

from resolvers.sql.writer import quote_identifier, table_name
from schema.catalogue import Catalogue, Choices, Relationship, Table, TableKey
from schema.naming import is_enum_value

#: Each value with its comment, by table.
EnumRows = Mapping[TableKey, Sequence[tuple[str, str | None]]]

#: More values than an enum is good for: the table is something else.
MOST_VALUES: Final = 1_000
_READ_TIMEOUT_S: Final = 10.0


class Connection(Protocol):
    """What reading needs of a connection (asyncpg's has it)."""

    async def fetch(self, query: str, *args: Any, timeout: float | None = None) -> Any:  # noqa: ASYNC109 -- asyncpg's
        """The rows."""


async def read_enum_rows(connection: Connection, tables: Sequence[Table]) -> EnumRows:
    """The rows of those tables that can be enums."""
    found: dict[TableKey, list[tuple[str, str | None]]] = {}
    for table in tables:
        if find_shape_flaw(table) is not None:
            continue
        value = quote_identifier(table.primary_key[0])
        comment = next((quote_identifier(name) for name in table.columns if name not in table.primary_key), "NULL")
        rows = await connection.fetch(
            f"SELECT {value}::text, {comment}::text FROM {table_name(table)} "  # noqa: S608 -- names of the catalogue
            f'ORDER BY {value}::text COLLATE "C" LIMIT {MOST_VALUES + 1}',
            timeout=_READ_TIMEOUT_S,
        )
        found[table.key] = [(row[0], row[1] or None) for row in rows]
    return found


def find_shape_flaw(table: Table) -> str | None:
    """Why the table's columns make no enum, or None."""
    if len(table.primary_key) != 1 or not table.columns[table.primary_key[0]].type.is_text:
        return "its primary key is not a single text column"
    if len(table.columns) > 2 or not all(column.type.is_text for column in table.columns.values()):
        return "it has more than a text column of comments beside its key"
    return None


def find_flaw(table: Table, rows: EnumRows) -> str | None:
    """Why the table is no enum, or None."""
    flaw = find_shape_flaw(table)
    if flaw is not None:
        return flaw
    values = [value for value, _ in rows.get(table.key, ())]
    if not values:
        return "it has no rows"
    if len(values) > MOST_VALUES:
        return f"it has more than {MOST_VALUES} rows"
    wrong = [repr(value) for value in values if not is_enum_value(value)]
    return f"GraphQL can't spell {', '.join(wrong[:5])}" if wrong else None


def with_choices(tables: Mapping[TableKey, Table], reflected: Catalogue, enums: EnumRows) -> dict[TableKey, Table]:
    """The tables, their columns with the choices that foreign keys to enum tables mean."""
    choices = {
        key: Choices(name=f"{tables[key].graphql_name}_enum", values=tuple(rows))
        for key, rows in enums.items()
        if key in tables
    }
    return {key: _with_choices(table, reflected[key].relationships, choices) for key, table in tables.items()}


def _with_choices(
    table: Table, relationships: Mapping[str, Relationship], choices: Mapping[TableKey, Choices]
) -> Table:
    chosen = {
        relationship.columns[0][0]: choices[relationship.target]
        for relationship in relationships.values()
        if relationship.kind == "object"
        and not relationship.insert_after
        and len(relationship.columns) == 1
        and relationship.target in choices
    }
    if not chosen:
        return table
    columns = {name: replace(column, choices=chosen.get(name)) for name, column in table.columns.items()}
    return replace(table, columns=columns)
