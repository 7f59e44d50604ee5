"""The migrated database has the functions and triggers that the declarations stand for."""

import re

import asyncpg
import pytest

from tests.integration.triggers.records import Records
from triggers.ddl import render_create, render_drop
from triggers.lanes import LANES

#: Of the schema, which others use too, what is made here.
DEFINITIONS = """
    WITH ours AS (
        SELECT p.*
        FROM pg_proc AS p
        WHERE p.pronamespace = 'events'::regnamespace
            AND (
                p.proname IN ('publish', 'replay', 'discard_events', 'refuse_by_hand', 'lane_of')
                OR p.proname IN ('announce_events', 'somebody_waits', 'note_waiting')
                OR p.proname IN ('session_variables', 'traceparent', 'trace_id')
                OR p.proname LIKE 'record\\_%'
            )
    )
    SELECT p.oid::regprocedure::text AS name, pg_get_functiondef(p.oid) AS definition, p.proacl::text AS rights
    FROM ours AS p
    UNION ALL
    SELECT t.tgname || ' on ' || t.tgrelid::regclass, pg_get_triggerdef(t.oid), t.tgenabled::text
    FROM pg_trigger AS t
    JOIN ours AS p ON p.oid = t.tgfoid
    WHERE NOT t.tgisinternal
    UNION ALL
    SELECT c.oid::regclass::text, c.reloptions::text, NULL
    FROM pg_class AS c
    WHERE c.oid = ANY ('{events.outbox,events.waiting,events.relay}'::regclass[]) AND c.reloptions IS NOT NULL
    UNION ALL
    SELECT
        c.oid::regclass::text,
        string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum),
        NULL
    FROM pg_class AS c
    JOIN pg_attribute AS a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'events'::regnamespace AND c.relkind = 'c'
    GROUP BY c.oid
    UNION ALL
    SELECT d.adrelid::regclass || ' default', pg_get_expr(d.adbin, d.adrelid), NULL
    FROM pg_attrdef AS d
    JOIN ours AS p ON pg_get_expr(d.adbin, d.adrelid) = p.oid::regproc || '()'
    UNION ALL
    SELECT s.seqrelid::regclass::text, format('%s to %s, starts at %s', s.seqmin, s.seqmax, s.seqstart), c.relacl::text
    FROM pg_sequence AS s
    JOIN pg_class AS c ON c.oid = s.seqrelid
    WHERE s.seqrelid = to_regclass('events.awaited_until')
    ORDER BY 1
"""


async def definitions(connection: asyncpg.Connection) -> dict[str, tuple[str, str]]:
    rows = await connection.fetch(DEFINITIONS)
    return {row["name"]: (row["definition"], row["rights"]) for row in rows}


async def test_the_migrated_database_is_what_the_declarations_render(connection: asyncpg.Connection) -> None:
    migrated = await definitions(connection)
    await connection.execute(render_drop())
    assert await definitions(connection) == {}, "render_drop leaves something behind"
    await connection.execute(render_create())
    assert await definitions(connection) == migrated, (
        "Declared triggers and migrations differ. `python -m triggers.ddl` prints the statements for a new migration."
    )


async def test_a_column_that_is_added_stays_out_of_events(records: Records) -> None:
    await records.connection.execute("ALTER TABLE public.contract ADD COLUMN diagnosis text DEFAULT 'insomnia'")
    await records.insert_contract()
    (event,) = await records.outbox()
    assert "insomnia" not in event["json"]


@pytest.mark.parametrize("function", ["events.publish", "events.replay"])
async def test_other_database_users_need_a_grant_to_write_events(connection: asyncpg.Connection, function: str) -> None:
    granted = await connection.fetchval("SELECT proacl::text FROM pg_proc WHERE oid = $1::regproc", function)
    assert granted is not None
    assert not re.search(r"[{,]=", granted), "PUBLIC may execute it"


async def test_a_user_without_rights_on_the_outbox_may_change_tables_that_make_events(
    records: Records, connection: asyncpg.Connection
) -> None:
    role = f"writer_{records.customer_id.hex}"
    await connection.execute(f"CREATE ROLE {role}")
    try:
        await connection.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
        await connection.execute(f"GRANT INSERT, SELECT ON public.contract TO {role}")
        await connection.execute(f"GRANT SELECT ON public.treatment, public.customer TO {role}")
        async with connection.transaction():
            await connection.execute(f"SET LOCAL ROLE {role}")
            contract_id = await records.insert_contract()
        assert [event["subject"] for event in await records.outbox()] == [str(contract_id)]
        await connection.execute(f"SET ROLE {role}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SELECT * FROM events.publish('contract.created', 'x', '{}')")
    finally:
        await connection.execute("RESET ROLE")
        await connection.execute(f"DROP OWNED BY {role}")
        await connection.execute(f"DROP ROLE {role}")


async def test_whoever_writes_an_event_puts_it_into_its_keys_lane(records: Records) -> None:
    """A key in two lanes would have two relays, and no order."""
    contract_id = await records.insert_contract()
    await records.touch(contract_id, 1)
    await records.connection.execute(
        "SELECT events.publish('contract.created', $1, jsonb_build_object('contract_id', $1::text))", str(contract_id)
    )
    await records.connection.execute("SELECT events.replay(array_agg(id)) FROM events.outbox")
    rows = await records.connection.fetch(
        "SELECT DISTINCT lane, (hashtextextended(ordering_key, 0) & 63)::int AS hashed FROM events.outbox",
    )
    assert len(await records.outbox()) == 6
    assert [row["lane"] for row in rows] == [row["hashed"] for row in rows]
    assert len(rows) == 1


async def test_keys_are_spread_over_all_lanes_that_relays_share(connection: asyncpg.Connection) -> None:
    found = await connection.fetch("SELECT DISTINCT events.lane_of(n::text) AS lane FROM generate_series(1, 2000) AS n")
    assert {row["lane"] for row in found} == set(range(LANES))
