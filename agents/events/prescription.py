"""The types of topic `prescription-events`."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from agents.events.payload import DomainEvent


class PrescriptionSigned(DomainEvent):
    """A provider has signed a prescription: it can go to the pharmacy."""

    TYPE: ClassVar[str] = "prescription.signed"

    prescription_id: UUID
    customer_id: UUID
    patient_id: UUID
    #: The provider.
    requester_id: UUID
    pharmacy_id: UUID
    contract_id: UUID | None
    signed_at: datetime

    @property
    def subject(self) -> str:
        """The prescription's id."""
        return str(self.prescription_id)


class PrescriptionShipped(DomainEvent):
    """A pharmacy has handed a fill to the carrier."""

    TYPE: ClassVar[str] = "prescription.shipped"

    prescription_id: UUID
    customer_id: UUID

    @property
    def subject(self) -> str:
        """The prescription's id."""
        return str(self.prescription_id)
