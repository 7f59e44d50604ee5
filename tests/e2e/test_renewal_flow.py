"""Flow 3, over public surfaces only: a term ends, and is renewed or completed; the customer is told once."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import httpx
import pytest

from tests.e2e.billing import LONG_AGO, mails, wait_for
from tests.e2e.outside import View
from tests.e2e.platform import RunningPlatform

FIND = """
    query ($upfront: Boolean!) {
      contract(
        where: {
          status: {_eq: "active"}
          auto_renew: {_eq: true}
          treatment: {has_upfront_payment_option: {_eq: $upfront}}
          subscription: {status: {_eq: "active"}, has_scheduled_changes: {_eq: false}}
          customer: {email: {_is_null: false}, email_opt_out: {_eq: false}, deleted_at: {_is_null: true}}
        }
        order_by: {end_date: asc}
        limit: 5
      ) {
        id customer_id subscription_id end_date treatment { monthly_item_price_id term_months }
      }
    }
"""
PLAN = """
    mutation ($name: String!, $payload: jsonb!, $due_at: timestamptz!) {
      insert_events_scheduled_task_one(
        object: {name: $name, kind: "contract.renewal", target: "contract", payload: $payload, due_at: $due_at}
        on_conflict: {constraint: scheduled_task_name_key, update_columns: [due_at]}
      ) { id }
    }
"""
LOOK = """
    query ($id: uuid!, $name: String!) {
      contract: contract_by_pk(id: $id) { status completed_at }
      successors: contract(where: {renewed_from_id: {_eq: $id}}) { id status start_date end_date subscription_id }
      tasks: events_scheduled_task(where: {name: {_eq: $name}}) { status }
    }
"""


@pytest.fixture(scope="module")
def view(platform: RunningPlatform) -> Iterator[View]:
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield View.of(platform, client)


def ending(view: View, *, upfront: bool) -> dict[str, Any]:
    """A contract whose renewal falls due; other tests take the one that ends last."""
    contract: dict[str, Any] = view.ask(FIND, upfront=upfront)["contract"][0]
    name = f"contract-renewal-{contract['id']}"
    view.ask(PLAN, name=name, payload={"contract_id": contract["id"]}, due_at=LONG_AGO)
    return contract


def look(view: View, contract_id: str) -> dict[str, Any]:
    return view.ask(LOOK, id=contract_id, name=f"contract-renewal-{contract_id}")


def told(view: View, contract_id: str) -> list[str]:
    ends = {"contract.renewed", "contract.completed"}
    return [event["type"] for event in view.events(contract_id) if event["type"] in ends]


def test_a_term_that_was_paid_month_by_month_goes_on_in_another_contract(view: View) -> None:
    contract = ending(view, upfront=False)
    wait_for(view, lambda: look(view, contract["id"])["contract"], status="renewed")
    (successor,) = look(view, contract["id"])["successors"]
    # Chargebee learns of the new one, whose own renewal is planned.
    wait_for(view, lambda: view.subscription(contract["subscription_id"]), cf_contract_id=successor["id"])
    wait_for(view, lambda: look(view, successor["id"]), tasks=[{"status": "scheduled"}])
    view.platform.wait_until(
        lambda: bool(mails(view, contract["customer_id"], contract_id=contract["id"])), within_s=60
    )

    assert successor["status"] == "active"
    assert successor["start_date"] == contract["end_date"]
    months = contract["treatment"]["term_months"]
    begin, end = (date.fromisoformat(successor[name]) for name in ("start_date", "end_date"))
    assert (end.year - begin.year) * 12 + end.month - begin.month == months
    assert look(view, contract["id"])["tasks"] == [{"status": "done"}]
    assert told(view, contract["id"]) == ["contract.renewed"]
    assert mails(view, contract["customer_id"], contract_id=contract["id"]) == ["contract_renewed"]
    # Nobody is welcomed twice.
    assert "contract_welcome" not in mails(view, contract["customer_id"], contract_id=successor["id"])


def test_a_term_that_was_paid_upfront_is_completed_and_its_subscription_goes_back_to_monthly(view: View) -> None:
    contract = ending(view, upfront=True)
    wait_for(view, lambda: look(view, contract["id"])["contract"], status="completed")
    view.platform.wait_until(
        lambda: bool(mails(view, contract["customer_id"], contract_id=contract["id"])), within_s=60
    )

    subscription = view.subscription(contract["subscription_id"])
    assert not subscription.get("cf_contract_id")
    assert subscription["has_scheduled_changes"]
    assert look(view, contract["id"])["successors"] == []
    assert told(view, contract["id"]) == ["contract.completed"]
    assert mails(view, contract["customer_id"], contract_id=contract["id"]) == ["contract_completed"]

    # Fired once more, and too late: nothing happens again.
    view.ask(PLAN, name=f"again-{contract['id']}", payload={"contract_id": contract["id"]}, due_at=LONG_AGO)
    again = "query ($name: String!) { events_scheduled_task(where: {name: {_eq: $name}}) { status } }"
    wait_for(
        view,
        lambda: view.ask(again, name=f"again-{contract['id']}")["events_scheduled_task"][0],
        status="done",
    )
    assert told(view, contract["id"]) == ["contract.completed"]
    assert mails(view, contract["customer_id"], contract_id=contract["id"]) == ["contract_completed"]
