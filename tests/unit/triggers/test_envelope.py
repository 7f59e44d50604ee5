"""The CloudEvent that a row becomes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from google.pubsub_v1.types import PublishRequest, PubsubMessage

from triggers.envelope import POSTGRES_EPOCH, OutboxEvent, created_us, encode_request
from triggers.envelope import encode_message as encode_at

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def sent(time: datetime) -> bytes:
    """A time as PostgreSQL sends it."""
    return ((time - POSTGRES_EPOCH) // timedelta(microseconds=1)).to_bytes(8, "big", signed=True)


def event(**changes: object) -> OutboxEvent:
    fields: dict[str, object] = {
        "sequence": 7,
        "event_id": "01a1fdbd-88d9-7075-af29-67d094a97673",
        "type": "contract.created",
        "topic": "contract-events",
        "ordering_key": "c1",
        "subject": "c1",
        "source": None,
        "lane": 3,
        "traceparent": None,
        "created_at": sent(datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC)),
        "data_bytes": 2,
        "data": "{}",
    }
    return OutboxEvent(**{**fields, **changes})  # type: ignore[arg-type] # a test states only what matters


def encode_message(event: OutboxEvent, data: bytes, *, source: str, traceparent: str | None) -> bytes:
    (at_us,) = created_us([event])
    return encode_at(event, data, at_us=at_us, source=source, traceparent=traceparent)


def read(encoded: bytes) -> Any:
    return PubsubMessage.pb().FromString(encoded)


def test_the_envelope_is_in_the_attributes_and_the_data_is_bare() -> None:
    encoded = encode_message(event(), b'{"a": 1}', source="/caregraph/staging", traceparent=TRACEPARENT)
    message = read(encoded)
    assert dict(message.attributes) == {
        "ce-id": "01a1fdbd-88d9-7075-af29-67d094a97673",
        "ce-type": "contract.created",
        "ce-source": "/caregraph/staging",
        "ce-subject": "c1",
        "ce-time": "2026-11-21T10:00:00.123456Z",
        "ce-specversion": "1.0",
        "content-type": "application/json",
        "traceparent": TRACEPARENT,
    }
    assert message.data == b'{"a": 1}'
    assert message.ordering_key == "c1"


def test_what_is_no_trace_context_is_left_out() -> None:
    for odd in (
        "",
        "x",
        "x" * 5_000,
        "é" * 55,
        f"00-{'0' * 32}-b7ad6b7169203331-01-x",
        f"cc{TRACEPARENT[2:]}-{'x' * 1_000}",
    ):
        message = read(encode_message(event(), b"{}", source="/x", traceparent=odd))
        assert "traceparent" not in message.attributes
        assert message.attributes["ce-type"] == "contract.created"


def test_the_bytes_are_those_that_protobuf_writes() -> None:
    """Lengths of one, two and three bytes, letters beyond ASCII, times without microseconds, odd traces."""
    for size in (0, 1, 127, 128, 16_383, 16_384, 70_000):
        for text in ("x", "ü" * 200):
            odd = event(subject=text, ordering_key=text, type=text, created_at=sent(datetime(2026, 1, 1, tzinfo=UTC)))
            for traceparent in (TRACEPARENT, f"cc{TRACEPARENT[2:]}-{'later' * 20}"):
                message = read(encode_message(odd, b"d" * size, source=text, traceparent=traceparent))
                assert message.data == b"d" * size
                assert message.ordering_key == text
                assert message.attributes["traceparent"] == traceparent
                assert message.attributes["ce-time"] == "2026-01-01T00:00:00.000000Z"
                assert {message.attributes[f"ce-{name}"] for name in ("type", "source", "subject")} == {text}
                assert message.ByteSize() == len(message.SerializeToString())


def test_a_request_holds_its_messages_in_order() -> None:
    messages = [encode_message(event(), b"d" * size, source="/x", traceparent=None) for size in (1, 200, 20_000)]
    request = PublishRequest.pb().FromString(encode_request("projects/p/topics/t", messages))
    assert request.topic == "projects/p/topics/t"
    assert [message.SerializeToString(deterministic=True) for message in request.messages] == [
        read(message).SerializeToString(deterministic=True) for message in messages
    ]


def test_a_replay_carries_the_id_of_its_original() -> None:
    replay = event(event_id="01890000-0000-7000-8000-000000000001")
    message = read(encode_message(replay, b"{}", source="/x", traceparent=None))
    assert message.attributes["ce-id"] == "01890000-0000-7000-8000-000000000001"
    assert "traceparent" not in message.attributes


def test_an_event_keeps_a_source_of_its_own() -> None:
    message = read(encode_message(event(source="/chargebee"), b"{}", source="/x", traceparent=None))
    assert message.attributes["ce-source"] == "/chargebee"


def test_what_cannot_fit_into_a_request_is_known_before_it_is_sent() -> None:
    assert event(data_bytes=10_000_000).is_too_large
    assert not event(data_bytes=9_900_000).is_too_large


def test_a_replay_for_one_agent_names_it() -> None:
    encoded = encode_message(event(replay_to="zendesk"), b"{}", source="/caregraph/staging", traceparent=None)
    assert read(encoded).attributes["ce-recipient"] == "zendesk"
    assert read(encoded).attributes["ce-type"] == "contract.created"


def test_times_that_cannot_be_written_become_the_nearest_that_can() -> None:
    """PostgreSQL's times go beyond year 9999, and to infinity."""
    for number, written in (
        (2**63 - 1, "9999-12-31T23:59:59"),
        (-(2**63), "0001-01-01T00:00:00"),
        (-1, "1999-12-31T23:59:59.999999Z"),
    ):
        odd = event(created_at=number.to_bytes(8, "big", signed=True))
        message = read(encode_message(odd, b"{}", source="/x", traceparent=None))
        assert message.attributes["ce-time"].startswith(written)
        assert len(message.attributes["ce-time"]) == 27
