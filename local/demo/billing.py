"""Contracts, and what Chargebee knows of their customers: subscriptions with their plan, and the mirror's customers."""

import datetime
from dataclasses import dataclass
from typing import Any

from local.demo.catalogue import NURSE_COACHING
from local.demo.chance import Chance
from local.demo.dates import add_months, at, days
from local.demo.people import ADA, ADA_SUBSCRIPTION, BO, CLEO, Customer
from local.demo.rows import Row, Rows
from schema.tables import chargebee, public

_KNOWN_SUBSCRIPTIONS = {ADA: ADA_SUBSCRIPTION, BO: "AzqYdaT9kLp5Bo12", CLEO: "AzqYdaT9kLpCleo3"}
_TRIAL = days(7)


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscribed:
    """A customer with their subscription and contracts."""

    customer: Customer
    subscription: Row
    #: The oldest first; empty for who has none.
    contracts: tuple[Row, ...]
    #: The first day that was billed.
    first_billed: datetime.date
    #: Days on which an invoice was made, the oldest first.
    invoice_days: tuple[datetime.date, ...]


def version(time: datetime.datetime) -> int:
    """Chargebee's resource_version: milliseconds since 1970."""
    return int(time.timestamp() * 1000)


def add_subscriptions(rows: Rows, chance: Chance, customers: list[Customer]) -> list[Subscribed]:
    """Billing records, contracts and subscriptions of all customers that have got so far."""
    return [
        _add_subscribed(rows, chance, customer) for customer in customers if customer.story.subscription is not None
    ]


def _add_subscribed(rows: Rows, chance: Chance, customer: Customer) -> Subscribed:
    story, treatment = customer.story, customer.treatment
    first_billed = add_months(customer.start, -treatment.term_months * max(len(story.contracts) - 1, 0))
    subscription_id = _KNOWN_SUBSCRIPTIONS.get(customer.id) or "Az" + chance.token(14)
    ended_at = _ended_at(rows, customer)
    contracts = _add_contracts(rows, customer, subscription_id, first_billed, ended_at)
    _add_billing_customer(rows, chance, customer)
    months = treatment.term_months if story.upfront and story.name != "completed" else 1
    invoice_days = _invoice_days(rows, customer, first_billed)
    open_contract = contracts[-1] if contracts and contracts[-1]["status"] in {"future", "active"} else None
    term_start, term_end = _current_term(rows, customer, first_billed, months)
    plan = treatment.upfront_item_price_id if months > 1 else treatment.monthly_item_price_id
    price = treatment.upfront_price if months > 1 else treatment.monthly_price
    assert price is not None
    coaching = chance.happens(0.15) and months == 1
    status = story.subscription
    running = status in {"active", "in_trial"}
    billed_at = at(invoice_days[-1], 9) if invoice_days else customer.created_at
    updated_at = ended_at or max(billed_at, customer.created_at)
    items = [_item(plan, "plan", price), *([_item(NURSE_COACHING, "addon", 2_500)] if coaching else [])]
    cancelled = status == "cancelled"
    subscription = rows.add(
        chargebee.subscription,
        id=subscription_id,
        customer_id=customer.chargebee_id,
        plan_item_price_id=plan,
        plan_quantity=1,
        plan_unit_price=price,
        subscription_items=items,
        currency_code="USD",
        billing_period=months,
        billing_period_unit="month",
        status=status,
        auto_collection="off" if story.last_invoice == "posted" else "on",
        cf_contract_id=str(open_contract["id"]) if open_contract else None,
        start_date=at(customer.start, 9) if status == "future" else None,
        trial_start=at(customer.start, 9) - _TRIAL if status == "in_trial" else None,
        trial_end=at(customer.start, 9) if status == "in_trial" else None,
        current_term_start=term_start,
        current_term_end=term_end,
        next_billing_at=term_end if running else at(customer.start, 9) if status == "future" else None,
        started_at=None if status == "future" else at(first_billed, 9) - (_TRIAL if status == "in_trial" else days(0)),
        activated_at=None if status in {"future", "in_trial"} else at(first_billed, 9),
        pause_date=ended_at if status == "paused" else None,
        resume_date=rows.now + days(chance.integer(10, 40)) if status == "paused" else None,
        cancelled_at=ended_at if cancelled else term_end if status == "non_renewing" else None,
        cancel_reason=("not_paid" if story.name == "exhausted" else None) if cancelled else None,
        cancel_reason_code="no_longer_needed" if cancelled and story.name != "exhausted" else None,
        mrr=sum(item["amount"] for item in items) // months if running else 0,
        created_at=customer.created_at,
        updated_at=updated_at,
        resource_version=version(updated_at),
    )
    return Subscribed(
        customer=customer,
        subscription=subscription,
        contracts=tuple(contracts),
        first_billed=first_billed,
        invoice_days=invoice_days,
    )


def _add_contracts(
    rows: Rows,
    customer: Customer,
    subscription_id: str,
    first_billed: datetime.date,
    ended_at: datetime.datetime | None,
) -> list[Row]:
    """One contract a term, each continuing the one before."""
    story, treatment = customer.story, customer.treatment
    contracts: list[Row] = []
    for number, status in enumerate(story.contracts):
        start = add_months(first_billed, number * treatment.term_months)
        end = add_months(start, treatment.term_months)
        over = status in {"renewed", "completed"}
        cancelled = status == "cancelled"
        signed = customer.created_at if number == 0 else at(start, 1)
        activated = None if status == "future" else at(start, 6)
        contracts.append(
            rows.add(
                public.contract,
                customer_id=customer.id,
                subscription_id=subscription_id,
                treatment_id=treatment.id,
                status=status,
                start_date=start,
                end_date=end,
                auto_renew=story.auto_renew and not cancelled,
                renewed_from_id=contracts[-1]["id"] if contracts else None,
                activated_at=activated,
                completed_at=at(end - days(1), 2) if over else None,
                cancelled_at=ended_at if cancelled else None,
                cancel_reason=("payment failed" if story.name == "exhausted" else "by customer") if cancelled else None,
                created_at=signed,
                updated_at=at(end - days(1), 2) if over else ended_at if cancelled else activated or signed,
            )
        )
    return contracts


def _add_billing_customer(rows: Rows, chance: Chance, customer: Customer) -> None:
    row = customer.row
    invoiced = customer.story.last_invoice is not None
    card = chance.spread({"valid": 80, "no_card": 2, "expiring": 10, "expired": 4, "pending_verification": 2})
    if customer.story.last_invoice in {"failing", "exhausted"}:
        card = "expired"
    updated_at = row["deleted_at"] or row["created_at"] + days(1)
    updated_at = min(updated_at, rows.now)
    address = {
        "first_name": row["first_name"],
        "last_name": row["last_name"],
        "line1": row["address_line1"],
        "city": row["city"],
        "state_code": row["state_code"],
        "zip": row["zip"],
        "country": "US",
    }
    rows.add(
        chargebee.customer,
        id=customer.chargebee_id,
        email=row["email"],
        first_name=row["first_name"],
        last_name=row["last_name"],
        phone=row["phone"],
        auto_collection="off" if customer.story.last_invoice == "posted" else "on",
        net_term_days=14 if customer.story.last_invoice == "posted" else 0,
        preferred_currency_code="USD",
        billing_address={name: value for name, value in address.items() if value is not None},
        card_status=card if invoiced else "valid",
        primary_payment_source_id=None if card == "no_card" else f"pm_{chance.token(16)}",
        created_at=row["created_at"],
        updated_at=updated_at,
        resource_version=version(updated_at),
    )


def _invoice_days(rows: Rows, customer: Customer, first_billed: datetime.date) -> tuple[datetime.date, ...]:
    """Monthly from the first day on, or once a term; none after the subscription has paused or ended."""
    story, treatment = customer.story, customer.treatment
    if story.last_invoice is None:
        return ()
    months = 0
    found: list[datetime.date] = []
    while (day := add_months(first_billed, months)) < rows.today:
        found.append(day)
        # A term paid at once; when it is completed, months follow.
        months += treatment.term_months if story.upfront and months == 0 else 1
    if story.subscription == "paused":
        del found[2:]
    return tuple(found)


def _ended_at(rows: Rows, customer: Customer) -> datetime.datetime | None:
    """When the subscription was paused or cancelled; the last invoice comes before."""
    story = customer.story
    if story.subscription == "paused":
        return at(add_months(customer.start, 2) - days(3), 15)
    if story.subscription != "cancelled":
        return None
    invoiced = _invoice_days(rows, customer, customer.start)[-1]
    return min(at(invoiced, 15) + days(8 if story.name == "exhausted" else 2), rows.now - days(0.5))


def _current_term(
    rows: Rows, customer: Customer, first_billed: datetime.date, months: int
) -> tuple[datetime.datetime | None, datetime.datetime | None]:
    status = customer.story.subscription
    if status == "future":
        return None, None
    if status == "in_trial":
        return at(customer.start, 9) - _TRIAL, at(customer.start, 9)
    terms = 0
    while add_months(first_billed, (terms + 1) * months) < rows.today:
        terms += 1
    return at(add_months(first_billed, terms * months), 9), at(add_months(first_billed, (terms + 1) * months), 9)


def _item(item_price_id: str | None, item_type: str, price: int) -> dict[str, Any]:
    return {
        "object": "subscription_item",
        "item_price_id": item_price_id,
        "item_type": item_type,
        "quantity": 1,
        "unit_price": price,
        "amount": price,
        "free_quantity": 0,
    }
