"""A planned attempt to collect is due."""

from datetime import datetime

from agents.charging.cards import find_payment_source, is_another
from agents.charging.money import amount_text
from agents.events.invoice import InvoiceNewCardNeeded, InvoicePaymentExhausted
from agents.events.payload import DomainEvent
from agents.graphql.operations import Mutation
from agents.invoice.charges import Decline, find_decline, is_due, settled_by
from agents.invoice.operations import PaymentRecoverySetInput, find_recovery, move_recovery
from agents.invoice.recovery import Recovering, Recovery, close_quietly, once
from agents.invoice.schedule import PaymentRetry
from agents.runtime.handler import Work, WriteBack
from integrations.chargebee.types import Invoice
from integrations.errors import NotFound, PermanentError


async def payment_retry(task: PaymentRetry, work: Work, *, use: Recovering) -> WriteBack:
    """Collect what is due, unless there is nothing to collect any more, or nothing to collect it with.

    Chargebee is asked first how the invoice stands: it may have been paid, voided or given back since. A charge that
    was made since this attempt was planned counts as this attempt: so an answer that was lost, two attempts that are
    late, or somebody who pressed a button in Chargebee don't make a second charge.

    That the invoice is paid is told by its row in the mirror, which ends the recovery (`payment_recovered`).
    """
    recovery = next(iter((await use.graphql.query(find_recovery(invoice_id=task.invoice_id))).recoveries), None)
    if recovery is None or recovery.event_id != task.event_id or recovery.status != "open":
        return WriteBack(skipped="the recovery has ended")
    if recovery.attempts >= task.number:
        return WriteBack(skipped="a later attempt was made before")
    async with work.step("look-at-invoice", system="chargebee", action="get_invoice", id=task.invoice_id):
        try:
            invoice = await use.chargebee.get_invoice(task.invoice_id)
        except NotFound:
            invoice = None
    if invoice is None:
        reason: str | None = "Chargebee doesn't have the invoice any more"
    else:
        reason = await settled_by(invoice, work, chargebee=use.chargebee)
    if invoice is None or reason is not None:
        return WriteBack(
            mutations=await close_quietly(
                recovery,
                task.invoice_id,
                work,
                reason=reason or "",
                still_due=invoice is not None and invoice.status == "payment_due",
                chargebee=use.chargebee,
                zendesk=use.zendesk,
                now=use.clock(),
            )
        )
    if not is_due(invoice):
        return _over(task, None)
    decline = await find_decline(invoice, work, chargebee=use.chargebee, since=task.due_at)
    if decline is None and recovery.needs_new_card:
        source = await find_payment_source(invoice.customer_id, work, chargebee=use.chargebee)
        if not is_another(source, declined=recovery.payment_source_id, declined_at=recovery.declined_at):
            work.skip(system="chargebee", action="collect_payment", reason="there is no other card yet")
            known = Decline(
                at=recovery.declined_at,
                code=recovery.last_decline_code,
                payment_source_id=recovery.payment_source_id,
            )
            return _failed(task, recovery, invoice, known, use)
    if decline is None:
        decline = await collect(invoice, work, since=task.due_at, use=use)
    if decline is None:
        return _over(task, None)
    return _failed(task, recovery, invoice, decline, use)


async def collect(invoice: Invoice, work: Work, *, since: datetime, use: Recovering) -> Decline | None:
    """Charge once; None when it was paid. A charge `since` then that failed says why this one did."""
    try:
        async with work.step("collect", system="chargebee", action="collect_payment", id=invoice.id) as step:
            await use.chargebee.collect_payment(invoice.id, idempotency_key=step.idempotency_key)
    except PermanentError as error:
        # Declined, or it can't be charged at all: Chargebee's word for it counts like the gateway's.
        code = error.code
    else:
        return None
    async with work.step("look-again", system="chargebee", action="get_invoice", id=invoice.id):
        now = await use.chargebee.get_invoice(invoice.id)
    if not is_due(now):
        # Somebody else was faster, which is what it was refused for.
        return None
    made = await find_decline(now, work, chargebee=use.chargebee, since=since)
    if made is None:
        # Chargebee's clock is behind ours. What was charged is what would be charged now, or it would pass for another.
        source = await find_payment_source(invoice.customer_id, work, chargebee=use.chargebee)
        return Decline(at=use.clock(), code=code, payment_source_id=source.id if source else None)
    return Decline(at=made.at or use.clock(), code=made.code or code, payment_source_id=made.payment_source_id)


def _over(task: PaymentRetry, decline: Decline | None) -> WriteBack:
    """The attempt is over. Without a decline the invoice is paid, which its row will tell; so nothing is to come."""
    changes: PaymentRecoverySetInput = {"attempts": task.number, "next_retry_at": None}
    if decline is not None:
        changes |= {
            "next_retry_at": task.next_due_at,
            "last_decline_code": decline.code,
            "needs_new_card": decline.is_hard,
            "payment_source_id": decline.payment_source_id,
            "declined_at": decline.at,
        }
    return WriteBack(mutations=(_move(task, changes),))


def _failed(task: PaymentRetry, recovery: Recovery, invoice: Invoice, decline: Decline, use: Recovering) -> WriteBack:
    over = _over(task, decline)
    about = {
        "invoice_id": task.invoice_id,
        "customer_id": recovery.customer_id,
        "amount_due": invoice.amount_due,
        "currency_code": invoice.currency_code,
        "amount_text": amount_text(invoice.amount_due, invoice.currency_code),
        "decline_code": decline.code,
    }
    if task.next_due_at is None:
        event: DomainEvent = InvoicePaymentExhausted(
            **about, subscription_id=recovery.subscription_id, subscription_policy=use.policy.value
        )
        return WriteBack(mutations=(*over.mutations, _exhaust(task, now=use.clock()), once(event, task.event_id)))
    if decline.is_hard:
        # Also when that was said before: it is published once a recovery.
        return WriteBack(mutations=(*over.mutations, once(InvoiceNewCardNeeded(**about), task.event_id)))
    return over


def _exhaust(task: PaymentRetry, *, now: datetime) -> Mutation:
    return _move(task, {"status": "exhausted", "closed_at": now, "next_retry_at": None})


def _move(task: PaymentRetry, changes: PaymentRecoverySetInput) -> Mutation:
    return move_recovery(invoice_id=task.invoice_id, event_id=task.event_id, statuses=["open"], set=changes)
