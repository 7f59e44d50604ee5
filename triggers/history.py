"""What happened to events, read from the tables: rows as values for the CLI and for whoever else tells the story."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from heapq import merge
from typing import Any
from uuid import UUID

from triggers.connection import Connection
from triggers.errors import UnknownEventError
from triggers.statements import load_statement


class State(StrEnum):
    """Where an event stands."""

    WAITING = "waiting"
    PUBLISHED = "published"
    #: Somebody, the relay or an agent, gave it up, and nobody has settled that.
    DEAD = "dead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which events; None means any."""

    types: Sequence[str] | None = None
    key: str | None = None
    state: State | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A row of the list of events."""

    #: Id of the event; a replay has its original's.
    event_id: UUID
    #: None for what came from outside and was never in the outbox.
    sequence: int | None
    type: str
    #: Empty for what came from outside.
    topic: str
    ordering_key: str
    created_at: datetime
    published_at: datetime | None
    is_replay: bool
    state: State
    attempts: int
    #: Of the relay; of what came from outside, why an agent gave it up.
    last_error: str | None
    role: str | None
    user_id: str | None
    #: Agent to the outcome of its last attempt.
    outcomes: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """One row of the outbox: an event's first way out, or a replay's."""

    id: UUID
    sequence: int
    created_at: datetime
    published_at: datetime | None
    message_id: str | None
    attempts: int
    last_error: str | None
    dead_lettered_at: datetime | None
    is_replay: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One attempt of an agent."""

    agent: str
    attempt: int
    #: done, duplicate, retry, dead_letter or skipped.
    outcome: str
    error: str | None
    #: What the agent did outside: `{system, action, id, at, ms}`, with `error` or `skipped` where it applies.
    effects: list[dict[str, Any]]
    started_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """That an event was given up, and what became of that."""

    id: UUID
    agent: str
    reason: str
    attempts: int
    created_at: datetime
    resolved_at: datetime | None
    resolution: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event and everything that is known of it."""

    id: UUID
    type: str
    #: Empty for what came from outside and was never in the outbox: a webhook, a scheduled task.
    topic: str
    subject: str
    source: str | None
    #: Of what came from outside, all that its dead letter kept.
    data: dict[str, Any]
    #: Who caused it; None for changes made outside the endpoint.
    role: str | None
    user_id: str | None
    traceparent: str | None
    created_at: datetime
    publications: list[Publication]
    deliveries: list[Delivery]
    dead_letters: list[DeadLetter]

    @property
    def trace_id(self) -> str | None:
        """The trace that it belongs to, 32 hex digits."""
        parts = (self.traceparent or "").split("-")
        return parts[1] if len(parts) > 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledTask:
    """Work for later that names the aggregate."""

    name: str
    kind: str
    target: str
    due_at: datetime
    status: str
    attempts: int
    last_error: str | None
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Everything about one aggregate, or of one trace."""

    #: The aggregate's id, or that of a trace.
    subject: str
    #: In the order of their commits.
    events: list[Event]
    tasks: list[ScheduledTask]


async def list_events(connection: Connection, wanted: Filter, *, limit: int) -> list[Summary]:
    """The newest events that pass the filter; of the dead ones also those that came from outside."""
    rows = await connection.fetch(
        load_statement("history/list"), wanted.types, wanted.key, wanted.state, wanted.since, wanted.until, limit
    )
    found = [
        Summary(
            event_id=row["replay_of"] or row["id"],
            sequence=row["sequence"],
            type=row["type"],
            topic=row["topic"],
            ordering_key=row["ordering_key"],
            created_at=row["created_at"],
            published_at=row["published_at"],
            is_replay=row["replay_of"] is not None,
            state=_state(row),
            attempts=row["attempts"],
            last_error=row["last_error"],
            role=row["role"],
            user_id=row["user_id"],
            outcomes=json.loads(row["outcomes"]),
        )
        for row in rows
    ]
    if wanted.state is not State.DEAD:
        return found
    outside = await _list_dead_from_outside(connection, wanted, limit=limit)
    # Those of the outbox stay in the order of their commits, whatever clock they were written by.
    return list(merge(found, outside, key=lambda summary: summary.created_at, reverse=True))[:limit]


async def _list_dead_from_outside(connection: Connection, wanted: Filter, *, limit: int) -> list[Summary]:
    rows = await connection.fetch(
        load_statement("history/from_outside"), None, wanted.types, wanted.key, wanted.since, wanted.until, limit
    )
    return [
        Summary(
            event_id=row["event_id"],
            sequence=None,
            type=row["type"],
            topic="",
            ordering_key=row["subject"],
            created_at=row["created_at"],
            published_at=None,
            is_replay=False,
            state=State.DEAD,
            attempts=row["attempts"],
            last_error=row["reason"],
            role=None,
            user_id=None,
            outcomes=json.loads(row["outcomes"]),
        )
        for row in rows
    ]


async def get_event(connection: Connection, event_id: UUID) -> Event:
    """The event of that id, and of one from outside what its dead letters say; UnknownEventError when there is none."""
    found = await _get_events(connection, [event_id]) or await _get_from_outside(connection, event_id)
    if not found:
        raise UnknownEventError(f"There is no event {event_id}. `caregraph events list` shows the newest.")
    return found[0]


async def get_story(connection: Connection, subject: str, *, limit: int = 200) -> Story:
    """All that happened to an aggregate, with what followed from it; UnknownEventError when nothing did.

    `limit` bounds the aggregate's own events, newest first.
    """
    rows = await connection.fetch(load_statement("history/events_of_subject"), subject, limit)
    tasks = await connection.fetch(load_statement("history/tasks_of_subject"), subject)
    if not rows and not tasks:
        raise UnknownEventError(
            f"No event is about {subject}. It takes the id of a contract, invoice, customer or prescription."
        )
    return Story(
        subject=subject,
        events=await _get_events(connection, [row["event_id"] for row in rows]),
        tasks=[ScheduledTask(**row) for row in tasks],
    )


async def get_story_of_trace(connection: Connection, trace_id: str) -> Story:
    """All events of a trace and the work that was planned in it, whatever they are about; both empty for none."""
    rows = await connection.fetch(load_statement("history/events_of_trace"), trace_id)
    tasks = await connection.fetch(load_statement("history/tasks_of_trace"), trace_id)
    return Story(
        subject=trace_id,
        events=await _get_events(connection, [row["event_id"] for row in rows]),
        tasks=[ScheduledTask(**row) for row in tasks],
    )


async def _get_events(connection: Connection, ids: Sequence[UUID]) -> list[Event]:
    rows = await connection.fetch(load_statement("history/events_by_id"), ids)
    by_event: dict[UUID, list[Any]] = {}
    for row in rows:
        by_event.setdefault(row["event_id"], []).append(row)
    deliveries = _grouped(await connection.fetch(load_statement("history/deliveries"), list(by_event)))
    dead_letters = _grouped(await connection.fetch(load_statement("history/dead_letters"), list(by_event)))
    return [
        Event(
            id=event_id,
            type=first["type"],
            topic=first["topic"],
            subject=first["subject"],
            source=first["source"],
            data=json.loads(first["data"]),
            role=first["role"],
            user_id=first["user_id"],
            traceparent=first["traceparent"],
            created_at=first["created_at"],
            publications=[
                Publication(
                    id=row["id"],
                    sequence=row["sequence"],
                    created_at=row["created_at"],
                    published_at=row["published_at"],
                    message_id=row["message_id"],
                    attempts=row["attempts"],
                    last_error=row["last_error"],
                    dead_lettered_at=row["dead_lettered_at"],
                    is_replay=row["id"] != event_id,
                )
                for row in publications
            ],
            deliveries=_deliveries(deliveries.get(event_id, ())),
            dead_letters=[DeadLetter(**fields) for fields in dead_letters.get(event_id, ())],
        )
        for event_id, publications in by_event.items()
        for first in publications[:1]
    ]


async def _get_from_outside(connection: Connection, event_id: UUID) -> list[Event]:
    ids = [event_id]
    rows = await connection.fetch(load_statement("history/from_outside"), ids, None, None, None, None, 1)
    if not rows:
        return []
    deliveries = _grouped(await connection.fetch(load_statement("history/deliveries"), ids))
    dead_letters = _grouped(await connection.fetch(load_statement("history/dead_letters"), ids))
    return [
        Event(
            id=event_id,
            type=row["type"],
            topic="",
            subject=row["subject"],
            source=row["source"],
            data=json.loads(row["event"]),
            role=None,
            user_id=None,
            traceparent=row["traceparent"],
            created_at=row["created_at"],
            publications=[],
            deliveries=_deliveries(deliveries.get(event_id, ())),
            dead_letters=[DeadLetter(**fields) for fields in dead_letters.get(event_id, ())],
        )
        for row in rows
    ]


def _deliveries(listed: Iterable[dict[str, Any]]) -> list[Delivery]:
    return [Delivery(**{**fields, "effects": json.loads(fields["effects"])}) for fields in listed]


def _grouped(rows: Iterable[Any]) -> dict[UUID, list[dict[str, Any]]]:
    """Rows by their `event_id`, without it."""
    grouped: dict[UUID, list[dict[str, Any]]] = {}
    for row in rows:
        fields = dict(row)
        grouped.setdefault(fields.pop("event_id"), []).append(fields)
    return grouped


def _state(row: Any) -> State:
    if row["dead"] or row["dead_lettered_at"] is not None:
        return State.DEAD
    return State.WAITING if row["published_at"] is None else State.PUBLISHED
