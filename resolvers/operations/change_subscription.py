"""`change_subscription`: ask for another plan, a pause, its end, or the subscription's.

Customers change their own subscription, the care coordination team anyone's.

It checks the request against what is known of the subscription and records it as `subscription.changed`; the
subscription_change agent then carries it out in Chargebee, which also works out what is owed. So the answer says what
was asked for, and the subscription's row changes a moment later.

What waits for the end of the term can be taken back until then: a pause and the subscription's end by `resume`, another
plan by the plan that it has.

The same request again is answered with the first one for as long as nothing has happened in between: neither another
request nor a change of the subscription by Chargebee that undid it.

Errors: see `SubscriptionCode`.
"""

import datetime
from collections.abc import Sequence
from enum import Enum
from typing import Any, Final

import strawberry

from resolvers.hand_written import OperationContext
from resolvers.operations.error_codes import SubscriptionCode
from resolvers.operations.scalars import DATE, TIMESTAMPTZ, UUID_
from resolvers.operations.transaction import Refused, ask, event_id, my_id, publish
from resolvers.role_schema import HandWritten

_NAME: Final = "change_subscription"
_EVENT: Final = "subscription.changed"


@strawberry.enum(name="subscription_change_kind", description="What is to become of a subscription.")
class Change(Enum):
    """What is asked for."""

    PLAN = strawberry.enum_value(
        "plan",
        name="plan",
        description="Another plan; it needs `plan`. The present one takes back another that waits for the term's end.",
    )
    PAUSE = strawberry.enum_value("pause", name="pause", description="Nothing is charged until it is resumed.")
    RESUME = strawberry.enum_value(
        "resume",
        name="resume",
        description="The end of a pause, at once. A pause or end that waits for the term's end is taken back.",
    )
    CANCEL = strawberry.enum_value("cancel", name="cancel", description="The end of the subscription.")


@strawberry.enum(name="change_effective", description="When a change is to take effect.")
class Effective(Enum):
    """When it is to happen."""

    NOW = strawberry.enum_value("now", name="now", description="At once.")
    TERM_END = strawberry.enum_value("term_end", name="term_end", description="When what is paid for has been used.")


@strawberry.enum(name="plan_billing", description="How a treatment is paid for.")
class Billing(Enum):
    """Which of a treatment's prices."""

    MONTHLY = strawberry.enum_value("monthly", name="monthly", description="Month by month.")
    UPFRONT = strawberry.enum_value("upfront", name="upfront", description="The whole term at once.")


@strawberry.input(name="subscription_plan_input", description="A plan, by the treatment and how it is paid for.")
class Plan:
    """The plan to change to."""

    treatment_id: UUID_
    billing: Billing


@strawberry.type(name="requested_subscription_change", description="A change of a subscription that was asked for.")
class RequestedChange:
    """What `change_subscription` answers."""

    event_id: UUID_ = strawberry.field(description="The event that tells of the request.")
    subscription_id: str
    customer_id: UUID_
    change: Change
    effective: Effective
    effective_at: TIMESTAMPTZ | None = strawberry.field(
        description="When it takes effect, as far as is known: the end of the term can be unknown."
    )
    status: str = strawberry.field(description="The subscription's status before the change.")
    requested_at: TIMESTAMPTZ
    repeated: bool = strawberry.field(description="Whether this was asked for before, and is answered with that.")


#: The statuses from which a change is possible; a pair that isn't here never is.
_POSSIBLE: Final = {
    (Change.PLAN, Effective.NOW): frozenset({"future", "in_trial", "active"}),
    (Change.PLAN, Effective.TERM_END): frozenset({"in_trial", "active"}),
    (Change.PAUSE, Effective.NOW): frozenset({"active"}),
    (Change.PAUSE, Effective.TERM_END): frozenset({"active"}),
    (Change.RESUME, Effective.NOW): frozenset({"paused", "non_renewing"}),
    (Change.CANCEL, Effective.NOW): frozenset({"future", "in_trial", "active", "non_renewing", "paused"}),
    (Change.CANCEL, Effective.TERM_END): frozenset({"in_trial", "active"}),
}
#: The statuses that say that a change has happened.
_DONE: Final = {
    (Change.PAUSE, Effective.NOW): frozenset({"paused"}),
    (Change.PAUSE, Effective.TERM_END): frozenset({"paused"}),
    (Change.RESUME, Effective.NOW): frozenset({"active"}),
    (Change.CANCEL, Effective.NOW): frozenset({"cancelled"}),
    (Change.CANCEL, Effective.TERM_END): frozenset({"non_renewing", "cancelled"}),
}


async def _change_subscription(
    info: strawberry.Info[OperationContext, None],
    subscription_id: str,
    change: Change,
    effective: Effective,
    plan: Plan | None = None,
    resume_on: DATE | None = None,
) -> RequestedChange:
    context = info.context
    _check_arguments(change, effective, plan, resume_on)
    role = context.session.role
    customer_id = await ask(
        context, "lock_subscription", subscription_id, role, None if role == "admin" else my_id(context)
    )
    if customer_id is None:
        raise Refused(SubscriptionCode.NOT_FOUND, "there is no such subscription", _NAME, "subscription_id")
    found = await ask(context, "read_subscription", subscription_id, customer_id)
    contract_id = found["contract"] and found["contract"]["id"]
    wanted = _wanted(customer_id, subscription_id, contract_id, change, effective)
    wanted["resume_on"] = resume_on
    if plan is not None:
        wanted["treatment_id"] = str(plan.treatment_id).lower()
        wanted["billing"] = plan.billing.value
        wanted["item_price_id"] = await _item_price(context, plan, found["contract"])
    done = _is_done(change, effective, wanted, found)
    earlier = found["requested"]
    if earlier is not None and _same(wanted, earlier["data"]):
        unchanged = earlier["data"].get("resource_version") == found["resource_version"]
        if unchanged or done or _is_scheduled(change, effective, wanted, found):
            return _answer(wanted, found, earlier["id"], at=earlier["at"], status=earlier["data"]["status"])
    if done:
        raise Refused(SubscriptionCode.NOTHING_TO_CHANGE, "the subscription is so already", _NAME, "change")
    _check_status(change, effective, found)
    if resume_on is not None and resume_on <= str(found["today"]):
        raise Refused(SubscriptionCode.ARGUMENTS, "a pause ends on a day to come", _NAME, "resume_on")
    id_ = await _request(context, wanted, found)
    return _answer(wanted, found, id_)


async def change_if_possible(
    context: OperationContext,
    *,
    customer_id: str,
    contract_id: str,
    subscription_id: str,
    change: Change,
    ways: Sequence[Effective],
) -> None:
    """Ask for a change on the caller's behalf, in the first of these ways that the subscription's status allows.

    For other operations, which have locked the customer's row and settled that the caller may. Where the status allows
    none of them, nothing is asked for.
    """
    found = await ask(context, "read_subscription", subscription_id, customer_id)
    possible = [way for way in ways if found["status"] in _POSSIBLE.get((change, way), ())]
    if possible:
        wanted = _wanted(customer_id, subscription_id, contract_id, change, possible[0])
        await _request(context, wanted, found)


async def _request(context: OperationContext, wanted: dict[str, Any], found: dict[str, Any]) -> str:
    """Publish the request; its event's id.

    The id is made of the request, the version of the subscription it is for, and the request before it, so that A, B, A
    are three requests.
    """
    data = {
        **wanted,
        "status": found["status"],
        "resource_version": found["resource_version"],
        "requested_by": context.session.role,
    }
    before = found["requested"] and found["requested"]["id"]
    id_ = event_id(_EVENT, *wanted.values(), found["resource_version"], before)
    await publish(context, _EVENT, subject=wanted["customer_id"], data=data, id=id_)
    return id_


def _wanted(
    customer_id: str, subscription_id: str, contract_id: str | None, change: Change, effective: Effective
) -> dict[str, Any]:
    return {
        "customer_id": customer_id,
        "subscription_id": subscription_id,
        "contract_id": contract_id,
        "change": change.value,
        "effective": effective.value,
        "treatment_id": None,
        "billing": None,
        "item_price_id": None,
        "resume_on": None,
    }


def _check_arguments(change: Change, effective: Effective, plan: Plan | None, resume_on: DATE | None) -> None:
    if (change is Change.PLAN) != (plan is not None):
        raise Refused(SubscriptionCode.ARGUMENTS, "a change of plan, and nothing else, names a plan", _NAME, "plan")
    if (change, effective) not in _POSSIBLE:
        raise Refused(SubscriptionCode.ARGUMENTS, "a pause ends at once: effective is now", _NAME, "effective")
    if resume_on is None:
        return
    if change is not Change.PAUSE:
        raise Refused(SubscriptionCode.ARGUMENTS, "only a pause has an end", _NAME, "resume_on")
    try:
        datetime.datetime.strptime(resume_on, "%Y-%m-%d")  # noqa: DTZ007 -- a day, without a time
    except (ValueError, TypeError):
        raise Refused(SubscriptionCode.ARGUMENTS, "a day is written 2030-12-31", _NAME, "resume_on") from None


async def _item_price(context: OperationContext, plan: Plan, contract: dict[str, Any] | None) -> str:
    offer = await ask(context, "find_plan", plan.treatment_id, plan.billing.value)
    under_contract = contract is not None and contract["treatment_id"] == str(plan.treatment_id).lower()
    if contract is not None and not under_contract:
        message = "the contract is for another treatment: cancel it, and begin another"
        raise Refused(SubscriptionCode.TREATMENT_DIFFERS, message, _NAME, "plan")
    if offer is None or offer["price"] is None or not offer["offered"]:
        raise Refused(SubscriptionCode.PLAN_NOT_OFFERED, "this plan is not offered", _NAME, "plan")
    price: str = offer["price"]
    return price


def _is_done(change: Change, effective: Effective, wanted: dict[str, Any], found: dict[str, Any]) -> bool:
    if change is Change.PLAN:
        return bool(wanted["item_price_id"] == found["item_price_id"] and not found["plan_scheduled"])
    if change is Change.RESUME and found["pause_scheduled"]:
        return False
    return found["status"] in _DONE[change, effective]


def _is_scheduled(change: Change, effective: Effective, wanted: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether Chargebee has such a change waiting for the end of the term: the request for it was carried out."""
    if effective is not Effective.TERM_END:
        return False
    if change is Change.PLAN:
        return bool(found["plan_scheduled"] and wanted["item_price_id"] != found["item_price_id"])
    return change is Change.PAUSE and bool(found["pause_scheduled"])


def _same(wanted: dict[str, Any], earlier: dict[str, Any]) -> bool:
    return all(earlier.get(name) == value for name, value in wanted.items())


def _check_status(change: Change, effective: Effective, found: dict[str, Any]) -> None:
    status = found["status"]
    if change is Change.RESUME and status == "non_renewing" and found["contract_cancelled"] and not found["contract"]:
        message = "the subscription ends because its contract was cancelled; begin another contract"
        raise Refused(SubscriptionCode.WRONG_STATUS, message, _NAME, "change")
    if change is Change.RESUME and found["pause_scheduled"]:
        return
    possible = _POSSIBLE[change, effective]
    if status not in possible:
        message = (
            f"the subscription is {status}; {change.value} ({effective.value}) needs one that is "
            f"{' or '.join(sorted(possible))}"
        )
        raise Refused(SubscriptionCode.WRONG_STATUS, message, _NAME, "change")


def _answer(
    wanted: dict[str, Any], found: dict[str, Any], id_: str, *, at: str | None = None, status: str | None = None
) -> RequestedChange:
    """`at` and `status` are those of the first request when this one repeats it."""
    requested_at = TIMESTAMPTZ(at or found["now"])
    effective = Effective(wanted["effective"])
    return RequestedChange(
        event_id=UUID_(id_),
        subscription_id=wanted["subscription_id"],
        customer_id=UUID_(wanted["customer_id"]),
        change=Change(wanted["change"]),
        effective=effective,
        effective_at=requested_at if effective is Effective.NOW else found["term_end"],
        status=status or found["status"],
        requested_at=requested_at,
        repeated=at is not None,
    )


CHANGE_SUBSCRIPTION: Final = HandWritten(
    field=strawberry.field(
        resolver=_change_subscription,
        name=_NAME,
        description="Ask for a change of a subscription: plan, pause, resume or cancel. It is carried out in Chargebee "
        "shortly; asking twice is asking once. `resume_on` is the day that a pause ends, UTC.",
    ),
    kind="mutation",
    roles=frozenset({"user", "cct"}),
)
