"""An event happens, and the customer is told as the table of templates says."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from agents.events.payload import DomainEvent
from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.notification.operations import GetRecipient, get_recipient, record_notification
from agents.notification.sending import Key, Sender
from agents.notification.templates import Channel, Message
from agents.runtime.handler import Work, WriteBack


async def notify(
    event: DomainEvent, work: Work, *, messages: Sequence[Message], graphql: GraphQLClient, sender: Sender
) -> WriteBack:
    """Send what the event asks for, and record each message, also the one that wasn't sent and why.

    `messages` are the table's rows for this event type; the event has a `customer_id`.
    """
    wanted = [message for message in messages if message.audience is None or message.audience(event)]
    if not wanted:
        return WriteBack(skipped="no message is meant for this customer")
    customer_id: UUID = getattr(event, "customer_id")  # noqa: B009 - the table's events have it, their base doesn't
    customer = (await graphql.query(get_recipient(id=customer_id))).customer
    if customer is None:
        return WriteBack(skipped="the customer is gone")
    mutations: list[Mutation] = []
    for message in wanted:
        mutations += await _tell(message, event, work, customer=customer, sender=sender)
    return WriteBack(mutations=tuple(mutations))


async def _tell(
    message: Message, event: DomainEvent, work: Work, *, customer: GetRecipient.Customer, sender: Sender
) -> tuple[Mutation, ...]:
    """Send one message unless there is a reason not to, and give what records it."""
    key = Key(event_id=work.event_id, channel=message.channel, template=message.template)
    data = event.data()
    reason = suppression(message, customer)
    if reason is not None:
        work.skip(system=message.channel.system, action=f"send_{message.channel}", reason=reason)
        return (
            record_notification(
                **key.variables(),
                customer_id=customer.id,
                data=data,
                status="suppressed",
                status_reason=reason,
                sent_at=None,
            ),
        )
    recipient = customer.phone if message.channel is Channel.SMS else customer.email
    if message.channel is Channel.PORTAL or recipient is None:
        return (
            record_notification(
                **key.variables(),
                customer_id=customer.id,
                data=data,
                status="delivered",
                status_reason=None,
                sent_at=datetime.now(UTC),
            ),
        )
    return await sender.send(key, work, customer=customer, recipient=recipient, data=data)


def suppression(message: Message, customer: GetRecipient.Customer) -> str | None:
    """Why this customer doesn't get this message, or None when they do."""
    if customer.deleted_at is not None:
        return "the customer's data was deleted"
    if message.channel is Channel.EMAIL:
        if not customer.email:
            return "the customer has no e-mail address"
        if customer.email_opt_out and not message.essential:
            return "the customer opted out of e-mail"
    if message.channel is Channel.SMS:
        if not customer.phone:
            return "the customer has no phone number"
        if customer.sms_opt_out and not message.essential:
            return "the customer opted out of text messages"
    return None
