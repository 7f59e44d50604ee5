"""Copying the demo data into a database.

One transaction: the user's triggers are switched off (the demo data is past, nobody is to react to it), every table is
filled by COPY, triggers are switched on again. Foreign keys and checks stay on. That needs the owner of the tables, not
a superuser, as `session_replication_role` would.
"""

import datetime
import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import JSONB

from local.demo.generator import generate
from local.demo.people import ADA
from local.demo.rows import Dataset, Row
from schema.tables import base_tables
from schema.tables.events import outbox

_CONNECT_TIMEOUT_S = 10
_TIMEOUT_S = 60
# Two that load at once take turns; the second finds the data.
_ADVISORY_LOCK = 7_230_115_002
# What fires in every replication role (the audit's refusals); switching everything on again would not say so.
_ALWAYS = """
SELECT format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', tgrelid::regclass, tgname) AS statement
FROM pg_trigger
WHERE tgenabled = 'A' AND NOT tgisinternal
"""
_LANES = "SELECT events.lane_of(key) AS lane FROM unnest($1::text[]) WITH ORDINALITY AS k (key, n) ORDER BY n"
# As if a relay had been there: all of it is past, and nothing waits.
_PUBLISHED = """
INSERT INTO events.publication (sequence, published_at, message_id, attempts)
SELECT o.sequence, o.created_at + interval '20 ms', (1000000000000000 + o.sequence)::text, 1
FROM events.outbox AS o
"""


class DemoDataError(Exception):
    """The demo data could not be loaded; nothing was changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """What loading did."""

    #: Rows written; 0 when the data was there already.
    rows: int
    duration: datetime.timedelta


async def load(database_url: str, *, reference: datetime.date | None = None, force: bool = False) -> Loaded:
    """Load the demo data as of `reference` (today) into a migrated database; does nothing when it is there.

    `force` removes every row of every table first. Raises DemoDataError: for a database that can't be reached or isn't
    migrated, and for one with customers of its own.
    """
    data = generate(reference or datetime.datetime.now(datetime.UTC).date())
    begun = time.monotonic()
    try:
        connection = await asyncpg.connect(
            database_url,
            timeout=_CONNECT_TIMEOUT_S,
            command_timeout=_TIMEOUT_S,
            server_settings={"application_name": "caregraph seed"},
        )
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise DemoDataError(f"Cannot reach PostgreSQL: {error}. Is it running, and is DATABASE_URL right?") from error
    try:
        async with connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1)", _ADVISORY_LOCK)
            if not force and await _holds_demo_data(connection):
                rows = 0
            else:
                rows = await _replace(connection, data, truncate=force)
    except asyncpg.UndefinedTableError as error:
        raise DemoDataError(f"{error}: run `caregraph migrate` first.") from error
    finally:
        await connection.close(timeout=_CONNECT_TIMEOUT_S)
    return Loaded(rows=rows, duration=datetime.timedelta(seconds=time.monotonic() - begun))


async def _holds_demo_data(connection: asyncpg.Connection) -> bool:
    if await connection.fetchval("SELECT EXISTS (SELECT FROM public.customer WHERE id = $1)", ADA):
        return True
    if await connection.fetchval("SELECT EXISTS (SELECT FROM public.customer)"):
        raise DemoDataError(
            "This database has customers of its own. Use an empty one, or --force to remove every row of it first."
        )
    return False


async def _replace(connection: asyncpg.Connection, data: Dataset, *, truncate: bool) -> int:
    tables = list(base_tables())
    names = ", ".join(_quoted(table) for table in tables)
    # First, since the audit's own triggers refuse to let go of what it holds.
    always = [row["statement"] for row in await connection.fetch(_ALWAYS)]
    await connection.execute(_for_each(tables, "DISABLE TRIGGER USER"))
    if truncate:
        await connection.execute(f"TRUNCATE {names} RESTART IDENTITY")
    for table in tables:
        rows = data.table(table.fullname)
        if table is outbox:
            rows = await _with_lanes(connection, rows)
        if rows:
            await connection.copy_records_to_table(
                table.name, schema_name=table.schema, columns=list(rows[0]), records=_records(table, rows)
            )
    await connection.execute(_PUBLISHED)
    await connection.execute(_for_each(tables, "ENABLE TRIGGER USER"))
    await connection.execute("; ".join(always))
    # Without statistics the planner takes every table for a small one until autovacuum comes by.
    await connection.execute(f"ANALYZE {names}")
    return sum(len(rows) for rows in data.rows.values())


async def _with_lanes(connection: asyncpg.Connection, rows: tuple[Row, ...]) -> tuple[Row, ...]:
    lanes = await connection.fetch(_LANES, [row["ordering_key"] for row in rows])
    return tuple({**row, **lane} for row, lane in zip(rows, lanes, strict=True))


def _records(table: Table, rows: Iterable[Row]) -> Iterator[tuple[Any, ...]]:
    is_json = [isinstance(table.columns[name].type, JSONB) for name in next(iter(rows))]
    for row in rows:
        yield tuple(
            json.dumps(value) if as_json and value is not None else value
            for as_json, value in zip(is_json, row.values(), strict=True)
        )


def _for_each(tables: Iterable[Table], action: str) -> str:
    return ";\n".join(f"ALTER TABLE {_quoted(table)} {action}" for table in tables)


def _quoted(table: Table) -> str:
    return f'"{table.schema}"."{table.name}"'
