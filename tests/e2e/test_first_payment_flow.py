"""A customer's first charge is declined: the care team and the customer know, and another card starts the contract.

It does so also when every planned attempt was in vain, which the customer hears of once.
"""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.billing import Subscriber, control, fall_due, mails, subscribers, wait_for
from tests.e2e.outside import View
from tests.e2e.platform import RunningPlatform

INSERT = """
    mutation ($treatment_id: uuid!) { insert_contract_one(object: {treatment_id: $treatment_id}) { id } }
"""
STORY = """
    query ($id: uuid!) {
      contract_by_pk(id: $id) {
        status subscription_id
        payment_recovery { status last_decline_code needs_new_card ticket { status category } }
      }
    }
"""
PLAN = """
    query ($contract: jsonb!) {
      events_scheduled_task(
        where: {kind: {_eq: "contract.first_payment"}, payload: {_contains: $contract}}, order_by: {due_at: asc}
      ) { name }
    }
"""


@pytest.fixture(scope="module")
def view(platform: RunningPlatform) -> Iterator[View]:
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield View.of(platform, client)


@pytest.fixture(scope="module")
def people(view: View) -> list[Subscriber]:
    """Two, chosen before either has another contract."""
    return subscribers(view)[8:10]


def begin_declined(view: View, person: Subscriber, *, code: str) -> str:
    """The contract of a customer whose card is declined."""
    treatment_id = view.ask("{ treatment(where: {active: {_eq: true}}, order_by: {id: asc}, limit: 1) { id } }")[
        "treatment"
    ][0]["id"]
    control(view, "chargebee", "cards", customer_id=person.chargebee_customer_id, decline=code)
    token = view.platform.token("user", person.email)
    contract_id: str = view.ask(INSERT, token, treatment_id=treatment_id)["insert_contract_one"]["id"]
    return contract_id


def test_a_declined_first_charge_is_made_good_by_another_card(view: View, people: list[Subscriber]) -> None:
    person = people[0]
    cct = view.platform.token("cct")
    contract_id = begin_declined(view, person, code="stolen_card")

    def story() -> dict[str, Any]:
        found: dict[str, Any] = view.ask(STORY, cct, id=contract_id)["contract_by_pk"]
        return found

    view.platform.wait_until(lambda: story()["payment_recovery"] is not None, within_s=60)
    waiting = story()
    assert (waiting["status"], waiting["subscription_id"]) == ("future", None)
    assert waiting["payment_recovery"] == {
        "status": "open",
        "last_decline_code": "stolen_card",
        "needs_new_card": True,
        "ticket": {"status": "new", "category": "payment"},
    }
    declined = ["contract_welcome", "first_payment_declined"]
    view.platform.wait_until(lambda: len(mails(view, person.id, contract_id=contract_id)) == 2, within_s=60)
    assert sorted(mails(view, person.id, contract_id=contract_id)) == declined

    # The customer leaves another card with Chargebee, whose webhook is all that is needed.
    control(view, "chargebee", "cards", customer_id=person.chargebee_customer_id, replace=True)
    begun = wait_for(view, story, status="active", subscription_id=contract_id)

    assert begun["payment_recovery"]["status"] == "recovered"
    assert view.subscription(contract_id)["cf_contract_id"] == contract_id
    wait_for(view, lambda: story()["payment_recovery"]["ticket"], status="solved")
    view.platform.wait_until(
        lambda: (
            ("contract.activated", "notification", "done") in view.ends(contract_id)
            or ("contract.activated", "notification", "skipped") in view.ends(contract_id)
        ),
        within_s=60,
    )
    assert all(outcome != "dead_letter" for _, _, outcome in view.ends(contract_id))


def test_a_first_charge_that_is_given_up_is_told_once_and_another_card_starts_the_contract_still(
    view: View, people: list[Subscriber]
) -> None:
    person = people[1]
    contract_id = begin_declined(view, person, code="insufficient_funds")

    def recovery() -> dict[str, Any] | None:
        document = "query ($id: uuid!) { contract_by_pk(id: $id) { payment_recovery { status attempts } } }"
        found: dict[str, Any] | None = view.ask(document, id=contract_id)["contract_by_pk"]["payment_recovery"]
        return found

    wait_for(view, recovery, status="open")
    plan = [task["name"] for task in view.ask(PLAN, contract={"contract_id": contract_id})["events_scheduled_task"]]
    for number, name in enumerate(plan, start=1):
        fall_due(view, name)
        wait_for(view, recovery, attempts=number)

    assert len(plan) == 4
    wait_for(view, recovery, status="exhausted")
    heard = ["contract_welcome", "first_payment_declined", "first_payment_exhausted"]
    view.platform.wait_until(lambda: sorted(mails(view, person.id, contract_id=contract_id)) == heard, within_s=60)
    story = view.ask(STORY, id=contract_id)["contract_by_pk"]
    assert (story["status"], story["payment_recovery"]["ticket"]["status"]) == ("future", "solved")

    control(view, "chargebee", "cards", customer_id=person.chargebee_customer_id, replace=True)
    wait_for(view, recovery, status="recovered")
    begun = ["contract_activated", *heard]
    view.platform.wait_until(lambda: sorted(mails(view, person.id, contract_id=contract_id)) == begun, within_s=60)
    assert view.ask(STORY, id=contract_id)["contract_by_pk"]["status"] == "active"
