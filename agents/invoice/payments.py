"""Money came in or went back: what the customer has paid in all, and what marketing knows of it."""

from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from uuid import UUID

from agents.charging.money import convert, whole_units
from agents.events.invoice import InvoicePaymentSucceeded, InvoiceRefunded
from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.invoice.operations import GetCustomer, add_to_lifetime_value, get_customer
from agents.runtime.handler import Work, WriteBack
from integrations.chargebee.client import ChargebeeClient
from integrations.errors import NotFound, PermanentError
from integrations.iterable.client import IterableClient
from integrations.iterable.types import Recipient


@dataclass(frozen=True, kw_only=True, slots=True)
class Accounting:
    """What the handlers of payments use."""

    graphql: GraphQLClient
    chargebee: ChargebeeClient
    iterable: IterableClient


async def payment_succeeded(event: InvoicePaymentSucceeded, work: Work, *, use: Accounting) -> WriteBack:
    """The payment is tracked, and adds to the customer's lifetime value together with the event's inbox row."""
    customer = (await use.graphql.query(get_customer(id=event.customer_id))).customer
    if customer is None or customer.deleted_at is not None:
        return WriteBack(skipped="the customer is gone")
    # That Iterable won't have it is recorded among the effects; the money came in all the same.
    with suppress(PermanentError):
        async with work.step("purchase", system="iterable", action="track_purchase") as step:
            await use.iterable.track_purchase(
                Recipient(user_id=str(customer.id), email=customer.email, phone=customer.phone),
                total=whole_units(event.amount, event.currency_code),
                # Not what was bought: a treatment says what somebody suffers from.
                item_id=event.invoice_id,
                item_name="Invoice",
                data={"currency": event.currency_code, "invoice_id": event.invoice_id},
                idempotency_key=step.idempotency_key,
                occurred_at=event.paid_at,
            )
            step.id = step.idempotency_key
    return WriteBack(
        mutations=await count(customer, event.amount, event.currency_code, event.invoice_id, work, use.chargebee)
    )


async def refunded(event: InvoiceRefunded, work: Work, *, use: Accounting) -> WriteBack:
    """What was given back is taken from the customer's lifetime value."""
    customer = (await use.graphql.query(get_customer(id=event.customer_id))).customer
    if customer is None or customer.deleted_at is not None:
        return WriteBack(skipped="the customer is gone")
    return WriteBack(
        mutations=await count(customer, -event.amount, event.currency_code, event.invoice_id, work, use.chargebee)
    )


async def count(
    customer: GetCustomer.Customer,
    amount: int,
    currency_code: str,
    invoice_id: str,
    work: Work,
    chargebee: ChargebeeClient,
) -> tuple[Mutation, ...]:
    """Change the lifetime value, which is in the customer's own currency: up, or down by a negative amount."""
    if currency_code != customer.currency_code:
        converted = await _converted(amount, currency_code, customer.currency_code, invoice_id, work, chargebee)
        if converted is None:
            reason = f"{currency_code} can't be counted in {customer.currency_code}: Chargebee has no rate for it"
            work.skip(system="caregraph", action="add_to_lifetime_value", reason=reason)
            return ()
        amount = converted
    return (_change(customer.id, amount),)


def _change(customer_id: UUID, amount: int) -> Mutation:
    return add_to_lifetime_value(id=customer_id, amount=amount)


async def _converted(
    amount: int, source: str, target: str, invoice_id: str, work: Work, chargebee: ChargebeeClient
) -> int | None:
    """The amount by the rate that Chargebee has booked the invoice with; it knows one into the site's currency only.

    https://apidocs.chargebee.com/docs/api/invoices#invoice_exchange_rate
    """
    async with work.step("look-at-rate", system="chargebee", action="get_invoice", id=invoice_id):
        try:
            invoice = await chargebee.get_invoice(invoice_id)
        except NotFound:
            return None
    if invoice.raw.get("base_currency_code") != target:
        return None
    try:
        rate = Decimal(str(invoice.raw["exchange_rate"]))
    except (KeyError, InvalidOperation):
        return None
    return convert(amount, source=source, target=target, rate=rate)
