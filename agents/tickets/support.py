"""A ticket for a customer, opened once and concluded once, however often an event comes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol
from uuid import UUID

from agents.graphql.operations import Mutation
from agents.runtime.handler import Work
from agents.tickets.operations import record_solved, record_ticket
from integrations.errors import NotFound
from integrations.zendesk.client import ZendeskClient
from integrations.zendesk.types import Priority, Ticket, TicketStatus

Category = Literal["payment", "account", "clinical"]


class Requester(Protocol):
    """What a requester record is made of: a customer as an agent's own query has them."""

    @property
    def id(self) -> UUID:
        """Ours."""
        ...

    @property
    def first_name(self) -> str | None:
        """Given name."""
        ...

    @property
    def last_name(self) -> str | None:
        """Family name."""
        ...

    @property
    def email(self) -> str | None:
        """None for a customer who gave none: Zendesk does without."""
        ...

    @property
    def phone(self) -> str | None:
        """In E.164."""
        ...

    @property
    def zendesk_user_id(self) -> int | None:
        """Their requester record, as far as it is known."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Matter:
    """What a ticket is about. No personal data, and nothing of the treatment: it leaves the house."""

    subject: str
    body: str
    category: Category
    priority: Priority
    tags: Sequence[str] = ()
    #: Chargebee's.
    invoice_id: str | None = None


async def open_ticket(matter: Matter, work: Work, *, customer: Requester, zendesk: ZendeskClient) -> Ticket:
    """The ticket about it, made now or by an earlier attempt; whoever has no requester record gets one."""
    requester_id = customer.zendesk_user_id
    if requester_id is None:
        name = " ".join(part for part in (customer.first_name, customer.last_name) if part)
        async with work.step("requester", system="zendesk", action="upsert_user") as step:
            user = await zendesk.upsert_user(
                str(customer.id), name=name or customer.email or "", email=customer.email, phone=customer.phone
            )
            step.id = str(user.id)
        requester_id = user.id
    async with work.step("ticket", system="zendesk", action="create_ticket") as step:
        ticket = await zendesk.create_ticket(
            requester_id=requester_id,
            subject=matter.subject,
            body=matter.body,
            priority=matter.priority,
            tags=(matter.category, *matter.tags),
            idempotency_key=step.idempotency_key,
        )
        step.id = str(ticket.id)
    return ticket


def ticket_row(ticket: Ticket, matter: Matter, *, customer_id: UUID) -> Mutation:
    """The write-back that shows a ticket to the care coordination team."""
    return record_ticket(
        ticket={
            "customer_id": customer_id,
            "zendesk_ticket_id": ticket.id,
            "subject": matter.subject,
            "description": matter.body,
            "category": matter.category,
            "status": "new",
            "priority": matter.priority.value,
            "invoice_id": matter.invoice_id,
        }
    )


async def conclude_ticket(
    ticket_id: int | None,
    work: Work,
    *,
    zendesk: ZendeskClient,
    comment: str,
    now: datetime,
    tags: Sequence[str] | None = None,
) -> tuple[Mutation, ...]:
    """Solve a ticket with an internal comment, and give what records it.

    One that was closed or deleted in Zendesk is left as it is; so is one that was solved by hand, but for the comment.
    """
    action = "solve_ticket"
    if ticket_id is None:
        work.skip(system="zendesk", action=action, reason="there is no ticket")
        return ()
    async with work.step("solve-ticket", system="zendesk", action=action, id=str(ticket_id)) as step:
        try:
            found = await zendesk.get_ticket(ticket_id)
        except NotFound:
            step.id = None
            return ()
        if found.status != TicketStatus.CLOSED:
            await zendesk.update_ticket(
                ticket_id,
                status=TicketStatus.SOLVED,
                comment=comment,
                tags=None if tags is None else sorted({*found.tags, *tags}),
                idempotency_key=step.idempotency_key,
            )
    return (record_solved(zendesk_ticket_id=ticket_id, solved_at=now),)
