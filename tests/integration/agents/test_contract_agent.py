"""The contract agent against Chargebee's stand-in and the real endpoint, through Chargebee's own SDK."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from agents.contract.app import create_app
from agents.contract.settings import Settings
from agents.events.envelope import derived_id
from agents.runtime.settings import RuntimeSettings
from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.settings import ChargebeeSettings
from tests.integration.agents.behaviour import QUICK, AgentBehaviour, unique
from tests.integration.agents.deliveries import Event, World

ITEM_PRICE = "test-monthly"


class TestContractAgent(AgentBehaviour):
    agent = "contract"
    outside = "chargebee"
    call_path = "update_for_items"

    #: What the agent takes for the time.
    now = datetime(2026, 1, 30, 12, tzinfo=UTC)

    def create_app(self, world: World, runtime: RuntimeSettings) -> Starlette:
        return create_app(Settings(runtime=runtime, chargebee=chargebee_settings(world)), clock=lambda: self.now)

    def outside_environment(self, world: World) -> dict[str, str]:
        settings = chargebee_settings(world)
        return {
            "CHARGEBEE_SITE": settings.site,
            "CHARGEBEE_DOMAIN": settings.domain,
            "CHARGEBEE_PROTOCOL": settings.protocol,
            "CHARGEBEE_API_KEY": settings.api_key.get_secret_value(),
        }

    async def occasion(self, world: World) -> Event:
        contract_id = await world.contract(subscription_id=await subscription(world))
        return await world.event("contract.inserted", contract_id)

    async def effects(self, world: World, event: Event) -> list[Any]:
        return await changes(world, str(event.data["data"]["new"]["subscription_id"]), event.subject)

    async def written(self, world: World, event: Event) -> list[Any]:
        published = await published_by(world, event, "contract.created")
        planned = await tasks(world, event.subject)
        assert len(published) == len(planned)
        return planned

    async def test_a_new_contract_is_linked_planned_and_told_of(self, world: World) -> None:
        subscription_id = await subscription(world)
        contract_id = await world.contract(subscription_id=subscription_id, start_date=date(2026, 1, 31))
        inserted = await world.event("contract.inserted", contract_id)

        async with self.listening(world) as target:
            await target.deliver(inserted)

        assert (await in_chargebee(world, subscription_id))["cf_contract_id"] == str(contract_id)
        (task,) = await tasks(world, contract_id)
        # Six months from 31 January are 31 July; the renewal is due a day before.
        assert task["due_at"] == datetime(2026, 7, 30, tzinfo=UTC)
        assert (task["kind"], task["target"], task["status"]) == ("contract.renewal", "contract", "scheduled")
        assert json.loads(task["payload"]) == {"contract_id": str(contract_id)}
        row = await world.row("SELECT * FROM contract WHERE id = $1", contract_id)
        created = await world.event("contract.created", contract_id)
        assert created.data == {
            "contract_id": str(contract_id),
            "customer_id": str(row["customer_id"]),
            "subscription_id": subscription_id,
            "treatment_id": str(row["treatment_id"]),
            "status": "future",
            "start_date": "2026-01-31",
            "end_date": "2026-07-31",
            "renewed_from_id": None,
        }

    async def test_what_it_publishes_is_of_the_same_trace_and_says_who_did_it(self, world: World) -> None:
        event = await self.occasion(world)

        async with self.listening(world) as target:
            await target.deliver(event)

        row = await world.row(
            """
            SELECT id, traceparent, session_variables FROM events.outbox
            WHERE type = 'contract.created' AND subject = $1
            """,
            event.subject,
        )
        assert row["id"] == derived_id(event.id, "contract.created")
        assert row["traceparent"].split("-")[1] == event.trace_id
        session = json.loads(row["session_variables"])
        assert (session["x-hasura-role"], session["x-hasura-user-id"]) == ("service", "contract")

    async def test_a_contract_without_a_subscription_is_planned_and_told_of_all_the_same(self, world: World) -> None:
        contract_id = await world.contract(subscription_id=None)
        inserted = await world.event("contract.inserted", contract_id)
        calls = len(await world.received("chargebee"))

        async with self.listening(world) as target:
            response = await target.deliver(inserted)

        assert response.status_code == 204
        assert len(await world.received("chargebee")) == calls
        assert len(await self.written(world, inserted)) == 1
        (delivery,) = await world.deliveries(inserted, "contract")
        (effect,) = delivery["effects"]
        assert effect["skipped"] == "the contract has no subscription"

    async def test_a_subscription_that_comes_later_is_linked_then(self, world: World) -> None:
        contract_id = await world.contract(subscription_id=None)
        inserted = await world.event("contract.inserted", contract_id)
        subscription_id = await subscription(world)
        await world.database.execute(
            "UPDATE contract SET subscription_id = $2 WHERE id = $1", contract_id, subscription_id
        )
        updated = await world.event("contract.updated", contract_id)

        async with self.listening(world) as target:
            # Out of order: the row is read as it is now, so either way it ends the same.
            statuses = [(await target.deliver(event)).status_code for event in (updated, inserted)]

        assert statuses == [204, 204]
        assert (await in_chargebee(world, subscription_id))["cf_contract_id"] == str(contract_id)
        assert len(await tasks(world, contract_id)) == 1
        assert len(await published_by(world, inserted, "contract.created")) == 1

    async def test_a_contract_that_becomes_active_is_told_of_once(self, world: World) -> None:
        contract_id = await world.contract()
        await world.database.execute("UPDATE contract SET status = 'active' WHERE id = $1", contract_id)
        updated = await world.event("contract.updated", contract_id)

        async with self.listening(world) as target:
            statuses = [(await target.deliver(updated)).status_code for _ in range(2)]

        assert statuses == [204, 204]
        activated = await published_by(world, updated, "contract.activated")
        assert [json.loads(row["data"])["status"] for row in activated] == ["active"]

    @pytest.mark.parametrize("days_late", [0, 1, 40])
    async def test_a_contract_whose_first_day_has_come_begins_in_the_same_handling_once(
        self, world: World, days_late: int
    ) -> None:
        contract_id = await world.contract(
            subscription_id=await subscription(world), start_date=self.now.date() - timedelta(days=days_late)
        )
        inserted = await world.event("contract.inserted", contract_id)

        async with self.listening(world) as target:
            statuses = [(await target.deliver(inserted)).status_code for _ in range(2)]
            began = await world.event("contract.updated", contract_id)
            statuses += [(await target.deliver(began)).status_code for _ in range(2)]

        assert statuses == [204] * 4
        assert await state(world, contract_id) == ("active", self.now)
        (activated,) = await published_by(world, began, "contract.activated")
        # Its order: created, changed, activated.
        types = await world.rows(
            "SELECT type FROM events.outbox WHERE subject = $1 ORDER BY sequence", str(contract_id)
        )
        assert [row["type"] for row in types] == [
            "contract.inserted",
            "contract.created",
            "contract.updated",
            "contract.activated",
        ]
        assert json.loads(activated["data"])["status"] == "active"

    async def test_a_contract_that_begins_tomorrow_waits_for_its_day(self, world: World) -> None:
        contract_id = await world.contract(
            subscription_id=await subscription(world), start_date=self.now.date() + timedelta(days=1)
        )
        async with self.listening(world) as target:
            await target.deliver(await world.event("contract.inserted", contract_id))
            assert await state(world, contract_id) == ("future", None)

            # The first day is moved to today.
            await world.database.execute(
                "UPDATE contract SET start_date = $2 WHERE id = $1", contract_id, self.now.date()
            )
            await target.deliver(await world.event("contract.updated", contract_id))

        assert await state(world, contract_id) == ("active", self.now)

    async def test_a_contract_that_nothing_pays_for_yet_begins_with_its_subscription(self, world: World) -> None:
        contract_id = await world.contract(subscription_id=None, start_date=self.now.date())
        async with self.listening(world) as target:
            await target.deliver(await world.event("contract.inserted", contract_id))
            assert await state(world, contract_id) == ("future", None)

            await world.database.execute(
                "UPDATE contract SET subscription_id = $2 WHERE id = $1", contract_id, await subscription(world)
            )
            await target.deliver(await world.event("contract.updated", contract_id))

        assert await state(world, contract_id) == ("active", self.now)

    @pytest.mark.parametrize(("minutes", "at_once"), [(1, True), (60, False)])
    async def test_whoever_was_welcomed_this_minute_is_not_told_of_the_begin_as_well(
        self, world: World, minutes: int, at_once: bool
    ) -> None:
        contract_id = await world.contract()
        await world.database.execute(
            "UPDATE contract SET status = 'active', activated_at = created_at + $2 WHERE id = $1",
            contract_id,
            timedelta(minutes=minutes),
        )
        updated = await world.event("contract.updated", contract_id)
        async with self.listening(world) as target:
            await target.deliver(updated)

        (activated,) = await published_by(world, updated, "contract.activated")
        assert json.loads(activated["data"])["at_once"] is at_once

    async def test_whoever_heard_of_a_declined_charge_is_told_that_it_began_after_all(self, world: World) -> None:
        contract_id = await world.contract()
        await world.database.execute(
            """
            INSERT INTO payment_recovery
                (customer_id, contract_id, event_id, status, amount, currency_code, retries, failed_at, closed_at)
            SELECT customer_id, id, gen_random_uuid(), 'recovered', 900, 'USD', 4, now(), now()
            FROM contract WHERE id = $1
            """,
            contract_id,
        )
        await world.database.execute(
            "UPDATE contract SET status = 'active', activated_at = created_at + interval '1 minute' WHERE id = $1",
            contract_id,
        )
        updated = await world.event("contract.updated", contract_id)
        async with self.listening(world) as target:
            await target.deliver(updated)

        (activated,) = await published_by(world, updated, "contract.activated")
        assert json.loads(activated["data"])["at_once"] is False

    async def test_other_changes_of_a_contract_ask_for_nothing(self, world: World) -> None:
        contract_id = await world.contract()
        await world.database.execute("UPDATE contract SET auto_renew = false WHERE id = $1", contract_id)
        updated = await world.event("contract.updated", contract_id)

        async with self.listening(world) as target:
            await target.deliver(updated)

        assert [row["outcome"] for row in await world.deliveries(updated, "contract")] == ["skipped"]

    @pytest.mark.parametrize("status", ["cancelled", "completed", "renewed"])
    async def test_a_contract_that_is_over_by_then_is_left_alone(self, world: World, status: str) -> None:
        contract_id = await world.contract(subscription_id=await subscription(world))
        inserted = await world.event("contract.inserted", contract_id)
        await world.database.execute("UPDATE contract SET status = $2 WHERE id = $1", contract_id, status)

        async with self.listening(world) as target:
            response = await target.deliver(inserted)

        assert response.status_code == 204
        assert await self.effects(world, inserted) == []
        assert await self.written(world, inserted) == []
        (delivery,) = await world.deliveries(inserted, "contract")
        assert (delivery["outcome"], delivery["error"]) == ("skipped", f"the contract is {status}")

    async def test_a_subscription_that_chargebee_does_not_know_is_a_dead_letter(self, world: World) -> None:
        contract_id = await world.contract(subscription_id=f"sub-{unique()}")
        inserted = await world.event("contract.inserted", contract_id)

        async with self.listening(world) as target:
            response = await target.deliver(inserted)

        assert response.status_code == 204
        (letter,) = await world.dead_letters(inserted.id, "contract")
        assert "resource_not_found" in letter["reason"]
        assert json.loads(letter["event"])["attributes"]["ce-type"] == "contract.inserted"
        assert await self.written(world, inserted) == []

    async def test_a_leap_day_is_a_day_like_others(self, world: World) -> None:
        contract_id = await world.contract(start_date=date(2027, 8, 29), end_date=date(2028, 2, 29))

        async with self.listening(world) as target:
            await target.deliver(await world.event("contract.inserted", contract_id))

        (task,) = await tasks(world, contract_id)
        assert task["due_at"] == datetime(2028, 2, 28, tzinfo=UTC)


def chargebee_settings(world: World) -> ChargebeeSettings:
    """How the SDK reaches the stand-in: it joins site and domain with a dot."""
    address = urlsplit(world.surroundings.chargebee)
    site, _, rest = address.netloc.partition(".")
    return ChargebeeSettings(site=site, domain=rest, protocol="http", api_key=SecretStr("key"), **QUICK)


async def subscription(world: World) -> str:
    """A new subscription in Chargebee."""
    answer = await world.client.post(
        f"{world.surroundings.chargebee}/_control/item_prices",
        json={"id": ITEM_PRICE, "price": 9900, "period": 1, "period_unit": "month", "currency_code": "USD"},
    )
    assert answer.status_code == 200, answer.text
    name = unique()
    async with ChargebeeClient(chargebee_settings(world)) as chargebee:
        await chargebee.create_customer(
            f"cus-{name}", email=None, first_name="Ada", last_name=None, idempotency_key=f"customer:{name}"
        )
        made = await chargebee.create_subscription(
            f"cus-{name}",
            subscription_id=f"sub-{name}",
            item_price_id=ITEM_PRICE,
            idempotency_key=f"subscription:{name}",
        )
    return made.id


async def in_chargebee(world: World, subscription_id: str) -> dict[str, Any]:
    """A subscription as Chargebee has it."""
    answer = await world.client.get(
        f"{world.surroundings.chargebee}/api/v2/subscriptions/{subscription_id}", auth=("key", "")
    )
    found: dict[str, Any] = answer.json()["subscription"]
    return found


async def changes(world: World, subscription_id: str, contract_id: str) -> list[Any]:
    """The changes that gave a subscription its contract, as Chargebee's events tell."""
    found: list[Any] = []
    offset: str | None = None
    while True:
        query = {"limit": "100", **({"offset": offset} if offset else {})}
        answer = await world.client.get(f"{world.surroundings.chargebee}/api/v2/events", params=query, auth=("key", ""))
        body = answer.json()
        for entry in body["list"]:
            event = entry["event"]
            changed = event["content"].get("subscription", {})
            if (event["event_type"], changed.get("id"), changed.get("cf_contract_id")) == (
                "subscription_changed",
                subscription_id,
                contract_id,
            ):
                found.append(event["id"])
        offset = body.get("next_offset")
        if offset is None:
            return found


async def tasks(world: World, contract_id: object) -> list[dict[str, Any]]:
    """The renewals planned for a contract."""
    return await world.rows(
        "SELECT kind, target, due_at, payload, status FROM events.scheduled_task WHERE name = $1",
        f"contract-renewal-{contract_id}",
    )


async def state(world: World, contract_id: object) -> tuple[str, datetime | None]:
    """A contract's status, and since when it is active."""
    row = await world.row("SELECT status, activated_at FROM contract WHERE id = $1", contract_id)
    return row["status"], row["activated_at"]


async def published_by(world: World, event: Event, event_type: str) -> list[dict[str, Any]]:
    """What was published of a type about the event's contract."""
    rows = await world.rows(
        "SELECT id, data FROM events.outbox WHERE type = $1 AND subject = $2", event_type, event.subject
    )
    assert {row["id"] for row in rows} <= {derived_id(event.id, event_type)}
    return rows
