"""Loading the demo data into PostgreSQL."""

import datetime
import time

import asyncpg
import pytest
from typer import Typer
from typer.testing import CliRunner

from local.demo.cli import seed
from local.demo.generator import generate
from local.demo.loader import DemoDataError, load
from schema.tables import base_tables
from tests.databases import create_database, drop_database

#: Every trigger, and when it fires: in ordinary sessions ("O"), in every replication role ("A"), never ("D").
TRIGGERS = "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2"


async def test_every_row_arrives_and_triggers_fire_as_before(database_url: str) -> None:
    today = datetime.datetime.now(datetime.UTC).date()
    connection = await asyncpg.connect(database_url)
    try:
        triggers = await connection.fetch(TRIGGERS)
    finally:
        await connection.close()
    generate.cache_clear()
    begun = time.monotonic()
    data = generate(today)
    generated = time.monotonic()
    loaded = await load(database_url, reference=today)
    # It takes as long as making the rows does, on a busy machine too; a row at a time would take a hundred times that.
    assert time.monotonic() - generated < max(3, 10 * (generated - begun))
    connection = await asyncpg.connect(database_url)
    try:
        for table in base_tables():
            count = await connection.fetchval(f"SELECT count(*) FROM {table.fullname}")  # noqa: S608 -- our own name
            # The relay's part is said of all events at once.
            made = "events.outbox" if table.fullname == "events.publication" else table.fullname
            assert count == len(data.table(made)), table.fullname
        assert loaded.rows == sum(len(rows) for rows in data.rows.values())
        assert await connection.fetch(TRIGGERS) == triggers
        assert {row["tgenabled"] for row in triggers if row["tgname"].startswith("refuse")} == {b"A"}
    finally:
        await connection.close()


async def test_loading_makes_no_event_of_its_own(demo_database_url: str) -> None:
    connection = await asyncpg.connect(demo_database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM events.history WHERE published_at IS NULL") == 0
    finally:
        await connection.close()


@pytest.mark.parametrize("day", ["2026-08-31", "2028-02-29"])
async def test_rows_of_any_day_satisfy_keys_and_checks(database_url: str, day: str) -> None:
    assert (await load(database_url, reference=datetime.date.fromisoformat(day))).rows > 10_000


async def test_loading_again_does_nothing_and_force_starts_afresh(database_url: str) -> None:
    await load(database_url)
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("UPDATE public.customer SET city = 'Elsewhere' WHERE email = 'ada@example.com'")

        assert (await load(database_url)).rows == 0
        city = "SELECT city FROM public.customer WHERE email = 'ada@example.com'"
        assert await connection.fetchval(city) == "Elsewhere"

        assert (await load(database_url, force=True)).rows > 0
        assert await connection.fetchval(city) != "Elsewhere"
    finally:
        await connection.close()


async def test_database_with_customers_of_its_own_is_left_alone(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        await connection.execute("INSERT INTO public.customer (email) VALUES ('someone@example.org')")
        with pytest.raises(DemoDataError, match="customers of its own"):
            await load(database_url)
        assert await connection.fetchval("SELECT count(*) FROM public.customer") == 1
    finally:
        await connection.close()


async def test_database_without_tables_says_to_migrate(postgres_server: str) -> None:
    url = await create_database(postgres_server)
    try:
        with pytest.raises(DemoDataError, match="caregraph migrate"):
            await load(url)
    finally:
        await drop_database(postgres_server, url)


async def test_owner_of_the_tables_need_not_be_a_superuser(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    role = "demo_owner"
    try:
        await connection.execute(f"CREATE ROLE {role} LOGIN")
        for table in base_tables():
            await connection.execute(f"ALTER TABLE {table.fullname} OWNER TO {role}")
            await connection.execute(f"GRANT USAGE ON SCHEMA {table.schema} TO {role}")
        await connection.execute(f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {role}")
        user, host = database_url.removeprefix("postgresql://").split("@")
        assert user != role
        assert (await load(f"postgresql://{role}@{host}")).rows > 10_000
    finally:
        for table in base_tables():
            await connection.execute(f"ALTER TABLE {table.fullname} OWNER TO CURRENT_USER")
        await connection.execute(f"DROP OWNED BY {role}")
        await connection.execute(f"DROP ROLE {role}")
        await connection.close()


def test_command_refuses_production(postgres_server: str) -> None:
    app = Typer()
    app.command()(seed)
    result = CliRunner().invoke(app, [], env={"DATABASE_URL": postgres_server, "CAREGRAPH_ENVIRONMENT": "production"})
    assert result.exit_code == 1
    assert "production" in result.output
