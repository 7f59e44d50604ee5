"""An invoice's row comes or changes, and what happened to the invoice is told: once, whoever brought the row."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from agents.charging.money import amount_text
from agents.events.invoice import (
    InvoiceInserted,
    InvoicePaymentFailed,
    InvoicePaymentRecovered,
    InvoicePaymentSucceeded,
    InvoiceRefunded,
    InvoiceRow,
    InvoiceUpdated,
)
from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.invoice.charges import Decline, find_decline, find_given_back, is_due
from agents.invoice.happenings import Happenings, happenings_between, happenings_of_new
from agents.invoice.operations import find_billed_customer, find_recovery, get_customer
from agents.invoice.payments import count
from agents.invoice.recovery import Recovery, close_quietly
from agents.runtime.errors import RetryLater
from agents.runtime.handler import Work, WriteBack
from integrations.chargebee.client import ChargebeeClient
from integrations.errors import NotFound
from integrations.zendesk.client import ZendeskClient

#: A billing record may be linked to its customer a moment after the first invoice came. Then it is nobody's of ours.
_ATTEMPTS_TO_FIND: Final = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """What the handlers of rows ask."""

    graphql: GraphQLClient
    chargebee: ChargebeeClient
    zendesk: ZendeskClient
    clock: Callable[[], datetime]
    #: How old an invoice may be that is failed already when it is seen first.
    window: timedelta


async def invoice_inserted(event: InvoiceInserted, work: Work, *, sources: Sources) -> WriteBack:
    """A new invoice in the mirror: paid at once, failed at once, or neither yet."""
    found = happenings_of_new(event.new, now=sources.clock(), window=sources.window)
    return await _tell(event.new, found, work, sources)


async def invoice_updated(event: InvoiceUpdated, work: Work, *, sources: Sources) -> WriteBack:
    """A changed invoice: what is new about it is told, and a recovery that has become pointless ends."""
    return await _tell(event.new, happenings_between(event.old, event.new), work, sources)


async def _tell(row: InvoiceRow, found: Happenings, work: Work, sources: Sources) -> WriteBack:
    if not found.any:
        return WriteBack(skipped="nothing happened that concerns anybody")
    customer_id = await _customer_of(row, work, sources)
    if customer_id is None:
        return WriteBack(skipped="the customer is none of ours, or is gone")
    mutations: list[Mutation] = []
    about = {"invoice_id": row.id, "customer_id": customer_id, "subscription_id": row.subscription_id}
    paid = {
        "amount": found.paid,
        "currency_code": row.currency_code,
        "amount_text": amount_text(found.paid, row.currency_code),
    }
    if found.paid:
        mutations.append(work.publish(InvoicePaymentSucceeded(**about, **paid, paid_at=row.paid_at)))
    decline = await _find_decline(row.id, work, sources) if found.failed else None
    if decline is not None:
        mutations.append(
            work.publish(
                InvoicePaymentFailed(
                    **about,
                    amount_due=row.amount_due,
                    currency_code=row.currency_code,
                    amount_text=amount_text(row.amount_due, row.currency_code),
                    decline_code=decline.code,
                    new_card_needed=decline.is_hard,
                    payment_source_id=decline.payment_source_id,
                    failed_at=decline.at or sources.clock(),
                )
            )
        )
    refunded = await find_given_back(found.used_up, work, chargebee=sources.chargebee)
    recovery = await _find_recovery(row.id, sources) if found.recovered or found.settled or refunded else None
    if found.recovered and recovery is not None:
        mutations.append(work.publish(InvoicePaymentRecovered(**about, **paid)))
    if refunded:
        mutations.append(
            work.publish(
                InvoiceRefunded(
                    **about,
                    amount=refunded,
                    currency_code=row.currency_code,
                    amount_text=amount_text(refunded, row.currency_code),
                )
            )
        )
    if found.taken_off:
        mutations += await _take_off(customer_id, found.taken_off, row, work, sources)
    if recovery is not None and not found.recovered:
        mutations += await close_quietly(
            recovery,
            row.id,
            work,
            reason=_reason(row, refunded),
            still_due=row.status == "payment_due",
            chargebee=sources.chargebee,
            zendesk=sources.zendesk,
            now=sources.clock(),
        )
    return WriteBack(mutations=tuple(mutations))


async def _customer_of(row: InvoiceRow, work: Work, sources: Sources) -> UUID | None:
    found = await sources.graphql.query(find_billed_customer(chargebee_customer_id=row.customer_id))
    if found.customers:
        customer = found.customers[0]
        return customer.id if customer.deleted_at is None else None
    if work.attempt < _ATTEMPTS_TO_FIND:
        raise RetryLater("no customer of ours has this billing record yet")
    return None


async def _find_decline(invoice_id: str, work: Work, sources: Sources) -> Decline | None:
    """Why the last charge failed, as Chargebee tells; None when nothing is due by now, and nobody need be told.

    So what failed and was paid while nobody looked is neither told as failed nor as recovered.
    """
    unknown = Decline(at=None, code=None, payment_source_id=None)
    async with work.step("look-at-invoice", system="chargebee", action="get_invoice", id=invoice_id):
        try:
            invoice = await sources.chargebee.get_invoice(invoice_id)
        except NotFound:
            return unknown
    if not is_due(invoice):
        return None
    return await find_decline(invoice, work, chargebee=sources.chargebee) or unknown


async def _take_off(
    customer_id: UUID, amount: int, row: InvoiceRow, work: Work, sources: Sources
) -> tuple[Mutation, ...]:
    """A payment that no longer counts for the invoice doesn't for the customer, until it does for some invoice."""
    customer = (await sources.graphql.query(get_customer(id=customer_id))).customer
    if customer is None:
        return ()
    return await count(customer, -amount, row.currency_code, row.id, work, sources.chargebee)


async def _find_recovery(invoice_id: str, sources: Sources) -> Recovery | None:
    """The recovery that what happened may end."""
    recoveries = (await sources.graphql.query(find_recovery(invoice_id=invoice_id))).recoveries
    return next((one for one in recoveries if one.status in {"open", "exhausted"}), None)


def _reason(row: InvoiceRow, refunded: int) -> str:
    if row.status == "voided":
        return "the invoice was voided"
    if refunded:
        return "money was given back"
    return "nothing is due any more: written off or credited"
