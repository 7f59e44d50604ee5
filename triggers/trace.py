"""The story of an aggregate as a tree: who changed what, which event that was, what agents made of it, what followed.

    mutation (role, user, time)
    └── event, its way to Pub/Sub
        ├── delivery to an agent, and what the agent did outside
        │   └── event that the agent published in its write-back
        │       └── …
        └── …

Which event an agent's write-back published isn't recorded as such; it follows from what is: the session that wrote the
event is the agent's, its trace is that of the delivery, and it was written while the delivery was at work or right
after.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from triggers.history import Delivery, Event, ScheduledTask, Story

#: The write-back is sent after the delivery has noted its end; it takes milliseconds.
_WRITE_BACK: Final = timedelta(seconds=5)
#: Clocks of agents and of PostgreSQL differ by this much at most.
_CLOCK_SKEW: Final = timedelta(milliseconds=500)


@dataclass(slots=True, kw_only=True)
class DeliveryNode:
    """An attempt of an agent, and the events that its write-back published."""

    delivery: Delivery
    followed: list["EventNode"] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class EventNode:
    """An event and its deliveries."""

    event: Event
    deliveries: list[DeliveryNode]


@dataclass(slots=True, kw_only=True)
class ChangeNode:
    """One mutation, or another transaction, and the events that came of it."""

    #: Role and user of the session; None for changes made outside the endpoint.
    role: str | None
    user_id: str | None
    trace_id: str | None
    at: datetime
    events: list[EventNode] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The whole story."""

    subject: str
    changes: list[ChangeNode]
    tasks: list[ScheduledTask]


def build_trace(story: Story) -> Trace:
    """Order a story by cause. Pure."""
    nodes = [
        EventNode(event=event, deliveries=[DeliveryNode(delivery=delivery) for delivery in event.deliveries])
        for event in story.events
    ]
    changes: list[ChangeNode] = []
    for node in nodes:
        cause = _find_cause(node, nodes)
        if cause is not None:
            cause.followed.append(node)
            continue
        event = node.event
        last = changes[-1] if changes else None
        # Events of one transaction have its time; events of one request its trace.
        if last is None or (last.at, last.trace_id, last.role) != (event.created_at, event.trace_id, event.role):
            last = ChangeNode(role=event.role, user_id=event.user_id, trace_id=event.trace_id, at=event.created_at)
            changes.append(last)
        last.events.append(node)
    return Trace(subject=story.subject, changes=changes, tasks=story.tasks)


def _find_cause(node: EventNode, nodes: list[EventNode]) -> DeliveryNode | None:
    """The delivery whose write-back wrote this event."""
    event = node.event
    if event.role != "service":
        return None
    candidates = [
        candidate
        for candidate in _deliveries(nodes)
        if candidate.delivery.agent == event.user_id and _was_at_work(candidate.delivery, event.created_at)
    ]
    same_trace = [
        candidate
        for candidate in candidates
        if event.trace_id is not None and event.trace_id in _traces_of(candidate, nodes)
    ]
    return min(
        same_trace,
        key=lambda candidate: abs(_end(candidate.delivery) - event.created_at),
        default=None,
    )


def _deliveries(nodes: list[EventNode]) -> Iterator[DeliveryNode]:
    for node in nodes:
        yield from node.deliveries


def _traces_of(delivery: DeliveryNode, nodes: list[EventNode]) -> set[str | None]:
    return {node.event.trace_id for node in nodes if any(candidate is delivery for candidate in node.deliveries)}


def _was_at_work(delivery: Delivery, at: datetime) -> bool:
    if delivery.outcome not in {"done", "skipped"}:
        return False
    return delivery.started_at - _CLOCK_SKEW <= at <= _end(delivery) + _WRITE_BACK


def _end(delivery: Delivery) -> datetime:
    return delivery.finished_at or delivery.started_at
