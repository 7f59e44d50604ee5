"""The envelope of an event: CloudEvents 1.0 attributes in Pub/Sub's binary mode, and what Pub/Sub adds."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

#: The namespace of ids that are derived from another event's id; never change it, replays depend on it.
_DERIVED: Final = uuid.UUID("6f0ec7c9-6e0b-5d0e-9f6c-2c1d7b0a4e11")


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """Who, what, when of one delivered event."""

    #: `ce-id`: the outbox row's id; the same in every delivery and replay.
    id: uuid.UUID
    #: `ce-type`, for example `contract.inserted`.
    type: str
    #: `ce-source`, for example `/caregraph/production`.
    source: str
    #: `ce-subject`: the aggregate's id.
    subject: str
    #: `ce-time`, when it happened.
    time: datetime
    #: W3C trace context of the request that caused it, if it had one.
    traceparent: str | None
    #: The aggregate whose events arrive in order; empty when unordered.
    ordering_key: str
    #: Pub/Sub's id of the message; differs between publications of one event.
    message_id: str
    #: Which subscription delivered it: `projects/…/subscriptions/…`.
    subscription: str
    #: Pub/Sub's count from 1; None unless the subscription has a dead-letter policy.
    delivery_attempt: int | None
    #: `ce-recipient`: the agent that alone is to handle it, for a replay to one agent; None: all of them.
    recipient: str | None = None


def derived_id(event_id: uuid.UUID, name: str) -> uuid.UUID:
    """The id of an event that is published because of `event_id`: the same each time it is asked for.

    A handler that runs twice for one event thus publishes the same event, not a second one. It is a name-based UUID
    (version 5, RFC 9562), so it doesn't sort by time; the outbox orders by its sequence.
    """
    return uuid.uuid5(_DERIVED, f"{event_id}:{name}")
