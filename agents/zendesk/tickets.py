"""Tickets and comments that people write here go to Zendesk.

The way back is event_routing's. What came from there isn't sent there again: a ticket or comment that has Zendesk's id
is there already, and a change by an agent is either Zendesk's own, brought by event_routing, or was made there by the
agent itself.
"""

from dataclasses import dataclass
from typing import Final

from agents.events.ticket import TicketCommented, TicketInserted, TicketUpdated
from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.runtime.handler import Work, WriteBack
from agents.zendesk.operations import (
    GetTicket,
    get_comment,
    get_ticket,
    set_zendesk_comment,
    set_zendesk_ticket,
    set_zendesk_user,
)
from agents.zendesk.requesters import upsert_requester
from integrations.zendesk.client import ZendeskClient
from integrations.zendesk.types import Priority, TicketStatus

_SYSTEM: Final = "zendesk"
_THERE: Final = "it is in Zendesk already"
_GONE: Final = "the ticket or its customer is gone"


@dataclass(frozen=True, kw_only=True, slots=True)
class _There:
    """A ticket in Zendesk, and what has to be written here because it was opened just now."""

    id: int
    mutations: tuple[Mutation, ...] = ()


async def ticket_inserted(
    event: TicketInserted, work: Work, *, graphql: GraphQLClient, zendesk: ZendeskClient
) -> WriteBack:
    """A ticket that was opened here is opened there; the requester isn't written to by that."""
    if event.new.zendesk_ticket_id is not None:
        return WriteBack(skipped=_THERE)
    ticket = (await graphql.query(get_ticket(id=event.new.id))).ticket
    if ticket is None or not _has_customer(ticket):
        return WriteBack(skipped=_GONE)
    if ticket.zendesk_ticket_id is not None:
        return WriteBack(skipped=_THERE)
    return WriteBack(mutations=(await _open(ticket, work, zendesk)).mutations)


async def ticket_updated(
    event: TicketUpdated, work: Work, *, graphql: GraphQLClient, zendesk: ZendeskClient
) -> WriteBack:
    """What a person changed here is changed there, to what it is now."""
    if event.by_an_agent:
        return WriteBack(skipped="an agent changed it")
    ticket = (await graphql.query(get_ticket(id=event.new.id))).ticket
    if ticket is None or not _has_customer(ticket):
        return WriteBack(skipped=_GONE)
    there = await _open(ticket, work, zendesk)
    # No ticket is new again there.
    status = TicketStatus.OPEN if ticket.status == TicketStatus.NEW else TicketStatus(ticket.status)
    async with work.step("change", system=_SYSTEM, action="update_ticket", id=str(there.id)) as step:
        await zendesk.update_ticket(
            there.id,
            subject=ticket.subject if "subject" in event.changed else None,
            status=status if "status" in event.changed else None,
            priority=Priority(ticket.priority) if "priority" in event.changed else None,
            idempotency_key=step.idempotency_key,
        )
    return WriteBack(mutations=there.mutations)


async def ticket_commented(
    event: TicketCommented, work: Work, *, graphql: GraphQLClient, zendesk: ZendeskClient
) -> WriteBack:
    """A comment that was written here is added there; a public one is mailed to the requester by Zendesk."""
    if event.zendesk_comment_id is not None:
        return WriteBack(skipped=_THERE)
    comment = (await graphql.query(get_comment(id=event.comment_id))).comment
    ticket = (await graphql.query(get_ticket(id=event.ticket_id))).ticket
    if comment is None or ticket is None or not _has_customer(ticket):
        return WriteBack(skipped=_GONE)
    if comment.zendesk_comment_id is not None:
        return WriteBack(skipped=_THERE)
    there = await _open(ticket, work, zendesk)
    async with work.step("comment", system=_SYSTEM, action="add_comment") as step:
        comment_id = await zendesk.add_comment(
            there.id, comment.body, public=comment.public, idempotency_key=step.idempotency_key
        )
        step.id = str(comment_id)
    return WriteBack(
        mutations=(*there.mutations, set_zendesk_comment(id=event.comment_id, zendesk_comment_id=comment_id))
    )


def _has_customer(ticket: GetTicket.Ticket) -> bool:
    return ticket.customer is not None and ticket.customer.deleted_at is None


async def _open(ticket: GetTicket.Ticket, work: Work, zendesk: ZendeskClient) -> _There:
    """The ticket there, opened when it isn't: also one from before there was a Zendesk, or whose event was given up."""
    if ticket.zendesk_ticket_id is not None:
        return _There(id=ticket.zendesk_ticket_id)
    customer = ticket.customer
    assert customer is not None, "a ticket without its customer is skipped"
    mutations: list[Mutation] = []
    requester_id = customer.zendesk_user_id
    if requester_id is None:
        requester_id = (await upsert_requester(customer, work, zendesk)).id
        mutations.append(set_zendesk_user(id=customer.id, zendesk_user_id=requester_id))
    async with work.step("ticket", system=_SYSTEM, action="create_ticket") as step:
        created = await zendesk.create_ticket(
            requester_id=requester_id,
            subject=ticket.subject,
            body=ticket.description or ticket.subject,
            priority=Priority(ticket.priority),
            tags=(ticket.category,),
            # Of the ticket rather than of the event: whichever event comes first opens it.
            idempotency_key=f"support_ticket:{ticket.id}",
        )
        step.id = str(created.id)
    mutations.append(set_zendesk_ticket(id=ticket.id, zendesk_ticket_id=created.id))
    return _There(id=created.id, mutations=tuple(mutations))
