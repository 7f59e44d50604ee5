"""A failed payment from its first failure to its end: recovered, exhausted, or not due any more."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from agents.events.envelope import derived_id
from agents.events.invoice import (
    InvoiceNewCardNeeded,
    InvoicePaymentExhausted,
    InvoicePaymentFailed,
    InvoicePaymentRecovered,
)
from agents.events.payload import DomainEvent
from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.invoice.charges import is_due
from agents.invoice.operations import (
    FindRecovery,
    GetCustomer,
    begin_recovery,
    find_recovery,
    get_customer,
    move_recovery,
)
from agents.invoice.schedule import Schedule, cancel_rest
from agents.runtime.handler import Work, WriteBack
from agents.runtime.operations import publish_event
from agents.tickets.support import Matter, conclude_ticket, open_ticket, ticket_row
from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.types import Effective
from integrations.errors import NotFound, PermanentError
from integrations.iterable.client import IterableClient
from integrations.iterable.types import Recipient
from integrations.zendesk.client import ZendeskClient
from integrations.zendesk.types import Priority

Recovery = FindRecovery.Recoveries

_WORKFLOW: Final = "payment_recovery"
#: Subscriptions in these are over, or about to be without our doing.
_OVER: Final = frozenset({"cancelled", "transferred"})


class SubscriptionPolicy(StrEnum):
    """What becomes of a subscription when an invoice of it could not be collected."""

    #: At once: the term that it would end with is the one that was not paid.
    CANCEL = "cancel"
    CANCEL_AT_TERM_END = "cancel_at_term_end"
    KEEP = "keep"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recovering:
    """What the handlers of a failed payment use."""

    graphql: GraphQLClient
    chargebee: ChargebeeClient
    iterable: IterableClient
    zendesk: ZendeskClient
    clock: Callable[[], datetime]
    #: Days after the first failure on which it is tried again.
    retry_days: Sequence[int]
    policy: SubscriptionPolicy


async def payment_failed(event: InvoicePaymentFailed, work: Work, *, use: Recovering) -> WriteBack:
    """A ticket, the recovery workflow, and the plan of further attempts."""
    recovery = await _find(event.invoice_id, use)
    if recovery is not None and recovery.status == "open":
        return WriteBack(skipped="the payment is being recovered already")
    customer = (await use.graphql.query(get_customer(id=event.customer_id))).customer
    if customer is None or customer.deleted_at is not None:
        return WriteBack(skipped="the customer is gone")
    failed_at = event.failed_at or use.clock()
    schedule = Schedule.of(event.invoice_id, event_id=work.event_id, failed_at=failed_at, days=use.retry_days)
    matter = _matter(event, use.retry_days)
    ticket = await open_ticket(matter, work, customer=customer, zendesk=use.zendesk)
    await _enter_workflow(event, work, customer=customer, iterable=use.iterable)
    return WriteBack(
        mutations=(
            begin_recovery(
                recovery={
                    "customer_id": customer.id,
                    "invoice_id": event.invoice_id,
                    "subscription_id": event.subscription_id,
                    "event_id": work.event_id,
                    "amount": event.amount_due,
                    "currency_code": event.currency_code,
                    "retries": len(schedule.due_times),
                    "next_retry_at": schedule.due_times[0],
                    "last_decline_code": event.decline_code,
                    "needs_new_card": event.new_card_needed,
                    "payment_source_id": event.payment_source_id,
                    "declined_at": failed_at,
                    "zendesk_ticket_id": ticket.id,
                    "failed_at": failed_at,
                }
            ),
            ticket_row(ticket, matter, customer_id=customer.id),
            schedule.plan(),
            *_ask_for_card(event, work.event_id),
        )
    )


async def _enter_workflow(
    event: InvoicePaymentFailed, work: Work, *, customer: GetCustomer.Customer, iterable: IterableClient
) -> None:
    """Put the customer into the recovery workflow. That Iterable won't have them is recorded, and no reason to stop."""
    with suppress(PermanentError):
        async with work.step("workflow", system="iterable", action="trigger_workflow", id=_WORKFLOW) as step:
            await iterable.trigger_workflow(
                _WORKFLOW,
                Recipient(user_id=str(customer.id), email=customer.email, phone=customer.phone),
                {
                    "invoice_id": event.invoice_id,
                    "amount": event.amount_text,
                    "new_card_needed": event.new_card_needed,
                },
                idempotency_key=step.idempotency_key,
            )


async def payment_recovered(event: InvoicePaymentRecovered, work: Work, *, use: Recovering) -> WriteBack:
    """It was paid after all, also after it had been given up: the ticket is solved, no further attempt is made."""
    recovery = await _find(event.invoice_id, use)
    if recovery is None or recovery.status not in {"open", "exhausted"}:
        return WriteBack(skipped="no recovery is under way")
    comment = f"Invoice {event.invoice_id} was paid: {event.amount_text}. No further attempt is made."
    return WriteBack(
        mutations=(
            *_end(recovery, event.invoice_id, status="recovered", reason=None, now=use.clock()),
            *await conclude_ticket(
                recovery.zendesk_ticket_id, work, zendesk=use.zendesk, comment=comment, now=use.clock()
            ),
        )
    )


async def payment_exhausted(event: InvoicePaymentExhausted, work: Work, *, use: Recovering) -> WriteBack:
    """The last attempt has failed: Chargebee stops collecting, the subscription ends by policy, the ticket says so."""
    async with work.step("look-at-invoice", system="chargebee", action="get_invoice", id=event.invoice_id):
        try:
            invoice = await use.chargebee.get_invoice(event.invoice_id)
        except NotFound:
            return WriteBack(skipped="Chargebee doesn't have the invoice any more")
    if not is_due(invoice):
        return WriteBack(skipped=f"the invoice is {invoice.status} by now")
    if invoice.status == "payment_due":
        await _stop_dunning(invoice.id, work, use.chargebee)
    ending = await _end_subscription(event.subscription_id, work, use)
    recovery = await _find(event.invoice_id, use)
    comment = f"Invoice {event.invoice_id}: every planned attempt to collect {event.amount_text} has failed. {ending}"
    return WriteBack(
        mutations=await conclude_ticket(
            recovery.zendesk_ticket_id if recovery else None,
            work,
            zendesk=use.zendesk,
            comment=comment,
            now=use.clock(),
            tags=("payment-exhausted",),
        )
    )


async def close_quietly(
    recovery: Recovery,
    invoice_id: str,
    work: Work,
    *,
    reason: str,
    still_due: bool,
    chargebee: ChargebeeClient,
    zendesk: ZendeskClient,
    now: datetime,
) -> tuple[Mutation, ...]:
    """End a recovery that has nothing to recover any more; the ticket is solved, the customer isn't told.

    What Chargebee still has as due, as after a refund, it doesn't collect by itself either.
    """
    if still_due:
        await _stop_dunning(invoice_id, work, chargebee)
    comment = f"Invoice {invoice_id}: {reason}. No further attempt is made."
    return (
        *_end(recovery, invoice_id, status="cancelled", reason=reason, now=now),
        *await conclude_ticket(recovery.zendesk_ticket_id, work, zendesk=zendesk, comment=comment, now=now),
    )


async def _stop_dunning(invoice_id: str, work: Work, chargebee: ChargebeeClient) -> None:
    async with work.step("stop-dunning", system="chargebee", action="stop_dunning", id=invoice_id) as step:
        try:
            await chargebee.stop_dunning(invoice_id, idempotency_key=step.idempotency_key)
        except PermanentError:
            # Paid or voided in this very moment, or never dunned by Chargebee; either way nobody collects it.
            step.id = None


def once(event: DomainEvent, began: UUID) -> Mutation:
    """Publish what is told once a recovery; `began` is the id of the `invoice.payment_failed` that it began with."""
    return publish_event(id=derived_id(began, event.TYPE), type=event.TYPE, subject=event.subject, data=event.data())


def _ask_for_card(event: InvoicePaymentFailed, began: UUID) -> tuple[Mutation, ...]:
    if not event.new_card_needed:
        return ()
    needed = InvoiceNewCardNeeded(
        invoice_id=event.invoice_id,
        customer_id=event.customer_id,
        amount_due=event.amount_due,
        currency_code=event.currency_code,
        amount_text=event.amount_text,
        decline_code=event.decline_code,
    )
    return (once(needed, began),)


async def _find(invoice_id: str, use: Recovering) -> Recovery | None:
    return next(iter((await use.graphql.query(find_recovery(invoice_id=invoice_id))).recoveries), None)


def _end(
    recovery: Recovery, invoice_id: str, *, status: str, reason: str | None, now: datetime
) -> tuple[Mutation, ...]:
    return (
        move_recovery(
            invoice_id=invoice_id,
            event_id=recovery.event_id,
            statuses=["open", "exhausted"],
            set={"status": status, "status_reason": reason, "closed_at": now, "next_retry_at": None},
        ),
        *cancel_rest(invoice_id, event_id=recovery.event_id, after=recovery.attempts, retries=recovery.retries),
    )


async def _end_subscription(subscription_id: str | None, work: Work, use: Recovering) -> str:
    """End the subscription as the policy says, and a sentence about it for the ticket."""
    action = "cancel_subscription"
    if use.policy is SubscriptionPolicy.KEEP or subscription_id is None:
        work.skip(system="chargebee", action=action, reason="by policy" if subscription_id else "no subscription")
        return "No subscription was ended."
    effective = Effective.IMMEDIATELY if use.policy is SubscriptionPolicy.CANCEL else Effective.END_OF_TERM
    async with work.step("end-subscription", system="chargebee", action=action, id=subscription_id) as step:
        try:
            subscription = await use.chargebee.get_subscription(subscription_id)
        except NotFound:
            return f"Chargebee doesn't have subscription {subscription_id}."
        if subscription.status in _OVER or (
            effective is Effective.END_OF_TERM and subscription.status == "non_renewing"
        ):
            return f"Subscription {subscription_id} was {subscription.status} already."
        try:
            await use.chargebee.cancel_subscription(
                subscription_id, effective=effective, idempotency_key=step.idempotency_key
            )
        except PermanentError as error:
            # For a person to decide; the rest goes on.
            return f"Subscription {subscription_id} could not be ended ({error.code}): please look at it."
    when = "at once" if effective is Effective.IMMEDIATELY else "at the end of its term"
    return f"Subscription {subscription_id} was ended {when}."


def _matter(event: InvoicePaymentFailed, retry_days: Sequence[int]) -> Matter:
    reason = f" ({event.decline_code})" if event.decline_code else ""
    days = ", ".join(str(day) for day in retry_days)
    plan = (
        f"The card is of no use any more: the customer is asked for another, which is looked for on days {days}."
        if event.new_card_needed
        else f"It is tried again on days {days}."
    )
    return Matter(
        subject=f"Payment failed: invoice {event.invoice_id}",
        body=f"Invoice {event.invoice_id} could not be collected{reason}: {event.amount_text}. {plan}",
        category="payment",
        priority=Priority.HIGH if event.new_card_needed else Priority.NORMAL,
        tags=("payment-failed",),
        invoice_id=event.invoice_id,
    )
