"""An outbox row as a CloudEvent 1.0 in a Pub/Sub message, binary mode.

Attributes carry the envelope (`ce-id`, `ce-type`, …), the message's data is the event's data as JSON
(https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/google-cloud-pubsub-protocol-binding.md, 3.1).
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from google.pubsub_v1.types import PubsubMessage

#: What Pub/Sub takes in one request (https://cloud.google.com/pubsub/quotas#resource_limits).
MAX_REQUEST_BYTES: Final = 10_000_000
#: Attributes, key and framing of a message are well below this.
ENVELOPE_BYTES: Final = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxEvent:
    """A row of the outbox that waits to be published."""

    sequence: int
    #: Key of the row.
    id: str
    #: Id of the event, which is another row's when this one is a replay.
    event_id: str
    type: str
    topic: str
    ordering_key: str
    subject: str
    #: None: the relay's own.
    source: str | None
    lane: int
    traceparent: str | None
    created_at: datetime
    #: Size of the data as PostgreSQL stores it, close to its size as text.
    data_bytes: int
    #: JSON, or None when it is so large that it is read only when its turn comes.
    data: str | None

    @property
    def is_apart(self) -> bool:
        """Whether its data is still to be read, and fills a request of its own."""
        return self.data is None

    @property
    def is_too_large(self) -> bool:
        """Whether Pub/Sub can't take it, however often one tries."""
        return self.data_bytes + ENVELOPE_BYTES > MAX_REQUEST_BYTES


def to_message(event: OutboxEvent, data: bytes, *, source: str, traceparent: str | None) -> PubsubMessage:
    """The message that carries `event` with `data` (JSON); `source` for an event that names none."""
    attributes = {
        "ce-id": event.event_id,
        "ce-type": event.type,
        "ce-source": event.source or source,
        "ce-subject": event.subject,
        "ce-time": event.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "ce-specversion": "1.0",
        "content-type": "application/json",
    }
    if traceparent:
        attributes["traceparent"] = traceparent
    # The raw protobuf message: proto-plus takes ten times as long to build one.
    raw = PubsubMessage.pb()(data=data, attributes=attributes, ordering_key=event.ordering_key)
    message: PubsubMessage = PubsubMessage.wrap(raw)
    return message
