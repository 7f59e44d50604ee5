"""The care team hears of a fill that doesn't go on by itself, by a ticket in Zendesk.

A ticket says which prescription and where to look, nothing clinical: not the medication, nor why a pharmacy refused.
That is between the pharmacy and the provider, who reads it with the fill.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from agents.graphql.operations import Mutation
from agents.prescription.operations import GetCourse, GetPrescription, record_ticket
from agents.runtime.handler import Work
from integrations.zendesk.client import ZendeskClient
from integrations.zendesk.types import Priority

_TAGS: Final = ("caregraph", "prescription")


@dataclass(frozen=True, kw_only=True, slots=True)
class Concern:
    """What a ticket is about."""

    subject: str
    body: str


def rejected_fill(prescription_id: UUID, fill_number: int) -> Concern:
    """The pharmacy won't dispense it."""
    return Concern(
        subject="A pharmacy has rejected a prescription",
        body=(
            f"The pharmacy won't dispense fill {fill_number} of prescription {prescription_id}. Its provider finds the "
            "reason with the fill; the customer may have to hear what happens next."
        ),
    )


def held_fill(prescription_id: UUID, fill_number: int, reason: str) -> Concern:
    """It can't be ordered before something is put right."""
    return Concern(
        subject="A prescription can't be sent to the pharmacy",
        body=(
            f"Fill {fill_number} of prescription {prescription_id} waits. {reason} Once that is put right, the fill is "
            "sent by itself within the hour."
        ),
    )


async def open_ticket(
    work: Work,
    zendesk: ZendeskClient,
    customer: GetPrescription.Prescription.Patient.Customer | GetCourse.Prescription.Patient.Customer,
    concern: Concern,
) -> Mutation:
    """A ticket of the customer's, made once for the event; gives what records it."""
    requester_id = customer.zendesk_user_id
    if requester_id is None:
        async with work.step("requester", system="zendesk", action="upsert_user") as step:
            name = " ".join(part for part in (customer.first_name, customer.last_name) if part)
            user = await zendesk.upsert_user(str(customer.id), name=name or customer.email or "", email=customer.email)
            step.id, requester_id = str(user.id), user.id
    async with work.step("ticket", system="zendesk", action="create_ticket") as step:
        ticket = await zendesk.create_ticket(
            requester_id=requester_id,
            subject=concern.subject,
            body=concern.body,
            priority=Priority.HIGH,
            tags=_TAGS,
            idempotency_key=step.idempotency_key,
        )
        step.id = str(ticket.id)
    return record_ticket(
        customer_id=customer.id,
        zendesk_ticket_id=ticket.id,
        subject=concern.subject,
        description=concern.body,
    )
