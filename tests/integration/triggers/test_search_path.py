"""Row triggers run with their owner's rights and on their caller's search path: no name of the caller's may be found.

What a caller could put in front of PostgreSQL's own names is made for every function, operator and type that the
triggers use, found by what they say, and does nothing but fail.
"""

import re

import asyncpg
import pytest

from tests.integration.triggers.records import Records
from triggers.ddl import render_create

_NAMES = re.compile(r"\b([a-z_]+)\(")
_TYPES = ("text", "jsonb", "uuid", "timestamptz", "int4", "int8", "bool", "date", "float8", "regclass", "name")
#: Of each of PostgreSQL's functions of these names, and of its comparisons and concatenations.
_TRAPS = """
SELECT format(
    'CREATE FUNCTION trap.%I(%s) RETURNS %s LANGUAGE plpgsql AS $$BEGIN RAISE ''trapped''; END$$',
    p.proname,
    pg_get_function_identity_arguments(p.oid),
    pg_get_function_result(p.oid)
)
FROM pg_proc AS p
WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND p.proname = ANY ($1)
    -- PL/pgSQL takes neither.
    AND NOT p.proargtypes::oid[] && ARRAY['internal', '"any"']::regtype[]::oid[]
UNION ALL
SELECT format(
    'CREATE FUNCTION trap.%1$s(%2$s, %3$s) RETURNS %4$s LANGUAGE plpgsql AS $$BEGIN RAISE ''trapped''; END$$;'
    ' CREATE OPERATOR trap.%5$s (LEFTARG = %2$s, RIGHTARG = %3$s, FUNCTION = trap.%1$s)',
    'operator_' || o.oid, o.oprleft::regtype, o.oprright::regtype, o.oprresult::regtype, o.oprname
)
FROM pg_operator AS o
WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprname IN ('=', '<>', '>', '<', '>=', '<=', '||', '&')
    AND o.oprleft = ANY ($2::regtype[]) AND o.oprright = ANY ($2::regtype[])
UNION ALL
-- What has the type's name and can't hold what is cast to it.
SELECT format('CREATE DOMAIN trap.%I AS pg_catalog.%I CHECK (VALUE IS NULL)', t, t) FROM unnest($3::text[]) AS t
"""


async def test_nothing_that_a_caller_puts_in_its_search_path_is_called(records: Records) -> None:
    connection = records.connection
    await trap(connection)
    await connection.execute(
        # With its end, or a function that runs with the caller's own rights would look for it, in the caller's way.
        "INSERT INTO public.contract (customer_id, treatment_id, end_date) VALUES ($1, $2, 'infinity')",
        records.customer_id,
        records.treatment_id,
    )
    await connection.execute("UPDATE public.contract SET subscription_id = 'sub_1'")
    thread_id = await connection.fetchval(
        "INSERT INTO public.message_thread (customer_id, subject) VALUES ($1, 'x') RETURNING id", records.customer_id
    )
    await connection.execute(
        "INSERT INTO public.message (thread_id, sender_role, body) VALUES ($1, 'system', 'x')",
        thread_id,
    )
    await connection.execute("UPDATE public.customer SET first_name = 'Augusta'")
    await connection.execute("RESET search_path")
    changed = [event["type"] for event in await records.outbox()]
    assert changed[-4:] == ["contract.inserted", "contract.updated", "message.sent", "customer.updated"]


@pytest.mark.parametrize("expression", ["to_jsonb(1::pg_catalog.text)", "1 = 1", "'2026-01-01'::date"])
async def test_such_a_trap_would_be_noticed(records: Records, expression: str) -> None:
    await trap(records.connection)
    with pytest.raises(asyncpg.PostgresError, match=r"trapped|violates check constraint"):
        await records.connection.execute(f"SELECT {expression}")


async def trap(connection: asyncpg.Connection) -> None:
    """Put the traps in front of everything else."""
    await connection.execute("CREATE SCHEMA trap")
    names = sorted(set(_NAMES.findall(render_create())))
    for row in await connection.fetch(_TRAPS, names, list(_TYPES), list(_TYPES)):
        await connection.execute(row[0])
    await connection.execute("SET search_path = trap, pg_temp, public, pg_catalog")
