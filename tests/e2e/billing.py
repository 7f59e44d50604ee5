"""Subscriptions of the running platform, and what an office or a test does to their billing over public surfaces."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.e2e.outside import View

#: A time that has come, whatever the clock says.
LONG_AGO = "2026-01-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscriber:
    """A customer of the demo data with an active subscription of a monthly plan."""

    id: str
    email: str
    first_name: str
    chargebee_customer_id: str
    subscription_id: str
    lifetime_value: int
    plan: str


def subscribers(view: View) -> list[Subscriber]:
    """Those whom other tests don't begin with: they take the first ones and the last ones."""
    found = view.ask(
        """
        query {
          subscriptions: chargebee_subscription(
            where: {
              status: {_eq: "active"}
              has_scheduled_changes: {_eq: false}
              billing_period_unit: {_eq: "month"}
              billing_period: {_eq: 1}
              due_invoices_count: {_eq: 0}
              profile: {
                firebase_uid: {_is_null: false}
                email: {_is_null: false, _nin: ["ada@example.com", "bo@example.com", "cleo@example.com"]}
                email_opt_out: {_eq: false}
                deleted_at: {_is_null: true}
              }
            }
            order_by: {id: asc}
          ) {
            id
            plan_item_price_id
            profile { id email first_name chargebee_customer_id lifetime_value }
          }
        }
        """
    )["subscriptions"]
    some = found[len(found) // 3 : len(found) // 3 + 12]
    return [Subscriber(**one["profile"], subscription_id=one["id"], plan=one["plan_item_price_id"]) for one in some]


def control(view: View, service: str, path: str, **body: Any) -> dict[str, Any]:
    """Use a control of a stand-in."""
    answer = view.client.post(f"{view.platform.layout.url(service)}/_control/{path}", json=body)
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def fall_due(view: View, name: str) -> None:
    """Have a scheduled task fall due now, as an operator does."""
    done = view.ask(
        """
        mutation ($name: String!, $due_at: timestamptz!) {
          update_events_scheduled_task(where: {name: {_eq: $name}}, _set: {due_at: $due_at}) { affected_rows }
        }
        """,
        name=name,
        due_at=LONG_AGO,
    )
    assert done["update_events_scheduled_task"]["affected_rows"] == 1


def wait_for(view: View, look: Callable[[], Mapping[str, Any] | None], **wanted: Any) -> dict[str, Any]:
    """What `look` gives once it has these values."""

    def holds() -> bool:
        found = look()
        return found is not None and all(found[name] == value for name, value in wanted.items())

    view.platform.wait_until(holds, within_s=60)
    found = look()
    assert found is not None
    return dict(found)


def mails(view: View, customer_id: str, **about: str) -> list[str]:
    """The templates that a customer was sent about something, in order."""
    found = [
        message["campaignName"]
        for message in view.messages(customer_id)
        if all(message["dataFields"].get(name) == value for name, value in about.items())
        and message["messageMedium"] == "Email"
    ]
    return found[::-1]
