"""What law had us keep of a deleted customer goes when its time is over, and a proof of that stays."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.integration.agents import firebase
from tests.integration.agents.deliveries import World
from tests.integration.agents.forgotten import Known, make_known, tables_that_name
from tests.integration.agents.test_data_deletion_agent import forget
from triggers.scheduler.cron import CronJob, find_job
from triggers.scheduler.jobs import JobFailed, RunOutcome, run_job

#: That there was a customer, that and how they were deleted, and when the rest went.
BARE = {"public.customer", "public.data_deletion_request", "audit.change"}


@pytest.fixture(autouse=True)
def _firebase(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    firebase.use(world, monkeypatch)


async def test_after_ten_years_the_records_go_with_all_that_the_audit_has_of_them_and_a_proof_stays(
    world: World,
) -> None:
    known = await make_known(world)
    recovery = {"invoice_id": known.invoice_id, "event_id": uuid.uuid4(), "amount": 1, "currency_code": "USD"}
    await world.insert(
        "public.payment_recovery",
        {**recovery, "customer_id": known.customer_id, "retries": 4, "failed_at": datetime.now(UTC)},
    )
    await world.database.execute("UPDATE customer SET lifetime_value = 9900 WHERE id = $1", known.customer_id)
    await forget(world, known)
    other = await world.contract()
    await turn_the_clock(world, known, years=10)
    kept = await tables_that_name(world, known.ids)
    assert {"healthcare.patient", "public.contract", "chargebee.invoice", "public.message"} <= kept

    assert (await clean_up(world))["persons"] == 1

    # Reads of ten years ago have left the record before: an access is kept for seven.
    assert await tables_that_name(world, known.ids) <= BARE | {"audit.access"}
    assert await audited_of(world, known) == [("customer", "DELETE")]
    assert await records_left(world, known) == []
    request = await world.row("SELECT proof FROM data_deletion_request WHERE id = $1", known.request_id)
    (removed,) = json.loads(request["proof"])["removed"]
    counts = removed["records"]
    assert counts["healthcare.patient"] == counts["public.contract"] == counts["chargebee.customer"] == 1
    assert counts["healthcare.clinical_note"] == counts["public.message"] == 1
    (entry,) = await audited(world, known.customer_id)
    assert (entry["table_name"], entry["op"], json.loads(entry["old"])["records"]) == ("customer", "DELETE", counts)
    # Nobody else is touched, and a second time there is nothing to do.
    assert (await world.row("SELECT count(*) FROM contract WHERE id = $1", other))["count"] == 1
    assert (await clean_up(world))["persons"] == 0


async def test_until_then_everything_stays_whatever_is_asked_for(world: World) -> None:
    known = await make_known(world)
    await forget(world, known)
    await turn_the_clock(world, known, years=9.9)
    before = await records_left(world, known)

    await clean_up(world)
    await world.database.execute("SELECT audit.remove_kept_records(interval '1 day')")

    assert before
    assert await records_left(world, known) == before


async def test_who_is_still_a_customer_or_being_deleted_is_left_alone(world: World) -> None:
    known = await make_known(world)
    await turn_the_clock(world, known, years=20, deleted=False)
    before = await records_left(world, known)
    await clean_up(world)
    await world.database.execute(
        "UPDATE customer SET deleted_at = now() - interval '20 years' WHERE id = $1", known.customer_id
    )
    await clean_up(world)
    assert await records_left(world, known) == before


async def test_records_that_were_changed_lately_wait(world: World) -> None:
    known = await make_known(world)
    await forget(world, known)
    await turn_the_clock(world, known, years=11)
    await world.database.execute(
        "UPDATE chargebee.invoice SET total = total + 1, resource_version = resource_version + 1 WHERE id = $1",
        known.invoice_id,
    )
    before = await records_left(world, known)

    assert (await clean_up(world))["persons"] == 0
    assert await records_left(world, known) == before

    await turn_the_clock(world, known, years=6.1)
    assert (await clean_up(world))["persons"] == 1
    assert await records_left(world, known) == []


async def test_a_friend_s_reward_keeps_its_reason_and_what_billing_sends_again_goes_again(world: World) -> None:
    known = await make_known(world)
    friend = await world.customer()
    referral = await world.insert("public.referral", {"referrer_id": known.customer_id, "referred_id": friend})
    for customer in (known.customer_id, friend):
        await world.insert("public.referral_reward", {"referral_id": referral, "customer_id": customer, "amount": 100})
    await forget(world, known)
    await turn_the_clock(world, known, years=10)
    assert (await clean_up(world))["persons"] == 1
    rewards = await world.rows("SELECT customer_id FROM referral_reward WHERE referral_id = $1", referral)
    assert [row["customer_id"] for row in rewards] == [friend]

    await world.database.execute(
        "INSERT INTO chargebee.customer (id, resource_version, created_at, updated_at) VALUES ($1, 1, now(), now())",
        known.chargebee_id,
    )
    await turn_the_clock(world, known, years=6.1)
    assert (await clean_up(world))["persons"] == 1
    request = await world.row("SELECT proof FROM data_deletion_request WHERE id = $1", known.request_id)
    assert [sorted(one["records"]) for one in json.loads(request["proof"])["removed"]][1] == ["chargebee.customer"]


async def test_every_table_that_refers_to_a_kept_one_is_emptied_before_it(world: World) -> None:
    """Whoever adds a table that refers to a patient or a contract finds out here, not ten years later."""
    referring = await world.rows(
        """
        SELECT DISTINCT c.conrelid::regclass::text AS table FROM pg_constraint AS c
        WHERE c.contype = 'f' AND c.confrelid::regclass::text = ANY ($1) AND c.confdeltype = 'a'
        """,
        ["healthcare.patient", "healthcare.prescription", "healthcare.encounter", "contract", "message_thread",
         "referral_reward", "healthcare.care_team", "payment_recovery"],
    )  # fmt: skip
    definition = (await world.row("SELECT pg_get_functiondef('audit.kept_records(uuid)'::regprocedure) AS text"))[
        "text"
    ]
    missing = [row["table"] for row in referring if f"'{row['table'].split('.')[-1]}'" not in definition]
    assert referring
    assert missing == []


async def test_nobody_takes_a_change_off_the_record_by_the_setting_alone(world: World) -> None:
    contract_id = await world.contract()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.database.execute("DELETE FROM audit.change")
    for statement in (
        "DELETE FROM audit.change WHERE row_id = $1",
        "WITH gone AS (DELETE FROM contract WHERE id::text = $1) DELETE FROM audit.change WHERE row_id = $1",
    ):
        transaction = world.database.transaction()
        await transaction.start()
        await world.database.execute("SET LOCAL audit.forgetting = 'on'")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.database.execute(statement, str(contract_id))
        await transaction.rollback()
    assert len(await audited(world, contract_id)) == 1


async def clean_up(world: World) -> dict[str, Any]:
    """The weekly job, for a time of its own; its numbers."""
    job = find_job("data-cleanup")
    assert job is not None
    due_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=uuid.uuid4().int % 10**9)

    async def nobody(_: CronJob, __: datetime) -> str | None:
        raise JobFailed("nobody is there")

    url = world.surroundings.database_url
    assert await run_job(job, due_at=due_at, database_url=url, ask_agent=nobody) is RunOutcome.DONE
    row = await world.row("SELECT result FROM events.cron_run WHERE job = $1 AND due_at = $2", job.name, due_at)
    result: dict[str, Any] = json.loads(row["result"])
    return result


async def turn_the_clock(world: World, known: Known, *, years: float, deleted: bool = True) -> None:
    """As if so many years had passed since all that is known of the person was written."""
    ago = timedelta(days=years * 365.25)
    rows = [row["row_id"] for row in await records_left(world, known)]
    rows += [
        row["row_id"]
        for row in await world.rows(
            "SELECT row_id FROM audit.change WHERE coalesce(new, old) ->> 'customer_id' = $1", str(known.customer_id)
        )
    ]
    async with world.database.transaction():
        # The triggers that keep the record from being changed, and those that would record this.
        await world.database.execute("ALTER TABLE audit.change DISABLE TRIGGER refuse")
        await world.database.execute("SET LOCAL session_replication_role = 'replica'")
        await world.database.execute(
            "UPDATE audit.change SET created_at = created_at - $2::interval WHERE row_id = ANY ($1)", rows, ago
        )
        if deleted:
            await world.database.execute(
                "UPDATE customer SET deleted_at = deleted_at - $2::interval WHERE id = $1", known.customer_id, ago
            )
        await world.database.execute("ALTER TABLE audit.change ENABLE ALWAYS TRIGGER refuse")


async def records_left(world: World, known: Known) -> list[dict[str, Any]]:
    return await world.rows(
        "SELECT * FROM audit.kept_records($1) ORDER BY place, table_schema, row_id", known.customer_id
    )


async def audited_of(world: World, known: Known) -> list[tuple[str, str]]:
    """What the audit has that names the person by any id, wherever it stands."""
    rows = await world.rows(
        "SELECT table_name, op FROM audit.change AS a WHERE to_jsonb(a)::text ILIKE ANY ($1::text[])",
        [f"%{id_}%" for id_ in (*known.ids, known.patient_id, known.subscription_id)],
    )
    return [(row["table_name"], row["op"]) for row in rows]


async def audited(world: World, row_id: object) -> list[dict[str, Any]]:
    return await world.rows("SELECT table_name, op, old FROM audit.change WHERE row_id = $1", str(row_id))
