"""The contract agent's job `activation`, as the scheduler calls it, against the real endpoint.

The day is turned back to 2020: contracts of other tests begin later, so that counts are of these tests' own.
"""

import asyncio
import json
import uuid
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import asyncpg
import pytest
from starlette.applications import Starlette

from agents.contract.activation import PAGE
from agents.contract.app import create_app
from agents.contract.settings import Settings
from local.layout import PROJECT
from tests.integration.agents import test_contract_agent as contract_agent
from tests.integration.agents.deliveries import World
from tests.integration.agents.serving import serving

ACCOUNT = f"scheduler@{PROJECT}.iam.gserviceaccount.com"
NOW = datetime(2020, 3, 1, 0, 5, tzinfo=UTC)
TODAY = NOW.date()


async def test_a_contract_begins_on_its_first_day_and_is_told_of(world: World) -> None:
    contract_id = await due(world, start_date=TODAY)

    assert await run_job(world) == {"found": 1, "activated": 1}

    assert await state(world, contract_id) == ("active", NOW)
    updated = await world.event("contract.updated", contract_id)
    async with contract_agent.TestContractAgent().listening(world) as target:
        assert (await target.deliver(updated)).status_code == 204
    (activated,) = await contract_agent.published_by(world, updated, "contract.activated")
    assert json.loads(activated["data"])["status"] == "active"


async def test_a_contract_whose_day_was_missed_begins_all_the_same(world: World) -> None:
    contract_id = await due(world, start_date=TODAY - timedelta(days=3))
    await run_job(world)
    assert await state(world, contract_id) == ("active", NOW)


async def test_a_contract_that_begins_tomorrow_waits_until_then(world: World) -> None:
    contract_id = await due(world, start_date=TODAY + timedelta(days=1))

    assert await run_job(world) == {"found": 0, "activated": 0}
    assert await state(world, contract_id) == ("future", None)

    # The day is UTC's, wherever the clock is read.
    evening = datetime(2020, 3, 1, 19, 5, tzinfo=timezone(-timedelta(hours=8)))
    assert await run_job(world, now=evening) == {"found": 1, "activated": 1}
    assert await state(world, contract_id) == ("active", evening)


async def test_a_contract_that_nothing_pays_for_waits_until_it_has_a_subscription(world: World) -> None:
    contract_id = await world.contract(start_date=TODAY)
    assert await run_job(world) == {"found": 0, "activated": 0}
    assert await state(world, contract_id) == ("future", None)

    await world.database.execute("UPDATE contract SET subscription_id = 'late' WHERE id = $1", contract_id)
    assert await run_job(world) == {"found": 1, "activated": 1}


@pytest.mark.parametrize("status", ["cancelled", "completed", "renewed", "active"])
async def test_a_contract_that_does_not_wait_to_begin_is_left_alone(world: World, status: str) -> None:
    contract_id = await due(world, start_date=TODAY, status=status)
    assert await run_job(world) == {"found": 0, "activated": 0}
    assert await state(world, contract_id) == (status, None)


async def test_a_contract_that_is_cancelled_while_the_job_runs_stays_cancelled(world: World) -> None:
    cancelled, other = [await due(world, start_date=TODAY) for _ in range(2)]
    customer = await asyncpg.connect(world.surroundings.database_url)
    transaction = customer.transaction()
    await transaction.start()
    await customer.execute("UPDATE contract SET status = 'cancelled' WHERE id = $1", cancelled)

    # The job has read it as future by now, and waits for the row.
    running = asyncio.create_task(run_job(world))
    async with asyncio.timeout(10):
        while not await world.database.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))", customer.get_server_pid()
        ):
            assert not running.done()
            await asyncio.sleep(0.01)
    await transaction.commit()
    await customer.close()

    assert await running == {"found": 2, "activated": 1}
    assert await state(world, cancelled) == ("cancelled", None)
    assert await state(world, other) == ("active", NOW)


async def test_run_twice_a_contract_begins_once(world: World) -> None:
    contract_id = await due(world, start_date=TODAY)

    assert await run_job(world) == {"found": 1, "activated": 1}
    assert await run_job(world, now=NOW + timedelta(hours=1)) == {"found": 0, "activated": 0}

    assert await state(world, contract_id) == ("active", NOW)
    assert len(await updates(world, contract_id)) == 1


async def test_run_twice_at_once_a_contract_begins_once(world: World) -> None:
    contract_id = await due(world, start_date=TODAY)
    results = await asyncio.gather(run_job(world), run_job(world))
    assert sum(result["activated"] for result in results) == 1
    assert len(await updates(world, contract_id)) == 1


async def test_the_job_and_two_processes_that_hear_of_a_contract_at_once_begin_it_once(world: World) -> None:
    suite = contract_agent.TestContractAgent()
    suite.now = NOW
    contract_id = await due(world, start_date=TODAY)
    subscription_id = await contract_agent.subscription(world)
    await world.database.execute("UPDATE contract SET subscription_id = $2 WHERE id = $1", contract_id, subscription_id)
    inserted = await world.event("contract.inserted", contract_id)
    linked = await world.event("contract.updated", contract_id)

    async with suite.listening(world) as one, suite.listening(world) as other:
        await asyncio.gather(
            *(target.deliver(event) for target in (one, other) for event in (inserted, linked)), run_job(world)
        )
        for event in (inserted, linked):
            await suite.deliver_until_done(one, event)

    assert await state(world, contract_id) == ("active", NOW)
    began = await world.rows(
        """
        SELECT FROM events.outbox WHERE type = 'contract.updated' AND subject = $1
            AND data -> 'data' -> 'new' ->> 'status' = 'active' AND data -> 'data' -> 'old' ->> 'status' = 'future'
        """,
        str(contract_id),
    )
    assert len(began) == 1


@pytest.mark.parametrize("count", [PAGE, PAGE + 1])
async def test_more_contracts_than_a_page_begin_in_one_run(world: World, count: int) -> None:
    customer_id = await world.customer()
    await world.database.execute(
        """
        INSERT INTO contract (customer_id, treatment_id, start_date, subscription_id)
        SELECT $1, $2, $3, 'paid-for' FROM generate_series(1, $4::int)
        """,
        customer_id,
        await world.treatment(),
        TODAY,
        count,
    )

    assert await run_job(world) == {"found": count, "activated": count}

    statuses = await world.rows(
        "SELECT status, count(*) AS count FROM contract WHERE customer_id = $1 GROUP BY status", customer_id
    )
    assert statuses == [{"status": "active", "count": count}]


async def test_nothing_begins_for_a_customer_who_is_deleted(world: World) -> None:
    customer_id = await world.customer()
    contract_id = await due(world, customer_id=customer_id, start_date=TODAY)
    await world.database.execute("UPDATE customer SET deleted_at = now() WHERE id = $1", customer_id)

    assert await run_job(world) == {"found": 0, "activated": 0}

    assert await state(world, contract_id) == ("future", None)


async def due(world: World, **columns: Any) -> uuid.UUID:
    """A contract that a subscription pays for."""
    return await world.contract(subscription_id=f"sub-{uuid.uuid4().hex}", **columns)


async def run_job(world: World, *, now: datetime = NOW) -> dict[str, int]:
    """The job at that time; its counts."""

    def build(url: str) -> Starlette:
        runtime = world.surroundings.runtime_settings("contract", url, jobs_service_account=ACCOUNT)
        return create_app(
            Settings(runtime=runtime, chargebee=contract_agent.chargebee_settings(world)), clock=lambda: now
        )

    async with serving(build) as url:
        token = await world.surroundings.push_token(url, account=ACCOUNT)
        answer = await world.client.post(
            f"{url}/jobs/activation",
            headers={"authorization": f"Bearer {token}", "x-cloudscheduler-scheduletime": now.isoformat()},
        )
    assert answer.status_code == 200, answer.text
    counts: dict[str, int] = answer.json()
    return counts


async def state(world: World, contract_id: uuid.UUID) -> tuple[str, datetime | None]:
    """A contract's status, and since when it is active."""
    row = await world.row("SELECT status, activated_at FROM contract WHERE id = $1", contract_id)
    return row["status"], row["activated_at"]


async def updates(world: World, contract_id: uuid.UUID) -> list[dict[str, Any]]:
    """The changes of a contract that were told."""
    return await world.rows(
        "SELECT id FROM events.outbox WHERE type = 'contract.updated' AND subject = $1", str(contract_id)
    )
