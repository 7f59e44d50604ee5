"""The first charge for a contract is declined: what the chargebee agent makes of it, until it is paid or given up."""

import asyncio
import dataclasses
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from agents.chargebee.app import create_app
from local.layout import PROJECT
from tests.integration.agents.deliveries import Event, Target, World
from tests.integration.agents.serving import serving
from tests.integration.agents.test_chargebee_agent import contract, control, settings
from tests.integration.agents.test_contract_agent import ITEM_PRICE, in_chargebee

TASKS_ACCOUNT = f"tasks@{PROJECT}.iam.gserviceaccount.com"
START = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass(kw_only=True)
class Unpaid:
    """A customer whose card is declined, and their contract."""

    world: World
    target: Target
    tasks_token: str
    customer_id: uuid.UUID
    contract_id: uuid.UUID
    inserted: Event
    clock: list[datetime] = field(default_factory=lambda: [START])

    async def decline(self, code: str | None) -> None:
        await control(self.world, "cards", {"customer_id": str(self.customer_id), "decline": code})

    async def another_card(self) -> None:
        """The customer leaves another card, and event_routing tells of it."""
        await control(self.world, "cards", {"customer_id": str(self.customer_id), "replace": True})

    async def begin(self) -> None:
        """The contract's first event."""
        response = await self.target.deliver(self.inserted)
        assert response.status_code == 204, response.text

    async def told_of_card(self) -> None:
        changed = await self.world.publish(
            "customer.payment_source_changed", self.customer_id, {"customer_id": str(self.customer_id)}
        )
        response = await self.target.deliver(changed)
        assert response.status_code == 204, response.text

    async def give_up(self) -> None:
        """Every planned attempt, each in vain."""
        for number, days in enumerate((1, 2, 2, 2), start=1):
            await self.attempt(number, days=days)

    async def attempt(self, number: int, *, days: int = 0, wanted: tuple[int, ...] = (204,)) -> httpx.Response:
        """A task of this contract falls due, so many days later; -1 is the newest."""
        self.clock[0] += timedelta(days=days)
        task = (await self.tasks())[number - 1 if number > 0 else number]
        body = {
            "id": str(task["id"]),
            "generation": task["generation"],
            "name": task["name"],
            "kind": task["kind"],
            "due_at": task["due_at"].isoformat(),
            "payload": json.loads(task["payload"]),
        }
        headers = {"authorization": f"Bearer {self.tasks_token}"}
        response = await self.target.client.post(f"{self.target.url}/tasks", json=body, headers=headers)
        assert response.status_code in wanted, response.text
        return response

    async def tasks(self) -> list[dict[str, Any]]:
        return await self.world.rows(
            """
            SELECT id, name, kind, generation, due_at, payload, status FROM events.scheduled_task
            WHERE payload ->> 'contract_id' = $1 AND kind = 'contract.first_payment' ORDER BY created_at, due_at
            """,
            str(self.contract_id),
        )

    async def recovery(self) -> dict[str, Any]:
        return dict(await self.world.row("SELECT * FROM payment_recovery WHERE contract_id = $1", self.contract_id))

    async def row(self) -> dict[str, Any]:
        return dict(await self.world.row("SELECT * FROM contract WHERE id = $1", self.contract_id))

    async def ticket(self) -> dict[str, Any]:
        """The ticket as support has it; its comments with it."""
        ticket_id = (await self.recovery())["zendesk_ticket_id"]
        url, auth = self.world.surroundings.zendesk, ("agent@example.com/token", "token")
        found = (await self.world.client.get(f"{url}/api/v2/tickets/{ticket_id}.json", auth=auth)).json()["ticket"]
        comments = await self.world.client.get(f"{url}/api/v2/tickets/{ticket_id}/comments.json", auth=auth)
        return {**found, "comments": [one["body"] for one in comments.json()["comments"]]}

    async def told(self, event_type: str = "contract.payment_declined") -> list[dict[str, Any]]:
        """What was published about the declined charge."""
        rows = await self.world.rows(
            "SELECT data FROM events.outbox WHERE subject = $1 AND type = $2 ORDER BY sequence",
            str(self.contract_id),
            event_type,
        )
        return [json.loads(row["data"]) for row in rows]

    async def charges(self) -> int:
        """How often Chargebee was asked for the subscription."""
        path = f"/api/v2/customers/{self.customer_id}/subscription_for_items"
        return sum(one["path"] == path for one in await self.world.received("chargebee", limit=20_000))


@asynccontextmanager
async def unpaid(
    world: World, code: str, *, customer: dict[str, Any] | None = None, treatment: dict[str, Any] | None = None
) -> AsyncIterator[Unpaid]:
    customer_id = await world.customer(**(customer or {}))
    treatment_id = await world.treatment(monthly_item_price_id=ITEM_PRICE, **(treatment or {}))
    contract_id = await contract(world, customer_id=customer_id, treatment_id=treatment_id, start_date=START.date())
    clock = [START]

    def build(url: str) -> Starlette:
        runtime = world.surroundings.runtime_settings("chargebee", url, tasks_service_account=TASKS_ACCOUNT)
        return create_app(settings(world, runtime), clock=lambda: clock[0])

    async with serving(build) as url:
        someone = Unpaid(
            world=world,
            target=Target(url=url, client=world.client, token=await world.surroundings.push_token(url)),
            tasks_token=await world.surroundings.push_token(url, account=TASKS_ACCOUNT),
            customer_id=customer_id,
            contract_id=contract_id,
            inserted=await world.event("contract.inserted", contract_id),
            clock=clock,
        )
        await someone.decline(code)
        await someone.begin()
        yield someone


@pytest.mark.parametrize(("code", "hard"), [("insufficient_funds", False), ("stolen_card", True)])
async def test_a_declined_first_charge_is_a_ticket_a_plan_and_news_for_the_customer_and_no_dead_letter(
    world: World, code: str, hard: bool
) -> None:
    async with unpaid(world, code) as someone:
        await someone.begin()

        assert await world.dead_letters(someone.inserted.id, "chargebee") == []
        row, recovery = await someone.row(), await someone.recovery()
        assert (row["status"], row["subscription_id"]) == ("future", None)
        assert (recovery["status"], recovery["last_decline_code"], recovery["needs_new_card"]) == ("open", code, hard)
        assert (recovery["amount"], recovery["currency_code"], recovery["invoice_id"]) == (9900, "USD", None)
        assert [one["due_at"] - START for one in await someone.tasks()] == [timedelta(days=day) for day in (1, 3, 5, 7)]
        (told,) = await someone.told()
        assert (told["amount_text"], told["decline_code"], told["new_card_needed"]) == ("99.00 USD", code, hard)
        assert told["tried_again"] is not hard
        ticket = await someone.ticket()
        assert (ticket["status"], ticket["priority"]) == ("new", "high" if hard else "normal")
        assert code in ticket["comments"][0]
        (seen,) = await world.rows(
            "SELECT category, status FROM support_ticket WHERE customer_id = $1", someone.customer_id
        )
        assert seen == {"category": "payment", "status": "new"}


@pytest.mark.parametrize(
    ("treatment", "text"),
    [
        ({"monthly_price": 9800, "currency_code": "JPY"}, "9800 JPY"),
        ({"monthly_price": 12345, "currency_code": "KWD"}, "12.345 KWD"),
        (
            {
                "has_upfront_payment_option": True,
                "upfront_price": 49_900,
                "upfront_item_price_id": ITEM_PRICE,
                "monthly_price": 9900,
            },
            "499.00 USD",
        ),
    ],
)
async def test_what_was_to_be_charged_is_told_as_its_currency_writes_it(
    world: World, treatment: dict[str, Any], text: str
) -> None:
    async with unpaid(world, "insufficient_funds", treatment=treatment) as someone:
        assert text in (await someone.ticket())["comments"][0]
        assert [one["amount_text"] for one in await someone.told()] == [text]


async def test_without_any_card_nobody_speaks_of_a_decline_and_the_first_one_starts_the_contract(world: World) -> None:
    async with unpaid(world, "payment_method_not_present") as someone:
        ticket = await someone.ticket()
        assert (ticket["subject"].split(":")[0], ticket["priority"]) == ("First payment missing", "normal")
        assert "declined" not in ticket["comments"][0]
        (told,) = await someone.told()
        assert (told["decline_code"], told["new_card_needed"]) == ("payment_method_not_present", True)

        await someone.another_card()
        await someone.told_of_card()
        await someone.attempt(-1)
        assert (await someone.recovery())["status"] == "recovered"


async def test_another_card_makes_the_subscription_at_once_and_ends_the_matter(world: World) -> None:
    async with unpaid(world, "stolen_card") as someone:
        await someone.another_card()
        await someone.told_of_card()
        await someone.attempt(-1)
        # Told of it once more: there is nothing left to do.
        await someone.told_of_card()

        assert (await someone.row())["subscription_id"] == str(someone.contract_id)
        assert (await in_chargebee(world, str(someone.contract_id)))["status"] == "active"
        recovery = await someone.recovery()
        assert (recovery["status"], recovery["next_retry_at"]) == ("recovered", None)
        assert (await someone.ticket())["status"] == "solved"
        assert sorted(one["status"] for one in await someone.tasks()) == ["cancelled"] * 4 + ["done"]
        assert len(await someone.told()) == 1


async def test_a_card_that_is_of_no_use_is_not_charged_again_but_looked_for_on_the_planned_days(world: World) -> None:
    async with unpaid(world, "stolen_card") as someone:
        charges = await someone.charges()
        await someone.attempt(1, days=1)
        assert await someone.charges() == charges
        assert (await someone.recovery())["attempts"] == 1

        # Nobody told of it: the webhook was lost.
        await someone.another_card()
        await someone.attempt(2, days=2)

        assert (await someone.recovery())["status"] == "recovered"
        assert [one["status"] for one in await someone.tasks()] == ["done", "done", "cancelled", "cancelled"]


async def test_a_lack_of_funds_is_tried_again_with_the_same_card(world: World) -> None:
    async with unpaid(world, "insufficient_funds") as someone:
        await someone.attempt(1, days=1)
        assert ((await someone.recovery())["status"], (await someone.recovery())["attempts"]) == ("open", 1)
        assert len(await someone.told()) == 1

        await someone.decline(None)
        await someone.attempt(2, days=2)
        assert (await someone.recovery())["status"] == "recovered"
        assert (await someone.row())["subscription_id"] == str(someone.contract_id)


async def test_a_soft_decline_that_turns_hard_is_told_once_more(world: World) -> None:
    async with unpaid(world, "insufficient_funds") as someone:
        await someone.decline("stolen_card")
        await someone.attempt(1, days=1)
        await someone.attempt(2, days=2)
        assert [one["new_card_needed"] for one in await someone.told()] == [False, True]


@pytest.mark.parametrize(("code", "hard"), [("insufficient_funds", False), ("stolen_card", True)])
async def test_given_up_the_customer_is_told_once_the_ticket_is_solved_and_another_card_still_starts_the_contract(
    world: World, code: str, hard: bool
) -> None:
    async with unpaid(world, code) as someone:
        await someone.give_up()
        # Delivered twice.
        await someone.attempt(4)
        recovery = await someone.recovery()
        assert (recovery["status"], recovery["attempts"], recovery["next_retry_at"]) == ("exhausted", 4, None)
        assert recovery["closed_at"] is not None
        (told,) = await someone.told("contract.payment_exhausted")
        assert (told["amount_text"], told["decline_code"], told["new_card_needed"]) == ("99.00 USD", code, hard)
        assert (told["customer_id"], told["status"]) == (str(someone.customer_id), "future")
        ticket = await someone.ticket()
        assert (ticket["status"], "first-payment-exhausted" in ticket["tags"]) == ("solved", True)
        assert "first-payment-declined" in ticket["tags"]
        assert "every planned attempt" in ticket["comments"][-1]
        (seen,) = await world.rows("SELECT status FROM support_ticket WHERE customer_id = $1", someone.customer_id)
        assert seen["status"] == "solved"
        assert (await someone.row())["status"] == "future"

        await someone.another_card()
        await someone.told_of_card()
        await someone.attempt(-1, days=20)
        assert (await someone.recovery())["status"] == "recovered"
        assert (await someone.row())["subscription_id"] == str(someone.contract_id)
        ticket = await someone.ticket()
        assert (ticket["status"], "was paid" in ticket["comments"][-1]) == ("solved", True)
        assert len(await someone.told()) == len(await someone.told("contract.payment_exhausted")) == 1


async def test_a_last_attempt_that_is_declined_for_another_reason_is_told_as_the_last_one_only(world: World) -> None:
    async with unpaid(world, "insufficient_funds") as someone:
        for number, days in enumerate((1, 2, 2), start=1):
            await someone.attempt(number, days=days)
        await someone.decline("stolen_card")
        await someone.attempt(4, days=2)

        assert [one["decline_code"] for one in await someone.told()] == ["insufficient_funds"]
        assert [one["decline_code"] for one in await someone.told("contract.payment_exhausted")] == ["stolen_card"]


async def test_another_card_that_is_declined_after_all_was_given_up_is_told_without_a_promise(world: World) -> None:
    async with unpaid(world, "stolen_card") as someone:
        await someone.give_up()
        await someone.another_card()
        await someone.decline("insufficient_funds")
        await someone.told_of_card()
        await someone.attempt(-1, days=1)

        assert (await someone.recovery())["status"] == "exhausted"
        # Nobody charges it again by themselves, though it might be paid another day.
        assert [(one["decline_code"], one["tried_again"]) for one in await someone.told()] == [
            ("stolen_card", False),
            ("insufficient_funds", False),
        ]
        assert len(await someone.told("contract.payment_exhausted")) == 1


@pytest.mark.parametrize("cancelled", [False, True])
async def test_when_it_is_paid_or_cancelled_at_the_moment_of_the_last_attempt_nobody_is_told_that_it_was_in_vain(
    world: World, cancelled: bool
) -> None:
    async with unpaid(world, "stolen_card") as someone:
        for number, days in enumerate((1, 2, 2), start=1):
            await someone.attempt(number, days=days)
        # The last attempt has looked for another card, in vain, and is about to solve the ticket.
        await world.misbehave("zendesk", delay_s=0.5, times=1)
        asked = len(await world.received("zendesk"))
        last = asyncio.create_task(someone.attempt(4, days=2, wanted=(204, 503)))
        await world.received("zendesk", at_least=asked + 1, wait_s=10)
        if cancelled:
            await world.database.execute("UPDATE contract SET status = 'cancelled' WHERE id = $1", someone.contract_id)
        else:
            await someone.another_card()
            await someone.told_of_card()
            await someone.attempt(-1)
        await last
        await someone.attempt(4)

        assert (await someone.recovery())["status"] == ("cancelled" if cancelled else "recovered")
        assert (await someone.ticket())["status"] == "solved"
        assert await someone.told("contract.payment_exhausted") == []


async def test_another_card_that_is_declined_too_is_told_and_the_plan_goes_on(world: World) -> None:
    async with unpaid(world, "stolen_card") as someone:
        await someone.another_card()
        await someone.decline("expired_card")
        # Chargebee tells of it as a payment source and as a card: it is charged once all the same.
        for _ in range(2):
            await someone.told_of_card()
        assert len(await someone.tasks()) == 5
        await someone.attempt(-1)
        await someone.told_of_card()
        assert len(await someone.tasks()) == 5

        recovery = await someone.recovery()
        assert (recovery["status"], recovery["last_decline_code"], recovery["attempts"]) == ("open", "expired_card", 0)
        assert [one["decline_code"] for one in await someone.told()] == ["stolen_card", "expired_card"]
        charges = await someone.charges()
        await someone.attempt(1, days=1)
        assert await someone.charges() == charges


async def test_a_contract_that_is_cancelled_meanwhile_is_not_charged_any_more(world: World) -> None:
    async with unpaid(world, "insufficient_funds") as someone:
        await world.database.execute("UPDATE contract SET status = 'cancelled' WHERE id = $1", someone.contract_id)
        await someone.decline(None)
        charges = await someone.charges()
        await someone.target.deliver(await world.event("contract.updated", someone.contract_id))
        await someone.attempt(1, days=1)

        assert await someone.charges() == charges
        assert (await someone.recovery())["status"] == "cancelled"
        assert (await someone.ticket())["status"] == "solved"
        assert len(await someone.told()) == 1


async def test_whoever_begins_anew_in_place_of_waiting_is_not_charged_for_both(world: World) -> None:
    async with unpaid(world, "stolen_card") as someone:
        row = await someone.row()
        await contract(
            world, customer_id=someone.customer_id, treatment_id=row["treatment_id"], subscription_id="the-new-one"
        )
        await someone.another_card()
        charges = await someone.charges()
        await someone.attempt(1, days=1)

        assert await someone.charges() == charges
        recovery, ticket = await someone.recovery(), await someone.ticket()
        assert (recovery["status"], recovery["status_reason"]) == (
            "cancelled",
            "another contract for the same treatment is paid for",
        )
        # The contract that is left is a person's to cancel.
        assert (ticket["status"], "please cancel it" in ticket["comments"][-1]) == ("new", True)
        assert [one["status"] for one in await someone.tasks()] == ["done", "cancelled", "cancelled", "cancelled"]


async def test_another_card_pays_for_the_newest_of_the_contracts_for_one_treatment_that_wait_for_it(
    world: World,
) -> None:
    async with unpaid(world, "stolen_card") as someone:
        # A quarter of an hour later they have tried once more, with the same card; and something else besides.
        row, more = await someone.row(), []
        for minutes, treatment_id in (
            (15, row["treatment_id"]),
            (16, await world.treatment(monthly_item_price_id=ITEM_PRICE)),
        ):
            one = await contract(
                world,
                customer_id=someone.customer_id,
                treatment_id=treatment_id,
                start_date=START.date(),
                created_at=row["created_at"] + timedelta(minutes=minutes),
            )
            response = await someone.target.deliver(await world.event("contract.inserted", one))
            assert response.status_code == 204
            more.append(dataclasses.replace(someone, contract_id=one))
        again, other = more
        await someone.another_card()
        await someone.told_of_card()

        due = [(await one.tasks())[-1]["due_at"] - START for one in (again, other, someone)]
        assert due == [timedelta(0), timedelta(0), timedelta(minutes=5)]
        for one in (again, other, someone):
            await one.attempt(-1)
        assert [(await one.row())["subscription_id"] is None for one in (again, other, someone)] == [False, False, True]
        assert [(await one.recovery())["status"] for one in (again, other, someone)] == [
            "recovered",
            "recovered",
            "cancelled",
        ]


async def test_other_changes_of_the_contract_don_t_charge_the_card_beside_the_plan(world: World) -> None:
    async with unpaid(world, "insufficient_funds") as someone:
        charges = await someone.charges()
        await world.database.execute("UPDATE contract SET auto_renew = false WHERE id = $1", someone.contract_id)
        await someone.target.deliver(await world.event("contract.updated", someone.contract_id))
        assert await someone.charges() == charges


async def test_a_customer_whom_nobody_can_write_to_has_a_ticket_all_the_same(world: World) -> None:
    nobody = {"first_name": None, "last_name": None, "email": None, "phone": None}
    async with unpaid(world, "insufficient_funds", customer=nobody) as someone:
        assert (await someone.ticket())["status"] == "new"
        assert await world.dead_letters(someone.inserted.id, "chargebee") == []


async def test_zendesk_being_away_only_delays_it_and_the_card_is_charged_once(world: World) -> None:
    customer_id = await world.customer()
    await control(world, "cards", {"customer_id": str(customer_id), "decline": "insufficient_funds"})
    contract_id = await contract(world, customer_id=customer_id, start_date=START.date())
    inserted = await world.event("contract.inserted", contract_id)

    def build(url: str) -> Starlette:
        return create_app(settings(world, world.surroundings.runtime_settings("chargebee", url)), clock=lambda: START)

    async with serving(build) as url:
        target = Target(url=url, client=world.client, token=await world.surroundings.push_token(url))
        await world.misbehave("zendesk", status=503, times=100)
        assert (await target.deliver(inserted)).status_code != 204
        await world.behave("zendesk")
    # Another process: its circuit is closed.
    async with serving(build) as url:
        target = Target(url=url, client=world.client, token=await world.surroundings.push_token(url))
        assert (await target.deliver(inserted)).status_code == 204

    (row,) = await world.rows("SELECT status FROM payment_recovery WHERE contract_id = $1", contract_id)
    assert row["status"] == "open"
    assert len(await world.rows("SELECT FROM support_ticket WHERE customer_id = $1", customer_id)) == 1
