"""The types of topic `invoice-events`."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar
from uuid import UUID

from agents.events.payload import DomainEvent, Payload, RowInserted, RowUpdated


class IssuedCreditNote(Payload):
    """A note by which some of an invoice is to be given back, or put towards the next ones."""

    cn_id: str
    #: adjusted | refunded (used up, in either way) | refund_due | voided
    cn_status: str
    #: In minor units.
    cn_total: int = 0


class InvoiceRow(Payload):
    """The columns of `chargebee.invoice` that handlers look at. Amounts are minor units of `currency_code`."""

    id: str
    #: Chargebee's.
    customer_id: str
    subscription_id: str | None
    #: paid | posted | payment_due | not_paid | voided | pending
    status: str
    #: in_progress | exhausted | stopped | success; None while no attempt to collect has failed.
    dunning_status: str | None
    currency_code: str
    total: int
    amount_paid: int
    amount_due: int
    date: datetime
    paid_at: datetime | None
    issued_credit_notes: Sequence[IssuedCreditNote] = ()
    deleted: bool = False


class InvoiceInserted(RowInserted[InvoiceRow]):
    """An invoice came into the mirror, by the ETL or by a webhook, in whatever state it is by then."""

    TYPE: ClassVar[str] = "invoice.inserted"


class InvoiceUpdated(RowUpdated[InvoiceRow]):
    """Columns of a mirrored invoice changed."""

    TYPE: ClassVar[str] = "invoice.updated"


class InvoiceEvent(DomainEvent):
    """What every event about an invoice says."""

    #: Chargebee's id.
    invoice_id: str
    #: Ours, not Chargebee's.
    customer_id: UUID

    @property
    def subject(self) -> str:
        """The invoice's id."""
        return self.invoice_id


class InvoicePaymentSucceeded(InvoiceEvent):
    """Money came in for an invoice: all of it, or a part."""

    TYPE: ClassVar[str] = "invoice.payment_succeeded"

    subscription_id: str | None
    #: What came in this time, in minor units.
    amount: int
    currency_code: str
    #: The amount as people write it: `99.00 USD`, `5000 JPY`.
    amount_text: str
    paid_at: datetime | None


class InvoicePaymentFailed(InvoiceEvent):
    """Chargebee could not collect what an invoice asks for."""

    TYPE: ClassVar[str] = "invoice.payment_failed"

    subscription_id: str | None = None
    #: What is due, in minor units.
    amount_due: int = 0
    currency_code: str = "USD"
    amount_text: str = ""
    #: The gateway's word for why; None when it gave none.
    decline_code: str | None = None
    #: Whether the card on file is of no use any more.
    new_card_needed: bool = False
    #: What was charged in vain, and when.
    payment_source_id: str | None = None
    failed_at: datetime | None = None


class InvoiceNewCardNeeded(InvoiceEvent):
    """While a payment was tried again, the card on file turned out to be of no use any more."""

    TYPE: ClassVar[str] = "invoice.new_card_needed"

    amount_due: int
    currency_code: str
    amount_text: str
    decline_code: str | None


class InvoicePaymentRecovered(InvoiceEvent):
    """An invoice whose payment had failed is paid after all."""

    TYPE: ClassVar[str] = "invoice.payment_recovered"

    subscription_id: str | None
    amount: int
    currency_code: str
    amount_text: str


class InvoicePaymentExhausted(InvoiceEvent):
    """The last planned attempt to collect has failed, too."""

    TYPE: ClassVar[str] = "invoice.payment_exhausted"

    subscription_id: str | None
    amount_due: int
    currency_code: str
    amount_text: str
    decline_code: str | None
    #: What becomes of the subscription: cancel | cancel_at_term_end | keep
    subscription_policy: str


class InvoiceRefunded(InvoiceEvent):
    """Money was given back."""

    TYPE: ClassVar[str] = "invoice.refunded"

    subscription_id: str | None
    #: What was given back this time, in minor units.
    amount: int
    currency_code: str
    amount_text: str
