"""The subscription_change agent against Chargebee's and Zendesk's stand-ins and the real endpoint."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from agents.events.envelope import derived_id
from agents.runtime.settings import RuntimeSettings
from agents.subscription_change.app import create_app
from agents.subscription_change.settings import Settings
from integrations.zendesk.settings import ZendeskSettings
from tests.integration.agents.behaviour import QUICK, AgentBehaviour
from tests.integration.agents.billed import Billed, api, billed, chargebee_settings, control
from tests.integration.agents.deliveries import Event, World, all_of
from tests.integration.agents.test_invoice_agent import tickets


class TestSubscriptionChangeAgent(AgentBehaviour):
    agent = "subscription_change"
    outside = "chargebee"
    call_path = "cancel_for_items"

    def create_app(self, world: World, runtime: RuntimeSettings) -> Starlette:
        return create_app(
            Settings(
                runtime=runtime,
                chargebee=chargebee_settings(world),
                zendesk=ZendeskSettings(
                    base_url=world.surroundings.zendesk,
                    email="agent@example.com",
                    api_token=SecretStr("token"),
                    **QUICK,
                ),
            )
        )

    def outside_environment(self, world: World) -> dict[str, str]:
        chargebee = chargebee_settings(world)
        return {
            "CHARGEBEE_SITE": chargebee.site,
            "CHARGEBEE_DOMAIN": chargebee.domain,
            "CHARGEBEE_PROTOCOL": chargebee.protocol,
            "CHARGEBEE_API_KEY": "key",
            "ZENDESK_BASE_URL": world.surroundings.zendesk,
            "ZENDESK_EMAIL": "agent@example.com",
            "ZENDESK_API_TOKEN": "token",
        }

    async def occasion(self, world: World) -> Event:
        return await asked(await billed(world), "cancel", "term_end")

    async def effects(self, world: World, event: Event) -> list[Any]:
        return await happened(world, str(event.data["subscription_id"]), "subscription_cancellation_scheduled")

    async def written(self, world: World, event: Event) -> list[Any]:
        return await told(world, event)

    @pytest.mark.parametrize("when", ["now", "term_end"])
    async def test_another_plan_is_changed_to_with_proration_left_to_chargebee(self, world: World, when: str) -> None:
        someone = await billed(world)
        await control(world, "item_prices", id="other-plan", price=19900)
        event = await asked(someone, "plan", when, item_price_id="other-plan")
        async with self.listening(world) as target:
            await target.deliver(event)
        subscription = await someone.subscription()
        now = when == "now"
        assert [item["item_price_id"] == "other-plan" for item in subscription["subscription_items"]] == [now]
        assert subscription["has_scheduled_changes"] is not now
        (call,) = await world.received("chargebee", path=f"{someone.subscription_id}/update_for_items")
        assert "prorate" not in call["body"]
        # What else the customer has would go without a word.
        assert "replace_items_list" not in call["body"]
        assert ("end_of_term=true" in call["body"]) is not now
        assert call["idempotency_key"] == f"{event.id}:change"
        (applied,) = await told(world, event)
        assert applied["type"] == "subscription.change_applied"

    async def test_a_pause_ends_on_the_day_that_was_named_and_a_resumption_ends_it_now(self, world: World) -> None:
        someone = await billed(world)
        day = (datetime.now(UTC) + timedelta(days=20)).date()
        async with self.listening(world) as target:
            await target.deliver(await asked(someone, "pause", "now", resume_on=day.isoformat()))
            paused = await someone.subscription()
            await target.deliver(await asked(someone, "resume", "now"))
            resumed = await someone.subscription()
        assert paused["status"] == "paused"
        assert datetime.fromtimestamp(paused["resume_date"], UTC).isoformat() == f"{day}T00:00:00+00:00"
        assert resumed["status"] == "active"

    @pytest.mark.parametrize(("change", "back"), [("pause", "resume"), ("cancel", "resume"), ("plan", "plan")])
    async def test_what_waits_for_the_end_of_the_term_is_taken_back_once(
        self, world: World, change: str, back: str
    ) -> None:
        someone = await billed(world)
        before = await someone.subscription()
        await control(world, "item_prices", id="other-plan", price=19900)
        (item,) = before["subscription_items"]
        plans: dict[str, Any] = {"item_price_id": "other-plan"} if change == "plan" else {}
        present: dict[str, Any] = {"item_price_id": item["item_price_id"]} if back == "plan" else {}
        async with self.listening(world) as target:
            await target.deliver(await asked(someone, change, "term_end", **plans))
            waiting = await someone.subscription()
            events = [await asked(someone, back, "now", **present) for _ in range(2)]
            for event in events:
                await target.deliver(event)
        after = await someone.subscription()
        told_of = ("status", "pause_date", "has_scheduled_changes", "next_billing_at", "subscription_items")
        state, there, again = ({name: one.get(name) for name in told_of} for one in (before, waiting, after))
        assert there != state == again
        for event in events:
            assert [one["type"] for one in await told(world, event)] == ["subscription.change_applied"]
        (delivery,) = await world.deliveries(events[1], "subscription_change")
        assert any("so already" in effect.get("skipped", "") for effect in delivery["effects"])

    async def test_the_end_of_a_pause_takes_back_no_end_of_the_subscription(self, world: World) -> None:
        someone = await billed(world)
        await api(world, "POST", f"/subscriptions/{someone.subscription_id}/pause")
        event = await asked(someone, "resume", "now")
        await api(world, "POST", f"/subscriptions/{someone.subscription_id}/resume")
        await api(world, "POST", f"/subscriptions/{someone.subscription_id}/cancel_for_items", end_of_term="true")
        async with self.listening(world) as target:
            await target.deliver(event)
        assert (await someone.subscription())["status"] == "non_renewing"

    @pytest.mark.parametrize(("when", "status"), [("now", "cancelled"), ("term_end", "non_renewing")])
    async def test_a_cancellation_is_effective_when_it_was_asked_for(
        self, world: World, when: str, status: str
    ) -> None:
        someone = await billed(world)
        event = await asked(someone, "cancel", when)
        async with self.listening(world) as target:
            await target.deliver(event)
        assert (await someone.subscription())["status"] == status
        (applied,) = await told(world, event)
        assert (applied["data"]["status"], applied["data"]["change"]) == (status, "cancel")
        assert (applied["data"]["effective_at"] is None) == (when == "now")

    async def test_requests_that_follow_each_other_are_both_done_although_the_second_was_made_for_an_older_version(
        self, world: World
    ) -> None:
        someone = await billed(world)
        await control(world, "item_prices", id="other-plan", price=19900)
        first = await asked(someone, "plan", "now", item_price_id="other-plan")
        second = await asked(someone, "cancel", "term_end")
        assert first.data["resource_version"] == second.data["resource_version"]
        async with self.listening(world) as target:
            for event in (first, second):
                await target.deliver(event)
        subscription = await someone.subscription()
        assert subscription["status"] == "non_renewing"
        assert subscription["subscription_items"][0]["item_price_id"] == "other-plan"

    async def test_what_somebody_else_has_done_already_is_told_as_done(self, world: World) -> None:
        someone = await billed(world)
        event = await asked(someone, "cancel", "now")
        await api(world, "POST", f"/subscriptions/{someone.subscription_id}/cancel_for_items")
        async with self.listening(world) as target:
            await target.deliver(event)
        assert len(await happened(world, someone.subscription_id, "subscription_cancelled")) == 1
        (applied,) = await told(world, event)
        assert applied["type"] == "subscription.change_applied"
        (delivery,) = await world.deliveries(event, "subscription_change")
        assert any("so already" in effect.get("skipped", "") for effect in delivery["effects"])

    @pytest.mark.parametrize(("change", "when"), [("plan", "now"), ("pause", "now"), ("resume", "now")])
    async def test_a_request_that_has_become_impossible_gets_a_ticket_and_is_told_of(
        self, world: World, change: str, when: str
    ) -> None:
        someone = await billed(world)
        event = await asked(someone, change, when, item_price_id="other-plan" if change == "plan" else None)
        await api(world, "POST", f"/subscriptions/{someone.subscription_id}/cancel_for_items")
        async with self.listening(world) as target:
            responses = [await target.deliver(event) for _ in range(2)]
        assert [response.status_code for response in responses] == [204, 204]
        (refused,) = await told(world, event)
        assert (refused["type"], refused["data"]["reason"]) == ("subscription.change_refused", "wrong_status")
        (ticket,) = await tickets(world, someone)
        assert "cancelled by now" in ticket["description"]
        shown = await world.row(
            "SELECT category, zendesk_ticket_id FROM support_ticket WHERE customer_id = $1", someone.id
        )
        assert (shown["category"], shown["zendesk_ticket_id"]) == ("account", ticket["id"])
        assert await world.dead_letters(event.id, "subscription_change") == []

    async def test_a_price_that_chargebee_does_not_have_is_refused_for_good(self, world: World) -> None:
        someone = await billed(world)
        event = await asked(someone, "plan", "now", item_price_id="no-such-price")
        async with self.listening(world) as target:
            await target.deliver(event)
        (refused,) = await told(world, event)
        assert (refused["type"], refused["data"]["reason"]) == ("subscription.change_refused", "resource_not_found")
        assert len(await tickets(world, someone)) == 1

    async def test_a_subscription_that_chargebee_does_not_have_is_refused_for_good(self, world: World) -> None:
        someone = await billed(world)
        event = await asked(someone, "cancel", "now", subscription_id="no-such-subscription")
        async with self.listening(world) as target:
            await target.deliver(event)
        (refused,) = await told(world, event)
        assert refused["data"]["reason"] == "resource_not_found"

    async def test_two_requests_of_one_customer_at_once_in_two_processes_are_each_done_once(self, world: World) -> None:
        someone = await billed(world)
        event = await asked(someone, "cancel", "now")
        async with self.listening(world) as one, self.listening(world) as other:
            await all_of(one.deliver(event), other.deliver(event))
            await self.deliver_until_done(one, event)
        assert len(await happened(world, someone.subscription_id, "subscription_cancelled")) == 1
        assert len(await told(world, event)) == 1

    async def test_the_end_of_a_cancelled_contract_says_so_lest_it_be_told_twice(self, world: World) -> None:
        someone = await billed(world)
        contract_id = await world.contract(customer_id=someone.id, status="cancelled")
        event = await asked(someone, "cancel", "term_end", contract_id=str(contract_id))
        async with self.listening(world) as target:
            await target.deliver(event)
        (applied,) = await told(world, event)
        assert applied["data"]["contract_cancelled"] is True

    async def test_a_change_that_nobody_has_heard_of_is_a_dead_letter(self, world: World) -> None:
        event = await asked(await billed(world), "upgrade", "now")
        async with self.listening(world) as target:
            await target.deliver(event)
        (letter,) = await world.dead_letters(event.id, "subscription_change")
        assert "upgrade" in letter["reason"]


async def asked(someone: Billed, change: str, when: str, **fields: Any) -> Event:
    """A request as `change_subscription` records it."""
    subscription = await someone.subscription()
    data = {
        "customer_id": str(someone.id),
        "subscription_id": someone.subscription_id,
        "contract_id": None,
        "change": change,
        "effective": when,
        "treatment_id": None,
        "billing": None,
        "item_price_id": None,
        "resume_on": None,
        "status": subscription["status"],
        "resource_version": subscription["resource_version"],
        "requested_by": "user",
    }
    return await someone.world.publish("subscription.changed", someone.id, data | fields)


async def told(world: World, event: Event) -> list[dict[str, Any]]:
    """What was published about the request, under the id that follows from it."""
    rows = await world.rows(
        "SELECT id, type, data::text FROM events.outbox WHERE type LIKE 'subscription.change\\__%' AND id = ANY ($1)",
        [derived_id(event.id, f"subscription.change_{end}") for end in ("applied", "refused")],
    )
    return [{**row, "data": json.loads(row["data"])} for row in rows]


async def happened(world: World, subscription_id: str, event_type: str) -> list[str]:
    """Events of Chargebee about a subscription, of a type."""
    found: list[str] = []
    offset: str | None = None
    while True:
        query = f"?limit=100&event_type[is]={event_type}" + (f"&offset={offset}" if offset else "")
        answer = await world.client.get(f"{world.surroundings.chargebee}/api/v2/events{query}", auth=("key", ""))
        body = answer.json()
        found += [
            one["event"]["id"]
            for one in body["list"]
            if one["event"]["content"].get("subscription", {}).get("id") == subscription_id
        ]
        offset = body.get("next_offset")
        if offset is None:
            return found
