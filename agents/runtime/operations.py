"""The operations of `operations.graphql`, typed."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

from agents.graphql.documents import Document, load_documents
from agents.graphql.operations import Answer, Mutation, Query

#: How an attempt ended, as `events.delivery.outcome` has it.
Outcome = Literal["done", "duplicate", "retry", "dead_letter", "skipped"]


@cache
def documents() -> Mapping[str, Document]:
    """The operations by name, read once."""
    return load_documents(Path(__file__).with_name("operations.graphql"))


class InboxEntry(Answer):
    """An event that this agent has handled."""

    event_id: uuid.UUID


class FindInboxEntry(Answer):
    """The answer of `find_inbox_entry`."""

    entry: InboxEntry | None


def find_inbox_entry(*, agent: str, event_id: uuid.UUID) -> Query[FindInboxEntry]:
    """Whether this agent has handled the event."""
    return Query(
        document=documents()["FindInboxEntry"],
        variables={"agent": agent, "event_id": event_id},
        answer=FindInboxEntry,
    )


def record_inbox(event_id: uuid.UUID) -> Mutation:
    """The event is handled now, and never again by this agent."""
    return Mutation(document=documents()["RecordInbox"], variables={"event_id": event_id})


def record_delivery(
    *,
    event_id: uuid.UUID,
    attempt: int,
    outcome: Outcome,
    error: str | None,
    effects: list[dict[str, Any]],
    started_at: datetime,
    finished_at: datetime,
) -> Mutation:
    """One attempt and what came of it."""
    return Mutation(
        document=documents()["RecordDelivery"],
        variables={
            "event_id": event_id,
            "attempt": attempt,
            "outcome": outcome,
            "error": error,
            "effects": effects,
            "started_at": started_at,
            "finished_at": finished_at,
        },
    )


def record_dead_letter(*, event_id: uuid.UUID, reason: str, attempts: int, event: dict[str, Any]) -> Mutation:
    """The event is given up; `event` is all of it."""
    return Mutation(
        document=documents()["RecordDeadLetter"],
        variables={"event_id": event_id, "reason": reason, "attempts": attempts, "event": event},
    )


def publish_event(*, id: uuid.UUID, type: str, subject: str, data: dict[str, Any]) -> Mutation:  # noqa: A002 - the mutation's words
    """A domain event goes into the outbox; the endpoint knows its topic and ordering key."""
    return Mutation(
        document=documents()["PublishEvent"], variables={"id": id, "type": type, "subject": subject, "data": data}
    )


class TaskState(Answer):
    """What became of a scheduled task so far."""

    due: bool
    status: str | None


class BeginTask(Answer):
    """The answer of `begin_task`."""

    task: TaskState


def begin_task(*, id: uuid.UUID, generation: int) -> Query[BeginTask]:  # noqa: A002 - the mutation's word
    """Whether a scheduled task is to be done; counts the attempt, and may be asked again."""
    return Query(document=documents()["BeginTask"], variables={"id": id, "generation": generation}, answer=BeginTask)


def finish_task(*, id: uuid.UUID, generation: int, error: str | None) -> Mutation:  # noqa: A002 - the mutation's word
    """A scheduled task is done, or has failed for good; refused with `task-superseded` when it isn't open."""
    return Mutation(document=documents()["FinishTask"], variables={"id": id, "generation": generation, "error": error})
