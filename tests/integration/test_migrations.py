"""The migrated database: what the metadata declares, no more and no less; and the way back."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from migrations.connection import migration_connection
from migrations.errors import MigrationError
from migrations.runner import current_revision, downgrade, upgrade
from schema.tables import base_tables, metadata, views
from tests.catalog import OUR_SCHEMAS, Declared, read_catalog
from tests.databases import create_database, drop_database
from tests.integration.triggers.records import write_events
from triggers.statements import load_statement

_LANES = "SELECT lane, sequence FROM events.outbox ORDER BY sequence"
_HISTORY = ("id", "sequence", "type", "published_at", "message_id", "attempts", "last_error", "dead_lettered_at")


@pytest.fixture
async def empty_database_url(postgres_server: str) -> AsyncIterator[str]:
    url = await create_database(postgres_server)
    yield url
    await drop_database(postgres_server, url)


async def test_autogenerate_finds_nothing_to_do_on_a_migrated_database(database_url: str) -> None:
    def compare(connection: Connection) -> list[object]:
        context = MigrationContext.configure(
            connection,
            opts={
                "include_schemas": True,
                "include_name": lambda name, kind, _parents: kind != "schema" or name in OUR_SCHEMAS,
                "include_object": lambda thing, *_others: not getattr(thing, "info", {}).get("is_view"),
                "compare_type": True,
                "compare_server_default": True,
                "version_table_schema": "public",
            },
        )
        return list(compare_metadata(context, metadata))

    async with migration_connection(database_url) as connection:
        assert await connection.run_sync(compare) == []


async def test_migrated_database_has_exactly_the_columns_constraints_indexes_and_comments_of_the_metadata(
    database_url: str, empty_database_url: str
) -> None:
    migrated = (await read_catalog(database_url)).declared
    async with migration_connection(empty_database_url) as connection:
        await connection.exec_driver_sql(
            "CREATE FUNCTION public.uuid_v7() RETURNS uuid LANGUAGE sql AS 'SELECT gen_random_uuid()'"
        )
        for schema in OUR_SCHEMAS:
            await connection.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        await connection.exec_driver_sql(
            "CREATE FUNCTION events.refuse_by_hand() RETURNS smallint LANGUAGE sql AS 'SELECT 0::smallint'"
        )
        await connection.run_sync(lambda sync: metadata.create_all(sync, tables=list(base_tables())))
        await connection.commit()
    declared = (await read_catalog(empty_database_url)).declared

    view_names = {view.fullname for view in views()}
    for part in Declared._fields:
        found = {line for line in getattr(migrated, part) if line[0] not in view_names | {"public.alembic_version"}}
        assert found == getattr(declared, part), part


async def test_views_have_the_columns_types_and_comments_of_the_metadata(database_url: str) -> None:
    migrated = (await read_catalog(database_url)).declared
    for view in views():
        columns = {(column[1], column[2]) for column in migrated.columns if column[0] == view.fullname}
        assert columns == {(column.name, POSTGRES_TYPE[str(column.type.compile())]) for column in view.columns}, (
            view.fullname
        )
        comments = {(line[1], line[2]) for line in migrated.comments if line[0] == view.fullname}
        declared = {(column.name, column.comment) for column in view.columns if column.comment}
        assert comments == declared | {("", view.comment)}, view.fullname


async def test_going_back_to_nothing_leaves_nothing_and_up_again_works(database_url: str) -> None:
    before = await read_catalog(database_url)

    await downgrade(database_url, "base")
    assert await current_revision(database_url) is None
    left = await read_catalog(database_url)
    assert {line[0] for line in left.declared.columns} == {"public.alembic_version"}
    assert not left.functions
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            "SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'"
        )
    finally:
        await connection.close()
    assert [row["nspname"] for row in rows] == ["public"]

    await upgrade(database_url)
    assert await read_catalog(database_url) == before


async def test_migrating_a_migrated_database_does_nothing(database_url: str) -> None:
    applied: list[str] = []
    await upgrade(database_url, progress=applied.append)
    assert applied == []


async def test_unknown_revision_is_named_in_the_error(database_url: str) -> None:
    with pytest.raises(MigrationError, match="'9999'"):
        await upgrade(database_url, "9999")


async def test_unreachable_database_gets_a_sentence_without_the_password() -> None:
    with pytest.raises(MigrationError, match="Cannot reach PostgreSQL") as failure:
        await upgrade("postgresql://someone:hidden@127.0.0.1:9/none")
    assert "hidden" not in str(failure.value)


async def test_table_in_use_makes_a_revision_give_way_and_undo_itself(database_url: str) -> None:
    await downgrade(database_url, "0001")
    reader = await asyncpg.connect(database_url)
    try:
        async with reader.transaction():
            await reader.execute("SELECT 1 FROM audit.access")
            with pytest.raises(MigrationError, match="in use"):
                await downgrade(database_url, "base", lock_timeout=timedelta(milliseconds=50))
    finally:
        await reader.close()

    # It had dropped the view before it failed.
    assert await current_revision(database_url) == "0001"
    assert "chargebee.contract" in {column[0] for column in (await read_catalog(database_url)).declared.columns}


async def test_two_that_migrate_at_once_take_turns(empty_database_url: str) -> None:
    applied: list[str] = []
    # Alembic keeps its context in module globals: two at once means two processes.
    first = await start_migration(empty_database_url)
    second = await start_migration(empty_database_url)
    for process in (first, second):
        output, _ = await asyncio.wait_for(process.communicate(), timeout=60)
        assert process.returncode == 0, output.decode()
        applied += [line for line in output.decode().splitlines() if line.startswith("  0001 ")]
    assert len(applied) == 1


async def start_migration(url: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import typer, migrations.cli; typer.run(migrations.cli.migrate)",
        env={**os.environ, "DATABASE_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


POSTGRES_TYPE = {
    "BIGINT": "bigint",
    "INTEGER": "integer",
    "JSONB": "jsonb",
    "TEXT": "text",
    "UUID": "uuid",
    "CHAR(32)": "uuid",
    "DATE": "date",
    "BOOLEAN": "boolean",
    "DATETIME": "timestamp with time zone",
    "TIMESTAMP": "timestamp with time zone",
}


async def test_what_became_of_events_survives_the_way_back_and_there_again(database_url: str) -> None:
    history = f"SELECT {', '.join(_HISTORY)} FROM events.history ORDER BY sequence"  # noqa: S608 -- our own names
    connection = await asyncpg.connect(database_url)
    try:
        traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        await write_events(connection, "contract.updated", "a", "b", "c", "d", traceparent=traceparent)
        published, given_up, failed, fresh = [(row["lane"], row["sequence"]) for row in await connection.fetch(_LANES)]
        await connection.execute(load_statement("relay/mark_published"), *([each] for each in published), ["17"])
        await connection.execute(load_statement("relay/dead_letter"), *given_up, "too large")
        await connection.execute(load_statement("relay/mark_failed"), *([each] for each in failed), ["UNAVAILABLE"])
        before = await connection.fetch(history)
        assert [(row["published_at"] is None, row["dead_lettered_at"] is None) for row in before] == [
            (False, True),
            (True, False),
            (True, True),
            (True, True),
        ]
        assert [row["last_error"] for row in before] == [None, "too large", "UNAVAILABLE", None]
    finally:
        await connection.close()
    await downgrade(database_url, "0034")
    connection = await asyncpg.connect(database_url)
    assert await connection.fetch(history) == before
    assert await connection.fetchval("SELECT count(*) FROM events.outbox WHERE published_at IS NULL") == 3
    await connection.close()
    await upgrade(database_url)
    connection = await asyncpg.connect(database_url)
    try:
        assert await connection.fetch(history) == before
        waiting = await connection.fetch("SELECT lane, sequence, attempts FROM events.waiting ORDER BY sequence")
        assert [tuple(row) for row in waiting] == [(*failed, 1), (*fresh, 0)]
        traces = await connection.fetchval("SELECT array_agg(DISTINCT trace_id) FROM events.outbox")
        assert traces == ["0af7651916cd43dd8448eb211c80319c"]
    finally:
        await connection.close()
