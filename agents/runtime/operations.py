"""The operations of `operations.graphql`, typed. Generated: change that file, run `make clients`."""

import datetime
import uuid
from typing import Any, Final

from agents.graphql.documents import Document
from agents.graphql.operations import Answer, Mutation, Query

_FIND_INBOX_ENTRY: Final = Document(
    name="FindInboxEntry",
    kind="query",
    text="""\
query FindInboxEntry($agent: String!, $event_id: uuid!) {
  entry: events_inbox_by_pk(agent: $agent, event_id: $event_id) {
    event_id
  }
}""",
)


class FindInboxEntry(Answer):
    """The answer of `find_inbox_entry`."""

    class Entry(Answer):
        """Of type `events_inbox`."""

        event_id: uuid.UUID

    entry: Entry | None


def find_inbox_entry(*, agent: str, event_id: uuid.UUID) -> Query[FindInboxEntry]:
    """The query `FindInboxEntry`."""
    variables: dict[str, Any] = {"agent": agent, "event_id": event_id}
    return Query(document=_FIND_INBOX_ENTRY, variables=variables, answer=FindInboxEntry)


_RECORD_INBOX: Final = Document(
    name="RecordInbox",
    kind="mutation",
    text="""\
mutation RecordInbox($event_id: uuid!) {
  insert_events_inbox(objects: [{ event_id: $event_id }]) {
    affected_rows
  }
}""",
)


class RecordInbox(Answer):
    """The answer of `record_inbox`."""

    class InsertEventsInbox(Answer):
        """Of type `events_inbox_mutation_response`."""

        affected_rows: int

    insert_events_inbox: InsertEventsInbox | None


def record_inbox(*, event_id: uuid.UUID) -> Mutation[RecordInbox]:
    """First field of every write-back: its key refuses the second of two deliveries before anything else is done."""
    variables: dict[str, Any] = {"event_id": event_id}
    return Mutation(document=_RECORD_INBOX, variables=variables, answer=RecordInbox)


_RECORD_DELIVERY: Final = Document(
    name="RecordDelivery",
    kind="mutation",
    text="""\
mutation RecordDelivery($event_id: uuid!, $attempt: Int!, $outcome: String!, $error: String, $effects: jsonb!, $started_at: timestamptz!, $finished_at: timestamptz!) {
  insert_events_delivery(
    objects: [
      {
        event_id: $event_id
        attempt: $attempt
        outcome: $outcome
        error: $error
        effects: $effects
        started_at: $started_at
        finished_at: $finished_at
      }
    ]
  ) {
    affected_rows
  }
}""",
)


class RecordDelivery(Answer):
    """The answer of `record_delivery`."""

    class InsertEventsDelivery(Answer):
        """Of type `events_delivery_mutation_response`."""

        affected_rows: int

    insert_events_delivery: InsertEventsDelivery | None


def record_delivery(
    *,
    event_id: uuid.UUID,
    attempt: int,
    outcome: str,
    error: str | None,
    effects: Any,
    started_at: datetime.datetime,
    finished_at: datetime.datetime,
) -> Mutation[RecordDelivery]:
    """The mutation `RecordDelivery`."""
    variables: dict[str, Any] = {
        "event_id": event_id,
        "attempt": attempt,
        "outcome": outcome,
        "error": error,
        "effects": effects,
        "started_at": started_at,
        "finished_at": finished_at,
    }
    return Mutation(document=_RECORD_DELIVERY, variables=variables, answer=RecordDelivery)


_RECORD_DEAD_LETTER: Final = Document(
    name="RecordDeadLetter",
    kind="mutation",
    text="""\
mutation RecordDeadLetter($event_id: uuid!, $reason: String!, $attempts: Int!, $event: jsonb!) {
  insert_events_dead_letter(
    objects: [{ event_id: $event_id, reason: $reason, attempts: $attempts, event: $event }]
  ) {
    affected_rows
  }
}""",
)


class RecordDeadLetter(Answer):
    """The answer of `record_dead_letter`."""

    class InsertEventsDeadLetter(Answer):
        """Of type `events_dead_letter_mutation_response`."""

        affected_rows: int

    insert_events_dead_letter: InsertEventsDeadLetter | None


def record_dead_letter(*, event_id: uuid.UUID, reason: str, attempts: int, event: Any) -> Mutation[RecordDeadLetter]:
    """The mutation `RecordDeadLetter`."""
    variables: dict[str, Any] = {"event_id": event_id, "reason": reason, "attempts": attempts, "event": event}
    return Mutation(document=_RECORD_DEAD_LETTER, variables=variables, answer=RecordDeadLetter)


_BEGIN_TASK: Final = Document(
    name="BeginTask",
    kind="mutation",
    text="""\
mutation BeginTask($id: uuid!, $generation: Int!) {
  task: begin_task(id: $id, generation: $generation) {
    due
    status
  }
}""",
)


class BeginTask(Answer):
    """The answer of `begin_task`."""

    class Task(Answer):
        """Of type `begun_task`."""

        due: bool
        status: str | None

    task: Task


def begin_task(*, id: uuid.UUID, generation: int) -> Mutation[BeginTask]:
    """The mutation `BeginTask`."""
    variables: dict[str, Any] = {"id": id, "generation": generation}
    return Mutation(document=_BEGIN_TASK, variables=variables, answer=BeginTask)


_FINISH_TASK: Final = Document(
    name="FinishTask",
    kind="mutation",
    text="""\
mutation FinishTask($id: uuid!, $generation: Int!, $error: String) {
  finish_task(id: $id, generation: $generation, error: $error) {
    status
  }
}""",
)


class FinishTask(Answer):
    """The answer of `finish_task`."""

    class FinishTask(Answer):
        """Of type `finished_task`."""

        status: str

    finish_task: FinishTask


def finish_task(*, id: uuid.UUID, generation: int, error: str | None) -> Mutation[FinishTask]:
    """The mutation `FinishTask`."""
    variables: dict[str, Any] = {"id": id, "generation": generation, "error": error}
    return Mutation(document=_FINISH_TASK, variables=variables, answer=FinishTask)


_PUBLISH_EVENT: Final = Document(
    name="PublishEvent",
    kind="mutation",
    text="""\
mutation PublishEvent($id: uuid!, $type: String!, $subject: String!, $data: jsonb!) {
  publish_event(id: $id, type: $type, subject: $subject, data: $data) {
    id
  }
}""",
)


class PublishEvent(Answer):
    """The answer of `publish_event`."""

    class PublishEvent(Answer):
        """Of type `published_event`."""

        id: uuid.UUID

    publish_event: PublishEvent


def publish_event(*, id: uuid.UUID, type: str, subject: str, data: Any) -> Mutation[PublishEvent]:
    """The mutation `PublishEvent`."""
    variables: dict[str, Any] = {"id": id, "type": type, "subject": subject, "data": data}
    return Mutation(document=_PUBLISH_EVENT, variables=variables, answer=PublishEvent)
