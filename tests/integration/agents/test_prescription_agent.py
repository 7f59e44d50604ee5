"""The prescription agent against the pharmacy's stand-in and the real endpoint."""

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import structlog
from starlette.applications import Starlette

from agents.prescription.app import create_app
from agents.prescription.settings import FollowingSettings, Settings
from agents.runtime.settings import RuntimeSettings
from local.layout import PROJECT
from tests.integration.agents.behaviour import AgentBehaviour
from tests.integration.agents.deliveries import Event, World
from tests.integration.agents.dispensing import (
    ADDRESS,
    Signed,
    at_pharmacy,
    fill,
    fills,
    orders,
    pharmacy_settings,
    prescribe,
    signed_event,
    told,
    zendesk_settings,
)
from tests.integration.agents.serving import serving

ACCOUNT = f"tasks@{PROJECT}.iam.gserviceaccount.com"
JOBS_ACCOUNT = f"scheduler@{PROJECT}.iam.gserviceaccount.com"


def build(world: World, runtime: RuntimeSettings) -> Starlette:
    return create_app(
        Settings(
            runtime=runtime,
            pharmacy=pharmacy_settings(world),
            zendesk=zendesk_settings(world),
            # Nothing is too fresh to be looked at.
            following=FollowingSettings(stuck_after=timedelta(0)),
        )
    )


class TestPrescriptionAgent(AgentBehaviour):
    agent = "prescription"
    outside = "pharmacy"
    call_path = "/v1/orders"

    def create_app(self, world: World, runtime: RuntimeSettings) -> Starlette:
        return build(world, runtime)

    def outside_environment(self, world: World) -> dict[str, str]:
        return {
            "PHARMACY_BASE_URL": world.surroundings.pharmacy,
            "PHARMACY_API_KEY": "key",
            "ZENDESK_BASE_URL": world.surroundings.zendesk,
            "ZENDESK_EMAIL": "care@example.com",
            "ZENDESK_API_TOKEN": "token",
        }

    async def occasion(self, world: World) -> Event:
        return await signed_event(world, await prescribe(world))

    async def effects(self, world: World, event: Event) -> list[Any]:
        return await orders(world, of(event))

    async def written(self, world: World, event: Event) -> list[Any]:
        rows = await fills(world, of(event))
        assert [row["status"] for row in rows] == ["sent"] * len(rows)
        assert await told(world, of(event)) == ["prescription.sent"] * len(rows)
        return rows

    async def test_the_pharmacy_gets_what_an_order_needs_and_no_more(self, world: World) -> None:
        signed = await prescribe(world, customer={"email": "private@example.com", "phone": "+12025550123"})

        async with self.listening(world) as target:
            await target.deliver(await signed_event(world, signed))

        (call,) = [one for one in await world.received("pharmacy", method="POST") if str(signed.id) in str(one["body"])]
        body = call["body"]
        assert body["reference"] == f"{signed.id}.0"
        assert body["prescription"]["quantity"] == "30"
        assert (body["prescription"]["days_supply"], body["prescription"]["fill_number"]) == (30, 0)
        assert body["medication"]["display"] == "Secretumab"
        assert body["patient"]["address"] == {
            "line1": "1 Main Street",
            "city": "Denver",
            "state": "CO",
            "zip": "80202",
            "country": "US",
        }
        assert "private@example.com" not in json.dumps(body)
        assert set(body) == {"reference", "pharmacy", "patient", "prescriber", "medication", "prescription"}

    async def test_nothing_of_the_chart_is_in_events_records_and_logs(self, world: World) -> None:
        signed = await prescribe(world)

        with structlog.testing.capture_logs() as lines:
            async with self.listening(world) as target:
                await world.misbehave("pharmacy", status=500, after_work=True, times=2, path=self.call_path)
                await target.deliver(await signed_event(world, signed))
                await target.deliver(await world.event("prescription.signed", signed.id))

        rows = await world.rows(
            "SELECT data::text AS said FROM events.outbox WHERE subject = $1"
            " UNION ALL SELECT effects::text FROM events.delivery d JOIN events.outbox o ON o.id = d.event_id"
            " WHERE o.subject = $1",
            str(signed.id),
        )
        said = " ".join(row["said"] for row in rows) + repr(lines)
        assert "prescription_id" in said
        assert {"integration.failed", "event.done"} <= {line["event"] for line in lines}
        for private in ("Secretumab", "One a day", "Lovelace", "Main Street", "MRN-"):
            assert private not in said

    async def test_the_fill_knows_its_order(self, world: World) -> None:
        signed = await prescribe(world)

        async with self.listening(world) as target:
            await target.deliver(await signed_event(world, signed))

        (order,) = await orders(world, signed)
        (row,) = await fills(world, signed)
        assert (row["status"], row["pharmacy_order_id"], row["fill_number"]) == ("sent", order["id"], 0)
        assert (row["pharmacy_id"], row["days_supply"]) == (signed.pharmacy_id, 30)
        assert row["sent_at"] is not None

    @pytest.mark.parametrize("status", ["cancelled", "stopped", "on_hold"])
    async def test_a_prescription_that_is_not_active_by_then_is_not_ordered(self, world: World, status: str) -> None:
        signed = await prescribe(world)
        event = await signed_event(world, signed)
        await world.database.execute("UPDATE healthcare.prescription SET status = $2 WHERE id = $1", signed.id, status)

        async with self.listening(world) as target:
            assert (await target.deliver(event)).status_code == 204

        assert await orders(world, signed) == []
        assert await fills(world, signed) == []

    async def test_a_webhook_that_was_faster_than_the_write_back_is_not_undone(self, world: World) -> None:
        signed = await prescribe(world)
        await fill(world, signed, status="accepted", pharmacy_order_id=f"ord-{signed.id}")

        async with self.listening(world) as target:
            await target.deliver(await signed_event(world, signed))

        (row,) = await fills(world, signed)
        assert row["status"] == "accepted"

    async def test_an_order_that_was_made_under_another_key_is_found_again(self, world: World) -> None:
        signed = await prescribe(world)
        event = await signed_event(world, signed)
        again = await signed_event(world, signed)
        assert again.id != event.id

        async with self.listening(world) as target:
            await target.deliver(event)
            # As if the write-back had never come.
            await world.database.execute(
                "DELETE FROM healthcare.prescription_fill WHERE prescription_id = $1", signed.id
            )
            await target.deliver(again)

        (order,) = await orders(world, signed)
        (row,) = await fills(world, signed)
        assert row["pharmacy_order_id"] == order["id"]
        assert await told(world, signed) == ["prescription.sent"]

    async def test_what_the_network_will_not_take_is_a_rejected_fill_and_told(self, world: World) -> None:
        signed = await prescribe(world, valid_until=date(2020, 1, 1))
        event = await signed_event(world, signed)

        async with self.listening(world) as target:
            assert (await target.deliver(event)).status_code == 204
            await target.deliver(await world.event("prescription.rejected", signed.id))

        (row,) = await fills(world, signed)
        assert row["status"] == "rejected"
        assert row["status_reason"] == ("The pharmacy network refused the order: invalid (prescription.valid_until).")
        assert len(await tickets(world, signed)) == 1

    async def test_without_an_address_the_fill_waits_and_the_care_team_is_told_once(self, world: World) -> None:
        signed = await prescribe(world, customer={"address_line1": None})

        async with self.listening(world) as target:
            await target.deliver(await signed_event(world, signed))
            await target.deliver(await signed_event(world, signed))
            (waiting,) = await fills(world, signed)
            (ticket,) = await tickets(world, signed)
            await world.database.execute(
                "UPDATE public.customer SET address_line1 = $2 WHERE id = $1",
                signed.customer_id,
                ADDRESS["address_line1"],
            )
            counts = await run_check(world)

        assert (waiting["status"], waiting["status_reason"]) == ("queued", "Waiting for a complete address.")
        assert ticket["category"] == "clinical"
        assert counts["ordered"] >= 1
        (row,) = await fills(world, signed)
        assert (row["status"], row["status_reason"]) == ("sent", None)
        assert len(await orders(world, signed)) == 1

    async def test_a_refill_that_is_asked_for_waits_and_one_that_is_approved_is_ordered(self, world: World) -> None:
        signed = await prescribe(world)
        async with self.listening(world) as target:
            await target.deliver(await signed_event(world, signed))
            (first,) = await orders(world, signed)
            await at_pharmacy(world, first["id"], to="delivered")
            await run_check(world)

            await world.database.execute(
                "UPDATE healthcare.prescription SET refill_requested_at = now() WHERE id = $1", signed.id
            )
            await target.deliver(await world.event("prescription.updated", signed.id))
            asked = await orders(world, signed)

            # What approve_refill does.
            await fill(world, signed, 1)
            await world.database.execute(
                "UPDATE healthcare.prescription SET refill_requested_at = NULL, refills_remaining = 1 WHERE id = $1",
                signed.id,
            )
            approved = await world.event("prescription.updated", signed.id)
            for _ in range(2):
                await target.deliver(approved)

        assert len(asked) == 1
        _, second = await orders(world, signed)
        assert second["refill_of"] == first["id"]
        assert [row["status"] for row in await fills(world, signed)] == ["delivered", "sent"]
        assert await told(world, signed) == ["prescription.sent", "prescription.delivered", "prescription.sent"]
        # The second time nothing clinical left the house.
        (call,) = await world.received("pharmacy", path=f"{first['id']}/refills")
        assert set(call["body"]) <= {"reference", "fill_number", "phone", "address"}

    async def test_a_refill_of_an_order_that_the_pharmacy_has_forgotten_is_ordered_whole(self, world: World) -> None:
        signed = await prescribe(world)
        await fill(world, signed, 0, status="delivered", pharmacy_order_id=f"gone-{signed.id}")
        await fill(world, signed, 1)
        await world.database.execute(
            "UPDATE healthcare.prescription SET refills_remaining = 1 WHERE id = $1", signed.id
        )

        async with self.listening(world) as target:
            await target.deliver(await world.event("prescription.updated", signed.id))

        (order,) = await orders(world, signed)
        assert (order["reference"], order["refill_of"]) == (f"{signed.id}.1", None)
        assert [row["status"] for row in await fills(world, signed)] == ["delivered", "sent"]

    @pytest.mark.parametrize("status", ["cancelled", "stopped"])
    async def test_the_order_of_a_prescription_that_is_over_is_cancelled(self, world: World, status: str) -> None:
        signed = await prescribe(world)
        async with self.listening(world) as target:
            await target.deliver(await signed_event(world, signed))
            await end(world, signed, status)
            over = await world.event("prescription.updated", signed.id)
            for _ in range(2):
                assert (await target.deliver(over)).status_code == 204

        (order,) = await orders(world, signed)
        assert order["status"] == "cancelled"
        (row,) = await fills(world, signed)
        assert (row["status"], row["status_reason"]) == ("rejected", f"The prescription was {status}.")
        # It was our own wish: nobody has to be told.
        assert await told(world, signed) == ["prescription.sent"]

    async def test_an_order_that_is_filled_already_goes_on(self, world: World) -> None:
        signed = await prescribe(world)
        async with self.listening(world) as target:
            await target.deliver(await signed_event(world, signed))
            (order,) = await orders(world, signed)
            await at_pharmacy(world, order["id"], to="filled")
            await end(world, signed, "stopped")
            assert (await target.deliver(await world.event("prescription.updated", signed.id))).status_code == 204

        (order,) = await orders(world, signed)
        (row,) = await fills(world, signed)
        assert (order["status"], row["status"]) == ("filled", "sent")

    async def test_an_order_whose_fill_was_never_written_is_cancelled_all_the_same(self, world: World) -> None:
        signed = await prescribe(world)
        async with self.listening(world) as target:
            await target.deliver(await signed_event(world, signed))
            await world.database.execute(
                "DELETE FROM healthcare.prescription_fill WHERE prescription_id = $1", signed.id
            )
            await end(world, signed, "stopped")
            assert (await target.deliver(await world.event("prescription.updated", signed.id))).status_code == 204

        (order,) = await orders(world, signed)
        assert order["status"] == "cancelled"

    async def test_a_rejected_refill_is_told_to_the_care_team_without_the_reason_and_given_back(
        self, world: World
    ) -> None:
        signed = await prescribe(world, refills_remaining=1)
        await fill(world, signed, 0, status="delivered")
        await fill(world, signed, 1, status="rejected", status_reason="Interaction with Othermab.")
        rejected = await world.publish(
            "prescription.rejected",
            signed.id,
            {"prescription_id": str(signed.id), "customer_id": str(signed.customer_id), "fill_number": 1},
        )

        async with self.listening(world) as target:
            for _ in range(2):
                await target.deliver(rejected)

        (ticket,) = await tickets(world, signed)
        assert str(signed.id) in ticket["description"]
        for private in ("Othermab", "Secretumab", "Interaction"):
            assert private not in ticket["subject"] + ticket["description"]
        (made,) = await in_zendesk(world, rejected)
        assert (made["id"], made["priority"]) == (ticket["zendesk_ticket_id"], "high")
        row = await world.row("SELECT refills_remaining FROM healthcare.prescription WHERE id = $1", signed.id)
        assert row["refills_remaining"] == 2

    async def test_delivery_plans_the_day_on_which_the_next_fill_is_due(self, world: World) -> None:
        signed = await prescribe(world)
        delivered_at = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)
        await fill(world, signed, status="delivered", delivered_at=delivered_at)
        event = await delivered(world, signed)

        async with self.listening(world) as target:
            for _ in range(2):
                await target.deliver(event)

        row = await world.row("SELECT refill_due_on FROM healthcare.prescription WHERE id = $1", signed.id)
        assert row["refill_due_on"] == date(2026, 3, 24)
        (task,) = await tasks(world, signed)
        assert task["due_at"] == datetime(2026, 3, 24, tzinfo=UTC)
        assert (task["kind"], task["target"], task["status"]) == (
            "prescription.refill_due",
            "prescription",
            "scheduled",
        )
        assert json.loads(task["payload"]) == {"prescription_id": str(signed.id), "fill_number": 0}

    @pytest.mark.parametrize(
        ("columns", "reason"),
        [
            ({"refills_remaining": 0}, "all refills have been used"),
            ({"status": "stopped"}, "the prescription is stopped"),
            ({"valid_until": date(2026, 3, 10)}, "the prescription is no longer valid"),
        ],
    )
    async def test_without_a_refill_to_come_nothing_is_planned(
        self, world: World, columns: dict[str, Any], reason: str
    ) -> None:
        signed = await prescribe(world, **columns)
        await fill(world, signed, status="delivered", delivered_at=datetime(2026, 3, 1, tzinfo=UTC))
        event = await delivered(world, signed)

        async with self.listening(world) as target:
            await target.deliver(event)

        assert await tasks(world, signed) == []
        (delivery,) = await world.deliveries(event, "prescription")
        assert (delivery["outcome"], delivery["error"]) == ("skipped", reason)

    async def test_the_pharmacy_may_be_down_for_an_hour(self, world: World) -> None:
        signed = await prescribe(world)
        event = await signed_event(world, signed)

        async with self.listening(world) as target:
            # Sixty attempts, as Pub/Sub makes them in an hour with a minute between: two requests each.
            await world.misbehave("pharmacy", status=503, times=120, path=self.call_path)
            statuses = {(await target.deliver(event, attempt=number)).status_code for number in range(1, 61)}
            await world.behave("pharmacy")
            assert (await target.deliver(event, attempt=61)).status_code == 204

        assert statuses == {503}
        await self.assert_done_once(world, event)
        assert await world.dead_letters(event.id, "prescription") == []


async def test_the_check_hears_what_a_lost_webhook_would_have_told(world: World) -> None:
    signed = await prescribe(world)
    async with listening(world) as door:
        await door.deliver(await signed_event(world, signed))
        (order,) = await orders(world, signed)
        order = await at_pharmacy(world, order["id"], to="shipped", carrier="FedEx", tracking_number="77123")
        await run_check(world)
        await run_check(world)
        (shipped,) = await fills(world, signed)
        await at_pharmacy(world, order["id"], to="delivered")
        await run_check(world)

    assert (shipped["status"], shipped["carrier"], shipped["tracking_number"]) == ("shipped", "FedEx", "77123")
    assert shipped["accepted_at"] == datetime.fromisoformat(order["accepted_at"])
    (row,) = await fills(world, signed)
    assert row["status"] == "delivered"
    # What was passed over between two checks isn't told: a parcel that has arrived has been packed.
    assert await told(world, signed) == ["prescription.sent", "prescription.shipped", "prescription.delivered"]


async def test_the_check_orders_what_no_event_did_and_cancels_what_no_event_cancelled(world: World) -> None:
    forgotten, waiting, over = await prescribe(world), await prescribe(world), await prescribe(world)
    await fill(world, waiting, 1)
    async with listening(world) as door:
        await door.deliver(await signed_event(world, over))
    await end(world, over, "stopped")

    await run_check(world)
    await run_check(world)

    assert [order["reference"] for order in await orders(world, forgotten)] == [f"{forgotten.id}.0"]
    assert [order["reference"] for order in await orders(world, waiting)] == [f"{waiting.id}.1"]
    assert await told(world, forgotten) == await told(world, waiting) == ["prescription.sent"]
    assert [order["status"] for order in await orders(world, over)] == ["cancelled"]
    assert [row["status"] for row in await fills(world, over)] == ["rejected"]


async def test_an_order_that_the_pharmacy_does_not_know_holds_up_nobody(world: World) -> None:
    unknown, known = await prescribe(world), await prescribe(world)
    await fill(world, unknown, status="sent", pharmacy_order_id=f"gone-{unknown.id}")
    async with listening(world) as door:
        await door.deliver(await signed_event(world, known))
    (order,) = await orders(world, known)
    await at_pharmacy(world, order["id"], to="accepted")

    counts = await run_check(world)

    assert counts["unknown"] >= 1
    assert [row["status"] for row in await fills(world, known)] == ["accepted"]
    assert [row["status"] for row in await fills(world, unknown)] == ["sent"]


async def test_a_check_that_finds_the_pharmacy_down_ends_and_the_next_one_goes_on(world: World) -> None:
    signed = await prescribe(world)
    await world.misbehave("pharmacy", status=503, times=2)
    await run_check(world, expected=503)
    assert await fills(world, signed) == []
    await world.behave("pharmacy")
    await run_check(world)
    assert [row["status"] for row in await fills(world, signed)] == ["sent"]


async def test_a_refill_that_is_due_is_told_of_once(world: World) -> None:
    signed = await prescribe(world)
    await fill(world, signed, status="delivered", delivered_at=datetime(2026, 3, 1, tzinfo=UTC))
    statuses = [await run_task(world, signed, generation) for generation in (0, 0)]
    assert statuses == [204, 204]
    assert await told(world, signed) == ["prescription.refill_due"]


@pytest.mark.parametrize("case", ["asked for", "under way", "stopped", "used up"])
async def test_a_refill_is_not_due_when_it_was_asked_for_or_cannot_come(world: World, case: str) -> None:
    cases: dict[str, dict[str, Any]] = {
        "asked for": {"refill_requested_at": datetime.now(UTC)},
        "stopped": {"status": "stopped"},
        "used up": {"refills_remaining": 0},
    }
    signed = await prescribe(world, **cases.get(case, {}))
    await fill(world, signed, status="delivered", delivered_at=datetime(2026, 3, 1, tzinfo=UTC))
    if case == "under way":
        await fill(world, signed, 1)
    assert await run_task(world, signed, 0) == 204
    assert await told(world, signed) == []


def of(event: Event) -> Signed:
    """The prescription of a prescription.signed."""
    ids = {name: uuid.UUID(str(event.data[f"{name}_id"])) for name in ("customer", "patient", "pharmacy", "requester")}
    return Signed(id=uuid.UUID(event.subject), **{f"{name}_id": value for name, value in ids.items()})


@asynccontextmanager
async def listening(world: World) -> AsyncIterator[Any]:
    async with TestPrescriptionAgent().listening(world) as target:
        yield target


async def run_check(world: World, *, expected: int = 200) -> dict[str, int]:
    """The hourly check, as the scheduler calls it; its counts."""

    def app(url: str) -> Starlette:
        return build(world, world.surroundings.runtime_settings("prescription", url, jobs_service_account=JOBS_ACCOUNT))

    async with serving(app) as url:
        token = await world.surroundings.push_token(url, account=JOBS_ACCOUNT)
        answer = await world.client.post(
            f"{url}/jobs/check",
            headers={
                "authorization": f"Bearer {token}",
                "x-cloudscheduler-scheduletime": datetime.now(UTC).isoformat(),
            },
        )
    assert answer.status_code == expected, answer.text
    counts: dict[str, int] = answer.json()
    return counts


async def run_task(world: World, signed: Signed, generation: int) -> int:
    """A refill that falls due, as Cloud Tasks calls it; the answer's status."""
    name = f"refill-due-{signed.id}-0"
    payload = {"prescription_id": str(signed.id), "fill_number": 0}
    row = await world.row(
        "INSERT INTO events.scheduled_task (name, kind, target, due_at, payload, status)"
        " VALUES ($1, 'prescription.refill_due', 'prescription', now(), $2, 'handed_over')"
        " ON CONFLICT (name) DO UPDATE SET kind = excluded.kind RETURNING id",
        name,
        json.dumps(payload),
    )

    def app(url: str) -> Starlette:
        return build(world, world.surroundings.runtime_settings("prescription", url, tasks_service_account=ACCOUNT))

    async with serving(app) as url:
        token = await world.surroundings.push_token(url, account=ACCOUNT)
        body = {
            "id": str(row["id"]),
            "generation": generation,
            "name": name,
            "kind": "prescription.refill_due",
            "due_at": datetime.now(UTC).isoformat(),
            "payload": payload,
        }
        answer = await world.client.post(
            f"{url}/tasks", content=json.dumps(body), headers={"authorization": f"Bearer {token}"}
        )
    return answer.status_code


async def end(world: World, signed: Signed, status: str) -> None:
    await world.database.execute("UPDATE healthcare.prescription SET status = $2 WHERE id = $1", signed.id, status)


async def forget_fills(world: World, signed: Signed) -> None:
    await world.database.execute("DELETE FROM healthcare.prescription_fill WHERE prescription_id = $1", signed.id)


async def delivered(world: World, signed: Signed) -> Event:
    return await world.publish(
        "prescription.delivered",
        signed.id,
        {"prescription_id": str(signed.id), "customer_id": str(signed.customer_id), "fill_number": 0},
    )


async def tasks(world: World, signed: Signed) -> list[dict[str, Any]]:
    return await world.rows("SELECT * FROM events.scheduled_task WHERE name LIKE $1", f"refill-due-{signed.id}-%")


async def tickets(world: World, signed: Signed) -> list[dict[str, Any]]:
    return await world.rows("SELECT * FROM public.support_ticket WHERE customer_id = $1", signed.customer_id)


async def in_zendesk(world: World, event: Event) -> list[dict[str, Any]]:
    """The tickets that an event made in Zendesk."""
    answer = await world.client.get(
        f"{world.surroundings.zendesk}/api/v2/tickets.json",
        params={"external_id": f"{event.id}:ticket"},
        auth=("care@example.com/token", "token"),
    )
    found: list[dict[str, Any]] = answer.json()["tickets"]
    return found
