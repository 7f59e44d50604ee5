"""What the Chargebee client takes and gives, in Chargebee's words.

Money is integer minor units of ``currency_code``; times are aware and in UTC. ``raw`` is the object as Chargebee sent
it, for the mirror.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any


class Effective(StrEnum):
    """When a change of a subscription takes effect."""

    #: Now, with proration as the site has it.
    IMMEDIATELY = "immediately"
    #: When the current term ends.
    END_OF_TERM = "end_of_term"


class Resource(StrEnum):
    """The listings that the mirror follows; the value is the path."""

    CUSTOMERS = "customers"
    SUBSCRIPTIONS = "subscriptions"
    ITEM_PRICES = "item_prices"
    INVOICES = "invoices"
    TRANSACTIONS = "transactions"
    CREDIT_NOTES = "credit_notes"
    EVENTS = "events"

    @property
    def object_name(self) -> str:
        """The name of one of them, as the key in a list's entries: ``customer``, ``item_price``."""
        return self.value.removesuffix("s")


@dataclass(frozen=True, kw_only=True, slots=True)
class Customer:
    """A customer of the site."""

    id: str
    email: str | None
    first_name: str | None
    last_name: str | None
    phone: str | None
    promotional_credits: int
    deleted: bool
    resource_version: int
    updated_at: datetime | None
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Customer:
        """From Chargebee's ``customer`` object."""
        return cls(
            id=raw["id"],
            email=raw.get("email"),
            first_name=raw.get("first_name"),
            last_name=raw.get("last_name"),
            phone=raw.get("phone"),
            promotional_credits=raw.get("promotional_credits", 0),
            deleted=raw.get("deleted", False),
            resource_version=raw.get("resource_version", 0),
            updated_at=instant(raw.get("updated_at")),
            raw=raw,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """A subscription; ``contract_id`` is its custom field ``cf_contract_id``, None when empty."""

    id: str
    customer_id: str
    status: str
    contract_id: str | None
    item_price_ids: Sequence[str]
    currency_code: str | None
    current_term_start: datetime | None
    current_term_end: datetime | None
    next_billing_at: datetime | None
    resource_version: int
    updated_at: datetime | None
    #: Whether Chargebee answered from its memory of an earlier call with the same idempotency key.
    replayed: bool
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, raw: Mapping[str, Any], *, replayed: bool = False) -> Subscription:
        """From Chargebee's ``subscription`` object."""
        return cls(
            id=raw["id"],
            customer_id=raw["customer_id"],
            status=raw["status"],
            contract_id=raw.get("cf_contract_id") or None,
            item_price_ids=tuple(item["item_price_id"] for item in raw.get("subscription_items", ())),
            currency_code=raw.get("currency_code"),
            current_term_start=instant(raw.get("current_term_start")),
            current_term_end=instant(raw.get("current_term_end")),
            next_billing_at=instant(raw.get("next_billing_at")),
            resource_version=raw.get("resource_version", 0),
            updated_at=instant(raw.get("updated_at")),
            replayed=replayed,
            raw=raw,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Invoice:
    """An invoice with what has been paid of it."""

    id: str
    customer_id: str
    subscription_id: str | None
    status: str
    currency_code: str
    total: int
    amount_paid: int
    amount_due: int
    dunning_status: str | None
    resource_version: int
    updated_at: datetime | None
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Invoice:
        """From Chargebee's ``invoice`` object."""
        return cls(
            id=raw["id"],
            customer_id=raw["customer_id"],
            subscription_id=raw.get("subscription_id"),
            status=raw["status"],
            currency_code=raw["currency_code"],
            total=raw.get("total", 0),
            amount_paid=raw.get("amount_paid", 0),
            amount_due=raw.get("amount_due", 0),
            dunning_status=raw.get("dunning_status"),
            resource_version=raw.get("resource_version", 0),
            updated_at=instant(raw.get("updated_at")),
            raw=raw,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Transaction:
    """A payment or refund, or an attempt at one."""

    id: str
    type: str
    status: str
    amount: int
    currency_code: str
    date: datetime | None
    #: Why a payment failed, in the gateway's word: ``insufficient_funds``, ``stolen_card``. None when it didn't.
    decline_code: str | None
    payment_source_id: str | None
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Transaction:
        """From Chargebee's ``transaction`` object."""
        # The newer attribute tells the issuer's word apart from the gateway's; the old one has either.
        detail = raw.get("error_detail") or {}
        return cls(
            id=raw["id"],
            type=raw["type"],
            status=raw["status"],
            amount=raw.get("amount", 0),
            currency_code=raw["currency_code"],
            date=instant(raw.get("date")),
            decline_code=detail.get("decline_code") or detail.get("error_code") or raw.get("error_code"),
            payment_source_id=raw.get("payment_source_id"),
            raw=raw,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentSource:
    """A card, or another way of paying, that a customer has left with Chargebee."""

    id: str
    customer_id: str
    #: ``valid``, ``expiring``, ``expired``, ``invalid``, ``pending_verification``.
    status: str
    #: When it was added or last brought up to date.
    updated_at: datetime | None
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> PaymentSource:
        """From Chargebee's ``payment_source`` object."""
        return cls(
            id=raw["id"],
            customer_id=raw["customer_id"],
            status=raw["status"],
            updated_at=instant(raw.get("updated_at") or raw.get("created_at")),
            raw=raw,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class CreditNote:
    """What a customer gets back of an invoice, as money or towards other invoices."""

    id: str
    customer_id: str
    #: ``adjusted``, ``refunded`` (used up, in either way), ``refund_due``, ``voided``.
    status: str
    currency_code: str
    total: int
    #: As money.
    amount_refunded: int
    #: Towards other invoices.
    amount_allocated: int
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> CreditNote:
        """From Chargebee's ``credit_note`` object."""
        return cls(
            id=raw["id"],
            customer_id=raw["customer_id"],
            status=raw["status"],
            currency_code=raw["currency_code"],
            total=raw.get("total", 0),
            amount_refunded=raw.get("amount_refunded", 0),
            amount_allocated=raw.get("amount_allocated", 0),
            raw=raw,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class PromotionalCredit:
    """A credit given to a customer, used up by later invoices."""

    id: str
    customer_id: str
    amount: int
    currency_code: str
    reference: str | None
    closing_balance: int
    #: Whether it was there before the call: credited once, asked for again.
    replayed: bool
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, raw: Mapping[str, Any], *, replayed: bool = False) -> PromotionalCredit:
        """From Chargebee's ``promotional_credit`` object."""
        return cls(
            id=raw["id"],
            customer_id=raw["customer_id"],
            amount=raw["amount"],
            currency_code=raw["currency_code"],
            reference=raw.get("reference"),
            closing_balance=raw.get("closing_balance", 0),
            replayed=replayed,
            raw=raw,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """Part of a listing: the objects themselves, without the key that Chargebee wraps each in."""

    objects: Sequence[Mapping[str, Any]]
    #: Give it to the next call; None on the last page.
    next_offset: str | None


def instant(epoch_s: int | None) -> datetime | None:
    """The moment of a Chargebee timestamp, which counts seconds."""
    return None if epoch_s is None else datetime.fromtimestamp(epoch_s, UTC)


def epoch(moment: datetime) -> int:
    """A moment as Chargebee writes it; raises ValueError for one without a time zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment for Chargebee needs a time zone; use datetime.now(UTC)")
    return int(moment.timestamp())
