"""Random rows in random schemas, in PostgreSQL and in Python."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from asyncpg import Connection
from hypothesis import strategies as st

from tests.differential.oracle import World
from tests.differential.queries import VALUES
from tests.differential.schemas import Schema


@st.composite
def worlds(draw: st.DrawFn, schema: Schema) -> World:
    """Rows that satisfy the schema's keys."""
    rows: dict[str, list[dict[str, Any]]] = {}
    for table in schema.tables:
        rows[table.name] = []
        keys = {way.local: way.target for way in table.ways if not way.many}
        for number in range(draw(st.integers(0, 5))):
            row: dict[str, Any] = {}
            for field in table.fields:
                if field.name == "id":
                    row["id"] = number
                    continue
                values = VALUES[field.kind]
                if field.name in keys:
                    targets = [other["id"] for other in rows[keys[field.name]]]
                    if not targets and field.required:
                        break
                    values = st.sampled_from(targets) if targets else st.none()
                row[field.name] = draw(values if field.required else st.none() | values)
            else:
                rows[table.name].append(row)
    return World(schema=schema, rows=rows)


async def insert(connection: "Connection[Any]", world: World) -> None:
    """Put the rows into the database."""
    for table in world.schema.tables:
        if not world.rows[table.name]:
            continue
        text = json.dumps([{key: _text(value) for key, value in row.items()} for row in world.rows[table.name]])
        name = f"{world.schema.name}.{table.name}"
        await connection.execute(
            f"INSERT INTO {name} SELECT * FROM json_populate_recordset(NULL::{name}, $1::text::json)",  # noqa: S608
            text,
        )


def _text(value: Any) -> Any:
    return f"{value:f}" if isinstance(value, Decimal) else value


def readable(answer: str | bytes) -> Any:
    """An answer with exact numbers."""
    return json.loads(answer, parse_float=Decimal, parse_int=Decimal)


def same(first: Any, second: Any) -> bool:
    """Whether two answers are equal: averages nearly, everything else exactly, the order of keys included."""
    if isinstance(first, Mapping) and isinstance(second, Mapping):
        return list(first) == list(second) and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, bool) or isinstance(second, bool) or not _both_numbers(first, second):
        return type(first) is type(second) and bool(first == second)
    difference = abs(Decimal(first) - Decimal(second))
    return difference == 0 or difference < abs(Decimal(second)) * Decimal("1e-12")


def _both_numbers(first: Any, second: Any) -> bool:
    return isinstance(first, int | Decimal) and isinstance(second, int | Decimal)
