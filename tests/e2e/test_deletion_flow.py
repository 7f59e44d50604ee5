"""Flow 6: a customer asks to be forgotten: after the grace period every system has, and the rest is admin's alone."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.billing import fall_due
from tests.e2e.outside import Person, View
from tests.e2e.platform import RunningPlatform
from tests.e2e.traces import places_that_name

#: The pharmacy's dispensing record names the patient.
DISPENSING_RECORD = {"pharmacy.content", "pharmacy.order"}
#: What may still hold the person's ids: law's records, that and how they were deleted, and who did what in the logs.
KEPT = {
    *(
        "public.customer",
        "public.data_deletion_request",
        "public.contract",
        "public.referral",
        "public.referral_reward",
    ),
    *("public.message_thread", "public.message", "healthcare.patient", "audit.change", "audit.access"),
    *(f"chargebee.{kind}" for kind in ("customer", "subscription", "invoice", "invoice_line_item", "transaction")),
    *(f"chargebee.{kind}" for kind in ("credit_note", "event", "webhook", "answer", "promotional_credit")),
}

REQUEST = 'mutation { request_data_deletion(reason: "I am moving away") { id status repeated } }'
CANCEL = "mutation { cancel_data_deletion { id status } }"
MINE = """
    query {
      customer { id email first_name }
      contract { id }
      chargebee_invoice { id }
      healthcare_prescription { id }
      message { id }
      data_deletion_request { id status }
    }
"""
OF_CUSTOMER = """
    query ($id: uuid!) {
      customer(where: {id: {_eq: $id}}) { id }
      contract(where: {customer_id: {_eq: $id}}) { id }
      chargebee_invoice(where: {profile: {id: {_eq: $id}}}) { id }
      message_thread(where: {customer_id: {_eq: $id}}) { id }
      data_deletion_request(where: {customer_id: {_eq: $id}}) { id }
    }
"""
STORY = """
    query ($request: uuid!, $customer: uuid!, $subject: String!) {
      request: data_deletion_request_by_pk(id: $request) { status proof completed_at steps { step proof } }
      tasks: events_scheduled_task(where: {kind: {_eq: "data_deletion.conclude"},
                                           payload: {_contains: {data_deletion_request_id: $subject}}}) { status }
      customer: customer_by_pk(id: $customer) {
        id email first_name last_name phone firebase_uid zendesk_user_id deleted_at chargebee_customer_id
        invoices { id total }
        contracts { id }
        notifications { id }
        support_tickets { id }
        billing_customer { email first_name last_name phone }
      }
      waiting: events_waiting_aggregate { aggregate { count } }
    }
"""
EVENTS = """
    query ($subject: String!) {
      events_outbox(where: {_or: [{subject: {_eq: $subject}},
                                  {data: {_contains: {customer_id: $subject}}}]}) { type }
    }
"""


@pytest.fixture
def view(platform: RunningPlatform) -> Iterator[View]:
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield View.of(platform, client)


def someone(view: View) -> Person:
    """Somebody whom no other test takes: they begin at either end, or after a third."""
    people = list(view.people())
    return people[len(people) * 3 // 4]


def story(view: View, request_id: str, person: Person) -> dict[str, Any]:
    return view.ask(STORY, request=request_id, customer=person.id, subject=request_id)


def test_a_customer_is_forgotten_everywhere_after_the_grace_period(view: View) -> None:
    person = someone(view)
    token = view.platform.token("user", person.email)
    coordinator = view.platform.token("cct")

    # Withdrawn once, and asked for again.
    view.ask(REQUEST, token)
    assert view.ask(CANCEL, token)["cancel_data_deletion"]["status"] == "cancelled"
    asked = view.ask(REQUEST, token)["request_data_deletion"]
    assert (asked["status"], asked["repeated"]) == ("pending", False)
    before = story(view, asked["id"], person)["customer"]
    assert before["invoices"]
    assert view.ask(MINE, token)["customer"][0]["email"] == person.email

    personal = [before["email"], before["phone"], f"{before['first_name']} {before['last_name']}"]
    everywhere = places_that_name(view.platform, personal)
    assert {"public.customer", "chargebee.customer", "identity.account"} <= everywhere, everywhere

    fall_due(view, f"data_deletion.carry_out/{asked['id']}")
    view.platform.wait_until(lambda: bool(story(view, asked["id"], person)["tasks"]), within_s=60)
    view.platform.wait_until(
        lambda: ("customer.deleted", "identity") in {end[:2] for end in view.ends(person.id)}, within_s=30
    )
    fall_due(view, f"data_deletion.conclude/{asked['id']}")
    view.platform.wait_until(lambda: story(view, asked["id"], person)["request"]["status"] == "completed", within_s=60)

    after = story(view, asked["id"], person)
    kept = after["customer"]
    for name in ("email", "first_name", "last_name", "phone", "firebase_uid", "zendesk_user_id"):
        assert kept[name] is None, name
    assert kept["billing_customer"] in (None, dict.fromkeys(kept["billing_customer"] or ()))
    assert (kept["notifications"], kept["support_tickets"]) == ([], [])
    # What tax law keeps, and the way it was done.
    assert {invoice["id"] for invoice in kept["invoices"]} >= {invoice["id"] for invoice in before["invoices"]}
    assert set(after["request"]["proof"]["steps"]) == {
        *("firebase", "pharmacy", "chargebee", "iterable", "zendesk", "records", "events")
    }
    assert view.ask(EVENTS, subject=person.id)["events_outbox"] == []

    # Outside.
    assert view.subscription(person.subscription_id)["status"] == "cancelled"
    assert view.requesters(person.id) == []
    assert view.messages(person.id) == []
    with pytest.raises(AssertionError):
        view.platform.token("user", person.email)

    # The token that is still good shows nothing any more, and neither does anyone else's.
    assert not any(view.ask(MINE, token).values())
    assert not any(view.ask(OF_CUSTOMER, coordinator, id=person.id).values())

    # Name, address and number are nowhere any more, in no log either; nor is anything on its way.
    assert places_that_name(view.platform, personal) - DISPENSING_RECORD == set()
    ids = [person.id, str(before["chargebee_customer_id"])]
    # The logs have ids, which name nobody any more, and go by their own age.
    left = {place for place in places_that_name(view.platform, ids) if not place.startswith("logs/")}
    assert left - KEPT == set()
