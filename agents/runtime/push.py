"""Pub/Sub's push body, read: `{"message": {"attributes", "data", "messageId", …}, "subscription", "deliveryAttempt"}`.

https://cloud.google.com/pubsub/docs/push#receive_push, and CloudEvents' Pub/Sub binding in binary mode: attributes
`ce-id`, `ce-type`, …, data as it is.
"""

import base64
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from agents.events.envelope import Envelope
from agents.runtime.handler import TaskRef

_SPEC_VERSION: Final = "1.0"
#: Larger data isn't repeated in a dead letter: the endpoint takes requests of 1 MiB, and the outbox has it anyway.
MAX_KEPT_BYTES: Final = 500_000
#: The namespace of ids for messages that bring no usable one.
_UNNAMED: Final = uuid.UUID("0c1d4a5e-53a0-5a63-8f6f-7f5f0f6f7a10")


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One event as it was pushed."""

    envelope: Envelope
    #: The event's JSON text, not yet looked into.
    data: bytes
    #: The message's attributes as they came, for the record.
    attributes: dict[str, str]
    #: The scheduled task that came in place of an event.
    task: TaskRef | None = None

    def as_json(self) -> dict[str, Any]:
        """The event for a dead letter, so that it can be published again; `data_bytes` stands for large data."""
        return _event_json(self.attributes, self.data)


class NotAPush(Exception):
    """The body isn't what Pub/Sub pushes; nothing can be recorded about it."""


class NotOurEvent(Exception):
    """A Pub/Sub message whose attributes or data aren't an event of ours. It would come again for ever."""

    def __init__(self, reason: str, *, event_id: uuid.UUID, attempt: int | None, event: dict[str, Any]) -> None:
        #: The message's `ce-id` if that is an id, else one derived from its message id.
        self.event_id = event_id
        self.attempt = attempt
        #: The message for the record.
        self.event = event
        super().__init__(reason)


def parse_push(body: bytes) -> Delivery:
    """The event in a push body; raises NotAPush or NotOurEvent. Pure; the data's own shape isn't looked at."""
    try:
        push = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotAPush(f"the body is not JSON: {error}") from None
    message = push.get("message") if isinstance(push, dict) else None
    if not isinstance(message, dict):
        raise NotAPush("the body has no `message` object; Pub/Sub pushes {message, subscription}")
    message_id = _first_text(message, "messageId", "message_id")
    subscription = _first_text(push, "subscription")
    attributes = message.get("attributes") or {}
    encoded = message.get("data") or ""
    if not message_id or not subscription or not isinstance(attributes, dict) or not isinstance(encoded, str):
        raise NotAPush(
            "`message.messageId`, `message.attributes`, `message.data` or `subscription` is missing or wrong"
        )
    attempt = push.get("deliveryAttempt")
    attempt = attempt if isinstance(attempt, int) and not isinstance(attempt, bool) and attempt > 0 else None

    problems: list[str] = []

    def attribute(name: str) -> str:
        value = attributes.get(name)
        if isinstance(value, str) and value:
            return value
        problems.append(f"attribute {name} is missing")
        return ""

    event_id = _uuid(attribute("ce-id"), problems)
    event_type, source, subject = attribute("ce-type"), attribute("ce-source"), attribute("ce-subject")
    time = _time(attribute("ce-time"), problems)
    version = attribute("ce-specversion")
    if version and version != _SPEC_VERSION:
        problems.append(f"ce-specversion is {version[:10]!r}, expected {_SPEC_VERSION}")
    try:
        data = base64.b64decode(encoded, validate=True)
    except ValueError:
        # binascii.Error is one, and letters beyond ASCII are another.
        data = b""
        problems.append("data is not base64")
    if problems or event_id is None or time is None:
        raise NotOurEvent(
            "; ".join(problems),
            event_id=event_id or uuid.uuid5(_UNNAMED, f"{subscription}:{message_id}"),
            attempt=attempt,
            event={**_event_json(attributes, data or encoded.encode()), "message_id": message_id},
        )
    envelope = Envelope(
        id=event_id,
        type=event_type,
        source=source,
        subject=subject,
        time=time,
        traceparent=attributes.get("traceparent") or None,
        ordering_key=_first_text(message, "orderingKey", "ordering_key"),
        message_id=message_id,
        subscription=subscription,
        delivery_attempt=attempt,
        recipient=_first_text(attributes, "ce-recipient") or None,
    )
    return Delivery(envelope=envelope, data=data, attributes=attributes)


def _first_text(fields: dict[str, Any], *names: str) -> str:
    # Pub/Sub writes some names twice, in both spellings.
    return next((value for name in names if isinstance(value := fields.get(name), str) and value), "")


def _uuid(text: str, problems: list[str]) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        problems.append("ce-id is not a UUID")
        return None


def _time(text: str, problems: list[str]) -> datetime | None:
    try:
        time = datetime.fromisoformat(text) if text else None
    except ValueError:
        time = None
    if text and (time is None or time.tzinfo is None):
        problems.append("ce-time is not an RFC 3339 time with its offset")
        return None
    return time


def _event_json(attributes: dict[str, Any], data: bytes) -> dict[str, Any]:
    attributes = {name: str(value).replace("\0", "") for name, value in attributes.items()}
    if len(data) > MAX_KEPT_BYTES:
        return {"attributes": attributes, "data_bytes": len(data)}
    # PostgreSQL's jsonb can't hold the character NUL, and a dead letter must never fail for what it tells of.
    if b"\\u0000" not in data:
        try:
            return {"attributes": attributes, "data": orjson.loads(data)}
        except orjson.JSONDecodeError:
            pass
    return {"attributes": attributes, "data_base64": base64.b64encode(data).decode()}
