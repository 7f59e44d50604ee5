"""The story of an aggregate, ordered by cause."""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from rich.console import Console

from triggers.history import Delivery, Event, Publication, ScheduledTask, Story
from triggers.render import render_trace, to_json
from triggers.trace import build_trace

START = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
TRACE = "0af7651916cd43dd8448eb211c80319c"


def at(ms: float) -> datetime:
    return START + timedelta(milliseconds=ms)


def delivery(agent: str, start_ms: float, end_ms: float, **changes: Any) -> Delivery:
    fields: dict[str, Any] = {
        "agent": agent,
        "attempt": 1,
        "outcome": "done",
        "error": None,
        "effects": [{"system": "chargebee", "action": "subscription.update", "id": "sub_1", "ms": 12.5}],
        "started_at": at(start_ms),
        "finished_at": at(end_ms),
    }
    return Delivery(**{**fields, **changes})


def event(name: str, ms: float, *deliveries: Delivery, **changes: Any) -> Event:
    fields: dict[str, Any] = {
        "id": uuid4(),
        "type": name,
        "topic": "contract-events",
        "subject": "c1",
        "source": None,
        "data": {},
        "role": "user",
        "user_id": "ada",
        "traceparent": f"00-{TRACE}-b7ad6b7169203331-01",
        "created_at": at(ms),
        "publications": [
            Publication(
                id=UUID(int=1),
                sequence=1,
                created_at=at(ms),
                published_at=at(ms + 4),
                message_id="17",
                attempts=1,
                last_error=None,
                dead_lettered_at=None,
                is_replay=False,
            )
        ],
        "deliveries": list(deliveries),
        "dead_letters": [],
    }
    return Event(**{**fields, **changes})


def story(*events: Event) -> Story:
    task = ScheduledTask(
        name="contract.renew:c1",
        kind="contract.renew",
        target="contract",
        due_at=START + timedelta(days=180),
        status="scheduled",
        attempts=0,
        last_error=None,
        created_at=START,
        finished_at=None,
    )
    return Story(subject="c1", events=list(events), tasks=[task])


def service(name: str, ms: float, agent: str, *deliveries: Delivery, **changes: Any) -> Event:
    return event(name, ms, *deliveries, role="service", user_id=agent, **changes)


def test_an_event_hangs_below_the_delivery_that_published_it() -> None:
    created = service("contract.created", 33, "contract", delivery("notification", 40, 60))
    trace = build_trace(story(event("contract.inserted", 0, delivery("contract", 10, 30)), created))
    (change,) = trace.changes
    (inserted,) = change.events
    (contract,) = inserted.deliveries
    (followed,) = contract.followed
    assert followed.event is created
    assert followed.deliveries[0].delivery.agent == "notification"


def test_another_agents_delivery_is_not_the_cause() -> None:
    created = service("contract.created", 33, "contract")
    trace = build_trace(story(event("contract.inserted", 0, delivery("zendesk", 10, 30)), created))
    assert [node.event.type for change in trace.changes for node in change.events] == [
        "contract.inserted",
        "contract.created",
    ]


def test_another_trace_is_not_the_cause() -> None:
    other = service("contract.created", 33, "contract", traceparent=f"00-{'f' * 32}-b7ad6b7169203331-01")
    trace = build_trace(story(event("contract.inserted", 0, delivery("contract", 10, 30)), other))
    assert len(trace.changes) == 2


def test_the_nearest_delivery_in_time_is_the_cause() -> None:
    first = event("contract.inserted", 0, delivery("contract", 10, 30))
    second = event("contract.updated", 100, delivery("contract", 110, 130))
    trace = build_trace(story(first, second, service("contract.activated", 132, "contract")))
    assert not trace.changes[0].events[0].deliveries[0].followed
    assert trace.changes[1].events[0].deliveries[0].followed


def test_events_of_one_transaction_are_one_change() -> None:
    trace = build_trace(
        story(event("contract.inserted", 0), event("customer.updated", 0), event("contract.updated", 9))
    )
    assert [len(change.events) for change in trace.changes] == [2, 1]


def test_the_printed_story_names_who_what_and_how_long() -> None:
    trace = build_trace(story(event("contract.inserted", 0, delivery("contract", 10, 30))))
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(render_trace(trace))
    text = console.export_text()
    for part in (
        "user ada",
        "contract.inserted",
        "published to contract-events as message 17 +4.0 ms",
        "contract agent done in 20 ms +10 ms",
        "chargebee: subscription.update sub_1 12.5 ms",
        "contract.renew for the contract agent, due 2027-05-20",
    ):
        assert part in text


def test_the_story_is_json_too() -> None:
    trace = build_trace(story(event("contract.inserted", 0, delivery("contract", 10, 30))))
    parsed = json.loads(to_json(trace))
    assert parsed["subject"] == "c1"
    assert parsed["changes"][0]["events"][0]["deliveries"][0]["delivery"]["started_at"] == "2026-11-21T10:00:00.010000Z"
    assert parsed["tasks"][0]["status"] == "scheduled"


def test_markup_in_data_is_printed_as_it_is() -> None:
    hostile = event("contract.inserted", 0, delivery("contract", 1, 2, outcome="retry", error="[red]boom[/red] [/]"))
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(render_trace(build_trace(story(hostile))))
    assert "[red]boom[/red] [/]" in console.export_text()
