"""Programs are killed while contracts come in: no event is lost, and no effect is had twice."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import httpx
import pytest

from local.provision import ACK_DEADLINE_S, BACKOFF_S
from tests.e2e.outside import Person, View
from tests.e2e.platform import RunningPlatform

CONTRACTS = 200
WRITERS = 8
VICTIMS = ("agent-contract", "relay", "agent-notification", "postgres", "agent-zendesk")
INSERT = """
    mutation ($treatment_id: uuid!, $subscription_id: String!) {
      insert_contract_one(object: {treatment_id: $treatment_id, subscription_id: $subscription_id}) { id }
    }
"""
#: `contract.inserted`, and then the `contract.created` that comes of it, may each lose one answer with the program that
#: was to give it, and wait for their longest: an event that is refused half a dozen times while PostgreSQL and the
#: agents come back on a busy machine has reached that. Without load it's all done in seconds.
DONE_WITHIN_S = 2 * (ACK_DEADLINE_S + BACKOFF_S[1])
#: What every contract must have set off in the end: (event type, agent).
DUE = {("contract.inserted", "contract"), ("contract.created", "notification"), ("contract.created", "zendesk")}


@pytest.fixture
def view(platform: RunningPlatform) -> Iterator[View]:
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield View.of(platform, client)


def test_killing_relay_agents_and_postgresql_while_contracts_come_in_loses_and_repeats_nothing(
    view: View, platform: RunningPlatform
) -> None:
    # The last one in the list: other tests take the first.
    *_, person = view.people()
    answered = insert_while_killing(platform, person)

    # An answer may have got lost after its commit, so there can be more contracts than answers, never fewer.
    contracts = contracts_of(view, person)
    assert len(answered) == CONTRACTS
    assert set(answered) <= contracts
    try:
        platform.wait_until(lambda: not still_to_come(view, contracts), within_s=DONE_WITHIN_S)
    except AssertionError as error:
        missing = "\n".join(sorted(still_to_come(view, contracts)))
        raise AssertionError(f"{error}\nstill to come:\n{missing}") from None

    once = dict.fromkeys(contracts, 1)
    assert Counter(each for each in view.contracts_given(person.subscription_id) if each in contracts) == once
    assert Counter(message["dataFields"]["contract_id"] for message in view.messages(person.id)) == once
    assert len(view.requesters(person.id)) == 1
    created = view.ask(
        """
        query ($ids: [String!]!) {
          events_outbox(where: {type: {_eq: "contract.created"}, subject: {_in: $ids}}) { subject }
          events_dead_letter(where: {original: {subject: {_in: $ids}}}) { reason }
        }
        """,
        ids=sorted(contracts),
    )
    assert Counter(event["subject"] for event in created["events_outbox"]) == once
    assert created["events_dead_letter"] == []
    tasks = view.ask(
        "query ($names: [String!]!) { events_scheduled_task(where: {name: {_in: $names}}) { name } }",
        names=[f"contract-renewal-{contract}" for contract in contracts],
    )["events_scheduled_task"]
    assert len(tasks) == len(contracts)


def insert_while_killing(platform: RunningPlatform, person: Person) -> list[str]:
    """Ids of the contracts whose insertion was answered; each victim is killed once, spread over the time it takes."""
    token = platform.token("user", person.email)
    answered: list[str] = []
    begun = threading.Event()
    variables = {"treatment_id": person.treatment_id, "subscription_id": person.subscription_id}

    def insert(_: int) -> None:
        """As a patient customer does: again until there is an answer."""
        for _attempt in range(200):
            try:
                answer = httpx.post(
                    platform.graphql_url,
                    json={"query": INSERT, "variables": variables},
                    headers={"authorization": f"Bearer {token}"},
                    timeout=10,
                    trust_env=False,
                ).json()
            except (httpx.TransportError, ValueError):
                answer = {}
            if "data" in answer:
                answered.append(answer["data"]["insert_contract_one"]["id"])
                begun.set()
                return
            time.sleep(0.1)

    with ThreadPoolExecutor(WRITERS) as writers:
        done = writers.map(insert, range(CONTRACTS))
        assert begun.wait(timeout=30)
        for victim in VICTIMS:
            os.kill(platform.parts()[victim]["pid"], signal.SIGKILL)
            # Spread over the run, so that each dies with events at hand.
            time.sleep(0.3)
        list(done)
    return answered


def contracts_of(view: View, person: Person) -> set[str]:
    """Every contract for the person's subscription that the test's inserts made."""
    rows = view.ask(
        """
        query ($customer_id: uuid!, $treatment_id: uuid!, $subscription_id: String!, $today: date!) {
          contract(
            where: {
              customer_id: {_eq: $customer_id}
              treatment_id: {_eq: $treatment_id}
              subscription_id: {_eq: $subscription_id}
              start_date: {_eq: $today}
            }
          ) { id }
        }
        """,
        customer_id=person.id,
        treatment_id=person.treatment_id,
        subscription_id=person.subscription_id,
        today=datetime.now(UTC).date().isoformat(),
    )["contract"]
    return {row["id"] for row in rows}


def still_to_come(view: View, contracts: set[str]) -> list[str]:
    """What hasn't been handled by an agent that it concerns, in words, with how its deliveries went so far."""
    try:
        events = view.ask(
            """
            query ($ids: [String!]!) {
              events_outbox(where: {subject: {_in: $ids}}) {
                id type subject
                publication { published_at }
                deliveries(order_by: {started_at: asc}) { agent outcome error }
              }
            }
            """,
            ids=sorted(contracts),
        )["events_outbox"]
    except httpx.TransportError as error:
        return [f"the endpoint doesn't answer: {type(error).__name__}"]
    known = {(event["subject"], event["type"]): event for event in events}
    found = []
    for contract in contracts:
        for kind, agent in DUE:
            event = known.get((contract, kind))
            if event is None:
                found.append(f"{contract} {kind}: no such event yet")
                continue
            ends = [one for one in event["deliveries"] if one["agent"] == agent]
            if not any(one["outcome"] in {"done", "skipped"} for one in ends):
                went = "; ".join(f"{one['outcome']} {one['error'] or ''}".strip() for one in ends) or "no delivery"
                found.append(f"{contract} {kind} {event['id']} at {agent}: published {event['publication']}, {went}")
    return found
