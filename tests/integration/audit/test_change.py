"""Changes of clinical and financial rows: all of them are recorded, and what is recorded stays."""

import datetime
import uuid
from collections.abc import AsyncIterator
from typing import Any, TypeAlias

import asyncpg
import orjson
import pytest

from permissions.session import Session
from resolvers.pool import Pool
from schema.tables import base_tables
from server.source import platform_source
from tests.integration.live.world import make_world

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

#: Neither clinical nor financial: people's profiles and messages, and what the platform keeps for itself.
NOT_RECORDED = {
    "chargebee.sync_cursor",
    "public.customer",
    "public.data_deletion_request",
    "public.data_deletion_step",
    "public.message",
    "public.message_thread",
    "public.notification",
    "public.referral",
    "public.staff",
    "public.support_ticket",
    "public.support_ticket_comment",
}


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def changes(database: Connection, table: str) -> list[Any]:
    rows = await database.fetch(
        "SELECT * FROM audit.change WHERE table_schema || '.' || table_name = $1 ORDER BY created_at, op", table
    )
    return [
        {**row, "old": orjson.loads(row["old"] or "null"), "new": orjson.loads(row["new"] or "null")} for row in rows
    ]


async def test_every_clinical_and_financial_table_is_recorded(database: Connection) -> None:
    recorded = await database.fetch(
        "SELECT tgrelid::regclass::text AS name, count(*) AS triggers FROM pg_trigger"
        " WHERE tgfoid = 'audit.record_change'::regproc GROUP BY 1"
    )
    names = {row["name"] if "." in row["name"] else f"public.{row['name']}" for row in recorded}
    ours = {table.fullname for table in base_tables() if table.schema not in ("events", "audit")}
    assert names == ours - NOT_RECORDED
    assert {row["triggers"] for row in recorded} == {4}


async def test_change_through_graphql_says_who_when_what_and_from_what_to_what(
    database: Connection, database_url: str
) -> None:
    world = await make_world(database)
    patient = str(world.patients[0])
    pool = Pool(database_url, size=1)
    engine = platform_source().engine(pool)
    session = Session(role="admin", variables={"x-hasura-user-id": "the operator"})
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    mutation = (
        f'mutation {{ update_healthcare_patient_by_pk(pk_columns: {{id: "{patient}"}}, _set: {{language: "de"}})'
        " { id } }"
    )
    before = datetime.datetime.now(datetime.UTC)
    answer = await engine.execute(session, mutation, trace=lambda: trace)
    await pool.close()
    assert b'"errors"' not in answer
    change = (await changes(database, "healthcare.patient"))[-1]
    assert (change["op"], change["row_id"]) == ("UPDATE", patient)
    assert (change["old"]["language"], change["new"]["language"]) == ("en", "de")
    assert change["old"].keys() == change["new"].keys() == {"language", "updated_at"}
    assert (change["role"], change["user_id"], change["traceparent"]) == ("admin", "the operator", trace)
    assert change["created_at"] >= before


async def test_changes_by_sql_name_the_database_user(database: Connection) -> None:
    world = await make_world(database)
    me = await database.fetchval("SELECT session_user")
    await database.execute("UPDATE public.treatment SET monthly_price = 2 WHERE id = $1", world.treatments[0])
    await database.execute("DELETE FROM public.treatment WHERE id = $1", world.treatments[1])
    *_, updated, deleted = await changes(database, "public.treatment")
    assert (updated["old"]["monthly_price"], updated["new"]["monthly_price"]) == (1, 2)
    assert (deleted["op"], deleted["old"]["name"], deleted["new"]) == ("DELETE", "second", None)
    for change in (updated, deleted):
        assert (change["role"], change["user_id"], change["database_user"]) == (None, None, me)


async def test_every_row_of_a_statement_is_recorded_under_its_key(database: Connection) -> None:
    insert = (
        "INSERT INTO chargebee.customer (id, email, created_at, updated_at, resource_version)"
        " SELECT 'c' || n, n || '@x.example', now(), now(), 1 FROM generate_series(1, 500) AS n"
    )
    await database.execute(insert)
    # The same statement writes some rows anew and changes others.
    await database.execute(
        insert.replace("(1, 500)", "(400, 600)")
        + " ON CONFLICT (id) DO UPDATE SET auto_collection = 'off', resource_version = 2"
    )
    await database.execute("UPDATE chargebee.customer SET id = 'renamed' WHERE id = 'c1'")
    found = await changes(database, "chargebee.customer")
    inserted = {change["row_id"] for change in found if change["op"] == "INSERT"}
    updated = {change["row_id"] for change in found if change["op"] == "UPDATE"}
    assert inserted == {f"c{number}" for number in range(1, 601)} | {"renamed"}
    assert updated == {f"c{number}" for number in range(400, 501)}
    assert [change["row_id"] for change in found if change["op"] == "DELETE"] == ["c1"]
    # How to reach a person is no financial fact, and would outlive the deletion of their data.
    assert not any("email" in (change["new"] or {}) for change in found)


async def test_entries_of_a_statement_have_ids_of_their_own_that_sort_by_time(database: Connection) -> None:
    insert = (
        "INSERT INTO chargebee.customer (id, created_at, updated_at, resource_version)"
        " SELECT $1 || n, now(), now(), 1 FROM generate_series(1, 300) AS n"
    )
    for name in ("first", "second"):
        await database.execute(insert, name)
    await database.execute("UPDATE chargebee.customer SET auto_collection = 'off', resource_version = 2")
    await database.execute("DELETE FROM chargebee.customer")
    found = await database.fetch("SELECT id, op, row_id FROM audit.change ORDER BY id")
    assert [(entry["op"], entry["row_id"].rstrip("0123456789")) for entry in found[:600]] == [
        ("INSERT", name) for name in ("first", "second") for _ in range(300)
    ]
    assert [entry["op"] for entry in found[600:]] == ["UPDATE"] * 600 + ["DELETE"] * 600
    # As RFC 9562, sections 4.1 and 4.2, has it.
    assert {(entry["id"].version, entry["id"].variant) for entry in found} == {(7, uuid.RFC_4122)}


async def test_update_that_changes_nothing_is_no_change(database: Connection) -> None:
    await database.execute(
        "INSERT INTO chargebee.customer (id, created_at, updated_at, resource_version) VALUES ('c', now(), now(), 1)"
    )
    await database.execute("UPDATE chargebee.customer SET resource_version = 1")
    assert [change["op"] for change in await changes(database, "chargebee.customer")] == ["INSERT"]


async def test_emptying_a_table_is_recorded(database: Connection) -> None:
    await database.execute("TRUNCATE chargebee.credit_note")
    (change,) = await changes(database, "chargebee.credit_note")
    assert (change["op"], change["row_id"]) == ("TRUNCATE", "*")


async def test_what_is_undone_leaves_no_record(database: Connection) -> None:
    transaction = database.transaction()
    await transaction.start()
    await make_world(database)
    await transaction.rollback()
    assert await database.fetchval("SELECT count(*) FROM audit.change") == 0


@pytest.mark.parametrize("table", ["audit.change", "audit.access"])
@pytest.mark.parametrize(
    "statement", ["UPDATE {} SET role = 'nobody'", "DELETE FROM {}", "TRUNCATE {}", "DELETE FROM {} WHERE false"]
)
@pytest.mark.parametrize("replication_role", ["origin", "replica"])
async def test_nobody_changes_what_is_recorded_not_even_the_owner(
    database: Connection, table: str, statement: str, replication_role: str
) -> None:
    await make_world(database)
    await database.execute("INSERT INTO audit.access (role, tables, row_count) VALUES ('admin', '{}', 0)")
    assert await database.fetchval("SELECT usesuper FROM pg_user WHERE usename = current_user")
    # In which ordinary triggers don't fire.
    await database.execute(f"SET session_replication_role = {replication_role}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await database.execute(statement.format(table))


@pytest.mark.parametrize("replication_role", ["origin", "replica"])
async def test_a_change_leaves_with_its_proof_alone_whatever_a_setting_says(
    database: Connection, replication_role: str
) -> None:
    await make_world(database)
    await database.execute(f"SET session_replication_role = {replication_role}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="six years"):
        await database.execute("SET audit.forgetting = 'on'; DELETE FROM audit.change")


async def test_other_database_roles_have_no_rights_on_the_audit_and_are_recorded_all_the_same(
    database: Connection,
) -> None:
    await make_world(database)
    transaction = database.transaction()
    await transaction.start()
    try:
        await database.execute("CREATE ROLE test_writer")
        await database.execute("GRANT USAGE ON SCHEMA public, audit TO test_writer")
        await database.execute("GRANT SELECT, UPDATE ON public.treatment TO test_writer")
        before = await database.fetchval("SELECT count(*) FROM audit.change")
        await database.execute("SET LOCAL ROLE test_writer")
        await database.execute("UPDATE public.treatment SET monthly_price = 7")
        for statement in ("SELECT FROM audit.change", "DELETE FROM audit.change", "SELECT audit.forget_accesses()"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
                async with database.transaction():
                    await database.execute(statement)
        await database.execute("RESET ROLE")
        assert await database.fetchval("SELECT count(*) FROM audit.change") == before + 2
    finally:
        await transaction.rollback()


async def test_old_accesses_leave_by_the_clean_up_and_young_ones_stay(database: Connection) -> None:
    for years in (1, 6.5, 8):
        await database.execute(
            "INSERT INTO audit.access (role, tables, row_count, created_at)"
            " VALUES ('admin', '{}', 0, now() - $1 * interval '1 year')",
            years,
        )
    assert await database.fetchval("SELECT audit.forget_accesses()") == 1
    # Whatever it is asked for, six years stay; so they do for who turns the trigger's setting himself.
    assert await database.fetchval("SELECT audit.forget_accesses(interval '1 day')") == 1
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="six years"):
        await database.execute("SET audit.forgetting = 'on'; DELETE FROM audit.access")
    assert await database.fetchval("SELECT count(*) FROM audit.access") == 1
