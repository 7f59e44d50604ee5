"""The CloudEvent that a row becomes."""

from datetime import UTC, datetime

from triggers.envelope import OutboxEvent, to_message


def event(**changes: object) -> OutboxEvent:
    fields: dict[str, object] = {
        "sequence": 7,
        "id": "01a1fdbd-88d9-7075-af29-67d094a97673",
        "event_id": "01a1fdbd-88d9-7075-af29-67d094a97673",
        "type": "contract.created",
        "topic": "contract-events",
        "ordering_key": "c1",
        "subject": "c1",
        "source": None,
        "lane": 3,
        "traceparent": None,
        "created_at": datetime(2026, 11, 21, 10, 0, 0, 123456, tzinfo=UTC),
        "data_bytes": 2,
        "data": "{}",
    }
    return OutboxEvent(**{**fields, **changes})  # type: ignore[arg-type] # a test states only what matters


def test_the_envelope_is_in_the_attributes_and_the_data_is_bare() -> None:
    message = to_message(event(), b'{"a": 1}', source="/caregraph/staging", traceparent="00-aa-bb-01")
    assert dict(message.attributes) == {
        "ce-id": "01a1fdbd-88d9-7075-af29-67d094a97673",
        "ce-type": "contract.created",
        "ce-source": "/caregraph/staging",
        "ce-subject": "c1",
        "ce-time": "2026-11-21T10:00:00.123456Z",
        "ce-specversion": "1.0",
        "content-type": "application/json",
        "traceparent": "00-aa-bb-01",
    }
    assert message.data == b'{"a": 1}'
    assert message.ordering_key == "c1"


def test_a_replay_carries_the_id_of_its_original() -> None:
    replay = event(event_id="01890000-0000-7000-8000-000000000001")
    message = to_message(replay, b"{}", source="/x", traceparent=None)
    assert message.attributes["ce-id"] == "01890000-0000-7000-8000-000000000001"
    assert "traceparent" not in message.attributes


def test_an_event_keeps_a_source_of_its_own() -> None:
    message = to_message(event(source="/chargebee"), b"{}", source="/x", traceparent=None)
    assert message.attributes["ce-source"] == "/chargebee"


def test_what_cannot_fit_into_a_request_is_known_before_it_is_sent() -> None:
    assert event(data_bytes=10_000_000).is_too_large
    assert not event(data_bytes=9_900_000).is_too_large
