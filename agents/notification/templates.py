"""Which event sends which template by which channel to whom.

A template's name is the name of a triggered campaign in Iterable. To send something new, add a row; the event's class
must have a `customer_id`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from agents.events.contract import (
    ContractActivated,
    ContractCancelled,
    ContractCompleted,
    ContractCreated,
    ContractPaymentDeclined,
    ContractPaymentExhausted,
    ContractRenewed,
)
from agents.events.customer import (
    CustomerSignedUp,
    MessageSent,
    ReferralCompleted,
    SubscriptionChangeApplied,
    SubscriptionChangeRefused,
)
from agents.events.invoice import (
    InvoiceNewCardNeeded,
    InvoicePaymentExhausted,
    InvoicePaymentFailed,
    InvoicePaymentRecovered,
)
from agents.events.payload import DomainEvent
from agents.events.prescription import PrescriptionDelivered, PrescriptionRefillDue, PrescriptionShipped


class Channel(StrEnum):
    """How a message travels, as `notification.channel` has it."""

    EMAIL = "email"
    SMS = "sms"
    #: Shown in the customer's portal; the row itself is the message.
    PORTAL = "portal"

    @property
    def system(self) -> str:
        """Who carries it."""
        return "portal" if self is Channel.PORTAL else "iterable"


@dataclass(frozen=True, kw_only=True, slots=True)
class Audience:
    """Whom a message concerns, by the event's own fields."""

    #: For people, in the table.
    words: str
    includes: Callable[[Any], bool]

    def __call__(self, event: DomainEvent) -> bool:
        """Whether the event's customer is among them."""
        return self.includes(event)


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One row of the table."""

    event: type[DomainEvent]
    template: str
    channel: Channel
    #: Sent whatever the customer opted out of: care or law require it.
    essential: bool = False
    #: Everyone when None.
    audience: Audience | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Overtaking:
    """An event after which messages that still wait for the morning are no longer true."""

    event: type[DomainEvent]
    templates: tuple[str, ...]
    #: The field that tells what the event and these messages are about.
    about: str


# Whoever is asked for another card hears of the failure with that.
_CARD_STILL_GOOD: Final = Audience(words="whose card is still good", includes=lambda event: not event.new_card_needed)
_FIRST_CONTRACT: Final = Audience(
    words="whose contract is no renewal", includes=lambda event: event.renewed_from_id is None
)
# Whoever was welcomed this minute knows that it has begun.
_NOT_AT_ONCE: Final = Audience(words="whose contract began later", includes=lambda event: not event.at_once)
# Nobody is told of what they wrote themselves.
_WRITTEN_TO: Final = Audience(
    words="whom a member of staff wrote to", includes=lambda event: event.sender_staff_id is not None
)


def _changed(change: str) -> Audience:
    """Whoever asked for this change; the end of a contract has a message of its own."""
    return Audience(
        words=f"who asked for this change: {change}",
        includes=lambda event: event.change == change and not event.contract_cancelled,
    )


MESSAGES: Final[tuple[Message, ...]] = (
    Message(event=CustomerSignedUp, template="welcome", channel=Channel.EMAIL),
    # Sent before anybody knows whether the first charge succeeds: README.md has what it may say.
    Message(event=ContractCreated, template="contract_welcome", channel=Channel.EMAIL, audience=_FIRST_CONTRACT),
    Message(event=ContractActivated, template="contract_activated", channel=Channel.EMAIL, audience=_NOT_AT_ONCE),
    Message(event=ContractPaymentDeclined, template="first_payment_declined", channel=Channel.EMAIL, essential=True),
    Message(event=ContractPaymentDeclined, template="first_payment_declined", channel=Channel.SMS),
    Message(event=ContractPaymentExhausted, template="first_payment_exhausted", channel=Channel.EMAIL, essential=True),
    Message(event=ContractRenewed, template="contract_renewed", channel=Channel.EMAIL, essential=True),
    Message(event=ContractCompleted, template="contract_completed", channel=Channel.EMAIL, essential=True),
    Message(event=ContractCancelled, template="contract_cancelled", channel=Channel.EMAIL, essential=True),
    Message(
        event=InvoicePaymentFailed,
        template="payment_failed",
        channel=Channel.EMAIL,
        essential=True,
        audience=_CARD_STILL_GOOD,
    ),
    Message(event=InvoicePaymentFailed, template="payment_failed", channel=Channel.SMS, audience=_CARD_STILL_GOOD),
    Message(event=InvoiceNewCardNeeded, template="new_card_needed", channel=Channel.EMAIL, essential=True),
    Message(event=InvoiceNewCardNeeded, template="new_card_needed", channel=Channel.SMS),
    Message(event=InvoicePaymentRecovered, template="payment_recovered", channel=Channel.EMAIL, essential=True),
    Message(event=InvoicePaymentExhausted, template="payment_exhausted", channel=Channel.EMAIL, essential=True),
    *(
        Message(
            event=SubscriptionChangeApplied,
            template=template,
            channel=Channel.EMAIL,
            essential=True,
            audience=_changed(change),
        )
        for change, template in (
            ("plan", "subscription_plan_changed"),
            ("pause", "subscription_paused"),
            ("resume", "subscription_resumed"),
            ("cancel", "subscription_cancelled"),
        )
    ),
    Message(
        event=SubscriptionChangeRefused, template="subscription_change_refused", channel=Channel.EMAIL, essential=True
    ),
    Message(event=PrescriptionShipped, template="prescription_shipped", channel=Channel.EMAIL, essential=True),
    Message(event=PrescriptionShipped, template="prescription_shipped", channel=Channel.PORTAL),
    Message(event=PrescriptionDelivered, template="prescription_delivered", channel=Channel.EMAIL),
    Message(event=PrescriptionDelivered, template="prescription_delivered", channel=Channel.PORTAL),
    Message(event=PrescriptionRefillDue, template="refill_due", channel=Channel.EMAIL, essential=True),
    Message(event=PrescriptionRefillDue, template="refill_due", channel=Channel.SMS),
    Message(event=PrescriptionRefillDue, template="refill_due", channel=Channel.PORTAL),
    Message(event=ReferralCompleted, template="referral_completed", channel=Channel.EMAIL),
    Message(event=MessageSent, template="message_received", channel=Channel.EMAIL, audience=_WRITTEN_TO),
)

_CARD_TROUBLE: Final = ("payment_failed", "new_card_needed")
_FIRST_PAYMENT: Final = ("first_payment_declined",)

#: Nobody is told in the morning that a payment failed which has been made in the night.
OVERTAKEN: Final[tuple[Overtaking, ...]] = (
    Overtaking(event=InvoicePaymentRecovered, templates=_CARD_TROUBLE, about="invoice_id"),
    Overtaking(event=InvoicePaymentExhausted, templates=_CARD_TROUBLE, about="invoice_id"),
    Overtaking(event=ContractActivated, templates=_FIRST_PAYMENT, about="contract_id"),
    Overtaking(event=ContractPaymentExhausted, templates=_FIRST_PAYMENT, about="contract_id"),
    Overtaking(event=ContractCancelled, templates=_FIRST_PAYMENT, about="contract_id"),
)
