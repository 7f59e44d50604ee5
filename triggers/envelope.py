"""An outbox row as a CloudEvent 1.0 in a Pub/Sub message, binary mode.

Attributes carry the envelope (`ce-id`, `ce-type`, …), the message's data is the event's data as JSON
(https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/google-cloud-pubsub-protocol-binding.md, 3.1).

Messages are written as the bytes that travel, without protobuf objects in between: those take two to three times as
long, and this happens for every event (https://protobuf.dev/programming-guides/encoding/; the tests read the bytes with
Google's own classes).
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import unpack
from typing import Final, NamedTuple

from integrations.telemetry.tracing import parse_traceparent

#: What Pub/Sub takes in one request (https://cloud.google.com/pubsub/quotas#resource_limits).
MAX_REQUEST_BYTES: Final = 10_000_000
#: Attributes, key and framing of a message are well below this.
ENVELOPE_BYTES: Final = 4_096

#: Tags (field number and wire type 2) of PubsubMessage, of an entry of its map of attributes, and of PublishRequest.
_DATA: Final = b"\x0a"
_ATTRIBUTE: Final = b"\x12"
_ORDERING_KEY: Final = b"\x2a"
_NAME: Final = b"\x0a"
_VALUE: Final = b"\x12"
_TOPIC: Final = b"\x0a"
_MESSAGE: Final = b"\x12"
#: Every length that takes one byte.
_SHORT: Final = tuple(bytes((length,)) for length in range(128))
#: What precedes an id (a UUID, 36 characters), a time and an ordinary traceparent in their entries of the map.
_ID: Final = "\x12\x2d\n\x05ce-id\x12\x24"
_TIME: Final = "\x12\x26\n\x07ce-time\x12\x1b"
_TRACEPARENT_LENGTH: Final = 55
#: Later versions of the header may be longer (https://www.w3.org/TR/trace-context/#versioning-of-traceparent); what
#: Pub/Sub takes as the value of an attribute.
_MAX_TRACEPARENT: Final = 1_024
_TRACEPARENT: Final = "\x12\x46\n\x0btraceparent\x12\x37"


class OutboxEvent(NamedTuple):
    """A row of the outbox that waits to be published: the columns of `relay/fetch`, in their order.

    A tuple, because the relay makes one of every row: a frozen dataclass takes six times as long.
    """

    sequence: int
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
    #: As PostgreSQL sends it, eight bytes: see `created_us`. A datetime of each takes as long as all else that is read.
    created_at: bytes
    #: Size of the data as PostgreSQL stores it, close to its size as text.
    data_bytes: int
    #: JSON, or None when it is so large that it is read only when its turn comes.
    data: str | None
    #: The agent that alone is to handle it: a replay for that agent.
    replay_to: str | None = None
    #: The oldest transaction that still ran when the row was read.
    horizon: int = 0

    @property
    def is_apart(self) -> bool:
        """Whether its data is still to be read, and fills a request of its own."""
        return self.data is None

    @property
    def is_too_large(self) -> bool:
        """Whether Pub/Sub can't take it, however often one tries."""
        return self.data_bytes + ENVELOPE_BYTES > MAX_REQUEST_BYTES


#: PostgreSQL counts from 2000-01-01 00:00 UTC (https://www.postgresql.org/docs/current/datatype-datetime.html).
POSTGRES_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


def created_us(events: Sequence[OutboxEvent]) -> tuple[int, ...]:
    """When each was created, in microseconds since `POSTGRES_EPOCH`."""
    return unpack(f">{len(events)}q", b"".join([event.created_at for event in events]))


def encode_message(event: OutboxEvent, data: bytes, *, at_us: int, source: str, traceparent: str | None) -> bytes:
    """The PubsubMessage that carries `event`, created at `at_us`, with `data` (JSON).

    `source` is of an event that names none.
    """
    second, fraction = divmod(at_us, 1_000_000)
    # Nothing here is longer than 127 bytes or other than ASCII, so lengths are characters of the text.
    own = f"{_ID}{event.event_id}{_TIME}{_second(second)}.{fraction:06d}Z"
    if traceparent and len(traceparent) == _TRACEPARENT_LENGTH and traceparent.isascii():
        own = f"{own}{_TRACEPARENT}{traceparent}"
    same = _same_for_many(event.type, event.source or source, event.subject, event.ordering_key)
    if traceparent and len(traceparent) != _TRACEPARENT_LENGTH and _is_later(traceparent):
        same += _attribute("traceparent", traceparent)
    if event.replay_to is not None:
        same += _attribute("ce-recipient", event.replay_to)
    return b"".join((same, own.encode(), _DATA, _length(len(data)), data))


def _is_later(traceparent: str) -> bool:
    """Whether it is a later version's. What else clients have set says nothing, and Pub/Sub may refuse it."""
    return len(traceparent) <= _MAX_TRACEPARENT and parse_traceparent(traceparent) is not None


def encode_request(topic: str, messages: Sequence[bytes]) -> bytes:
    """The PublishRequest of encoded messages to `topic` (its full name)."""
    parts = [_field(_TOPIC, topic.encode())]
    for message in messages:
        parts += (_MESSAGE, _length(len(message)), message)
    return b"".join(parts)


@lru_cache(maxsize=1_024)
def _second(number: int) -> str:
    """`2026-11-21T10:00:00`; a time that has no such form, infinity say, is the first or the last that has."""
    try:
        return (POSTGRES_EPOCH + timedelta(seconds=number)).isoformat()[:19]
    except OverflowError:
        return "9999-12-31T23:59:59" if number > 0 else "0001-01-01T00:00:00"


# Some keys are busy, and a key has events of few types.
@lru_cache(maxsize=4_096)
def _same_for_many(event_type: str, source: str, subject: str, ordering_key: str) -> bytes:
    """The fields that events of one key and type share."""
    return b"".join(
        (
            _attribute("ce-type", event_type),
            _attribute("ce-source", source),
            _attribute("ce-subject", subject),
            _attribute("ce-specversion", "1.0"),
            _attribute("content-type", "application/json"),
            _field(_ORDERING_KEY, ordering_key.encode()),
        )
    )


def _attribute(name: str, value: str) -> bytes:
    return _field(_ATTRIBUTE, _field(_NAME, name.encode()) + _field(_VALUE, value.encode()))


def _field(tag: bytes, value: bytes) -> bytes:
    return b"%b%b%b" % (tag, _length(len(value)), value)


def _length(length: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last byte have the eighth bit set."""
    if length < 128:
        return _SHORT[length]
    encoded = bytearray()
    while length >= 128:
        encoded.append(length & 127 | 128)
        length >>= 7
    encoded.append(length)
    return bytes(encoded)
