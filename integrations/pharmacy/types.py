"""What the pharmacy client takes and gives, in the network's words. `raw` is the object as the network sent it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any


class OrderStatus(StrEnum):
    """Where an order stands. It goes forward only; rejected, delivered and cancelled are its ends."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FILLED = "filled"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a parcel goes."""

    line1: str
    line2: str | None
    city: str
    state: str
    zip: str
    country: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    """Whom an order is for: what a label and a parcel need, and no more."""

    #: Medical record number, or our id of the chart; the same for every order of a patient.
    identifier: str
    first_name: str
    last_name: str
    birth_date: date | None
    gender: str
    phone: str | None
    address: Address


@dataclass(frozen=True, kw_only=True, slots=True)
class Prescriber:
    """Who signed."""

    npi: str
    first_name: str
    last_name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Medication:
    """What to dispense: a FHIR Coding with form and strength."""

    code_system: str
    code: str
    display: str
    form: str
    strength: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Prescription:
    """The prescription that an order dispenses once."""

    id: str
    signed_at: datetime
    valid_until: date | None
    dosage_instruction: str
    #: A fill's amount, in UCUM units.
    quantity: Decimal
    quantity_unit: str
    days_supply: int
    refills_allowed: int
    #: 0 is the first fill.
    fill_number: int
    note: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewOrder:
    """One fill to dispense and ship."""

    #: Our id of the fill; the network takes one order for it.
    reference: str
    #: The pharmacy that is to dispense, by its number in the NCPDP directory.
    pharmacy_ncpdp_id: str
    patient: Patient = field(repr=False)
    prescriber: Prescriber
    medication: Medication = field(repr=False)
    prescription: Prescription = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Shipment:
    """A parcel under way."""

    carrier: str
    tracking_number: str
    tracking_url: str | None

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Shipment:
        """From the network's ``shipment`` object."""
        return cls(carrier=raw["carrier"], tracking_number=raw["tracking_number"], tracking_url=raw.get("tracking_url"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """An order and what became of it. It says nothing about patient or medication."""

    id: str
    #: Our id of the fill.
    reference: str
    status: OrderStatus
    #: Grows with every change: of two pictures of an order, that with the larger number is the later one.
    version: int
    pharmacy_ncpdp_id: str
    #: Why a pharmacy rejected it, by code and in words.
    rejection_code: str | None
    rejection_reason: str | None = field(repr=False)
    shipment: Shipment | None
    #: Status → when it was reached, for those that it has reached.
    reached_at: Mapping[OrderStatus, datetime]
    #: Whether the network answered from its memory of an earlier call with the same idempotency key.
    replayed: bool
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, raw: Mapping[str, Any], *, replayed: bool = False) -> Order:
        """From the network's ``order`` object; raises KeyError, TypeError or ValueError for what isn't one."""
        rejection = raw.get("rejection") or {}
        shipment = raw.get("shipment")
        return cls(
            id=raw["id"],
            reference=raw["reference"],
            status=OrderStatus(raw["status"]),
            version=int(raw["version"]),
            pharmacy_ncpdp_id=raw["pharmacy"]["ncpdp_id"],
            rejection_code=rejection.get("code"),
            rejection_reason=rejection.get("reason"),
            shipment=Shipment.parse(shipment) if shipment else None,
            reached_at={
                status: datetime.fromisoformat(moment)
                for status in OrderStatus
                if (moment := raw.get(f"{status}_at")) is not None
            },
            replayed=replayed,
            raw=raw,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderPage:
    """Part of a listing, the last changed order last."""

    orders: Sequence[Order]
    #: Give it to the next call; None on the last page.
    next_cursor: str | None
