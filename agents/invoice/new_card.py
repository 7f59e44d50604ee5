"""A customer has left another card: what is due is tried with it at once, beside the planned attempts."""

from datetime import datetime
from typing import ClassVar, Final
from uuid import UUID

from agents.charging.cards import find_payment_source, is_another
from agents.charging.money import amount_text
from agents.events.customer import CustomerPaymentSourceChanged
from agents.events.invoice import InvoiceNewCardNeeded
from agents.graphql.operations import Mutation
from agents.invoice.charges import find_decline, is_due, settled_by
from agents.invoice.operations import (
    EventsScheduledTaskInsertInput,
    find_open_recoveries,
    find_recovery,
    move_recovery,
    plan_retries,
)
from agents.invoice.recovery import Recovering
from agents.invoice.retry import collect
from agents.runtime.handler import Work, WriteBack
from agents.runtime.tasks import Task
from integrations.errors import NotFound

_TARGET: Final = "invoice"


class NewCard(Task):
    """An attempt to collect with a card that came after the one that was declined. It uses up no planned one."""

    TYPE: ClassVar[str] = "payment.new_card"

    invoice_id: str
    #: The `invoice.payment_failed` that the recovery began with.
    event_id: UUID
    #: When it was planned. A charge since then is this attempt, whoever made it.
    due_at: datetime


async def payment_source_changed(event: CustomerPaymentSourceChanged, work: Work, *, use: Recovering) -> WriteBack:
    """Plan an attempt for now, of each open recovery that was declined with another card.

    Chargebee tells of one card in several ways: it is tried once, since the task is named after the card as it is.
    """
    found = (await use.graphql.query(find_open_recoveries(customer_id=event.customer_id))).recoveries
    billing_id = next((one.customer.chargebee_customer_id for one in found if one.customer), None)
    if billing_id is None:
        return WriteBack(skipped="no payment of the customer is being recovered")
    source = await find_payment_source(billing_id, work, chargebee=use.chargebee)
    # Chargebee's moments have whole seconds, and the charge is to be found by this one.
    now = use.clock().replace(microsecond=0)
    tasks: list[EventsScheduledTaskInsertInput] = []
    for one in found:
        another = is_another(source, declined=one.payment_source_id, declined_at=one.declined_at)
        if one.invoice_id is None or source is None or not another:
            continue
        version = f"{source.updated_at:%Y%m%dT%H%M%S}" if source.updated_at else "new"
        task = NewCard(invoice_id=one.invoice_id, event_id=one.event_id, due_at=now)
        tasks.append(
            {
                "name": f"payment-new-card-{one.invoice_id}-{one.event_id}-{source.id}-{version}",
                "kind": NewCard.TYPE,
                "target": _TARGET,
                "due_at": now,
                "payload": task.model_dump(mode="json"),
            }
        )
    if not tasks:
        return WriteBack(skipped="the card on file is the one that was declined")
    return WriteBack(mutations=(plan_retries(tasks=tasks),))


async def payment_new_card(task: NewCard, work: Work, *, use: Recovering) -> WriteBack:
    """Collect what is due with the other card. Paid or settled meanwhile: the planned attempts end by themselves."""
    recovery = next(iter((await use.graphql.query(find_recovery(invoice_id=task.invoice_id))).recoveries), None)
    if recovery is None or recovery.event_id != task.event_id or recovery.status != "open":
        return WriteBack(skipped="the recovery has ended")
    async with work.step("look-at-invoice", system="chargebee", action="get_invoice", id=task.invoice_id):
        try:
            invoice = await use.chargebee.get_invoice(task.invoice_id)
        except NotFound:
            return WriteBack(skipped="Chargebee doesn't have the invoice any more")
    if not is_due(invoice) or await settled_by(invoice, work, chargebee=use.chargebee) is not None:
        return WriteBack(skipped="there is nothing to collect any more")
    decline = await find_decline(invoice, work, chargebee=use.chargebee, since=task.due_at)
    if decline is None or decline.payment_source_id == recovery.payment_source_id:
        source = await find_payment_source(invoice.customer_id, work, chargebee=use.chargebee)
        if not is_another(source, declined=recovery.payment_source_id, declined_at=recovery.declined_at):
            return WriteBack(skipped="the card on file is the one that was declined")
        decline = await collect(invoice, work, since=task.due_at, use=use)
    if decline is None:
        # That it is paid is told by its row in the mirror, which ends the recovery.
        return WriteBack()
    mutations: list[Mutation] = [
        move_recovery(
            invoice_id=task.invoice_id,
            event_id=task.event_id,
            statuses=["open"],
            set={
                "last_decline_code": decline.code,
                "needs_new_card": decline.is_hard,
                "payment_source_id": decline.payment_source_id,
                "declined_at": decline.at,
            },
        )
    ]
    if decline.is_hard:
        # Of another card than the one they were asked to replace.
        needed = InvoiceNewCardNeeded(
            invoice_id=task.invoice_id,
            customer_id=recovery.customer_id,
            amount_due=invoice.amount_due,
            currency_code=invoice.currency_code,
            amount_text=amount_text(invoice.amount_due, invoice.currency_code),
            decline_code=decline.code,
        )
        mutations.append(work.publish(needed))
    return WriteBack(mutations=tuple(mutations))
