"""One fill of a prescription as an order at the pharmacy.

A fill is named by prescription and number, and the network takes one order under a name: so whoever orders it, for an
event, for an event that came again, or because it was found waiting, it is dispensed once.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from agents.events.prescription import PrescriptionRejected, PrescriptionSent
from agents.fills.progress import publish_fill_event, reference
from agents.graphql.operations import Mutation
from agents.prescription.operations import GetPrescription, hold_fill, queue_fill, refuse_fill, send_fill
from integrations.errors import NotFound, PermanentError
from integrations.pharmacy.client import NOT_REFILLABLE, PharmacyClient
from integrations.pharmacy.types import (
    Address,
    Medication,
    NewOrder,
    Order,
    Patient,
    Prescriber,
    Prescription,
)

#: A status by which the network says that it has understood an order and won't take it.
_REFUSED: Final = 422
#: Where the platform's patients live, unless their address says otherwise.
_COUNTRY: Final = "US"


@dataclass(frozen=True, kw_only=True, slots=True)
class DueFill:
    """A fill that is to be ordered now."""

    prescription: GetPrescription.Prescription
    patient: GetPrescription.Prescription.Patient
    customer: GetPrescription.Prescription.Patient.Customer
    #: 0 is the first one.
    number: int
    pharmacy_id: UUID
    pharmacy_ncpdp_id: str
    quantity: Decimal
    days_supply: int
    #: What it waits for already, as its row says.
    held_because: str | None = None

    @property
    def reference(self) -> str:
        """Its name at the network."""
        return reference(self.prescription.id, self.number)


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """The network won't take the order, whoever asks again."""

    #: For the fill's row: the network's code, and the field it objects to.
    reason: str


def due_fills(prescription: GetPrescription.Prescription) -> list[DueFill]:
    """The fills that are to be ordered: those that wait, and the first one when there is none at all.

    None unless the prescription is active, and its patient a customer (whose data may have been deleted).
    """
    patient = prescription.patient
    customer = None if patient is None else patient.customer
    if prescription.status != "active" or patient is None or customer is None:
        return []
    due = [
        DueFill(
            prescription=prescription,
            patient=patient,
            customer=customer,
            number=fill.fill_number,
            pharmacy_id=fill.pharmacy_id,
            pharmacy_ncpdp_id=fill.pharmacy.ncpdp_id,
            quantity=fill.quantity,
            days_supply=fill.days_supply,
            held_because=fill.status_reason,
        )
        for fill in prescription.fills
        if fill.status == "queued"
    ]
    if not prescription.fills and prescription.pharmacy_id is not None and prescription.pharmacy is not None:
        due.append(
            DueFill(
                prescription=prescription,
                patient=patient,
                customer=customer,
                number=0,
                pharmacy_id=prescription.pharmacy_id,
                pharmacy_ncpdp_id=prescription.pharmacy.ncpdp_id,
                quantity=prescription.quantity,
                days_supply=prescription.days_supply,
            )
        )
    return due


def what_is_missing(fill: DueFill) -> str | None:
    """What an order can't do without and the rows don't have, in words for the fill's row; None when all is there."""
    customer = fill.customer
    if not (customer.first_name and customer.last_name):
        return "Waiting for the patient's name."
    if not (customer.address_line1 and customer.city and customer.state_code and customer.zip):
        return "Waiting for a complete address."
    if fill.prescription.requester.npi is None:
        return "Waiting for the provider's NPI."
    return None


async def place_order(fill: DueFill, pharmacy: PharmacyClient, *, idempotency_key: str) -> Order | Refused:
    """The fill's order, made once; nothing must be missing. Raises what the client raises but for a refusal."""
    try:
        return await _refilled(fill, pharmacy, idempotency_key) or await pharmacy.create_order(
            _order(fill), idempotency_key=idempotency_key
        )
    except PermanentError as error:
        if error.status != _REFUSED:
            raise
        about = f" ({error.param})" if error.param else ""
        return Refused(reason=f"The pharmacy network refused the order: {error.code}{about}.")


def ordered(fill: DueFill, order: Order) -> tuple[Mutation, ...]:
    """What to write when the order stands: the fill is sent, and prescription.sent tells of it."""
    return (
        _queued(fill),
        send_fill(
            prescription_id=fill.prescription.id,
            fill_number=fill.number,
            order_id=order.id,
            sent_at=datetime.now(UTC),
        ),
        publish_fill_event(
            PrescriptionSent(
                prescription_id=fill.prescription.id,
                customer_id=fill.customer.id,
                pharmacy_id=fill.pharmacy_id,
                fill_number=fill.number,
            )
        ),
    )


def refused(fill: DueFill, refusal: Refused) -> tuple[Mutation, ...]:
    """What to write when the network won't take it: the fill is rejected, and told of like any that is."""
    return (
        _queued(fill),
        refuse_fill(
            prescription_id=fill.prescription.id,
            fill_number=fill.number,
            reason=refusal.reason,
            rejected_at=datetime.now(UTC),
        ),
        publish_fill_event(
            PrescriptionRejected(
                prescription_id=fill.prescription.id,
                customer_id=fill.customer.id,
                pharmacy_id=fill.pharmacy_id,
                fill_number=fill.number,
            )
        ),
    )


def held(fill: DueFill, reason: str) -> tuple[Mutation, ...]:
    """What to write when something is missing: the fill waits, and says what for."""
    return (
        _queued(fill),
        hold_fill(prescription_id=fill.prescription.id, fill_number=fill.number, reason=reason),
    )


async def _refilled(fill: DueFill, pharmacy: PharmacyClient, idempotency_key: str) -> Order | None:
    """The order as a refill of an earlier one, so that nothing clinical is sent again; None where that can't be."""
    earlier = [
        one.pharmacy_order_id
        for one in fill.prescription.fills
        if one.status == "delivered" and one.pharmacy_id == fill.pharmacy_id and one.pharmacy_order_id is not None
    ]
    if not earlier:
        return None
    try:
        return await pharmacy.refill_order(
            earlier[-1],
            reference=fill.reference,
            fill_number=fill.number,
            phone=fill.customer.phone,
            address=_address(fill),
            # Of its own: the whole order may have to be made under the other one.
            idempotency_key=f"{idempotency_key}:refill",
        )
    except NotFound:
        return None
    except PermanentError as error:
        if error.code != NOT_REFILLABLE:
            raise
        return None


def _queued(fill: DueFill) -> Mutation:
    return queue_fill(
        prescription_id=fill.prescription.id,
        pharmacy_id=fill.pharmacy_id,
        fill_number=fill.number,
        quantity=fill.quantity,
        days_supply=fill.days_supply,
    )


def _order(fill: DueFill) -> NewOrder:
    prescription = fill.prescription
    patient, customer = fill.patient, fill.customer
    provider, medication = prescription.requester, prescription.medication
    assert prescription.signed_at is not None, "what isn't a draft was signed"
    return NewOrder(
        reference=fill.reference,
        pharmacy_ncpdp_id=fill.pharmacy_ncpdp_id,
        patient=Patient(
            identifier=patient.identifier or str(patient.id),
            first_name=customer.first_name or "",
            last_name=customer.last_name or "",
            birth_date=patient.birth_date or customer.date_of_birth,
            gender=patient.gender,
            phone=customer.phone,
            address=_address(fill),
        ),
        prescriber=Prescriber(npi=provider.npi or "", first_name=provider.first_name, last_name=provider.last_name),
        medication=Medication(
            code_system=medication.code_system,
            code=medication.code,
            display=medication.code_display,
            form=medication.form,
            strength=medication.strength,
        ),
        prescription=Prescription(
            id=str(prescription.id),
            signed_at=prescription.signed_at,
            valid_until=prescription.valid_until,
            dosage_instruction=prescription.dosage_instruction,
            quantity=fill.quantity,
            quantity_unit=prescription.quantity_unit,
            days_supply=fill.days_supply,
            refills_allowed=prescription.refills_allowed,
            fill_number=fill.number,
            note=prescription.note,
        ),
    )


def _address(fill: DueFill) -> Address:
    customer = fill.customer
    return Address(
        line1=customer.address_line1 or "",
        line2=customer.address_line2,
        city=customer.city or "",
        state=customer.state_code or "",
        zip=customer.zip or "",
        country=customer.country or _COUNTRY,
    )
