"""Tickets and comments that people write here go to Zendesk.

The way back is event_routing's. What came from there isn't sent there again: a ticket or comment that has Zendesk's id
is there already, and a change by an agent is either Zendesk's own, brought by event_routing, or was made there by the
agent itself.
"""

from typing import Final

from agents.events.ticket import TicketCommented, TicketInserted, TicketUpdated
from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.runtime.errors import RetryLater
from agents.runtime.handler import Work, WriteBack
from agents.zendesk.operations import (
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


async def ticket_inserted(
    event: TicketInserted, work: Work, *, graphql: GraphQLClient, zendesk: ZendeskClient
) -> WriteBack:
    """A ticket that was opened here is opened there; the requester isn't written to by that."""
    if event.new.zendesk_ticket_id is not None:
        return WriteBack(skipped="it is in Zendesk already")
    ticket = (await graphql.query(get_ticket(id=event.new.id))).ticket
    if ticket is None or ticket.customer is None or ticket.customer.deleted_at is not None:
        return WriteBack(skipped="the ticket or its customer is gone")
    if ticket.zendesk_ticket_id is not None:
        return WriteBack(skipped="it is in Zendesk already")
    mutations: list[Mutation] = []
    requester_id = ticket.customer.zendesk_user_id
    if requester_id is None:
        requester_id = (await upsert_requester(ticket.customer, work, zendesk)).id
        mutations.append(set_zendesk_user(id=ticket.customer.id, zendesk_user_id=requester_id))
    async with work.step("ticket", system=_SYSTEM, action="create_ticket") as step:
        created = await zendesk.create_ticket(
            requester_id=requester_id,
            subject=ticket.subject,
            body=ticket.description or ticket.subject,
            priority=Priority(ticket.priority),
            tags=(ticket.category,),
            idempotency_key=step.idempotency_key,
        )
        step.id = str(created.id)
    mutations.append(set_zendesk_ticket(id=ticket.id, zendesk_ticket_id=created.id))
    return WriteBack(mutations=tuple(mutations))


async def ticket_updated(
    event: TicketUpdated, work: Work, *, graphql: GraphQLClient, zendesk: ZendeskClient
) -> WriteBack:
    """What a person changed here is changed there, to what it is now."""
    if event.by_an_agent:
        return WriteBack(skipped="an agent changed it")
    ticket = (await graphql.query(get_ticket(id=event.new.id))).ticket
    if ticket is None:
        return WriteBack(skipped="the ticket is gone")
    if ticket.zendesk_ticket_id is None:
        raise RetryLater("the ticket isn't in Zendesk yet")
    # No ticket is new again there.
    status = TicketStatus.OPEN if ticket.status == TicketStatus.NEW else TicketStatus(ticket.status)
    async with work.step("ticket", system=_SYSTEM, action="update_ticket", id=str(ticket.zendesk_ticket_id)) as step:
        await zendesk.update_ticket(
            ticket.zendesk_ticket_id,
            subject=ticket.subject if "subject" in event.changed else None,
            status=status if "status" in event.changed else None,
            priority=Priority(ticket.priority) if "priority" in event.changed else None,
            idempotency_key=step.idempotency_key,
        )
    return WriteBack()


async def ticket_commented(
    event: TicketCommented, work: Work, *, graphql: GraphQLClient, zendesk: ZendeskClient
) -> WriteBack:
    """A comment that was written here is added there; a public one is mailed to the requester by Zendesk."""
    if event.zendesk_comment_id is not None:
        return WriteBack(skipped="it is in Zendesk already")
    comment = (await graphql.query(get_comment(id=event.comment_id))).comment
    if comment is None or comment.ticket is None:
        return WriteBack(skipped="the comment is gone")
    if comment.zendesk_comment_id is not None:
        return WriteBack(skipped="it is in Zendesk already")
    ticket_id = comment.ticket.zendesk_ticket_id
    if ticket_id is None:
        raise RetryLater("the comment's ticket isn't in Zendesk yet")
    async with work.step("comment", system=_SYSTEM, action="add_comment") as step:
        comment_id = await zendesk.add_comment(
            ticket_id, comment.body, public=comment.public, idempotency_key=step.idempotency_key
        )
        step.id = str(comment_id)
    return WriteBack(mutations=(set_zendesk_comment(id=event.comment_id, zendesk_comment_id=comment_id),))
