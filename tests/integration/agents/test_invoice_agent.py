"""The invoice agent against Chargebee's, Iterable's and Zendesk's stand-ins and the real endpoint."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from agents.events.envelope import derived_id
from agents.invoice.app import create_app
from agents.invoice.settings import RecoverySettings, Settings
from agents.runtime.settings import RuntimeSettings
from integrations.iterable.settings import IterableSettings
from integrations.zendesk.settings import ZendeskSettings
from local.layout import PROJECT
from tests.integration.agents.behaviour import QUICK, AgentBehaviour
from tests.integration.agents.billed import Billed, api, billed, chargebee_settings, control, mirror
from tests.integration.agents.deliveries import Event, Target, World, all_of
from tests.integration.agents.serving import serving

TASKS_ACCOUNT = f"tasks@{PROJECT}.iam.gserviceaccount.com"


class TestInvoiceAgent(AgentBehaviour):
    agent = "invoice"
    outside = "iterable"
    call_path = "trackPurchase"

    def create_app(self, world: World, runtime: RuntimeSettings) -> Starlette:
        return create_app(settings(world, runtime))

    def outside_environment(self, world: World) -> dict[str, str]:
        chargebee = chargebee_settings(world)
        return {
            "CHARGEBEE_SITE": chargebee.site,
            "CHARGEBEE_DOMAIN": chargebee.domain,
            "CHARGEBEE_PROTOCOL": chargebee.protocol,
            "CHARGEBEE_API_KEY": "key",
            "ITERABLE_BASE_URL": world.surroundings.iterable,
            "ITERABLE_API_KEY": "key",
            "ZENDESK_BASE_URL": world.surroundings.zendesk,
            "ZENDESK_EMAIL": "agent@example.com",
            "ZENDESK_API_TOKEN": "token",
        }

    async def occasion(self, world: World) -> Event:
        return await succeeded(world, customer_id=await world.customer())

    async def effects(self, world: World, event: Event) -> list[Any]:
        return await purchases(world, event.data["customer_id"])

    async def written(self, world: World, event: Event) -> list[Any]:
        received = await lifetime_value(world, event.data["customer_id"])
        return [event.data["amount"]] * (received // event.data["amount"])


# Payments


@pytest.mark.parametrize(
    ("amount", "currency", "total"), [(9900, "USD", 99.0), (5000, "JPY", 5000), (12345, "KWD", 12.345)]
)
async def test_a_payment_counts_in_minor_units_here_and_in_whole_ones_in_iterable(
    world: World, amount: int, currency: str, total: float
) -> None:
    customer_id = await world.customer(currency_code=currency)
    async with listening(world) as agent:
        await agent.deliver(await succeeded(world, customer_id=customer_id, amount=amount, currency_code=currency))
    assert await lifetime_value(world, customer_id) == amount
    (purchase,) = await purchases(world, customer_id)
    assert purchase["total"] == total
    assert purchase["dataFields"]["currency"] == currency
    # What was bought would tell what somebody suffers from.
    assert [item["name"] for item in purchase["items"]] == ["Invoice"]


async def test_two_processes_that_handle_one_payment_at_once_add_it_once(world: World) -> None:
    customer_id = await world.customer()
    event = await succeeded(world, customer_id=customer_id)
    async with listening(world) as one, listening(world) as other:
        statuses = await all_of(one.deliver(event), other.deliver(event), one.deliver(event))
    assert set(statuses) == {204}
    assert await lifetime_value(world, customer_id) == 9900


async def test_another_currency_is_converted_at_the_rate_that_the_invoice_was_booked_with(world: World) -> None:
    await control(world, "currencies", base="USD", rates={"JPY": 0.0067})
    try:
        someone = await billed(world, price=5000, currency="JPY")
        invoice = await someone.next_invoice()
    finally:
        await control(world, "currencies")
    await world.database.execute("UPDATE customer SET currency_code = 'USD' WHERE id = $1", someone.id)
    yen: dict[str, Any] = {"amount": 5000, "currency_code": "JPY", "invoice_id": str(invoice["id"])}
    async with listening(world) as agent:
        await agent.deliver(await succeeded(world, customer_id=someone.id, **yen))
    # 5,000 yen are 33.50 dollars.
    assert await lifetime_value(world, someone.id) == 3350


async def test_a_currency_without_a_rate_is_not_counted_and_the_record_says_so(world: World) -> None:
    someone = await billed(world, price=5000, currency="JPY")
    invoice = await someone.next_invoice()
    await world.database.execute("UPDATE customer SET currency_code = 'USD' WHERE id = $1", someone.id)
    yen: dict[str, Any] = {"amount": 5000, "currency_code": "JPY", "invoice_id": str(invoice["id"])}
    event = await succeeded(world, customer_id=someone.id, **yen)
    async with listening(world) as agent:
        await agent.deliver(event)
    assert await lifetime_value(world, someone.id) == 0
    (delivery,) = await world.deliveries(event, "invoice")
    assert any("no rate" in effect.get("skipped", "") for effect in delivery["effects"])


async def test_what_is_given_back_no_longer_counts(world: World) -> None:
    someone = await billed(world)
    invoice_id = (await someone.next_invoice())["id"]
    await someone.sync(invoice_id)
    async with listening(world) as agent:
        await agent.follow(world, invoice_id)
        await api(world, "POST", f"/invoices/{invoice_id}/refund", refund_amount=3000)
        await someone.sync(invoice_id)
        await agent.follow(world, invoice_id)
    assert await published(world, invoice_id) == ["invoice.payment_succeeded", "invoice.refunded"]
    assert await lifetime_value(world, someone.id) == 9900 - 3000


async def test_a_payment_that_is_taken_off_an_invoice_and_put_back_counts_once(world: World) -> None:
    someone = await billed(world)
    paid = await someone.next_invoice()
    invoice_id = paid["id"]
    due = {**paid, "status": "payment_due", "amount_paid": 0, "amount_due": 9900}
    values = []
    async with listening(world) as agent:
        for number, state in enumerate((paid, due, paid), 1):
            await mirror(world, "invoice", {**state, "resource_version": paid["resource_version"] + number})
            await agent.follow(world, invoice_id)
            values.append(await lifetime_value(world, someone.id))
    assert values == [9900, 0, 9900]


async def test_a_credit_that_pays_for_another_invoice_is_no_refund(world: World) -> None:
    someone = await billed(world)
    first = (await someone.next_invoice())["id"]
    await someone.sync(first)
    async with listening(world) as agent:
        await agent.follow(world, first)
        # Half of the price from now on: what is left of the term pays for the next invoices.
        await control(world, "item_prices", id="monthly-4900-USD", price=4900, currency_code="USD")
        change = {"subscription_items[item_price_id][0]": "monthly-4900-USD", "replace_items_list": "true"}
        await api(world, "POST", f"/subscriptions/{someone.subscription_id}/update_for_items", **change)
        second = await someone.next_invoice()
        assert second["credits_applied"] > 0
        (note,) = (await someone.invoice(first))["issued_credit_notes"]
        while note["cn_status"] != "refunded":
            await someone.next_invoice()
            (note,) = (await someone.invoice(first))["issued_credit_notes"]
        await someone.sync(first)
        await agent.follow(world, first)
    assert await published(world, first) == ["invoice.payment_succeeded"]
    assert await lifetime_value(world, someone.id) == 9900


# What the rows tell


async def test_etl_and_webhooks_tell_the_same_in_whatever_order_they_come(world: World) -> None:
    someone = await billed(world)
    await someone.decline("insufficient_funds")
    failed = await someone.next_invoice()
    invoice_id = failed["id"]
    async with listening(world) as agent:
        # A webhook, the ETL a minute later, and the webhook once more.
        for raw in (failed, failed, failed):
            await mirror(world, "invoice", raw)
        await agent.follow(world, invoice_id)
        await someone.decline(None)
        await api(world, "POST", f"/invoices/{invoice_id}/collect_payment")
        paid = await someone.invoice(invoice_id)
        # The ETL is faster than the webhook of the failure, which comes again after it.
        for raw in (paid, failed, paid):
            await mirror(world, "invoice", raw)
        await agent.follow(world, invoice_id)
    assert await published(world, invoice_id) == [
        "invoice.payment_failed",
        "invoice.payment_succeeded",
        "invoice.payment_recovered",
    ]
    assert await lifetime_value(world, someone.id) == 9900


async def test_what_failed_and_was_paid_while_nobody_looked_is_only_a_payment(world: World) -> None:
    someone = await billed(world)
    await someone.decline("insufficient_funds")
    failed = await someone.next_invoice()
    await mirror(world, "invoice", failed)
    await someone.decline(None)
    await api(world, "POST", f"/invoices/{failed['id']}/collect_payment")
    await someone.sync(failed["id"])
    async with listening(world) as agent:
        await agent.follow(world, failed["id"])
    assert await published(world, failed["id"]) == ["invoice.payment_succeeded"]
    assert await tickets(world, someone) == []


async def test_payments_in_parts_add_up_however_many_of_them_the_mirror_saw(world: World) -> None:
    someone = await billed(world)
    await someone.decline("insufficient_funds")
    invoice_id = (await someone.next_invoice())["id"]
    await someone.sync(invoice_id)
    async with listening(world) as agent:
        await agent.follow(world, invoice_id)
        await someone.decline(None)
        for amount in (1000, 2000):
            await api(world, "POST", f"/invoices/{invoice_id}/collect_payment", amount=amount)
        await someone.sync(invoice_id)
        await agent.follow(world, invoice_id)
        between = (await recovery(world, invoice_id))["status"]
        await api(world, "POST", f"/invoices/{invoice_id}/collect_payment")
        await someone.sync(invoice_id)
        await agent.follow(world, invoice_id)
    assert between == "open"
    assert await lifetime_value(world, someone.id) == 9900
    assert (await recovery(world, invoice_id))["status"] == "recovered"


async def test_an_old_failure_that_a_back_fill_brings_is_history(world: World) -> None:
    someone = await billed(world)
    await someone.decline("insufficient_funds")
    failed = await someone.next_invoice()
    old = int((datetime.now(UTC) - timedelta(days=200)).timestamp())
    await mirror(world, "invoice", {**failed, "date": old})
    async with listening(world) as agent:
        await agent.follow(world, failed["id"])
    assert await published(world, failed["id"]) == []


async def test_an_invoice_of_somebody_unknown_is_waited_for_and_then_left_alone(world: World) -> None:
    someone = await billed(world)
    invoice_id = (await someone.next_invoice())["id"]
    await world.database.execute("UPDATE customer SET chargebee_customer_id = NULL WHERE id = $1", someone.id)
    await someone.sync(invoice_id)
    inserted = await world.event("invoice.inserted", invoice_id)
    async with listening(world) as agent:
        early = await agent.deliver(inserted, attempt=1)
        late = await agent.deliver(inserted, attempt=9)
    assert (early.status_code, late.status_code) == (503, 204)
    assert [row["outcome"] for row in await world.deliveries(inserted, "invoice")] == ["retry", "skipped"]
    assert await published(world, invoice_id) == []


async def test_a_customer_who_is_linked_a_moment_later_is_found(world: World) -> None:
    someone = await billed(world)
    invoice_id = (await someone.next_invoice())["id"]
    await world.database.execute("UPDATE customer SET chargebee_customer_id = NULL WHERE id = $1", someone.id)
    await someone.sync(invoice_id)
    inserted = await world.event("invoice.inserted", invoice_id)
    async with listening(world) as agent:
        await agent.deliver(inserted)
        await world.database.execute(
            "UPDATE customer SET chargebee_customer_id = $2 WHERE id = $1", someone.id, someone.chargebee_id
        )
        await agent.follow(world, invoice_id)
    assert await lifetime_value(world, someone.id) == 9900


async def test_a_failed_invoice_that_chargebee_does_not_know_is_recovered_all_the_same(world: World) -> None:
    someone = await billed(world)
    await someone.decline("insufficient_funds")
    failed = {**await someone.next_invoice(), "id": f"unknown-{someone.chargebee_id}"}
    await mirror(world, "invoice", failed)
    async with listening(world) as agent:
        await agent.follow(world, failed["id"])
        begun = await recovery(world, failed["id"])
        await agent.retry(world, failed["id"], 1)
    assert (begun["status"], begun["last_decline_code"]) == ("open", None)
    ended = await recovery(world, failed["id"])
    assert (ended["status"], ended["status_reason"]) == ("cancelled", "Chargebee doesn't have the invoice any more")


# Recovery


async def test_a_failed_payment_gets_a_ticket_a_workflow_and_a_plan(world: World) -> None:
    someone = await billed(world)
    async with listening(world) as agent:
        invoice_id = await agent.failing_invoice(someone, "insufficient_funds")
    (ticket,) = await tickets(world, someone)
    assert (ticket["status"], ticket["priority"], ticket["tags"]) == ("new", "normal", ["payment", "payment-failed"])
    assert "insufficient_funds" in ticket["description"]
    assert "99.00 USD" in ticket["description"]
    shown = await world.row("SELECT * FROM support_ticket WHERE invoice_id = $1", invoice_id)
    assert (shown["zendesk_ticket_id"], shown["category"], shown["customer_id"]) == (
        ticket["id"],
        "payment",
        someone.id,
    )
    assert [entry["name"] for entry in await journeys(world, someone)] == ["payment_recovery"]
    begun = await recovery(world, invoice_id)
    assert (begun["status"], begun["attempts"], begun["retries"], begun["needs_new_card"]) == ("open", 0, 4, False)
    assert (begun["amount"], begun["currency_code"], begun["zendesk_ticket_id"]) == (9900, "USD", ticket["id"])
    planned = await retries(world, invoice_id)
    assert [task["due_at"] - begun["failed_at"] for task in planned] == [timedelta(days=day) for day in (1, 3, 5, 7)]
    assert begun["next_retry_at"] == planned[0]["due_at"]
    assert {task["status"] for task in planned} == {"scheduled"}


async def test_a_customer_without_e_mail_gets_the_ticket_and_the_plan_too(world: World) -> None:
    someone = await billed(world, email=None, phone=None, first_name=None, last_name=None)
    async with listening(world) as agent:
        invoice_id = await agent.failing_invoice(someone, "insufficient_funds")
    assert len(await tickets(world, someone)) == 1
    assert (await recovery(world, invoice_id))["status"] == "open"


@pytest.mark.parametrize(
    ("service", "path", "method"),
    [
        ("zendesk", "tickets.json", "POST"),
        ("iterable", "triggerWorkflow", "POST"),
        ("zendesk", "create_or_update", "POST"),
    ],
)
async def test_an_answer_lost_after_the_work_makes_no_second_ticket_workflow_or_plan(
    world: World, service: str, path: str, method: str
) -> None:
    someone = await billed(world)
    await world.misbehave(service, status=500, after_work=True, times=3, path=path, method=method)
    async with listening(world) as agent:
        invoice_id = await agent.failing_invoice(someone, "insufficient_funds")
    assert len(await tickets(world, someone)) == 1
    assert len(await journeys(world, someone)) == 1
    assert len(await retries(world, invoice_id)) == 4


@pytest.mark.parametrize("service", ["chargebee", "iterable", "zendesk"])
async def test_a_system_that_is_down_holds_the_event_up_and_loses_nothing(world: World, service: str) -> None:
    someone = await billed(world)
    await someone.decline("insufficient_funds")
    invoice_id = (await someone.next_invoice())["id"]
    await someone.sync(invoice_id)
    inserted = await world.event("invoice.inserted", invoice_id)
    async with listening(world) as agent:
        await world.misbehave(service, status=503, times=1000)
        # An hour of redeliveries is sixty of them at a minute's back-off.
        down = {(await agent.deliver(inserted)).status_code for _ in range(3)}
        if service != "chargebee":
            failed = await world.event("invoice.payment_failed", invoice_id)
            down = {(await agent.deliver(failed, attempt=number)).status_code for number in (1, 30, 60)}
        await world.behave(service)
        await agent.follow(world, invoice_id)
    assert down == {503}
    assert len(await tickets(world, someone)) == 1
    assert (await recovery(world, invoice_id))["status"] == "open"


async def test_what_iterable_will_not_have_stops_neither_the_plan_nor_the_count(world: World) -> None:
    someone = await billed(world)
    await world.misbehave("iterable", status=400, times=1000)
    async with listening(world) as agent:
        invoice_id = await agent.failing_invoice(someone, "insufficient_funds")
        await agent.deliver(await succeeded(world, customer_id=someone.id))
    failed = await world.event("invoice.payment_failed", invoice_id)
    (delivery,) = await world.deliveries(failed, "invoice")
    assert [effect.get("error") for effect in delivery["effects"]] == [None, None, "PermanentError"]
    assert (await recovery(world, invoice_id))["status"] == "open"
    assert await lifetime_value(world, someone.id) == 9900


async def test_a_soft_decline_is_tried_again_until_it_is_paid(world: World) -> None:
    someone = await billed(world)
    async with listening(world) as agent:
        invoice_id = await agent.failing_invoice(someone, "insufficient_funds")
        await agent.retry(world, invoice_id, 1)
        after_one = await recovery(world, invoice_id)
        await someone.decline(None)
        await agent.retry(world, invoice_id, 2)
        await someone.sync(invoice_id)
        await agent.follow(world, invoice_id)
    assert await someone.charges(invoice_id) == ["failure", "failure", "success"]
    assert (after_one["status"], after_one["attempts"]) == ("open", 1)
    ended = await recovery(world, invoice_id)
    assert (ended["status"], ended["attempts"], ended["next_retry_at"]) == ("recovered", 2, None)
    assert [task["status"] for task in await retries(world, invoice_id)] == ["done", "done", "cancelled", "cancelled"]
    (ticket,) = await tickets(world, someone)
    assert ticket["status"] == "solved"
    shown = await world.row("SELECT status, solved_at FROM support_ticket WHERE invoice_id = $1", invoice_id)
    assert (shown["status"], shown["solved_at"] is None) == ("solved", False)
    assert await published(world, invoice_id) == [
        "invoice.payment_failed",
        "invoice.payment_succeeded",
        "invoice.payment_recovered",
    ]
    assert await lifetime_value(world, someone.id) == 9900


async def test_after_the_last_attempt_it_is_given_up_and_told_once(world: World) -> None:
    someone = await billed(world)
    async with listening(world) as agent:
        invoice_id = await agent.failing_invoice(someone, "card_declined")
        for number in (1, 2, 3, 4):
            await agent.retry(world, invoice_id, number)
        await agent.follow(world, invoice_id)
        await someone.sync(invoice_id)
        await agent.follow(world, invoice_id)
    assert await someone.charges(invoice_id) == ["failure"] * 5
    ended = await recovery(world, invoice_id)
    assert (ended["status"], ended["attempts"], ended["last_decline_code"]) == ("exhausted", 4, "card_declined")
    assert await published(world, invoice_id) == ["invoice.payment_failed", "invoice.payment_exhausted"]
    invoice = await someone.invoice(invoice_id)
    assert (invoice["status"], invoice["dunning_status"]) == ("not_paid", "stopped")
    assert (await someone.subscription())["status"] == "cancelled"
    (ticket,) = await tickets(world, someone)
    assert ticket["status"] == "solved"
    assert "payment-exhausted" in ticket["tags"]


@pytest.mark.parametrize(("policy", "status"), [("keep", "active"), ("cancel_at_term_end", "non_renewing")])
async def test_what_becomes_of_the_subscription_is_a_setting(world: World, policy: str, status: str) -> None:
    someone = await billed(world)
    async with listening(world, exhausted=policy, retry_days=(2,)) as agent:
        invoice_id = await agent.failing_invoice(someone, "card_declined")
        await agent.retry(world, invoice_id, 1)
        await agent.follow(world, invoice_id)
    assert (await recovery(world, invoice_id))["status"] == "exhausted"
    assert (await someone.subscription())["status"] == status


async def test_who_pays_after_all_is_recovered_also_when_it_had_been_given_up(world: World) -> None:
    someone = await billed(world)
    async with listening(world, exhausted="keep", retry_days=(1,)) as agent:
        invoice_id = await agent.failing_invoice(someone, "card_declined")
        await agent.retry(world, invoice_id, 1)
        await agent.follow(world, invoice_id)
        await someone.sync(invoice_id)
        await api(world, "POST", f"/invoices/{invoice_id}/record_payment", **{"transaction[payment_method]": "cash"})
        await someone.sync(invoice_id)
        await agent.follow(world, invoice_id)
    assert (await recovery(world, invoice_id))["status"] == "recovered"
    assert (await published(world, invoice_id))[-2:] == ["invoice.payment_succeeded", "invoice.payment_recovered"]


@pytest.mark.parametrize("code", ["stolen_card", "lost_card", "expired_card"])
async def test_a_card_that_is_of_no_use_any_more_is_not_charged_again(world: World, code: str) -> None:
    someone = await billed(world)
    async with listening(world) as agent:
        invoice_id = await agent.failing_invoice(someone, code)
        begun = await recovery(world, invoice_id)
        await agent.retry(world, invoice_id, 1)
        blind = await someone.charges(invoice_id)
        await someone.replace_card()
        await agent.retry(world, invoice_id, 2)
        await someone.sync(invoice_id)
        await agent.follow(world, invoice_id)
    assert begun["needs_new_card"]
    assert blind == ["failure"]
    assert await someone.charges(invoice_id) == ["failure", "success"]
    assert (await recovery(world, invoice_id))["status"] == "recovered"
    # Asked for once.
    assert (await published(world, invoice_id)).count("invoice.new_card_needed") == 1


async def test_another_card_is_charged_at_once_and_uses_up_no_planned_attempt(world: World) -> None:
    someone = await billed(world)
    async with listening(world) as agent:
        invoice_id = await agent.failing_invoice(someone, "stolen_card")
        # Nothing has changed about the card yet, whatever Chargebee has to tell.
        await agent.told_of_card(someone)
        assert len(await retries(world, invoice_id)) == 4

        await someone.replace_card()
        # As a payment source and as a card.
        for _ in range(2):
            await agent.told_of_card(someone)
        await agent.retry(world, invoice_id, 5)
        await someone.sync(invoice_id)
        await agent.follow(world, invoice_id)

    assert await someone.charges(invoice_id) == ["failure", "success"]
    ended = await recovery(world, invoice_id)
    assert (ended["status"], ended["attempts"]) == ("recovered", 0)
    *planned, extra = await retries(world, invoice_id)
    assert (extra["kind"], extra["status"]) == ("payment.new_card", "done")
    assert {task["status"] for task in planned} == {"cancelled"}
    (ticket,) = await tickets(world, someone)
    assert ticket["status"] == "solved"


async def test_another_card_that_is_of_no_use_either_is_told_and_the_plan_goes_on(world: World) -> None:
    someone = await billed(world)
    async with listening(world) as agent:
        invoice_id = await agent.failing_invoice(someone, "stolen_card")
        await someone.replace_card()
        await someone.decline("expired_card")
        await agent.told_of_card(someone)
        await agent.retry(world, invoice_id, 5)
        now = await recovery(world, invoice_id)
        assert (now["status"], now["attempts"], now["last_decline_code"]) == ("open", 0, "expired_card")
        # The next planned attempt finds no other card than that.
        await agent.retry(world, invoice_id, 1)
        assert await someone.charges(invoice_id) == ["failure", "failure"]
        assert (await recovery(world, invoice_id))["attempts"] == 1

    asked = await world.rows(
        "SELECT data FROM events.outbox WHERE type = 'invoice.new_card_needed' AND subject = $1 ORDER BY sequence",
        invoice_id,
    )
    assert [json.loads(row["data"])["decline_code"] for row in asked] == ["stolen_card", "expired_card"]


async def test_another_card_of_somebody_who_owes_nothing_asks_for_nothing(world: World) -> None:
    someone = await billed(world)
    await someone.replace_card()
    async with listening(world) as agent:
        told = await agent.told_of_card(someone)
    (delivery,) = await world.deliveries(told, "invoice")
    assert (delivery["outcome"], delivery["effects"]) == ("skipped", [])


async def test_without_another_card_it_is_given_up_after_one_charge(world: World) -> None:
    someone = await billed(world)
    async with listening(world) as agent:
        invoice_id = await agent.failing_invoice(someone, "stolen_card")
        for number in (1, 2, 3, 4):
            await agent.retry(world, invoice_id, number)
        await agent.follow(world, invoice_id)
    assert await someone.charges(invoice_id) == ["failure"]
    assert (await recovery(world, invoice_id))["status"] == "exhausted"


async def test_a_card_that_is_lost_while_it_is_tried_again_is_asked_for_once(world: World) -> None:
    someone = await billed(world)
    async with listening(world) as agent:
        invoice_id = await agent.failing_invoice(someone, "insufficient_funds")
        await someone.decline("lost_card")
        for number in (1, 2, 3):
            await agent.retry(world, invoice_id, number)
    assert await someone.charges(invoice_id) == ["failure", "failure"]
    assert await published(world, invoice_id) == ["invoice.payment_failed", "invoice.new_card_needed"]
    assert (await recovery(world, invoice_id))["last_decline_code"] == "lost_card"


async def test_a_charge_whose_answer_was_lost_is_not_made_again(world: World) -> None:
    someone = await billed(world)
    async with listening(world) as agent:
        invoice_id = await agent.failing_invoice(someone, "insufficient_funds")
        await someone.decline(None)
        await world.misbehave("chargebee", status=500, after_work=True, times=5, path="collect_payment")
        statuses = [(await agent.send_retry(world, invoice_id, 1)).status_code for _ in range(2)]
        await world.behave("chargebee")
        await agent.retry(world, invoice_id, 1)
    assert statuses[0] == 503
    assert await someone.charges(invoice_id) == ["failure", "success"]
    assert (await retries(world, invoice_id))[0]["status"] == "done"


async def test_a_decline_whose_answer_was_lost_for_longer_than_keys_live_counts_as_the_attempt(world: World) -> None:
    someone = await billed(world)
    async with listening(world) as agent:
        invoice_id = await agent.failing_invoice(someone, "insufficient_funds")
        # The charge was made when the attempt was due; all that Chargebee knew of its key is forgotten.
        await agent.retry(world, invoice_id, 1, due_at=datetime.now(UTC) - timedelta(days=1))
    assert await someone.charges(invoice_id) == ["failure"]
    after = await recovery(world, invoice_id)
    assert (after["attempts"], after["status"]) == (1, "open")


async def test_two_processes_with_one_retry_charge_once(world: World) -> None:
    someone = await billed(world)
    async with listening(world) as one, listening(world) as other:
        invoice_id = await one.failing_invoice(someone, "insufficient_funds")
        await someone.decline(None)
        body = await retry_body(world, invoice_id, 1)
        statuses = await all_of(one.post_task(body), other.post_task(body))
    assert set(statuses) <= {204, 503}
    assert (await someone.charges(invoice_id)).count("success") == 1


@pytest.mark.parametrize("end", ["void", "write_off", "record_payment"])
async def test_an_invoice_that_is_settled_elsewhere_is_not_charged_and_its_plan_ends_quietly(
    world: World, end: str
) -> None:
    someone = await billed(world)
    async with listening(world) as agent:
        invoice_id = await agent.failing_invoice(someone, "insufficient_funds")
        form = {"transaction[payment_method]": "bank_transfer"} if end == "record_payment" else {}
        await api(world, "POST", f"/invoices/{invoice_id}/{end}", **form)
        # The retry is due before the mirror has heard of it.
        await agent.retry(world, invoice_id, 1)
        await someone.sync(invoice_id)
        await agent.follow(world, invoice_id)
    assert (await someone.charges(invoice_id)).count("success") == (end == "record_payment")
    ended = await recovery(world, invoice_id)
    assert ended["status"] == ("recovered" if end == "record_payment" else "cancelled")
    assert {task["status"] for task in (await retries(world, invoice_id))[1:]} == {"cancelled"}
    (ticket,) = await tickets(world, someone)
    assert ticket["status"] == "solved"
    assert "invoice.payment_exhausted" not in await published(world, invoice_id)


async def test_a_refund_during_a_retry_ends_the_plan(world: World) -> None:
    someone = await billed(world)
    async with listening(world) as agent:
        invoice_id = await agent.failing_invoice(someone, "insufficient_funds")
        await someone.decline(None)
        await api(world, "POST", f"/invoices/{invoice_id}/collect_payment", amount=4000)
        await api(world, "POST", f"/invoices/{invoice_id}/refund", refund_amount=4000)
        await agent.retry(world, invoice_id, 1)
        await someone.sync(invoice_id)
        await agent.follow(world, invoice_id)
    # Nobody is charged who was just given something back.
    assert await someone.charges(invoice_id) == ["failure", "success"]
    ended = await recovery(world, invoice_id)
    assert (ended["status"], ended["status_reason"]) == ("cancelled", "money was given back")
    assert (await someone.invoice(invoice_id))["status"] == "not_paid"
    assert await lifetime_value(world, someone.id) == 0
    assert "invoice.payment_recovered" not in await published(world, invoice_id)


async def test_an_invoice_that_fails_again_after_it_was_paid_begins_anew(world: World) -> None:
    someone = await billed(world)
    async with listening(world) as agent:
        invoice_id = await agent.failing_invoice(someone, "insufficient_funds")
        first = await recovery(world, invoice_id)
        await someone.decline(None)
        await agent.retry(world, invoice_id, 1)
        paid = await someone.invoice(invoice_id)
        await mirror(world, "invoice", paid)
        await agent.follow(world, invoice_id)
        # The bank takes the payment back days later.
        reversed_ = {
            **paid,
            "status": "payment_due",
            "dunning_status": "in_progress",
            "amount_paid": 0,
            "amount_due": 9900,
            "resource_version": paid["resource_version"] + 1,
        }
        await mirror(world, "invoice", reversed_)
        # Chargebee says that it is paid by now, so nobody is bothered.
        await agent.follow(world, invoice_id)
        failed = await world.publish(
            "invoice.payment_failed",
            invoice_id,
            {"invoice_id": invoice_id, "customer_id": str(someone.id), "amount_due": 9900, "currency_code": "USD"},
        )
        await agent.deliver(failed)
    again = await recovery(world, invoice_id)
    assert (first["status"], again["status"], again["attempts"]) == ("open", "open", 0)
    assert again["event_id"] == failed.id != first["event_id"]
    assert len(await retries(world, invoice_id)) == 8


async def test_an_attempt_that_was_lost_is_planned_anew_by_the_hourly_check(world: World) -> None:
    someone = await billed(world)
    async with listening(world) as agent:
        invoice_id = await agent.failing_invoice(someone, "insufficient_funds")
        await world.database.execute(
            "UPDATE payment_recovery SET next_retry_at = now() - interval '13 hours' WHERE invoice_id = $1", invoice_id
        )
        await world.database.execute(
            "UPDATE events.scheduled_task SET status = 'failed' WHERE payload ->> 'invoice_id' = $1", invoice_id
        )
        token = await world.surroundings.push_token(agent.url, account=TASKS_ACCOUNT)
        answer = await world.client.post(
            f"{agent.url}/jobs/recovery-check",
            headers={
                "authorization": f"Bearer {token}",
                "x-cloudscheduler-scheduletime": datetime.now(UTC).isoformat(),
            },
        )
    assert answer.status_code == 200, answer.text
    assert answer.json()["planned"] >= 1
    first, *rest = await retries(world, invoice_id)
    assert (first["status"], first["generation"]) == ("scheduled", 1)
    assert {task["status"] for task in rest} == {"failed"}


# Shared pieces


class Agent(Target):
    """The agent, and the ways to it."""

    tasks_token: str = ""

    async def failing_invoice(self, someone: Billed, code: str) -> str:
        """The next invoice of somebody whose card is declined, with all that follows from it at once."""
        await someone.decline(code)
        invoice_id: str = (await someone.next_invoice())["id"]
        await someone.sync(invoice_id)
        await self.follow(someone.world, invoice_id)
        return invoice_id

    async def follow(self, world: World, invoice_id: str) -> None:
        """Deliver the invoice's events in their order, and those that come of them, until nothing is left."""
        done = True
        while done:
            done = False
            for row in await world.rows(
                """
                SELECT o.id, o.type, o.subject, o.data, o.created_at FROM events.outbox AS o
                WHERE o.subject = $1 AND NOT EXISTS (
                    SELECT FROM events.inbox AS i WHERE i.event_id = o.id AND i.agent = 'invoice'
                ) AND o.type <> 'invoice.new_card_needed'
                ORDER BY o.sequence
                """,
                invoice_id,
            ):
                event = Event(**{**row, "data": json.loads(row["data"])})
                # Pub/Sub delivers until it is acknowledged.
                for _ in range(5):
                    response = await self.deliver(event)
                    if response.status_code == 204:
                        break
                assert response.status_code == 204, response.text
                done = True

    async def told_of_card(self, someone: Billed) -> Event:
        """What event_routing makes of Chargebee's news of a card."""
        data = {"customer_id": str(someone.id)}
        changed = await someone.world.publish("customer.payment_source_changed", someone.id, data)
        response = await self.deliver(changed)
        assert response.status_code == 204, response.text
        return changed

    async def retry(self, world: World, invoice_id: str, number: int, **payload: Any) -> None:
        """A planned attempt is due."""
        response = await self.send_retry(world, invoice_id, number, **payload)
        assert response.status_code == 204, response.text

    async def send_retry(self, world: World, invoice_id: str, number: int, **payload: Any) -> httpx.Response:
        return await self.post_task(await retry_body(world, invoice_id, number, **payload))

    async def post_task(self, body: dict[str, Any]) -> httpx.Response:
        """As Cloud Tasks sends it."""
        headers = {"authorization": f"Bearer {self.tasks_token}"}
        return await self.client.post(f"{self.url}/tasks", json=body, headers=headers)


async def retry_body(world: World, invoice_id: str, number: int, **payload: Any) -> dict[str, Any]:
    """What the scheduler hands over of an attempt, with some of its payload changed."""
    task = (await retries(world, invoice_id))[number - 1]
    changes = {name: value.isoformat() for name, value in payload.items()}
    return {
        "id": str(task["id"]),
        "generation": task["generation"],
        "name": task["name"],
        "kind": task["kind"],
        "due_at": task["due_at"].isoformat(),
        "payload": json.loads(task["payload"]) | changes,
    }


@asynccontextmanager
async def listening(world: World, **recovery: Any) -> AsyncIterator[Agent]:
    """The agent, served in this process."""

    def build(url: str) -> Starlette:
        runtime = world.surroundings.runtime_settings(
            "invoice", url, tasks_service_account=TASKS_ACCOUNT, jobs_service_account=TASKS_ACCOUNT
        )
        return create_app(settings(world, runtime, **recovery))

    async with serving(build) as url:
        agent = Agent(url=url, client=world.client, token=await world.surroundings.push_token(url))
        object.__setattr__(agent, "tasks_token", await world.surroundings.push_token(url, account=TASKS_ACCOUNT))
        yield agent


def settings(world: World, runtime: RuntimeSettings, **recovery: Any) -> Settings:
    return Settings(
        runtime=runtime,
        chargebee=chargebee_settings(world),
        iterable=IterableSettings(base_url=world.surroundings.iterable, api_key=SecretStr("key"), **QUICK),
        zendesk=ZendeskSettings(
            base_url=world.surroundings.zendesk, email="agent@example.com", api_token=SecretStr("token"), **QUICK
        ),
        recovery=RecoverySettings(**recovery),
    )


async def succeeded(world: World, *, customer_id: object, invoice_id: str | None = None, **fields: Any) -> Event:
    invoice_id = invoice_id or f"inv-{customer_id}"
    data = {
        "invoice_id": invoice_id,
        "customer_id": str(customer_id),
        "subscription_id": None,
        "amount": 9900,
        "currency_code": "USD",
        "amount_text": "99.00 USD",
        "paid_at": "2026-01-31T09:00:00+00:00",
    }
    return await world.publish("invoice.payment_succeeded", invoice_id, data | fields)


async def lifetime_value(world: World, customer_id: object) -> int:
    row = await world.row("SELECT lifetime_value FROM customer WHERE id = $1::text::uuid", str(customer_id))
    value: int = row["lifetime_value"]
    return value


async def purchases(world: World, customer_id: object) -> list[dict[str, Any]]:
    answer = await world.client.get(
        f"{world.surroundings.iterable}/api/events/byUserId/{customer_id}", headers={"api-key": "key"}
    )
    return [one for one in answer.json()["events"] if one["eventType"] == "purchase"]


async def journeys(world: World, someone: Billed) -> list[dict[str, Any]]:
    """The workflows that a person is in; a repeated call counts once a day, as the workflow is set up."""
    answer = await world.client.post(
        f"{world.surroundings.iterable}/_control/journeys", json={"userId": str(someone.id)}
    )
    found: list[dict[str, Any]] = answer.json()["entries"]
    return found


async def tickets(world: World, someone: Billed) -> list[dict[str, Any]]:
    url = world.surroundings.zendesk
    auth = ("agent@example.com/token", "token")
    users = (
        await world.client.get(f"{url}/api/v2/users/search.json", params={"external_id": str(someone.id)}, auth=auth)
    ).json()["users"]
    found: list[dict[str, Any]] = []
    for user in users:
        answer = await world.client.get(f"{url}/api/v2/users/{user['id']}/tickets/requested.json", auth=auth)
        found += answer.json()["tickets"]
    return found


async def recovery(world: World, invoice_id: str) -> dict[str, Any]:
    (row,) = await world.rows("SELECT * FROM payment_recovery WHERE invoice_id = $1", invoice_id)
    return row


async def retries(world: World, invoice_id: str) -> list[dict[str, Any]]:
    return await world.rows(
        """
        SELECT id, name, kind, due_at, payload, status, generation FROM events.scheduled_task
        WHERE payload ->> 'invoice_id' = $1 ORDER BY created_at, due_at
        """,
        invoice_id,
    )


async def published(world: World, invoice_id: str) -> list[str]:
    """Types of the domain events about an invoice, in order; each under the id that follows from what it came of."""
    rows = await world.rows(
        "SELECT id, type FROM events.outbox WHERE subject = $1 AND type LIKE 'invoice.%' ORDER BY sequence", invoice_id
    )
    changes = [row["id"] for row in rows if row["type"] in {"invoice.inserted", "invoice.updated"}]
    told = [row for row in rows if row["id"] not in changes]
    derived = {derived_id(change, row["type"]) for change in changes for row in told}
    direct = {"invoice.payment_succeeded", "invoice.payment_failed", "invoice.payment_recovered", "invoice.refunded"}
    assert {row["id"] for row in told if row["type"] in direct} <= derived
    return [row["type"] for row in told]
