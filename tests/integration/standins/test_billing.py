"""Time and money at the Chargebee stand-in."""

from datetime import UTC, datetime

import pytest

from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.types import Effective, Resource
from local.chargebee.terms import term_end
from local.standin.run import Running
from tests.integration.standins.conftest import START, Operator, plain_client

DAY = 86_400


def epoch(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("start", "period", "unit", "end"),
    [
        ("2026-01-15", 1, "month", "2026-02-15"),
        ("2026-01-31", 1, "month", "2026-02-28"),
        ("2028-01-31", 1, "month", "2028-02-29"),
        ("2027-08-31", 6, "month", "2028-02-29"),
        ("2028-02-29", 1, "year", "2029-02-28"),
        ("2026-01-01", 2, "week", "2026-01-15"),
        ("2026-12-31", 1, "day", "2027-01-01"),
    ],
)
def test_a_term_keeps_its_day_or_takes_the_months_last(start: str, period: int, unit: str, end: str) -> None:
    assert term_end(epoch(start), period, unit) == epoch(end)


async def test_terms_renew_as_the_clock_is_turned(chargebee: Running, operator: Operator) -> None:
    await operator.post(chargebee, "clock", {"now": "2026-03-15T00:00:00Z"})
    invoices = chargebee.service.store.find_by("invoice", "subscription_id", "ada-basic")
    assert [one["date"] for one in invoices] == [epoch("2026-02-01"), epoch("2026-03-01")]
    assert {one["status"] for one in invoices} == {"paid"}
    told = [one["event_type"] for one in chargebee.service.store.all("event")]
    assert told.count("subscription_renewed") == told.count("payment_succeeded") == told.count("invoice_generated") == 2


async def test_a_renewal_that_fails_is_due_and_told(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    await operator.post(chargebee, "cards", {"customer_id": "*", "decline": "card_declined"})
    await operator.post(chargebee, "clock", {"now": "2026-02-02T00:00:00Z"})
    [invoice] = chargebee.service.store.all("invoice")
    assert (invoice["status"], invoice["dunning_status"], invoice["amount_due"]) == ("payment_due", "in_progress", 3000)
    subscription = await chargebee_client.get_subscription("ada-basic")
    assert (subscription.raw["due_invoices_count"], subscription.raw["total_dues"]) == (1, 3000)
    page = await chargebee_client.list_page(Resource.EVENTS)
    [failed] = [one for one in page.objects if one["event_type"] == "payment_failed"]
    assert failed["content"]["transaction"]["error_code"] == "card_declined"
    assert failed["content"]["invoice"]["id"] == invoice["id"]


async def test_a_subscription_of_the_future_begins_on_its_day(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    start = datetime(2026, 2, 1, tzinfo=UTC)
    await chargebee_client.create_subscription(
        "ada", subscription_id="later", item_price_id="plus-USD-Monthly", start_at=start, idempotency_key="event-1"
    )
    await operator.post(chargebee, "clock", {"now": "2026-02-01T00:00:01Z"})
    begun = await chargebee_client.get_subscription("later")
    assert (begun.status, begun.current_term_start) == ("active", start)


async def test_a_cancelled_subscription_ends_with_its_term_and_is_charged_no_more(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    await chargebee_client.cancel_subscription("ada-basic", effective=Effective.END_OF_TERM, idempotency_key="event-1")
    await operator.post(chargebee, "clock", {"now": "2026-06-01T00:00:00Z"})
    ended = await chargebee_client.get_subscription("ada-basic")
    assert (ended.status, ended.raw["cancelled_at"]) == ("cancelled", START + 31 * DAY)
    assert chargebee.service.store.all("invoice") == []


async def test_a_paused_subscription_is_charged_again_after_its_resumption(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    await chargebee_client.pause_subscription(
        "ada-basic",
        effective=Effective.IMMEDIATELY,
        resume_at=datetime(2026, 4, 10, tzinfo=UTC),
        idempotency_key="event-1",
    )
    await operator.post(chargebee, "clock", {"now": "2026-04-11T00:00:00Z"})
    assert (await chargebee_client.get_subscription("ada-basic")).status == "active"
    [invoice] = chargebee.service.store.all("invoice")
    assert invoice["date"] == epoch("2026-04-10")


async def test_a_credit_pays_for_later_invoices(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    await chargebee_client.add_promotional_credit(
        "ada", amount=4000, currency_code="USD", description="Referral", idempotency_key="event-1"
    )
    await operator.post(chargebee, "clock", {"now": "2026-03-02T00:00:00Z"})
    invoices = chargebee.service.store.find_by("invoice", "subscription_id", "ada-basic")
    assert [(one["sub_total"], one["total"], one["status"]) for one in invoices] == [
        (3000, 0, "paid"),
        (3000, 2000, "paid"),
    ]
    assert (await chargebee_client.get_customer("ada")).promotional_credits == 0


async def test_money_is_given_back(chargebee: Running, operator: Operator) -> None:
    await operator.post(chargebee, "renew", {"subscription_id": "ada-basic"})
    [invoice] = chargebee.service.store.all("invoice")
    async with plain_client(base_url=f"{chargebee.url}/api/v2", auth=("site-key", "")) as site:
        answer = (await site.post(f"/invoices/{invoice['id']}/refund", data={"refund_amount": "1000"})).json()
        too_much = await site.post(f"/invoices/{invoice['id']}/refund", data={"refund_amount": "2001"})
    assert (answer["transaction"]["type"], answer["transaction"]["amount"]) == ("refund", 1000)
    assert (answer["credit_note"]["status"], answer["credit_note"]["reference_invoice_id"]) == (
        "refunded",
        invoice["id"],
    )
    assert too_much.status_code == 400
    assert too_much.json()["param"] == "refund_amount"


async def test_a_version_is_never_given_twice(
    chargebee: Running, chargebee_client: ChargebeeClient, operator: Operator
) -> None:
    await operator.post(chargebee, "clock", {"now": "2026-09-01T00:00:00Z"})
    # Back in time: versions still go up.
    await operator.post(chargebee, "clock", {"now": "2026-01-15T00:00:00Z"})
    await chargebee_client.update_subscription_contract("ada-basic", "contract-1", "event-1")
    rows = chargebee.service.store.rows(
        "SELECT resource_version FROM document WHERE kind IN ('subscription', 'invoice', 'transaction')"
    )
    versions = [row["resource_version"] for row in rows]
    assert len(versions) == len(set(versions))
    last = await chargebee_client.get_subscription("ada-basic")
    assert last.resource_version == max(versions)


async def test_personal_data_is_struck_out(chargebee: Running, chargebee_client: ChargebeeClient) -> None:
    await chargebee_client.update_customer("ada", email="ada@example.com", idempotency_key="event-1")
    await chargebee_client.clear_personal_data("ada", idempotency_key="event-2")
    customer = await chargebee_client.get_customer("ada")
    assert (customer.email, customer.first_name, customer.raw["pii_cleared"]) == (None, None, "cleared")
    kept = chargebee.service.store.rows("SELECT kind FROM document WHERE instr(body, 'ada@example.com') > 0")
    assert kept == []
