"""Flow 2, over public surfaces only: a payment fails in Chargebee, and is followed to its end."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.billing import Subscriber, control, fall_due, mails, subscribers, wait_for
from tests.e2e.outside import View
from tests.e2e.platform import RunningPlatform

RECOVERY = """
    query ($invoice_id: String!) {
      payment_recovery(where: {invoice_id: {_eq: $invoice_id}}) {
        status attempts retries next_retry_at last_decline_code needs_new_card amount zendesk_ticket_id
        ticket { status category }
        invoice { status amount_due dunning_status }
      }
    }
"""
TASKS = """
    query ($like: String!) {
      events_scheduled_task(where: {name: {_like: $like}}, order_by: {name: asc}) { name status }
    }
"""


@pytest.fixture(scope="module")
def view(platform: RunningPlatform) -> Iterator[View]:
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield View.of(platform, client)


@pytest.fixture(scope="module")
def cct(view: View) -> str:
    return view.platform.token("cct")


@pytest.fixture(scope="module")
def people(view: View) -> Iterator[Subscriber]:
    """Customers, a fresh one for each test."""
    return iter(subscribers(view)[:4])


def next_invoice(view: View, person: Subscriber, decline: str | None) -> str:
    """The term ends, and the card takes the charge or is declined; the invoice's id."""
    control(view, "chargebee", "cards", customer_id=person.chargebee_customer_id, decline=decline)
    invoice = control(view, "chargebee", "renew", subscription_id=person.subscription_id)["invoice"]
    invoice_id: str = invoice["id"]
    return invoice_id


def recovery(view: View, cct: str, invoice_id: str) -> dict[str, Any] | None:
    """How the care coordination team sees it."""
    found: list[dict[str, Any]] = view.ask(RECOVERY, cct, invoice_id=invoice_id)["payment_recovery"]
    return found[0] if found else None


def tasks(view: View, invoice_id: str) -> dict[str, str]:
    """The planned attempts and how they stand."""
    rows = view.ask(TASKS, like=f"payment-retry-{invoice_id}-%")["events_scheduled_task"]
    return {row["name"]: row["status"] for row in rows}


def published(view: View, invoice_id: str) -> list[str]:
    changes = {"invoice.inserted", "invoice.updated"}
    return [event["type"] for event in view.events(invoice_id) if event["type"] not in changes]


def lifetime_value(view: View, person: Subscriber) -> int:
    customer = view.ask("query ($id: uuid!) { customer_by_pk(id: $id) { lifetime_value } }", id=person.id)
    value: int = customer["customer_by_pk"]["lifetime_value"]
    return value


def test_a_payment_is_tracked_and_adds_to_what_the_customer_has_paid(view: View, people: Iterator[Subscriber]) -> None:
    person = next(people)

    invoice_id = next_invoice(view, person, None)
    wait_for(view, lambda: {"told": published(view, invoice_id)}, told=["invoice.payment_succeeded"])
    view.platform.wait_until(
        lambda: ("invoice.payment_succeeded", "invoice", "done") in view.ends(invoice_id), within_s=60
    )

    total = view.ask("query ($id: String!) { chargebee_invoice_by_pk(id: $id) { total } }", id=invoice_id)
    assert lifetime_value(view, person) == person.lifetime_value + total["chargebee_invoice_by_pk"]["total"]
    assert mails(view, person.id, invoice_id=invoice_id) == []


def test_a_failed_payment_is_tried_again_until_it_is_recovered(
    view: View, cct: str, people: Iterator[Subscriber]
) -> None:
    person = next(people)

    invoice_id = next_invoice(view, person, "insufficient_funds")
    begun = wait_for(view, lambda: recovery(view, cct, invoice_id), status="open")
    view.platform.wait_until(lambda: len(mails(view, person.id, invoice_id=invoice_id)) == 1, within_s=60)

    # The care coordination team sees ticket and plan, support has the ticket, marketing the workflow.
    assert (begun["attempts"], begun["retries"], begun["last_decline_code"]) == (0, 4, "insufficient_funds")
    assert begun["ticket"] == {"status": "new", "category": "payment"}
    assert begun["invoice"]["status"] == "payment_due"
    # What is due within two days is with Cloud Tasks already.
    assert set(tasks(view, invoice_id).values()) <= {"scheduled", "handed_over"}
    entered = control(view, "iterable", "journeys", userId=person.id)["entries"]
    assert [entry["name"] for entry in entered] == ["payment_recovery"]

    # The first attempt fails, too; then there is money, and the second doesn't.
    first, second = sorted(tasks(view, invoice_id))[:2]
    fall_due(view, first)
    wait_for(view, lambda: recovery(view, cct, invoice_id), status="open", attempts=1)
    control(view, "chargebee", "cards", customer_id=person.chargebee_customer_id, decline=None)
    fall_due(view, second)
    ended = wait_for(view, lambda: recovery(view, cct, invoice_id), status="recovered")
    view.platform.wait_until(lambda: len(mails(view, person.id, invoice_id=invoice_id)) == 2, within_s=60)

    # The webhook of the payment can be faster than the attempt that brought it, which then counts as cancelled.
    assert ended["attempts"] in {1, 2}
    assert (ended["next_retry_at"], ended["ticket"]["status"]) == (None, "solved")
    assert ended["invoice"] == {"status": "paid", "amount_due": 0, "dunning_status": "success"}
    view.platform.wait_until(lambda: set(tasks(view, invoice_id).values()) == {"cancelled", "done"}, within_s=60)
    assert mails(view, person.id, invoice_id=invoice_id) == ["payment_failed", "payment_recovered"]
    assert published(view, invoice_id) == [
        "invoice.payment_failed",
        "invoice.payment_succeeded",
        "invoice.payment_recovered",
    ]
    wait_for(view, lambda: {"value": lifetime_value(view, person)}, value=person.lifetime_value + ended["amount"])

    # Delivered once more, nothing of it happens again.
    view.platform.caregraph("events", "replay", "--key", invoice_id, "--yes")
    view.platform.wait_until(
        lambda: ("invoice.payment_recovered", "invoice", "duplicate") in view.ends(invoice_id), within_s=60
    )
    assert mails(view, person.id, invoice_id=invoice_id) == ["payment_failed", "payment_recovered"]
    assert lifetime_value(view, person) == person.lifetime_value + ended["amount"]


def test_a_stolen_card_is_charged_once_and_the_payment_given_up_in_the_end(
    view: View, cct: str, people: Iterator[Subscriber]
) -> None:
    person = next(people)

    invoice_id = next_invoice(view, person, "stolen_card")
    begun = wait_for(view, lambda: recovery(view, cct, invoice_id), status="open")
    for number, name in enumerate(sorted(tasks(view, invoice_id)), start=1):
        fall_due(view, name)
        wait_for(view, lambda: recovery(view, cct, invoice_id), attempts=number)
    ended = wait_for(view, lambda: recovery(view, cct, invoice_id), status="exhausted")
    wait_for(view, lambda: view.subscription(person.subscription_id), status="cancelled")
    wait_for(view, lambda: (recovery(view, cct, invoice_id) or {})["invoice"], status="not_paid")
    view.platform.wait_until(lambda: len(mails(view, person.id, invoice_id=invoice_id)) == 2, within_s=60)

    assert begun["needs_new_card"]
    assert (ended["attempts"], ended["last_decline_code"]) == (4, "stolen_card")
    assert mails(view, person.id, invoice_id=invoice_id) == ["new_card_needed", "payment_exhausted"]
    charges = view.ask(
        "query ($id: String!) { chargebee_transaction(where: {invoice_id: {_eq: $id}}) { status error_code } }",
        id=invoice_id,
    )["chargebee_transaction"]
    assert charges == [{"status": "failure", "error_code": "stolen_card"}]
    wait_for(view, lambda: (recovery(view, cct, invoice_id) or {})["ticket"], status="solved")


def test_another_card_is_charged_with_what_is_due_as_soon_as_it_is_there(
    view: View, cct: str, people: Iterator[Subscriber]
) -> None:
    person = next(people)

    invoice_id = next_invoice(view, person, "expired_card")
    wait_for(view, lambda: recovery(view, cct, invoice_id), status="open", needs_new_card=True)
    control(view, "chargebee", "cards", customer_id=person.chargebee_customer_id, replace=True)
    ended = wait_for(view, lambda: recovery(view, cct, invoice_id), status="recovered")
    view.platform.wait_until(lambda: len(mails(view, person.id, invoice_id=invoice_id)) == 2, within_s=60)

    assert ended["attempts"] == 0
    assert mails(view, person.id, invoice_id=invoice_id) == ["new_card_needed", "payment_recovered"]
    wait_for(view, lambda: (recovery(view, cct, invoice_id) or {})["ticket"], status="solved")
