"""Scheduled tasks at an agent's door, and the renewal of contracts (flow 3)."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import asyncpg
import httpx
import pytest
from starlette.applications import Starlette

from agents.contract.app import create_app
from agents.contract.settings import Settings
from agents.runtime.tasks import task_event_id
from local.layout import PROJECT
from tests.integration.agents.billed import api, billed, mirror
from tests.integration.agents.deliveries import World
from tests.integration.agents.serving import serving
from tests.integration.agents.test_contract_agent import chargebee_settings, in_chargebee, subscription
from tests.integration.triggers.relays import eventually

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ACCOUNT = f"tasks@{PROJECT}.iam.gserviceaccount.com"


@dataclass(frozen=True, kw_only=True)
class Renewal:
    """A renewal as it was planned and handed over."""

    id: uuid.UUID
    contract_id: uuid.UUID
    name: str

    def body(self, **changes: Any) -> dict[str, Any]:
        """What the scheduler sends."""
        return {
            "id": str(self.id),
            "generation": 0,
            "name": self.name,
            "kind": "contract.renewal",
            "due_at": "2026-07-30T00:00:00+00:00",
            "payload": {"contract_id": str(self.contract_id)},
        } | changes


@dataclass(frozen=True, kw_only=True)
class Door:
    """An agent's `POST /tasks`."""

    url: str
    client: httpx.AsyncClient
    token: str

    async def send(self, body: object, *, token: str | None = None) -> httpx.Response:
        headers = {
            "authorization": f"Bearer {token or self.token}",
            "x-cloudtasks-taskname": "t",
            "x-cloudtasks-taskretrycount": "0",
        }
        return await self.client.post(f"{self.url}/tasks", content=json.dumps(body), headers=headers)


@asynccontextmanager
async def listening(world: World) -> AsyncIterator[Door]:
    def build(url: str) -> Starlette:
        runtime = world.surroundings.runtime_settings("contract", url, tasks_service_account=ACCOUNT)
        return create_app(Settings(runtime=runtime, chargebee=chargebee_settings(world)))

    async with serving(build) as url:
        token = await world.surroundings.push_token(url, account=ACCOUNT)
        yield Door(url=url, client=world.client, token=token)


async def renewal(world: World, *, upfront: bool = False, **contract: Any) -> Renewal:
    """An active contract of 2026's first half with its renewal."""
    treatment = await world.treatment(
        has_upfront_payment_option=upfront,
        monthly_item_price_id="test-monthly",
        **({"upfront_item_price_id": "test-upfront", "upfront_price": 49900} if upfront else {}),
    )
    fields = {"status": "active", "start_date": date(2026, 1, 31), "end_date": date(2026, 7, 31), **contract}
    contract_id = await world.contract(treatment_id=treatment, **fields)
    name = f"contract-renewal-{contract_id}"
    row = await world.row(
        "INSERT INTO events.scheduled_task (name, kind, target, due_at, payload, status)"
        " VALUES ($1, 'contract.renewal', 'contract', $2, $3, 'handed_over') RETURNING id",
        name,
        datetime(2026, 7, 30, tzinfo=UTC),
        json.dumps({"contract_id": str(contract_id)}),
    )
    return Renewal(id=row["id"], contract_id=contract_id, name=name)


async def status_of(world: World, task: Renewal) -> tuple[str, str | None]:
    row = await world.row("SELECT status, last_error FROM events.scheduled_task WHERE id = $1", task.id)
    return row["status"], row["last_error"]


async def told(world: World, contract_id: uuid.UUID) -> list[str]:
    rows = await world.rows(
        "SELECT type FROM events.outbox WHERE subject = $1 AND type IN ('contract.renewed', 'contract.completed')",
        str(contract_id),
    )
    return [row["type"] for row in rows]


async def successors(world: World, contract_id: uuid.UUID) -> list[dict[str, Any]]:
    return await world.rows("SELECT * FROM contract WHERE renewed_from_id = $1", contract_id)


async def test_a_contract_without_upfront_payment_goes_on_in_another_one(world: World) -> None:
    subscription_id = await subscription(world)
    task = await renewal(world, subscription_id=subscription_id)
    async with listening(world) as door:
        response = await door.send(task.body())
    assert response.status_code == 204, response.text
    old = await world.row("SELECT status, completed_at FROM contract WHERE id = $1", task.contract_id)
    assert (old["status"], old["completed_at"] is None) == ("renewed", False)
    (new,) = await successors(world, task.contract_id)
    assert (new["status"], new["start_date"], new["end_date"]) == ("active", date(2026, 7, 31), date(2027, 1, 31))
    assert new["subscription_id"] == subscription_id
    assert await told(world, task.contract_id) == ["contract.renewed"]
    assert await status_of(world, task) == ("done", None)


async def test_what_a_task_brings_about_belongs_to_the_trace_that_planned_it(world: World) -> None:
    task = await renewal(world)
    async with listening(world) as door:
        assert (await door.send(task.body(traceparent=TRACEPARENT))).status_code == 204
    rows = await world.rows(
        "SELECT type, traceparent FROM events.outbox WHERE subject = $1 AND type <> 'contract.inserted'",
        str(task.contract_id),
    )
    told = {row["type"] for row in rows if row["traceparent"] and TRACEPARENT.split("-")[1] in row["traceparent"]}
    assert "contract.renewed" in told


async def test_a_contract_that_was_paid_upfront_is_completed_and_its_subscription_becomes_monthly(
    world: World,
) -> None:
    subscription_id = await subscription(world)
    task = await renewal(world, upfront=True, subscription_id=subscription_id)
    async with listening(world) as door:
        response = await door.send(task.body())
    assert response.status_code == 204, response.text
    assert (await world.row("SELECT status FROM contract WHERE id = $1", task.contract_id))["status"] == "completed"
    assert await successors(world, task.contract_id) == []
    assert await told(world, task.contract_id) == ["contract.completed"]
    assert not (await in_chargebee(world, subscription_id)).get("cf_contract_id")
    rows = await world.rows("SELECT effects FROM events.delivery WHERE event_id = $1", task_event_id(task.id, 0))
    (effects,) = [json.loads(row["effects"]) for row in rows]
    assert [effect["action"] for effect in effects] == ["update_subscription_contract", "change_plan"]


async def test_a_contract_that_is_not_to_go_on_is_completed(world: World) -> None:
    task = await renewal(world, auto_renew=False)
    async with listening(world) as door:
        await door.send(task.body())
    assert await told(world, task.contract_id) == ["contract.completed"]
    assert await successors(world, task.contract_id) == []


@pytest.mark.parametrize("status", ["cancelled", "non_renewing"])
@pytest.mark.parametrize("upfront", [False, True])
async def test_a_contract_whose_subscription_ends_is_completed_and_nothing_is_planned_for_it(
    world: World, status: str, upfront: bool
) -> None:
    someone = await billed(world)
    await api(
        world,
        "POST",
        f"/subscriptions/{someone.subscription_id}/cancel_for_items",
        cancel_option="immediately" if status == "cancelled" else "end_of_term",
    )
    await mirror(world, "subscription", await someone.subscription())
    task = await renewal(world, upfront=upfront, subscription_id=someone.subscription_id)
    async with listening(world) as door:
        response = await door.send(task.body())
    assert response.status_code == 204, response.text
    assert (await someone.subscription())["status"] == status
    assert not (await someone.subscription())["has_scheduled_changes"]
    assert await told(world, task.contract_id) == ["contract.completed"]
    assert await successors(world, task.contract_id) == []


async def test_a_renewal_that_fires_months_late_leaves_no_gap(world: World) -> None:
    task = await renewal(world, start_date=date(2024, 8, 29), end_date=date(2025, 2, 28))
    async with listening(world) as door:
        assert (await door.send(task.body())).status_code == 204
    (new,) = await successors(world, task.contract_id)
    assert (new["start_date"], new["end_date"]) == (date(2025, 2, 28), date(2025, 8, 28))
    assert await told(world, task.contract_id) == ["contract.renewed"]


async def test_a_task_that_comes_twice_or_at_once_is_done_once(world: World) -> None:
    task = await renewal(world)
    async with listening(world) as one, listening(world) as other:
        responses = await asyncio.gather(*(door.send(task.body()) for door in (one, other, one)))
        again = await one.send(task.body())
    assert {response.status_code for response in responses} <= {204, 503}
    assert again.status_code == 204
    assert len(await successors(world, task.contract_id)) == 1
    assert await told(world, task.contract_id) == ["contract.renewed"]
    assert await status_of(world, task) == ("done", None)


async def test_what_was_cancelled_or_planned_anew_is_acknowledged_and_not_done(world: World) -> None:
    cancelled, moved = await renewal(world), await renewal(world)
    await world.database.execute("UPDATE events.scheduled_task SET status = 'cancelled' WHERE id = $1", cancelled.id)
    await world.database.execute(
        "UPDATE events.scheduled_task SET due_at = due_at + interval '1 day' WHERE id = $1", moved.id
    )
    async with listening(world) as door:
        for task in (cancelled, moved):
            assert (await door.send(task.body())).status_code == 204
            assert await told(world, task.contract_id) == []
        assert (await door.send(moved.body(generation=1))).status_code == 204
    assert await status_of(world, cancelled) == ("cancelled", None)
    assert await told(world, moved.contract_id) == ["contract.renewed"]


@pytest.mark.parametrize("upfront", [False, True], ids=["renewed", "completed"])
async def test_a_contract_that_is_cancelled_between_read_and_write_back_is_not_renewed(
    world: World, upfront: bool
) -> None:
    task = await renewal(world, upfront=upfront)
    other = await asyncpg.connect(world.surroundings.database_url)
    async with listening(world) as door:
        async with other.transaction():
            # Cancelled, and not yet committed: the agent still reads an active contract.
            await other.execute("UPDATE contract SET status = 'cancelled' WHERE id = $1", task.contract_id)
            sent = asyncio.create_task(door.send(task.body()))
            await waits_for_the_contract(world)
        refused = await sent
        again = await door.send(task.body())
    await other.close()
    assert refused.status_code == 503
    assert "contract-changed" in refused.json()["error"]
    assert again.status_code == 204
    assert (await world.row("SELECT status FROM contract WHERE id = $1", task.contract_id))["status"] == "cancelled"
    assert await successors(world, task.contract_id) == []
    assert await told(world, task.contract_id) == []
    assert await status_of(world, task) == ("done", None)


async def waits_for_the_contract(world: World) -> None:
    """Return once a session waits for somebody else's row."""

    async def waits() -> bool:
        return bool(
            await world.database.fetchval(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
                " AND query LIKE '%public.contract AS k%'"
            )
        )

    await eventually(waits)


async def test_a_contract_that_is_over_leaves_nothing_to_do(world: World) -> None:
    task = await renewal(world, status="cancelled")
    async with listening(world) as door:
        assert (await door.send(task.body())).status_code == 204
    assert await told(world, task.contract_id) == []
    assert await status_of(world, task) == ("done", None)


async def test_a_payload_that_does_not_fit_fails_the_task_with_a_dead_letter(world: World) -> None:
    task = await renewal(world)
    async with listening(world) as door:
        assert (await door.send(task.body(payload={}))).status_code == 204
    status, error = await status_of(world, task)
    assert status == "failed"
    assert error is not None
    assert error.startswith("contract.renewal: contract_id")
    (letter,) = await world.dead_letters(task_event_id(task.id, 0), "contract")
    assert json.loads(letter["event"])["attributes"]["task"] == str(task.id)


async def test_while_chargebee_is_down_the_task_comes_again(world: World) -> None:
    task = await renewal(world, upfront=True, subscription_id=await subscription(world))
    async with listening(world) as door:
        await world.misbehave("chargebee", status=503, times=2, path="update_for_items")
        refused = await door.send(task.body())
        assert await status_of(world, task) == ("handed_over", None)
        await world.behave("chargebee")
        done = await door.send(task.body())
    assert (refused.status_code, done.status_code) == (503, 204)
    assert await told(world, task.contract_id) == ["contract.completed"]


async def test_strangers_and_nonsense_are_refused(world: World) -> None:
    task = await renewal(world)
    async with listening(world) as door:
        as_pubsub = await world.surroundings.push_token(door.url)
        assert (await door.send(task.body(), token=as_pubsub)).status_code == 401
        assert (await door.send(task.body(), token="nonsense")).status_code == 401
        assert (await door.send({"id": 1})).status_code == 400
        unknown = await door.send(task.body(kind="contract.dance"))
        assert (unknown.status_code, "contract.dance" in unknown.json()["error"]) == (404, True)
    assert await status_of(world, task) == ("handed_over", None)
