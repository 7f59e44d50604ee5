"""What an event would send, without sending it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from agents.events.payload import MalformedEvent
from agents.notification.handlers import must_wait, suppression
from agents.notification.operations import GetRecipient, get_recipient
from agents.notification.templates import MESSAGES, Message

#: Asks the endpoint: a document and its variables (JSON values) give `data`.
Ask = Callable[[str, dict[str, Any]], Any]


class NoPreview(Exception):
    """The event can't be shown; the message says why and what to do."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One row of the table, for one customer at one moment."""

    template: str
    channel: str
    #: In words: sent at once, waits until, or not sent and why.
    what: str
    #: Names of the values that the template is given.
    fields: tuple[str, ...]


def preview_event(
    event_type: str, data: Mapping[str, Any], *, now: datetime, ask: Ask, messages: Sequence[Message] = MESSAGES
) -> list[Outcome]:
    """What becomes of each message of this event at `now`; empty when the type sends none. Raises NoPreview."""
    rows = [message for message in messages if event_type == message.event.TYPE]
    if not rows:
        return []
    try:
        event = rows[0].event.parse(orjson.dumps(data))
    except MalformedEvent as error:
        raise NoPreview(f"the event is not one that could be handled: {error}") from None
    query = get_recipient(id=getattr(event, "customer_id"))  # noqa: B009 - the table's events have it
    answer = GetRecipient.model_validate(ask(query.document.text, {"id": str(query.variables["id"])}))
    return [
        Outcome(
            template=message.template,
            channel=message.channel,
            what=_outcome(message, answer.customer, now=now)
            if message.audience is None or message.audience(event)
            else "not sent: meant for others",
            fields=(*sorted(event.data()), "first_name"),
        )
        for message in rows
    ]


def _outcome(message: Message, customer: GetRecipient.Customer | None, *, now: datetime) -> str:
    if customer is None:
        return "not sent: the customer is gone"
    reason = suppression(message, customer)
    if reason is not None:
        return f"not sent: {reason}"
    until = must_wait(message, customer, now)
    if until is not None:
        return f"waits until {until:%Y-%m-%d %H:%M} UTC, when the customer's quiet hours end"
    return "sent at once"
