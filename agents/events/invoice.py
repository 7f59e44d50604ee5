"""The types of topic `invoice-events`."""

from typing import ClassVar
from uuid import UUID

from agents.events.payload import DomainEvent


class InvoicePaymentFailed(DomainEvent):
    """Chargebee could not collect what an invoice asks for."""

    TYPE: ClassVar[str] = "invoice.payment_failed"

    #: Chargebee's id.
    invoice_id: str
    #: Ours, not Chargebee's.
    customer_id: UUID

    @property
    def subject(self) -> str:
        """The invoice's id."""
        return self.invoice_id
