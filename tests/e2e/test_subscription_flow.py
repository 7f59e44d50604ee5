"""Flow 5, over public surfaces only: a subscription is changed by its customer or the care coordination team."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.e2e.billing import Subscriber, control, mails, subscribers, wait_for
from tests.e2e.outside import View
from tests.e2e.platform import RunningPlatform

CHANGE = """
    mutation (
      $subscription_id: String!
      $change: subscription_change_kind!
      $effective: change_effective!
      $plan: subscription_plan_input
      $resume_on: date
    ) {
      change_subscription(
        subscription_id: $subscription_id, change: $change, effective: $effective, plan: $plan, resume_on: $resume_on
      ) { event_id repeated status }
    }
"""
MIRROR = """
    query ($id: String!) {
      chargebee_subscription_by_pk(id: $id) {
        status plan_item_price_id has_scheduled_changes pause_date resume_date
      }
    }
"""
#: Treatments that can be paid for in both ways, with the monthly price.
TREATMENTS = """
    query ($price: String!) {
      treatment(where: {monthly_item_price_id: {_eq: $price}, has_upfront_payment_option: {_eq: true}}) {
        id upfront_item_price_id
      }
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
def people(view: View) -> list[Subscriber]:
    """Customers, other ones than those of the payments."""
    return subscribers(view)[4:]


def mirrored(view: View, person: Subscriber) -> dict[str, Any]:
    """The subscription's row, which follows Chargebee."""
    found: dict[str, Any] = view.ask(MIRROR, id=person.subscription_id)["chargebee_subscription_by_pk"]
    return found


def ask_for(view: View, person: Subscriber, token: str, change: str, effective: str, **more: Any) -> dict[str, Any]:
    asked: dict[str, Any] = view.ask(
        CHANGE, token, subscription_id=person.subscription_id, change=change, effective=effective, **more
    )["change_subscription"]
    return asked


def told(view: View, person: Subscriber) -> list[str]:
    return mails(view, person.id, subscription_id=person.subscription_id)


def test_a_customer_cancels_at_the_end_of_the_term(view: View, people: list[Subscriber]) -> None:
    person = people[0]
    token = view.platform.token("user", person.email)

    asked = ask_for(view, person, token, "cancel", "term_end")
    # Who clicks twice asks once.
    again = ask_for(view, person, token, "cancel", "term_end")
    wait_for(view, lambda: mirrored(view, person), status="non_renewing")
    view.platform.wait_until(lambda: bool(told(view, person)), within_s=60)

    assert again["event_id"] == asked["event_id"]
    assert view.subscription(person.subscription_id)["status"] == "non_renewing"
    assert told(view, person) == ["subscription_cancelled"]
    view.platform.caregraph("events", "replay", asked["event_id"], "--yes")
    view.platform.wait_until(
        lambda: ("subscription.changed", "subscription_change", "duplicate") in view.ends(person.id), within_s=60
    )
    assert told(view, person) == ["subscription_cancelled"]


def test_the_care_coordination_team_pauses_resumes_and_ends_at_once(
    view: View, cct: str, people: list[Subscriber]
) -> None:
    person = people[1]
    day = (datetime.now(UTC) + timedelta(days=30)).date().isoformat()

    ask_for(view, person, cct, "pause", "now", resume_on=day)
    paused = wait_for(view, lambda: mirrored(view, person), status="paused")
    ask_for(view, person, cct, "resume", "now")
    wait_for(view, lambda: mirrored(view, person), status="active")
    ask_for(view, person, cct, "cancel", "now")
    wait_for(view, lambda: mirrored(view, person), status="cancelled")
    view.platform.wait_until(lambda: len(told(view, person)) == 3, within_s=60)

    assert paused["resume_date"].startswith(day)
    assert told(view, person) == ["subscription_paused", "subscription_resumed", "subscription_cancelled"]


@pytest.mark.parametrize("effective", ["now", "term_end"])
def test_a_customer_goes_from_month_by_month_to_paying_upfront(
    view: View, people: list[Subscriber], effective: str
) -> None:
    person, treatment = changeable(view, people[2:] if effective == "now" else people[:1:-1])
    token = view.platform.token("user", person.email)

    plan = {"treatment_id": treatment["id"], "billing": "upfront"}
    ask_for(view, person, token, "plan", effective, plan=plan)
    if effective == "now":
        wait_for(view, lambda: mirrored(view, person), plan_item_price_id=treatment["upfront_item_price_id"])
    else:
        row = wait_for(view, lambda: mirrored(view, person), has_scheduled_changes=True)
        assert row["plan_item_price_id"] == person.plan
    view.platform.wait_until(lambda: bool(told(view, person)), within_s=60)

    assert told(view, person) == ["subscription_plan_changed"]
    # What is owed in the middle of a term is Chargebee's to work out.
    received = view.client.get(
        f"{view.platform.layout.url('chargebee')}/_received",
        params={"path": f"{person.subscription_id}/update_for_items", "limit": 1000},
    ).json()["received"]
    assert received
    assert "prorate" not in received[-1]["body"]


def test_what_chargebee_refuses_for_good_is_told_and_has_a_ticket(
    view: View, cct: str, people: list[Subscriber]
) -> None:
    person = next(one for one in people if is_untouched(view, one))
    # Chargebee's webhooks wait, so that nobody here knows yet that somebody there has cancelled it.
    control(view, "chargebee", "webhooks/shape", hold=True)
    try:
        view.cancel_in_chargebee(person.subscription_id)
        ask_for(view, person, view.platform.token("user", person.email), "pause", "now")
        view.platform.wait_until(lambda: bool(told(view, person)), within_s=60)
    finally:
        control(view, "chargebee", "webhooks/release", order="same")
        control(view, "chargebee", "webhooks/shape", hold=False)

    assert told(view, person) == ["subscription_change_refused"]
    tickets = view.ask(
        "query ($id: uuid!) { support_ticket(where: {customer_id: {_eq: $id}}) { subject } }",
        cct,
        id=person.id,
    )["support_ticket"]
    assert f"Subscription {person.subscription_id}: pause was not possible" in [one["subject"] for one in tickets]


def changeable(view: View, people: list[Subscriber]) -> tuple[Subscriber, dict[str, Any]]:
    """Somebody who pays monthly for a treatment that can be paid upfront, and the treatment."""
    for person in people:
        treatments = view.ask(TREATMENTS, price=person.plan)["treatment"]
        if treatments and is_untouched(view, person):
            return person, treatments[0]
    raise AssertionError("nobody in the demo data pays monthly for what can be paid upfront")


def is_untouched(view: View, person: Subscriber) -> bool:
    """Whether no test has changed the subscription yet."""
    return mirrored(view, person)["status"] == "active" and not told(view, person)
