"""From a webhook to a row to an event: the outside systems tell, over their own HTTP, and the platform follows."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.outside import Person, View
from tests.e2e.platform import RunningPlatform


@pytest.fixture(scope="module")
def view(platform: RunningPlatform) -> Iterator[View]:
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield View.of(platform, client)


@pytest.fixture(scope="module")
def people(view: View) -> list[Person]:
    """Customers; the last ones, since other tests begin with the first."""
    return list(view.people())[-3:]


def control(view: View, service: str, path: str, **body: Any) -> dict[str, Any]:
    """Use a control of a stand-in."""
    answer = view.client.post(f"{view.platform.layout.url(service)}/_control/{path}", json=body)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def test_an_invoice_in_chargebee_is_a_row_and_an_event_at_once(view: View, people: list[Person]) -> None:
    billed = control(view, "chargebee", "renew", subscription_id=people[0].subscription_id)["invoice"]

    def mirrored() -> dict[str, Any] | None:
        row: dict[str, Any] | None = view.ask(
            """
            query ($id: String!) {
              chargebee_invoice_by_pk(id: $id) { total currency_code subscription_id line_items { amount } }
            }
            """,
            id=billed["id"],
        )["chargebee_invoice_by_pk"]
        return row

    view.platform.wait_until(lambda: mirrored() is not None and bool(view.events(billed["id"])))

    row = mirrored()
    assert row is not None
    assert (row["total"], row["subscription_id"]) == (billed["total"], people[0].subscription_id)
    assert len(row["line_items"]) == len(billed["line_items"])
    (inserted,) = [event for event in view.events(billed["id"]) if event["type"] == "invoice.inserted"]
    assert inserted["data"]["data"]["new"]["total"] == billed["total"]


def test_a_ticket_lives_in_the_portal_and_in_zendesk(view: View, people: list[Person]) -> None:
    cct = view.platform.token("cct")
    ticket_id = view.ask(
        """
        mutation ($customer_id: uuid!) {
          insert_support_ticket_one(
            object: {customer_id: $customer_id, subject: "Asked to be called", category: "account"}
          ) { id }
        }
        """,
        cct,
        customer_id=people[1].id,
    )["insert_support_ticket_one"]["id"]

    def ticket() -> dict[str, Any]:
        found: dict[str, Any] = view.ask(
            """
            query ($id: uuid!) {
              support_ticket_by_pk(id: $id) {
                zendesk_ticket_id status comments(order_by: {created_at: asc}) { author body zendesk_comment_id }
              }
            }
            """,
            cct,
            id=ticket_id,
        )["support_ticket_by_pk"]
        return found

    view.platform.wait_until(lambda: ticket()["zendesk_ticket_id"] is not None)
    number = ticket()["zendesk_ticket_id"]
    view.ask(
        """
        mutation ($id: uuid!) {
          insert_support_ticket_comment_one(object: {ticket_id: $id, body: "Called, no answer"}) { id }
        }
        """,
        cct,
        id=ticket_id,
    )
    view.platform.wait_until(lambda: all(one["zendesk_comment_id"] for one in ticket()["comments"]))
    control(view, "zendesk", "tickets", id=number, status="solved", comment="Reached them")
    view.platform.wait_until(lambda: ticket()["status"] == "solved" and len(ticket()["comments"]) == 2)

    assert [(one["author"], one["body"]) for one in ticket()["comments"]] == [
        ("cct", "Called, no answer"),
        ("cct", "Reached them"),
    ]


def test_who_unsubscribes_in_an_e_mail_is_asked_no_more(view: View, people: list[Person]) -> None:
    control(
        view,
        "iterable",
        "webhooks/send",
        event_type="emailUnSubscribe",
        content={"email": people[2].email, "dataFields": {}},
    )

    def opted_out() -> bool:
        customer = view.ask("query ($id: uuid!) { customer_by_pk(id: $id) { email_opt_out } }", id=people[2].id)
        wanted: bool = customer["customer_by_pk"]["email_opt_out"]
        return wanted

    view.platform.wait_until(opted_out)
    updated = [event for event in view.events(people[2].id) if event["type"] == "customer.updated"]
    assert updated[-1]["data"]["changed"] == ["email_opt_out"]
