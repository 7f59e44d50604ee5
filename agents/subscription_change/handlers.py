"""A change of a subscription was asked for, and is carried out in Chargebee."""

from datetime import UTC, datetime, time
from typing import Any, Final

from agents.events.customer import SubscriptionChangeApplied, SubscriptionChanged, SubscriptionChangeRefused
from agents.graphql.client import GraphQLClient
from agents.runtime.errors import Rejected
from agents.runtime.handler import Work, WriteBack
from agents.subscription_change.operations import get_contract_status, get_customer
from agents.subscription_change.requests import Change, Verdict, When, judge
from agents.tickets.support import Matter, open_ticket, ticket_row
from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.types import Effective, Subscription
from integrations.errors import NotFound, PermanentError
from integrations.zendesk.client import ZendeskClient
from integrations.zendesk.types import Priority

_EFFECTIVE: Final = {When.NOW: Effective.IMMEDIATELY, When.TERM_END: Effective.END_OF_TERM}


async def subscription_changed(
    event: SubscriptionChanged,
    work: Work,
    *,
    graphql: GraphQLClient,
    chargebee: ChargebeeClient,
    zendesk: ZendeskClient,
) -> WriteBack:
    """Do it, and tell the customer; or open a ticket when Chargebee refuses for good, and tell them that.

    The subscription's own row follows through the mirror. What is owed for a change in the middle of a term is
    Chargebee's to work out.
    """
    try:
        subscription, verdict = await _look(event, work, chargebee)
    except NotFound as error:
        return await _refuse(event, work, error.code, "Chargebee doesn't have it", graphql, zendesk)
    if verdict is Verdict.IMPOSSIBLE:
        why = f"it is {subscription.status} by now"
        return await _refuse(event, work, "wrong_status", why, graphql, zendesk)
    if verdict is Verdict.DONE:
        work.skip(system="chargebee", action=_action(event), reason=f"it is so already: {subscription.status}")
        return await _applied(event, work, subscription, graphql)
    try:
        async with work.step("change", system="chargebee", action=_action(event), id=event.subscription_id) as step:
            subscription = await _carry_out(event, subscription, chargebee, step.idempotency_key)
    except PermanentError as error:
        # Somebody may have been faster in this very moment, which is what it was refused for.
        subscription, verdict = await _look(event, work, chargebee)
        if verdict is not Verdict.DONE:
            return await _refuse(event, work, error.code, f"Chargebee refused it ({error.code})", graphql, zendesk)
    return await _applied(event, work, subscription, graphql)


async def _look(event: SubscriptionChanged, work: Work, chargebee: ChargebeeClient) -> tuple[Subscription, Verdict]:
    """The subscription as it is, and what the request means for it."""
    subscription_id = event.subscription_id
    async with work.step("look", system="chargebee", action="get_subscription", id=subscription_id):
        subscription = await chargebee.get_subscription(subscription_id)
    planned: Subscription | None = None
    if subscription.raw.get("has_scheduled_changes"):
        async with work.step("look-ahead", system="chargebee", action="get_scheduled_changes", id=subscription_id):
            try:
                planned = await chargebee.get_scheduled_changes(subscription_id)
            except PermanentError:
                # They took effect, or were taken back, in this very moment.
                planned = None
    try:
        return subscription, judge(event, subscription, planned=planned)
    except ValueError as error:
        raise Rejected(f"{event.TYPE}: {error}") from None


async def _carry_out(
    event: SubscriptionChanged, now: Subscription, chargebee: ChargebeeClient, key: str
) -> Subscription:
    effective = _EFFECTIVE[When(event.effective)]
    match Change(event.change):
        case Change.PLAN:
            if event.item_price_id is None:
                raise Rejected(f"{event.TYPE}: a change of plan without item_price_id")
            if event.item_price_id in now.item_price_ids:
                return await chargebee.keep_plan(event.subscription_id, idempotency_key=key)
            return await chargebee.change_plan(
                event.subscription_id, item_price_id=event.item_price_id, effective=effective, idempotency_key=key
            )
        case Change.PAUSE:
            resume_at = datetime.combine(event.resume_on, time(), tzinfo=UTC) if event.resume_on else None
            return await chargebee.pause_subscription(
                event.subscription_id, effective=effective, resume_at=resume_at, idempotency_key=key
            )
        case Change.RESUME if now.status == "non_renewing":
            return await chargebee.keep_subscription(event.subscription_id, idempotency_key=key)
        case Change.RESUME if now.status == "active":
            return await chargebee.keep_running(event.subscription_id, idempotency_key=key)
        case Change.RESUME:
            return await chargebee.resume_subscription(event.subscription_id, idempotency_key=key)
        case Change.CANCEL:
            return await chargebee.cancel_subscription(event.subscription_id, effective=effective, idempotency_key=key)


async def _applied(
    event: SubscriptionChanged, work: Work, subscription: Subscription, graphql: GraphQLClient
) -> WriteBack:
    contract = None
    if event.contract_id is not None and event.change == Change.CANCEL:
        contract = (await graphql.query(get_contract_status(id=event.contract_id))).contract
    applied = SubscriptionChangeApplied(
        **_about(event),
        status=subscription.status,
        effective_at=subscription.current_term_end if event.effective == When.TERM_END else None,
        contract_cancelled=contract is not None and contract.status == "cancelled",
    )
    return WriteBack(mutations=(work.publish(applied),))


async def _refuse(
    event: SubscriptionChanged, work: Work, reason: str, why: str, graphql: GraphQLClient, zendesk: ZendeskClient
) -> WriteBack:
    """A ticket for the care coordination team, and the event that tells the customer."""
    customer = (await graphql.query(get_customer(id=event.customer_id))).customer
    if customer is None or customer.deleted_at is not None:
        return WriteBack(skipped=f"refused ({reason}), and the customer is gone")
    when = "at once" if event.effective == When.NOW else "at the end of the term"
    matter = Matter(
        subject=f"Subscription {event.subscription_id}: {event.change} was not possible",
        body=(
            f"A {event.change} of subscription {event.subscription_id}, effective {when}, was asked for "
            f"by role {event.requested_by}. It was not carried out: {why}. Please look at it with the customer."
        ),
        category="account",
        priority=Priority.HIGH,
        tags=("subscription-change",),
    )
    ticket = await open_ticket(matter, work, customer=customer, zendesk=zendesk)
    refused = SubscriptionChangeRefused(**_about(event), reason=reason)
    return WriteBack(mutations=(ticket_row(ticket, matter, customer_id=customer.id), work.publish(refused)))


def _about(event: SubscriptionChanged) -> dict[str, Any]:
    fields = {"customer_id", "subscription_id", "contract_id", "change", "effective"}
    return event.model_dump(include=fields | {"item_price_id", "resume_on", "requested_by"})


def _action(event: SubscriptionChanged) -> str:
    return "change_plan" if event.change == Change.PLAN else f"{event.change}_subscription"
