"""The types about support tickets, of topic `customer-events`: in order with everything else about the customer."""

from typing import ClassVar
from uuid import UUID

from agents.events.payload import DomainEvent, Payload, RowInserted, RowUpdated


class TicketRow(Payload):
    """The columns of `public.support_ticket` that handlers look at. What people wrote is read when it is needed."""

    id: UUID
    #: None until the ticket is in Zendesk.
    zendesk_ticket_id: int | None


class TicketInserted(RowInserted[TicketRow]):
    """A ticket was opened, here or there."""

    TYPE: ClassVar[str] = "ticket.inserted"


class TicketUpdated(RowUpdated[TicketRow]):
    """Subject, status or priority of a ticket changed."""

    TYPE: ClassVar[str] = "ticket.updated"

    #: Who changed it; None for a change past the endpoint.
    session_variables: dict[str, str] | None = None

    @property
    def by_an_agent(self) -> bool:
        """Whether a program of ours did: what it wants in Zendesk it does there itself."""
        return (self.session_variables or {}).get("x-hasura-role") == "service"


class TicketCommented(DomainEvent):
    """A comment was written on a ticket, here or there."""

    TYPE: ClassVar[str] = "ticket.commented"

    customer_id: UUID
    ticket_id: UUID
    comment_id: UUID
    #: None for a comment that isn't in Zendesk yet.
    zendesk_comment_id: int | None

    @property
    def subject(self) -> str:
        """The customer's id."""
        return str(self.customer_id)
