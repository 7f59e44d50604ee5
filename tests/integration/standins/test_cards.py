"""What recovering a payment needs of the stand-ins: other cards, parts that are paid, purchases, workflows."""

import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from agents.invoice.charges import settled_by
from agents.runtime.handler import Work
from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.types import Effective
from integrations.errors import NotFound, PaymentDeclined, PermanentError
from integrations.iterable.client import IterableClient
from integrations.iterable.types import Recipient
from local.standin.run import Running
from tests.integration.standins.conftest import START, Operator, plain_client

ADA = Recipient(user_id="ada", email="ada@example.com")


async def call(chargebee: Running, path: str, form: dict[str, str]) -> None:
    """A call of the API, as somebody in its office makes it."""
    async with plain_client() as http:
        answer = await http.post(f"{chargebee.url}/api/v2{path}", data=form, auth=("site-key", ""))
    assert answer.status_code == 200, answer.text


async def failing_invoice(chargebee: Running, operator: Operator, code: str) -> str:
    """Ada's next invoice, with her card declined."""
    await operator.post(chargebee, "cards", {"customer_id": "ada", "decline": code})
    answer = await operator.post(chargebee, "renew", {"subscription_id": "ada-basic"})
    return str(answer["invoice"]["id"])


async def test_a_charge_tells_the_card_and_why_it_was_declined(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    invoice_id = await failing_invoice(chargebee, operator, "stolen_card")
    with pytest.raises(PaymentDeclined) as declined:
        await chargebee_client.collect_payment(invoice_id, idempotency_key="again")
    invoice = await chargebee_client.get_invoice(invoice_id)
    payments = invoice.raw["linked_payments"]
    transaction = await chargebee_client.get_transaction(payments[-1]["txn_id"])
    customer = await chargebee_client.get_customer("ada")
    assert declined.value.code == transaction.decline_code == "stolen_card"
    assert [one["txn_status"] for one in payments] == ["failure", "failure"]
    source = await chargebee_client.get_payment_source(transaction.payment_source_id or "")
    assert (source.customer_id, source.status) == ("ada", "valid")
    assert "primary_payment_source_id" not in customer.raw


async def test_another_card_is_a_newer_payment_source_and_is_accepted(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    invoice_id = await failing_invoice(chargebee, operator, "expired_card")
    await operator.post(chargebee, "cards", {"customer_id": "ada", "replace": True})
    customer = await chargebee_client.get_customer("ada")
    source = await chargebee_client.get_payment_source(customer.raw["primary_payment_source_id"])
    paid = await chargebee_client.collect_payment(invoice_id, idempotency_key="again")
    assert source.updated_at is not None
    assert source.updated_at >= datetime(2026, 1, 11, tzinfo=UTC)
    assert (paid.status, paid.dunning_status) == ("paid", "success")
    with pytest.raises(NotFound):
        await chargebee_client.get_payment_source("pm_nobody")


async def test_a_part_that_is_paid_leaves_the_rest_due(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    invoice_id = await failing_invoice(chargebee, operator, "insufficient_funds")
    await call(chargebee, f"/invoices/{invoice_id}/record_payment", {"transaction[amount]": "1000"})
    part = await chargebee_client.get_invoice(invoice_id)
    assert (part.status, part.dunning_status, part.amount_paid, part.amount_due) == (
        "payment_due",
        "in_progress",
        1000,
        2000,
    )


async def test_what_is_given_up_is_not_paid_and_what_is_paid_is_not_given_up(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    invoice_id = await failing_invoice(chargebee, operator, "card_declined")
    given_up = await chargebee_client.stop_dunning(invoice_id, idempotency_key="stop")
    assert (given_up.status, given_up.dunning_status) == ("not_paid", "stopped")
    await operator.post(chargebee, "cards", {"customer_id": "ada", "decline": None})
    await chargebee_client.collect_payment(invoice_id, idempotency_key="at-last")
    with pytest.raises(PermanentError):
        await chargebee_client.stop_dunning(invoice_id, idempotency_key="too-late")


async def test_what_is_said_of_everybodys_card_counts_for_those_told_of_before(
    chargebee: Running, operator: Operator
) -> None:
    await operator.post(chargebee, "cards", {"customer_id": "ada", "decline": "expired_card"})
    answers = [
        await operator.post(chargebee, "cards", {"customer_id": "*", "decline": decline})
        for decline in ("insufficient_funds", None)
    ]
    assert [one["declined_cards"] for one in answers] == [{"*": "insufficient_funds"}, {}]


@pytest.mark.parametrize("effective", [Effective.IMMEDIATELY, Effective.END_OF_TERM])
async def test_another_plan_takes_the_place_of_the_plan_and_leaves_the_other_items(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator, effective: Effective
) -> None:
    await call(
        chargebee,
        "/subscriptions/ada-basic/update_for_items",
        {"subscription_items[item_price_id][0]": "coaching-USD-Monthly"},
    )
    await chargebee_client.change_plan(
        "ada-basic", item_price_id="plus-USD-Monthly", effective=effective, idempotency_key="change"
    )
    if effective is Effective.END_OF_TERM:
        await operator.post(chargebee, "renew", {"subscription_id": "ada-basic"})
    changed = await chargebee_client.get_subscription("ada-basic")
    both = {"coaching-USD-Monthly", "plus-USD-Monthly"}
    assert set(changed.item_price_ids) == both
    assert both in [{line["entity_id"] for line in one["line_items"]} for one in chargebee.service.store.all("invoice")]


@pytest.mark.parametrize(
    ("given_back", "reason"), [(0, None), (1000, "money was given back")], ids=["another-invoice", "money"]
)
async def test_a_used_up_credit_note_settles_an_invoice_only_by_what_was_given_back(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator, given_back: int, reason: str | None
) -> None:
    invoice_id = await failing_invoice(chargebee, operator, "insufficient_funds")
    store = chargebee.service.store
    note = {
        "id": "CN-1", "customer_id": "ada", "status": "refunded", "currency_code": "USD", "total": 1500,
        "amount_refunded": given_back, "amount_allocated": 1500 - given_back, "reference_invoice_id": invoice_id,
    }  # fmt: skip
    store.put("credit_note", "CN-1", note, created_at=START, updated_at=START)
    invoice = store.find("invoice", invoice_id)
    assert invoice is not None
    invoice["issued_credit_notes"] = [{"cn_id": "CN-1", "cn_status": "refunded", "cn_total": 1500}]
    store.put("invoice", invoice_id, invoice, created_at=START, updated_at=START)
    work = Work(event_id=uuid.uuid4(), attempt=1)
    due = await chargebee_client.get_invoice(invoice_id)
    assert await settled_by(due, work, chargebee=chargebee_client) == reason
    assert [(one["action"], one["id"]) for one in work.effects] == [("get_credit_note", "CN-1")]


async def test_planned_changes_of_a_subscription_can_be_looked_at(
    chargebee: Running, chargebee_client: ChargebeeClient
) -> None:
    with pytest.raises(PermanentError):
        await chargebee_client.get_scheduled_changes("ada-basic")
    await call(
        chargebee,
        "/subscriptions/ada-basic/update_for_items",
        {
            "subscription_items[item_price_id][0]": "plus-USD-Monthly",
            "replace_items_list": "true",
            "end_of_term": "true",
        },
    )
    planned = await chargebee_client.get_scheduled_changes("ada-basic")
    now = await chargebee_client.get_subscription("ada-basic")
    assert (planned.item_price_ids, now.item_price_ids) == (("plus-USD-Monthly",), ("basic-USD-Monthly",))


async def test_a_purchase_is_one_for_its_key(iterable: Running, iterable_client: IterableClient) -> None:
    for _ in range(2):
        await iterable_client.track_purchase(
            ADA, total=Decimal("99.00"), item_id="7", item_name="Invoice", data={"currency": "USD"}, idempotency_key="k"
        )
    [purchase] = iterable.service.store.all("purchase")
    assert (purchase["total"], purchase["items"][0]["quantity"], purchase["userId"]) == (99.0, 1, "ada")


async def test_a_workflow_takes_a_person_once_a_day(
    iterable: Running, iterable_client: IterableClient, operator: Operator
) -> None:
    for key in ("one", "two"):
        await iterable_client.trigger_workflow("payment_recovery", ADA, {}, idempotency_key=key)
    assert len(iterable.service.store.all("journey_entry")) == 1
    await operator.post(iterable, "clock", {"advance_s": 90_000})
    await iterable_client.trigger_workflow("payment_recovery", ADA, {}, idempotency_key="three")
    assert len(iterable.service.store.all("journey_entry")) == 2
