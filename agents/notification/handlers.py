"""An event happens, and the customer is told as the table of templates says."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from agents.events.payload import DomainEvent
from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.notification.operations import Customer, get_recipient, record_notification
from agents.notification.templates import Channel, Message
from agents.runtime.handler import Work, WriteBack
from integrations.iterable.client import IterableClient
from integrations.iterable.types import Recipient


async def notify(
    event: DomainEvent,
    work: Work,
    *,
    messages: Sequence[Message],
    graphql: GraphQLClient,
    iterable: IterableClient,
) -> WriteBack:
    """Send what the event asks for, and record each message, also the one that wasn't sent and why.

    `messages` are the table's rows for this event type; the event has a `customer_id`.
    """
    wanted = [message for message in messages if message.audience is None or message.audience(event)]
    if not wanted:
        return WriteBack(skipped="no message is meant for this customer")
    customer_id: UUID = getattr(event, "customer_id")  # noqa: B009 - the table's events have it, their base doesn't
    customer = (await graphql.query(get_recipient(customer_id))).customer
    if customer is None:
        return WriteBack(skipped="the customer is gone")
    mutations = [await _send(message, event, work, customer=customer, iterable=iterable) for message in wanted]
    return WriteBack(mutations=tuple(mutations))


async def _send(
    message: Message, event: DomainEvent, work: Work, *, customer: Customer, iterable: IterableClient
) -> Mutation:
    """Send one message unless there is a reason not to, and give the row that records it."""
    data = event.data()
    common: dict[str, Any] = {
        "event_id": work.event_id,
        "customer_id": customer.id,
        "channel": message.channel,
        "template": message.template,
        "data": data,
    }
    reason = suppression(message, customer)
    if reason is not None:
        work.skip(system=_system(message), action=_action(message), reason=reason)
        return record_notification(**common, status="suppressed", status_reason=reason)
    if message.channel is Channel.PORTAL:
        return record_notification(**common, status="delivered", sent_at=datetime.now(UTC))

    recipient = Recipient(user_id=str(customer.id), email=customer.email)
    # The name is for the letter's salutation only; it isn't kept with the record.
    fields = {**data, "first_name": customer.first_name}
    name = f"{message.template}:{message.channel}"
    if message.channel is Channel.SMS:
        # An SMS goes to the number in the profile.
        async with work.step(f"{name}:profile", system="iterable", action="update_user", id=recipient.user_id):
            await iterable.update_user(recipient, {"phoneNumber": customer.phone})
    async with work.step(name, system="iterable", action=_action(message)) as step:
        send = iterable.send_sms if message.channel is Channel.SMS else iterable.send_email
        sent = await send(message.template, recipient, fields, idempotency_key=step.idempotency_key)
        step.id = sent.message_id
    return record_notification(
        **common,
        status="sent",
        recipient=customer.phone if message.channel is Channel.SMS else customer.email,
        provider_message_id=sent.message_id,
        sent_at=datetime.now(UTC),
    )


def suppression(message: Message, customer: Customer) -> str | None:
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


def _system(message: Message) -> str:
    return "portal" if message.channel is Channel.PORTAL else "iterable"


def _action(message: Message) -> str:
    return f"send_{message.channel}"
