"""The types of topic `customer-events`."""

from datetime import date, datetime
from typing import ClassVar
from uuid import UUID

from agents.events.payload import DomainEvent, Payload, RowInserted, RowUpdated


class CustomerRow(Payload):
    """The columns of `public.customer` that handlers look at. Personal ones aren't sent: they are read when needed."""

    id: UUID


class CustomerInserted(RowInserted[CustomerRow]):
    """A customer's row was written."""

    TYPE: ClassVar[str] = "customer.inserted"


class CustomerUpdated(RowUpdated[CustomerRow]):
    """Columns of a customer changed."""

    TYPE: ClassVar[str] = "customer.updated"


class CustomerSignedUp(DomainEvent):
    """A person has signed up and has an account."""

    TYPE: ClassVar[str] = "customer.signed_up"

    customer_id: UUID

    @property
    def subject(self) -> str:
        """The customer's id."""
        return str(self.customer_id)


class CustomerPaymentSourceChanged(DomainEvent):
    """A customer has left another card with Chargebee, or brought the old one up to date."""

    TYPE: ClassVar[str] = "customer.payment_source_changed"

    customer_id: UUID

    @property
    def subject(self) -> str:
        """The customer's id."""
        return str(self.customer_id)


class CustomerDeleted(DomainEvent):
    """A customer's data was deleted everywhere; what law keeps is locked away."""

    TYPE: ClassVar[str] = "customer.deleted"

    customer_id: UUID
    data_deletion_request_id: UUID

    @property
    def subject(self) -> str:
        """The customer's id."""
        return str(self.customer_id)


class CustomerRoleChanged(DomainEvent):
    """A member of staff got another role, or lost or got access. Its subject is the member, not a customer."""

    TYPE: ClassVar[str] = "customer.role_changed"

    staff_id: UUID
    #: provider | cct | admin
    role: str
    #: Whether they have access.
    active: bool
    previous_role: str
    previously_active: bool

    @property
    def subject(self) -> str:
        """The member's id."""
        return str(self.staff_id)


class ReferralCompleted(DomainEvent):
    """A friend whom a customer recommended us to has begun. It is the referrer's event and doesn't name the friend."""

    TYPE: ClassVar[str] = "referral.completed"

    #: The referrer.
    customer_id: UUID
    referral_id: UUID

    @property
    def subject(self) -> str:
        """The referrer's id."""
        return str(self.customer_id)


class MessageSent(DomainEvent):
    """Somebody wrote into a conversation between a customer and the care team. Ids only: what it says may be PHI."""

    TYPE: ClassVar[str] = "message.sent"

    #: Whose conversation it is, whoever wrote.
    customer_id: UUID
    thread_id: UUID
    message_id: UUID
    #: Who wrote: one of the two, neither for what the platform wrote by itself.
    sender_customer_id: UUID | None
    sender_staff_id: UUID | None

    @property
    def subject(self) -> str:
        """The customer's id."""
        return str(self.customer_id)


class SubscriptionChanged(DomainEvent):
    """Somebody asked for a change of a subscription; the subscription_change agent carries it out."""

    TYPE: ClassVar[str] = "subscription.changed"

    customer_id: UUID
    #: Chargebee's id.
    subscription_id: str
    #: The contract that it pays for, if any.
    contract_id: UUID | None
    #: plan | pause | resume | cancel
    change: str
    #: now | term_end
    effective: str
    #: Of a change of plan: the treatment, monthly or upfront, and Chargebee's item price for it.
    treatment_id: UUID | None
    billing: str | None
    item_price_id: str | None
    #: Of a pause: the day that it ends, if it was named.
    resume_on: date | None
    #: The subscription's status, and Chargebee's version of it, when the change was asked for.
    status: str
    resource_version: int
    #: user | cct | admin
    requested_by: str

    @property
    def subject(self) -> str:
        """The customer's id."""
        return str(self.customer_id)


class SubscriptionChangeOutcome(DomainEvent):
    """What became of a change that somebody asked for."""

    customer_id: UUID
    #: Chargebee's id.
    subscription_id: str
    contract_id: UUID | None
    #: plan | pause | resume | cancel
    change: str
    #: now | term_end
    effective: str
    #: Of a change of plan: Chargebee's item price.
    item_price_id: str | None
    #: Of a pause: the day that it ends, if it was named.
    resume_on: date | None
    #: user | cct | admin
    requested_by: str

    @property
    def subject(self) -> str:
        """The customer's id."""
        return str(self.customer_id)


class SubscriptionChangeApplied(SubscriptionChangeOutcome):
    """Chargebee has done it, or will when the term ends."""

    TYPE: ClassVar[str] = "subscription.change_applied"

    #: The subscription's status now.
    status: str
    #: When it takes effect, as far as that is known.
    effective_at: datetime | None
    #: Whether it ends because its contract was cancelled, of which the customer hears anyway.
    contract_cancelled: bool = False


class SubscriptionChangeRefused(SubscriptionChangeOutcome):
    """It can't be done; the care coordination team has a ticket about it."""

    TYPE: ClassVar[str] = "subscription.change_refused"

    #: Chargebee's code for why, or `wrong_status`.
    reason: str
