"""Zendesk's ticket events → our tickets and the comments on them.

What we do in Zendesk comes back as an event, too. It is known by its actor, the user that our API token acts as: a
ticket or comment of ours is not added a second time. Other changes may be written again, they are the same; and the
zendesk agent passes on only what people change here, so nothing goes round in circles.
"""

from typing import Final

import orjson

from agents.event_routing.context import Context
from agents.event_routing.operations import (
    SupportTicketCommentInsertInput,
    SupportTicketInsertInput,
    SupportTicketSetInput,
    add_comment,
    add_ticket,
    change_ticket,
    find_ticket,
)
from agents.event_routing.webhooks import CommentAdded, TicketDetail, ZendeskWebhook
from agents.runtime.handler import Work, WriteBack

_LONGEST_COMMENT: Final = 65_535
_NO_SUBJECT: Final = "(no subject)"


async def ticket_changed(webhook: ZendeskWebhook, _work: Work, context: Context) -> WriteBack:
    """The ticket as it was then, unless we know it from a later moment; one from there that is new is added."""
    ticket = TicketDetail.parse(orjson.dumps(webhook.detail))
    found = await context.graphql.query(
        find_ticket(zendesk_ticket_id=ticket.id, zendesk_user_id=ticket.requester_id or 0)
    )
    if found.tickets:
        known = SupportTicketSetInput(
            subject=ticket.subject or _NO_SUBJECT,
            status=ticket.status,
            priority=ticket.priority or "normal",
            zendesk_updated_at=webhook.moment,
        )
        if ticket.status == "solved":
            known["solved_at"] = webhook.moment
        elif ticket.status != "closed":
            known["solved_at"] = None
        return WriteBack(mutations=(change_ticket(id=found.tickets[0].id, moment=webhook.moment, set=known),))
    if ticket.external_id is not None:
        if webhook.kind == "ticket.created":
            return WriteBack(skipped="we opened it; whoever did keeps its record")
        context.wait_for("the ticket's record", webhook)
    if not found.requesters:
        return WriteBack(skipped="the requester is no customer of ours")
    new = SupportTicketInsertInput(
        customer_id=found.requesters[0].id,
        zendesk_ticket_id=ticket.id,
        subject=ticket.subject or _NO_SUBJECT,
        description=ticket.description or "",
        status=ticket.status,
        priority=ticket.priority or "normal",
        solved_at=webhook.moment if ticket.status == "solved" else None,
        zendesk_updated_at=webhook.moment,
    )
    return WriteBack(mutations=(add_ticket(ticket=new),))


async def comment_added(webhook: ZendeskWebhook, _work: Work, context: Context) -> WriteBack:
    """A comment by somebody else than us."""
    ticket = TicketDetail.parse(orjson.dumps(webhook.detail))
    comment = CommentAdded.parse(orjson.dumps(webhook.event.get("comment") or {}))
    if context.zendesk_user_id in {ticket.actor_id, comment.author.id}:
        return WriteBack(skipped="we wrote it")
    found = await context.graphql.query(
        find_ticket(zendesk_ticket_id=ticket.id, zendesk_user_id=ticket.requester_id or 0)
    )
    if not found.tickets:
        context.wait_for("the comment's ticket", webhook)
        return WriteBack(skipped="the ticket is none of ours")
    new = SupportTicketCommentInsertInput(
        ticket_id=found.tickets[0].id,
        author="cct" if comment.author.is_staff else "customer",
        body=comment.body[:_LONGEST_COMMENT],
        public=comment.is_public,
        zendesk_comment_id=comment.id,
    )
    return WriteBack(mutations=(add_comment(comment=new),))
