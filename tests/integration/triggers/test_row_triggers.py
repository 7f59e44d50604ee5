"""A change is an event if and only if it is committed, and shows what was declared and nothing more."""

import json
import uuid
from typing import Any

import asyncpg
import pytest

from tests.integration.triggers.records import Records
from triggers.declared import DECLARED

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SESSION = {"x-hasura-role": "user", "x-hasura-user-id": "01890000-0000-7000-8000-000000000001"}


def data(row: Any) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(row["json"])
    return parsed


async def test_a_committed_insert_is_an_event(records: Records) -> None:
    contract_id = await records.insert_contract()
    (event,) = await records.outbox()
    assert (event["type"], event["topic"]) == ("contract.inserted", "contract-events")
    assert event["subject"] == event["ordering_key"] == str(contract_id)
    assert event["published_at"] is None
    body = data(event)
    assert body["op"] == "INSERT"
    assert body["table"] == {"schema": "public", "name": "contract"}
    assert body["data"]["old"] is None
    assert body["data"]["new"]["status"] == "future"
    assert body["session_variables"] is None


async def test_a_change_that_is_rolled_back_is_no_event(records: Records) -> None:
    transaction = records.connection.transaction()
    await transaction.start()
    await records.insert_contract()
    assert len(await records.outbox()) == 1
    await transaction.rollback()
    assert await records.outbox() == []


async def test_a_change_that_a_savepoint_undoes_is_no_event(records: Records) -> None:
    async with records.connection.transaction():
        kept = await records.insert_contract()
        inner = records.connection.transaction()
        await inner.start()
        await records.insert_contract()
        await inner.rollback()
    assert [event["subject"] for event in await records.outbox()] == [str(kept)]


async def test_an_update_tells_old_new_and_what_changed(records: Records) -> None:
    contract_id = await records.insert_contract()
    await records.connection.execute(
        "UPDATE public.contract SET status = 'active', subscription_id = 'sub_1' WHERE id = $1", contract_id
    )
    body = data((await records.outbox())[1])
    assert body["op"] == "UPDATE"
    assert (body["data"]["old"]["status"], body["data"]["new"]["status"]) == ("future", "active")
    assert body["changed"] == ["subscription_id", "status"]


async def test_an_update_that_changes_nothing_watched_is_no_event(records: Records) -> None:
    contract_id = await records.insert_contract()
    await records.connection.execute("UPDATE public.contract SET status = status WHERE id = $1", contract_id)
    await records.connection.execute("UPDATE public.contract SET cancel_reason = 'moved' WHERE id = $1", contract_id)
    assert len(await records.outbox()) == 1


async def test_a_change_of_many_rows_is_an_event_each(records: Records) -> None:
    for _ in range(3):
        await records.insert_contract()
    await records.connection.execute("UPDATE public.contract SET auto_renew = false")
    assert [event["type"] for event in await records.outbox()] == ["contract.inserted"] * 3 + ["contract.updated"] * 3


async def test_session_and_trace_of_the_mutation_are_in_the_event(records: Records) -> None:
    async with records.connection.transaction():
        await records.connection.execute(
            "SELECT set_config('app.session', $1, true), set_config('app.traceparent', $2, true)",
            json.dumps(SESSION),
            TRACEPARENT,
        )
        contract_id = await records.insert_contract()
    await records.touch(contract_id, 1)
    within, after = await records.outbox()
    assert json.loads(within["session"]) == data(within)["session_variables"] == SESSION
    assert within["traceparent"] == TRACEPARENT
    # The settings are the transaction's: PostgreSQL leaves an empty text behind, which means none.
    assert after["session"] is None
    assert data(after)["session_variables"] is None
    assert after["traceparent"] is None


async def test_nothing_private_about_a_customer_travels(records: Records) -> None:
    await records.connection.execute(
        "UPDATE public.customer SET email = 'grace@example.com', phone = '+12025550199', city = 'Arlington'"
    )
    (event,) = await records.outbox()
    assert data(event)["changed"] == ["email", "phone", "city"]
    for private in ("example.com", "Ada", "Lovelace", "1985-12", "+1202", "Arlington"):
        assert private not in event["json"]


async def test_a_message_is_an_event_of_its_customer_with_ids_alone(records: Records) -> None:
    connection = records.connection
    thread_id = await connection.fetchval(
        "INSERT INTO public.message_thread (customer_id, subject) VALUES ($1, 'Sleep') RETURNING id",
        records.customer_id,
    )
    message_id = await connection.fetchval(
        "INSERT INTO public.message (thread_id, sender_role, sender_customer_id, body)"
        " VALUES ($1, 'customer', $2, 'I still wake up at four.') RETURNING id",
        thread_id,
        records.customer_id,
    )
    (event,) = await records.outbox()
    assert (event["type"], event["topic"]) == ("message.sent", "customer-events")
    assert event["ordering_key"] == str(records.customer_id)
    assert data(event) == {
        "message_id": str(message_id),
        "thread_id": str(thread_id),
        "customer_id": str(records.customer_id),
        "sender_customer_id": str(records.customer_id),
        "sender_staff_id": None,
    }


async def test_a_prescription_shows_ids_and_status_alone(records: Records) -> None:
    connection = records.connection
    await insert_prescription(connection, records.customer_id)
    (event,) = await records.outbox()
    assert event["type"] == "prescription.inserted"
    (declared,) = (trigger for trigger in DECLARED if trigger.table == "healthcare.prescription")
    assert set(data(event)["data"]["new"]) == set(declared.payload)
    assert "nightly" not in event["json"]


async def test_a_synced_invoice_that_did_not_change_is_no_event(records: Records) -> None:
    connection = records.connection
    await connection.execute(
        "INSERT INTO chargebee.invoice (id, customer_id, status, date, sub_total, total, currency_code, updated_at,"
        " resource_version) VALUES ('inv_1', 'cb_1', 'payment_due', now(), 9900, 9900, 'USD', now(), 1)"
    )
    await connection.execute("UPDATE chargebee.invoice SET resource_version = 2, synced_at = now()")
    await connection.execute("UPDATE chargebee.invoice SET resource_version = 3, status = 'paid', amount_paid = 9900")
    inserted, updated = await records.outbox()
    assert (inserted["type"], inserted["ordering_key"]) == ("invoice.inserted", "inv_1")
    assert data(updated)["changed"] == ["status", "amount_paid"]


@pytest.mark.parametrize("copies", [1, 300])
async def test_copying_rows_in_makes_their_events(records: Records, copies: int) -> None:
    await records.connection.copy_records_to_table(
        "contract",
        schema_name="public",
        columns=["id", "customer_id", "treatment_id"],
        records=[(uuid.uuid4(), records.customer_id, records.treatment_id) for _ in range(copies)],
    )
    assert len(await records.outbox()) == copies


async def test_merge_and_on_conflict_make_the_event_of_what_they_did(records: Records) -> None:
    there, new = await records.insert_contract(), uuid.uuid4()
    await records.connection.execute(
        """
        MERGE INTO public.contract AS c USING unnest($1::uuid[]) AS given (id) ON c.id = given.id
        WHEN MATCHED THEN UPDATE SET auto_renew = NOT c.auto_renew
        WHEN NOT MATCHED THEN INSERT (id, customer_id, treatment_id) VALUES (given.id, $2, $3)
        """,
        [there, new],
        records.customer_id,
        records.treatment_id,
    )
    there_already = "INSERT INTO public.contract (id, customer_id, treatment_id) VALUES ($1, $2, $3) ON CONFLICT (id)"
    for answer in ("DO UPDATE SET auto_renew = NOT contract.auto_renew", "DO NOTHING"):
        await records.connection.execute(f"{there_already} {answer}", there, records.customer_id, records.treatment_id)
    assert [(event["type"], event["subject"]) for event in (await records.outbox())[1:]] == [
        ("contract.updated", str(there)),
        ("contract.inserted", str(new)),
        ("contract.updated", str(there)),
    ]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE public.contract SET id = uuid_v7()",
        "DELETE FROM public.contract; DELETE FROM public.customer",
        "TRUNCATE public.contract CASCADE",
        "SET LOCAL session_replication_role = replica; UPDATE public.contract SET auto_renew = NOT auto_renew",
    ],
)
async def test_what_the_documentation_names_makes_no_event(records: Records, statement: str) -> None:
    await records.insert_contract()
    await records.connection.execute("DELETE FROM events.outbox")
    async with records.connection.transaction():
        await records.connection.execute(statement)
    assert await records.outbox() == []


async def insert_prescription(connection: asyncpg.Connection, customer_id: uuid.UUID) -> uuid.UUID:
    patient_id = await connection.fetchval(
        "INSERT INTO healthcare.patient (customer_id) VALUES ($1) RETURNING id", customer_id
    )
    staff_id = await connection.fetchval(
        "INSERT INTO public.staff (email, first_name, last_name, role)"
        " VALUES ('p@example.com', 'P', 'R', 'provider') RETURNING id"
    )
    medication_id = await connection.fetchval(
        "INSERT INTO healthcare.medication (code_system, code, code_display, form, strength)"
        " VALUES ('http://www.nlm.nih.gov/research/umls/rxnorm', '6711', 'Melatonin', 'tablet', '3 mg') RETURNING id"
    )
    prescription_id: uuid.UUID = await connection.fetchval(
        "INSERT INTO healthcare.prescription (patient_id, requester_id, medication_id, dosage_instruction, quantity,"
        " quantity_unit, days_supply) VALUES ($1, $2, $3, 'One nightly', 30, '{tbl}', 30) RETURNING id",
        patient_id,
        staff_id,
        medication_id,
    )
    return prescription_id
