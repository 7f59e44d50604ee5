"""The types of topic `prescription-events`."""

from typing import ClassVar
from uuid import UUID

from agents.events.payload import DomainEvent


class PrescriptionShipped(DomainEvent):
    """A pharmacy has handed a fill to the carrier."""

    TYPE: ClassVar[str] = "prescription.shipped"

    prescription_id: UUID
    customer_id: UUID

    @property
    def subject(self) -> str:
        """The prescription's id."""
        return str(self.prescription_id)
