"""The types of topic `prescription-events`."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from agents.events.payload import DomainEvent, Payload, RowUpdated


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


class FillEvent(DomainEvent):
    """What every event about a fill says: ids only, what is dispensed is read by whoever may."""

    prescription_id: UUID
    customer_id: UUID
    pharmacy_id: UUID | None = None
    #: 0 is the first fill, 1 the first refill.
    fill_number: int | None = None

    @property
    def subject(self) -> str:
        """The prescription's id."""
        return str(self.prescription_id)


class PrescriptionSent(FillEvent):
    """A fill was ordered from the pharmacy."""

    TYPE: ClassVar[str] = "prescription.sent"


class PrescriptionRejected(FillEvent):
    """The pharmacy won't dispense a fill."""

    TYPE: ClassVar[str] = "prescription.rejected"


class PrescriptionFilled(FillEvent):
    """A fill is packed."""

    TYPE: ClassVar[str] = "prescription.filled"


class PrescriptionShipped(FillEvent):
    """A pharmacy has handed a fill to the carrier."""

    TYPE: ClassVar[str] = "prescription.shipped"


class PrescriptionDelivered(FillEvent):
    """A fill has arrived."""

    TYPE: ClassVar[str] = "prescription.delivered"


class PrescriptionRefillDue(FillEvent):
    """It is time to ask for the next fill; `fill_number` is that of the one that runs out."""

    TYPE: ClassVar[str] = "prescription.refill_due"


class PrescriptionRow(Payload):
    """The columns of `healthcare.prescription` that handlers look at."""

    id: UUID
    #: draft | active | on_hold | completed | cancelled | stopped
    status: str


class PrescriptionUpdated(RowUpdated[PrescriptionRow]):
    """A prescription's columns changed."""

    TYPE: ClassVar[str] = "prescription.updated"
