"""Flow 1, over public surfaces only: a customer inserts a contract, and all that follows from it happens, once."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from tests.e2e.outside import Person, View
from tests.e2e.platform import RunningPlatform

INSERT = """
    mutation ($treatment_id: uuid!, $subscription_id: String) {
      insert_contract_one(object: {treatment_id: $treatment_id, subscription_id: $subscription_id}) {
        id status start_date end_date
      }
    }
"""
#: How the events about a contract end when all goes well.
ALL_DONE = {
    ("contract.inserted", "contract", "done"),
    ("contract.created", "notification", "done"),
    ("contract.created", "zendesk", "done"),
}


@pytest.fixture(scope="module")
def view(platform: RunningPlatform) -> Iterator[View]:
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield View.of(platform, client)


@pytest.fixture(scope="module")
def people(view: View) -> Iterator[Person]:
    """Customers, a fresh one for each test."""
    return view.people()


def insert_contract(view: View, person: Person, **changes: Any) -> dict[str, Any]:
    """The customer signs in and inserts a contract."""
    token = view.platform.token("user", person.email)
    variables = {"treatment_id": person.treatment_id, "subscription_id": person.subscription_id} | changes
    contract: dict[str, Any] = view.ask(INSERT, token, **variables)["insert_contract_one"]
    return contract


def wait_for(view: View, contract_id: str, ends: set[tuple[str, str, str]]) -> None:
    view.platform.wait_until(lambda: ends <= view.ends(contract_id))


def test_a_contract_lives_from_insert_to_welcome_e_mail(view: View, people: Iterator[Person]) -> None:
    person = next(people)

    contract = insert_contract(view, person)
    wait_for(view, contract["id"], ALL_DONE)

    # Billing knows the contract.
    assert contract["status"] == "future"
    assert view.subscription(person.subscription_id)["cf_contract_id"] == contract["id"]
    # Its renewal is planned.
    (task,) = view.ask(
        "query ($name: String!) { events_scheduled_task(where: {name: {_eq: $name}}) { kind due_at payload status } }",
        name=f"contract-renewal-{contract['id']}",
    )["events_scheduled_task"]
    day_before = date.fromisoformat(contract["end_date"]) - timedelta(days=1)
    assert (task["kind"], task["status"]) == ("contract.renewal", "scheduled")
    assert task["due_at"].startswith(f"{day_before}T00:00:00")
    assert task["payload"] == {"contract_id": contract["id"]}
    # The customer is welcomed, once.
    (welcome,) = messages_about(view, person, contract["id"])
    assert (welcome["campaignName"], welcome["messageMedium"]) == ("contract_welcome", "Email")
    assert welcome["dataFields"]["first_name"] == person.first_name
    (notification,) = view.ask(
        """
        query ($id: uuid!, $data: jsonb!) {
          notification(
            where: {customer_id: {_eq: $id}, template: {_eq: "contract_welcome"}, data: {_contains: $data}}
          ) { status provider_message_id recipient }
        }
        """,
        id=person.id,
        data={"contract_id": contract["id"]},
    )["notification"]
    assert notification == {
        "status": "sent",
        "provider_message_id": welcome["messageId"],
        "recipient": person.email,
    }
    # Support knows the customer, and we know which requester that is.
    (requester,) = view.requesters(person.id)
    customer = view.ask("query ($id: uuid!) { customer_by_pk(id: $id) { zendesk_user_id } }", id=person.id)
    assert customer["customer_by_pk"]["zendesk_user_id"] == requester["id"]


def test_the_whole_way_is_one_trace(view: View, people: Iterator[Person]) -> None:
    person = next(people)

    contract = insert_contract(view, person)
    wait_for(view, contract["id"], ALL_DONE)

    traces = {event["traceparent"].split("-")[1] for event in view.events(contract["id"])}
    assert len(traces) == 1
    for service in ("chargebee", "iterable", "zendesk"):
        assert traces <= view.traces(service), service


def test_delivering_every_event_again_changes_nothing(view: View, people: Iterator[Person]) -> None:
    person = next(people)
    contract = insert_contract(view, person)
    wait_for(view, contract["id"], ALL_DONE)
    before = facts(view, person, contract["id"])

    view.platform.caregraph("events", "replay", "--key", contract["id"], "--yes")
    wait_for(view, contract["id"], ALL_DONE | {(kind, agent, "duplicate") for kind, agent, _ in ALL_DONE})

    assert facts(view, person, contract["id"]) == before
    # Nobody outside was even asked again.
    for event in view.events(contract["id"]):
        for delivery in event["deliveries"]:
            assert delivery["outcome"] != "duplicate" or delivery["effects"] == []


def test_a_customer_who_wants_no_e_mail_gets_none_and_everything_else(view: View, people: Iterator[Person]) -> None:
    person = next(people)
    token = view.platform.token("user", person.email)
    view.ask(
        "mutation ($id: uuid!) { update_customer_by_pk(pk_columns: {id: $id}, _set: {email_opt_out: true}) { id } }",
        token,
        id=person.id,
    )

    contract = insert_contract(view, person)
    wait_for(view, contract["id"], ALL_DONE)

    assert messages_about(view, person, contract["id"]) == []
    assert view.subscription(person.subscription_id)["cf_contract_id"] == contract["id"]
    assert len(view.requesters(person.id)) == 1
    (notification,) = view.ask(
        """
        query ($id: uuid!, $data: jsonb!) {
          notification(where: {customer_id: {_eq: $id}, data: {_contains: $data}}) { status status_reason }
        }
        """,
        id=person.id,
        data={"contract_id": contract["id"]},
    )["notification"]
    assert notification == {"status": "suppressed", "status_reason": "the customer opted out of e-mail"}


def test_a_contract_without_a_subscription_is_welcomed_all_the_same(view: View, people: Iterator[Person]) -> None:
    person = next(people)

    contract = insert_contract(view, person, subscription_id=None)
    wait_for(view, contract["id"], ALL_DONE)

    assert len(messages_about(view, person, contract["id"])) == 1
    assert contract["id"] not in view.contracts_given(person.subscription_id)
    (inserted,) = (event for event in view.events(contract["id"]) if event["type"] == "contract.inserted")
    (linking,) = (delivery for delivery in inserted["deliveries"] if delivery["agent"] == "contract")
    assert linking["effects"][0]["skipped"] == "the contract has no subscription"


def test_its_story_can_be_told(view: View, people: Iterator[Person]) -> None:
    person = next(people)
    contract = insert_contract(view, person)
    wait_for(view, contract["id"], ALL_DONE)

    story = view.platform.caregraph("trace", contract["id"])

    told = [
        "contract.inserted",
        "contract agent done",
        "update_subscription_contract",
        "contract.created",
        "send_email",
    ]
    places = [story.index(word) for word in told]
    assert places == sorted(places), story
    assert "upsert_user" in story
    assert f"contract-renewal-{contract['id']}" in story


def messages_about(view: View, person: Person, contract_id: str) -> list[dict[str, Any]]:
    """What Iterable sent to the customer about the contract."""
    return [message for message in view.messages(person.id) if message["dataFields"].get("contract_id") == contract_id]


def facts(view: View, person: Person, contract_id: str) -> dict[str, Any]:
    """Everything that the flow makes, outside and in the database."""
    rows = view.ask(
        """
        query ($customer_id: uuid!, $name: String!) {
          notification(where: {customer_id: {_eq: $customer_id}}, order_by: {id: asc}) { id status updated_at }
          customer_by_pk(id: $customer_id) { zendesk_user_id updated_at }
          events_scheduled_task(where: {name: {_eq: $name}}) { id updated_at }
        }
        """,
        customer_id=person.id,
        name=f"contract-renewal-{contract_id}",
    )
    return {
        **rows,
        "events": [event["id"] for event in view.events(contract_id)],
        "given": view.contracts_given(person.subscription_id),
        "messages": view.messages(person.id),
        "requesters": view.requesters(person.id),
    }
