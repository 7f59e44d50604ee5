"""The types of topic `customer-events`."""

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
