"""Billing between the platform and Chargebee: the customer who signs up, and what the clock brings back."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.outside import View
from tests.e2e.platform import RunningPlatform
from tests.e2e.test_referral_flow import newcomer

SIGN_UP = 'mutation { sign_up(first_name: "Barbara", last_name: "Liskov", state_code: "MA") { customer_id } }'
INVOICE = """
    query ($id: String!) {
      chargebee_invoice_by_pk(id: $id) {
        id status total amount_paid currency_code customer_id subscription_id
        line_items { amount entity_id }
        transactions { status amount }
      }
    }
"""


@pytest.fixture(scope="module")
def view(platform: RunningPlatform) -> Iterator[View]:
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield View.of(platform, client)


def test_who_signs_up_is_a_customer_in_chargebee(view: View) -> None:
    customer_id = view.ask(SIGN_UP, newcomer(view))["sign_up"]["customer_id"]

    def in_chargebee() -> str | None:
        document = "query ($id: uuid!) { customer_by_pk(id: $id) { chargebee_customer_id } }"
        found: str | None = view.ask(document, id=customer_id)["customer_by_pk"]["chargebee_customer_id"]
        return found

    view.platform.wait_until(lambda: in_chargebee() is not None)
    customer = of_chargebee(view, f"/customers/{in_chargebee()}")["customer"]
    assert (customer["first_name"], customer["last_name"]) == ("Barbara", "Liskov")


def test_what_happens_in_chargebee_comes_with_the_clock_also_without_its_webhooks(view: View) -> None:
    # From the middle of the list: other tests take both ends.
    people = list(view.people())
    person = people[len(people) // 2]
    standin = view.platform.layout.url("chargebee")
    invoice: dict[str, Any] = {}

    def mirrored() -> dict[str, Any]:
        row: dict[str, Any] = view.ask(INVOICE, id=invoice["id"])["chargebee_invoice_by_pk"]
        return row

    view.client.post(f"{standin}/_control/webhooks/shape", json={"hold": True})
    try:
        billed = view.client.post(f"{standin}/_control/renew", json={"subscription_id": person.subscription_id})
        invoice = billed.json()["invoice"]
        a_minute_passes(view)
        # Each resource is read by itself: the payment may come a moment after its invoice.
        view.platform.wait_until(lambda: bool(view.events(invoice["id"])) and len(mirrored()["transactions"]) == 1)
    finally:
        view.client.post(f"{standin}/_control/webhooks/release", json={"order": "same"})

    row = mirrored()
    assert (row["status"], row["total"], row["amount_paid"]) == ("paid", invoice["total"], invoice["total"])
    assert (row["subscription_id"], row["currency_code"]) == (person.subscription_id, invoice["currency_code"])
    assert [line["amount"] for line in row["line_items"]] == [line["amount"] for line in invoice["line_items"]]
    inserted = view.events(invoice["id"])[0]
    assert (inserted["type"], inserted["data"]["data"]["new"]["total"]) == ("invoice.inserted", invoice["total"])

    # The webhooks that were held back come now, and change nothing: one event, one row as it was.
    def nothing_is_waiting() -> bool:
        counts = view.client.get(f"{standin}/_control").json()["webhooks"]["counts"]
        return not counts.get("pending") and not counts.get("held")

    view.platform.wait_until(nothing_is_waiting)
    assert [event["type"] for event in view.events(invoice["id"])].count("invoice.inserted") == 1
    assert mirrored() == row


def a_minute_passes(view: View) -> None:
    """Turn the platform's clock by a minute: what runs each minute runs."""
    view.client.post(view.platform.layout.url("tasks_control") + "/_control/clock", json={"advance_s": 61})


def of_chargebee(view: View, path: str) -> dict[str, Any]:
    keys = json.loads(view.platform.layout.keys.read_text())
    address = f"{view.platform.layout.url('chargebee')}/api/v2{path}"
    answer = view.client.get(address, auth=(keys["chargebee_api_key"], ""))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found
