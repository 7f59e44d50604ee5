"""Pub/Sub's push bodies: ours, almost ours, and not at all."""

import base64
import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from agents.runtime.push import MAX_KEPT_BYTES, NotAPush, NotOurEvent, parse_push

EVENT_ID = "0190a6a0-0000-7000-8000-00000000000a"
ATTRIBUTES = {
    "ce-id": EVENT_ID,
    "ce-type": "contract.inserted",
    "ce-source": "/caregraph/development",
    "ce-subject": "contract-1",
    "ce-time": "2026-02-03T04:05:06.789Z",
    "ce-specversion": "1.0",
    "content-type": "application/json",
    "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01",
}


def push(attributes: dict[str, Any] | None = None, data: bytes | str = b'{"a": 1}', **top: Any) -> bytes:
    message = {
        "attributes": ATTRIBUTES if attributes is None else attributes,
        "data": data if isinstance(data, str) else base64.b64encode(data).decode(),
        "messageId": "42",
        "message_id": "42",
        "orderingKey": "contract-1",
        "publishTime": "2026-02-03T04:05:07Z",
    }
    return json.dumps({"message": message, "subscription": "projects/p/subscriptions/s"} | top).encode()


def test_a_push_becomes_envelope_and_data() -> None:
    delivery = parse_push(push(deliveryAttempt=3))

    envelope = delivery.envelope
    assert envelope.id == uuid.UUID(EVENT_ID)
    assert envelope.type == "contract.inserted"
    assert envelope.subject == envelope.ordering_key == "contract-1"
    assert envelope.time == datetime(2026, 2, 3, 4, 5, 6, 789000, tzinfo=UTC)
    assert envelope.traceparent == ATTRIBUTES["traceparent"]
    assert (envelope.message_id, envelope.subscription) == ("42", "projects/p/subscriptions/s")
    assert envelope.delivery_attempt == 3
    assert delivery.data == b'{"a": 1}'
    assert delivery.as_json() == {"attributes": ATTRIBUTES, "data": {"a": 1}}


def test_what_pubsub_leaves_out_is_none() -> None:
    attributes = {name: value for name, value in ATTRIBUTES.items() if name != "traceparent"}

    envelope = parse_push(push(attributes)).envelope

    assert envelope.delivery_attempt is None
    assert envelope.traceparent is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        b'{"message": null, "subscription": "s"}',
        b'{"message": [], "subscription": "s"}',
        b'{"message": {"data": "e30="}, "subscription": "s"}',
        b'{"message": {"messageId": "1", "attributes": []}, "subscription": ""}',
        b'{"message": {"messageId": "1", "attributes": ["ce-id"]}, "subscription": "s"}',
        b'{"message": {"messageId": "1", "data": 5}, "subscription": "s"}',
        b'{"message": {"messageId": 1}, "subscription": "s"}',
        b'{"message": {"messageId": "1"}}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_what_is_not_a_push_is_told_apart(body: bytes) -> None:
    with pytest.raises(NotAPush):
        parse_push(body)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"ce-id": None}, "attribute ce-id is missing"),
        ({"ce-id": "17"}, "ce-id is not a UUID"),
        ({"ce-type": ""}, "attribute ce-type is missing"),
        ({"ce-subject": None}, "attribute ce-subject is missing"),
        ({"ce-source": 5}, "attribute ce-source is missing"),
        ({"ce-specversion": "0.3"}, "ce-specversion is '0.3', expected 1.0"),
        ({"ce-time": "yesterday"}, "ce-time is not an RFC 3339 time"),
        ({"ce-time": "2026-02-03T04:05:06"}, "ce-time is not an RFC 3339 time with its offset"),
    ],
)
def test_a_message_that_is_no_event_of_ours_says_why(changes: dict[str, Any], said: str) -> None:
    attributes = {name: value for name, value in (ATTRIBUTES | changes).items() if value is not None}

    with pytest.raises(NotOurEvent, match=said):
        parse_push(push(attributes))


@pytest.mark.parametrize("data", ["%%%", "\u00e9\u00e9\u00e9\u00e9", "AA=A"])
def test_everything_that_is_wrong_is_said_at_once(data: str) -> None:
    with pytest.raises(NotOurEvent) as caught:
        parse_push(push({}, data=data, deliveryAttempt=2))

    message = str(caught.value)
    assert all(f"attribute ce-{name} is missing" in message for name in ("id", "type", "source", "subject", "time"))
    assert "data is not base64" in message
    assert caught.value.attempt == 2


def test_a_message_without_an_id_gets_the_same_one_in_every_delivery() -> None:
    ids = set()
    for _ in range(2):
        with pytest.raises(NotOurEvent) as caught:
            parse_push(push({}))
        ids.add(caught.value.event_id)

    assert len(ids) == 1


def test_a_message_with_an_id_keeps_it_although_the_rest_is_wrong() -> None:
    with pytest.raises(NotOurEvent) as caught:
        parse_push(push({"ce-id": EVENT_ID}))

    assert caught.value.event_id == uuid.UUID(EVENT_ID)


@pytest.mark.parametrize("data", [b"not json", b'{"a": "\\u0000"}', b"\xff", b""])
def test_data_that_jsonb_cannot_hold_is_kept_as_base64(data: bytes) -> None:
    event = parse_push(push(data=data)).as_json()

    assert base64.b64decode(event["data_base64"]) == data
    assert event["attributes"] == ATTRIBUTES


def test_a_nul_character_in_an_attribute_does_not_reach_the_record() -> None:
    event = parse_push(push(ATTRIBUTES | {"extra": "a\0b"})).as_json()

    assert event["attributes"]["extra"] == "ab"


def test_large_data_is_not_repeated_in_the_record() -> None:
    data = json.dumps({"a": "x" * MAX_KEPT_BYTES}).encode()

    assert parse_push(push(data=data)).as_json() == {"attributes": ATTRIBUTES, "data_bytes": len(data)}
