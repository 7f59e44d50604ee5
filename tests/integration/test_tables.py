"""What the database itself does with rows: keys, defaults, triggers, checks, the contract view."""

import datetime
import time
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from schema.tables import base_tables


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_keys_are_uuids_of_version_7_that_sort_by_the_time_they_were_made(connection: asyncpg.Connection) -> None:
    before_ms = int(time.time() * 1000)
    made = [await connection.fetchval("SELECT public.uuid_v7()") for _ in range(50)]
    after_ms = int(time.time() * 1000)

    assert made == sorted(made)
    assert {(key.version, key.variant) for key in made} == {(7, uuid.RFC_4122)}
    assert before_ms <= int(made[0].hex[:12], 16) <= int(made[-1].hex[:12], 16) <= after_ms


async def test_keys_made_by_one_statement_differ(connection: asyncpg.Connection) -> None:
    rows = await connection.fetch("SELECT public.uuid_v7() AS key FROM generate_series(1, 10000)")
    assert len({row["key"] for row in rows}) == 10_000


async def test_update_moves_updated_at_whatever_the_client_sends(connection: asyncpg.Connection) -> None:
    customer = await insert_customer(connection)
    old = await connection.fetchval("SELECT updated_at FROM public.customer WHERE id = $1", customer)
    new = await connection.fetchval(
        "UPDATE public.customer SET city = 'Reno', updated_at = '2001-01-01' WHERE id = $1 RETURNING updated_at",
        customer,
    )
    assert new > old


async def test_every_table_of_ours_keeps_updated_at_and_no_mirrored_one_does(connection: asyncpg.Connection) -> None:
    rows = await connection.fetch(
        "SELECT tgrelid::regclass::text AS name FROM pg_trigger WHERE tgname = 'touch_updated_at'"
    )
    touched = {name if "." in name else f"public.{name}" for name in (row["name"] for row in rows)}
    assert touched == {
        table.fullname
        for table in base_tables()
        if "updated_at" in table.columns and "resource_version" not in table.columns
    }


@pytest.mark.parametrize(
    ("start", "term_months", "end"),
    [
        ("2026-01-15", 6, "2026-07-15"),
        ("2026-08-31", 6, "2027-02-28"),
        ("2027-08-31", 6, "2028-02-29"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2026-01-15", 1, "2026-02-15"),
    ],
)
async def test_contract_ends_after_the_term_of_its_treatment(
    connection: asyncpg.Connection, start: str, term_months: int, end: str
) -> None:
    contract = await insert_contract(connection, start=start, term_months=term_months)
    assert contract["end_date"] == datetime.date.fromisoformat(end)
    assert (contract["status"], contract["auto_renew"]) == ("future", True)


async def test_given_end_date_of_a_contract_is_kept(connection: asyncpg.Connection) -> None:
    contract = await insert_contract(connection, start="2026-01-15", end="2026-03-01")
    assert contract["end_date"] == datetime.date(2026, 3, 1)


async def test_contract_of_an_unknown_treatment_violates_the_foreign_key(connection: asyncpg.Connection) -> None:
    customer = await insert_customer(connection)
    with pytest.raises(asyncpg.ForeignKeyViolationError) as failure:
        await connection.execute(
            "INSERT INTO public.contract (customer_id, treatment_id) VALUES ($1, $2)", customer, uuid.uuid4()
        )
    assert failure.value.constraint_name == "contract_treatment_id_fkey"


async def test_contract_is_renewed_at_most_once(connection: asyncpg.Connection) -> None:
    contract = await insert_contract(connection)
    again = (
        "INSERT INTO public.contract (customer_id, treatment_id, renewed_from_id)"
        " SELECT customer_id, treatment_id, id FROM public.contract WHERE id = $1"
    )
    await connection.execute(again, contract["id"])
    with pytest.raises(asyncpg.UniqueViolationError) as failure:
        await connection.execute(again, contract["id"])
    assert failure.value.constraint_name == "contract_renewed_from_id_key"


async def test_unknown_status_is_refused(connection: asyncpg.Connection) -> None:
    contract = await insert_contract(connection)
    with pytest.raises(asyncpg.CheckViolationError) as failure:
        await connection.execute("UPDATE public.contract SET status = 'Active' WHERE id = $1", contract["id"])
    assert failure.value.constraint_name == "contract_status_check"


async def test_contract_view_shows_the_contract_under_its_id_as_text_and_cannot_be_written(
    connection: asyncpg.Connection,
) -> None:
    contract = await insert_contract(connection)
    seen = await connection.fetchrow("SELECT * FROM chargebee.contract WHERE id = $1", str(contract["id"]))
    assert seen is not None
    assert (seen["status"], seen["customer_id"]) == ("future", contract["customer_id"])
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
        await connection.execute("UPDATE chargebee.contract SET status = 'active'")


async def test_contract_view_is_looked_up_by_an_index(connection: asyncpg.Connection) -> None:
    await connection.execute("SET enable_seqscan = off")
    plan = await connection.fetch("EXPLAIN SELECT * FROM chargebee.contract WHERE id = 'x'")
    assert any("contract_id_text_idx" in row[0] for row in plan)


async def test_only_one_deletion_request_of_a_customer_is_open(connection: asyncpg.Connection) -> None:
    customer = await insert_customer(connection)
    request = "INSERT INTO public.data_deletion_request (customer_id, status) VALUES ($1, $2)"
    await connection.execute(request, customer, "cancelled")
    await connection.execute(request, customer, "pending")
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute(request, customer, "processing")


async def test_message_names_a_sender_of_its_role(connection: asyncpg.Connection) -> None:
    customer = await insert_customer(connection)
    thread = await connection.fetchval(
        "INSERT INTO public.message_thread (customer_id, subject) VALUES ($1, 'Hello') RETURNING id", customer
    )
    message = "INSERT INTO public.message (thread_id, sender_role, sender_customer_id, body) VALUES ($1, $2, $3, 'Hi')"
    await connection.execute(message, thread, "customer", customer)
    await connection.execute(message, thread, "system", None)
    for role, sender in (("customer", None), ("cct", customer), ("system", customer)):
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.execute(message, thread, role, sender)


async def insert_customer(connection: asyncpg.Connection) -> uuid.UUID:
    key: uuid.UUID = await connection.fetchval(
        "INSERT INTO public.customer (email) VALUES ($1) RETURNING id", f"{uuid.uuid4()}@example.com"
    )
    return key


async def insert_contract(
    connection: asyncpg.Connection, *, start: str = "2026-01-15", end: str | None = None, term_months: int = 6
) -> asyncpg.Record:
    treatment = await connection.fetchval(
        "INSERT INTO public.treatment (name, monthly_item_price_id, monthly_price, term_months)"
        " VALUES ($1, 'plan-USD-Monthly', 9900, $2) RETURNING id",
        str(uuid.uuid4()),
        term_months,
    )
    contract = await connection.fetchrow(
        "INSERT INTO public.contract (customer_id, treatment_id, start_date, end_date)"
        " VALUES ($1, $2, $3, $4) RETURNING *",
        await insert_customer(connection),
        treatment,
        datetime.date.fromisoformat(start),
        end and datetime.date.fromisoformat(end),
    )
    assert contract is not None
    return contract
