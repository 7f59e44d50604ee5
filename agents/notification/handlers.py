"""An event happens, and the customer is told as the table of templates says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from agents.events.payload import DomainEvent
from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.notification.flags import SMS_NOTIFICATIONS
from agents.notification.operations import (
    GetRecipient,
    find_notification,
    get_recipient,
    record_notification,
    suppress_waiting,
    withdraw_waiting,
)
from agents.notification.quiet import quiet_until
from agents.notification.sending import Key, Sender
from agents.notification.templates import Channel, Message, Overtaking
from agents.notification.waiting import SendLater, plan_later
from agents.runtime.clock import Clock, read_clock
from agents.runtime.handler import Work, WriteBack
from integrations.flags.flags import Flags

_EVER: Final = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Means:
    """What handlers tell people with."""

    graphql: GraphQLClient
    sender: Sender
    flags: Flags
    clock: Clock = read_clock


async def notify(
    event: DomainEvent,
    work: Work,
    *,
    messages: Sequence[Message],
    overtakings: Sequence[Overtaking] = (),
    means: Means,
) -> WriteBack:
    """Send what the event asks for, and record each message, also the one that wasn't sent and why.

    `messages` and `overtakings` are the tables' rows for this event type; the event has a `customer_id`.
    """
    wanted = [message for message in messages if message.audience is None or message.audience(event)]
    if not wanted and not overtakings:
        return WriteBack(skipped="no message is meant for this customer")
    customer_id: UUID = getattr(event, "customer_id")  # noqa: B009 - the table's events have it, their base doesn't
    customer = (await means.graphql.query(get_recipient(id=customer_id))).customer
    if customer is None:
        return WriteBack(skipped="the customer is gone")
    data = event.data()
    mutations: list[Mutation] = [
        withdraw_waiting(
            customer_id=customer.id,
            templates=list(overtaking.templates),
            about={overtaking.about: data[overtaking.about]},
            status_reason=f"overtaken by {event.TYPE}",
        )
        for overtaking in overtakings
    ]
    for message in wanted:
        mutations += await _tell(message, event, work, customer=customer, means=means)
    return WriteBack(mutations=tuple(mutations))


async def _tell(
    message: Message, event: DomainEvent, work: Work, *, customer: GetRecipient.Customer, means: Means
) -> tuple[Mutation, ...]:
    """Send one message unless there is a reason not to, and give what records it."""
    key = Key(event_id=work.event_id, channel=message.channel, template=message.template)
    data = event.data()
    reason = suppression(message, customer) or switched_off(message, customer, means.flags)
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
                sent_at=means.clock(),
            ),
        )
    until = must_wait(message, customer, means.clock())
    if until is not None:
        return _put_off(key, work, customer_id=customer.id, data=data, until=until)
    return await means.sender.send(key, work, customer=customer, recipient=recipient, data=data)


def _put_off(
    key: Key, work: Work, *, customer_id: UUID, data: dict[str, Any], until: datetime
) -> tuple[Mutation, Mutation]:
    reason = f"quiet hours until {until.isoformat()}"
    work.skip(system="iterable", action=f"send_{key.channel}", reason=reason)
    return (
        record_notification(
            **key.variables(), customer_id=customer_id, data=data, status="queued", status_reason=reason, sent_at=None
        ),
        plan_later(key, customer_id=customer_id, data=data, until=until),
    )


def must_wait(message: Message, customer: GetRecipient.Customer, now: datetime) -> datetime | None:
    """Until when the message has to wait for the customer's quiet hours to end; None when it may go now."""
    if message.channel is not Channel.SMS:
        return None
    return quiet_until(now, timezone=customer.timezone, start=customer.quiet_hours_start, end=customer.quiet_hours_end)


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


def switched_off(message: Message, customer: GetRecipient.Customer, flags: Flags) -> str | None:
    """Why nobody, or not this customer, gets messages of this channel now; None when they do."""
    if message.channel is Channel.SMS and not flags.value(SMS_NOTIFICATIONS, subject=str(customer.id)):
        return "text messages are switched off"
    return None


async def send_later(task: SendLater, work: Work, *, messages: Sequence[Message], means: Means) -> WriteBack:
    """Quiet hours are over: send what waited, unless there is a reason not to by now.

    Of `messages`, the whole table, it takes the row that the message came from.
    """
    found = (await means.graphql.query(find_notification(**task.key.variables()))).notifications
    if not any(one.status == "queued" for one in found):
        return WriteBack(skipped="the message doesn't wait any more")
    message = next((one for one in messages if (one.template, one.channel) == (task.template, task.channel)), None)
    customer = (await means.graphql.query(get_recipient(id=task.customer_id))).customer
    if message is None:
        reason: str | None = "the template is not sent any more"
    elif customer is None:
        reason = "the customer is gone"
    else:
        reason = suppression(message, customer) or switched_off(message, customer, means.flags)
    if message is None or customer is None or customer.phone is None or reason is not None:
        return WriteBack(mutations=(suppress_waiting(**task.key.variables(), status_reason=reason or "no address"),))
    # The task's time has come, whatever this machine's clock says: what is a moment early would wait for ever.
    until = must_wait(message, customer, max(means.clock(), task.until or _EVER))
    if until is not None:
        # Their hours are others than when it was planned.
        return WriteBack(mutations=(plan_later(task.key, customer_id=customer.id, data=task.data, until=until),))
    return WriteBack(
        mutations=await means.sender.send(task.key, work, customer=customer, recipient=customer.phone, data=task.data)
    )
