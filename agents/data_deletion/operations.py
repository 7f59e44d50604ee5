"""The operations of `operations.graphql`, typed. Generated: change that file, run `make clients`."""

import datetime
import uuid
from typing import Any, Final

from agents.graphql.documents import Document
from agents.graphql.operations import Answer, Mutation

_BEGIN_DATA_DELETION: Final = Document(
    name="BeginDataDeletion",
    kind="mutation",
    text="""\
mutation BeginDataDeletion($id: uuid!) {
  begun: begin_data_deletion(id: $id)
}""",
)


class BeginDataDeletion(Answer):
    """The answer of `begin_data_deletion`."""

    begun: Any


def begin_data_deletion(*, id: uuid.UUID) -> Mutation[BeginDataDeletion]:
    """Lock the person's rows away, and learn by which ids other systems know them."""
    variables: dict[str, Any] = {"id": id}
    return Mutation(document=_BEGIN_DATA_DELETION, variables=variables, answer=BeginDataDeletion)


_RECORD_DATA_DELETION_STEP: Final = Document(
    name="RecordDataDeletionStep",
    kind="mutation",
    text="""\
mutation RecordDataDeletionStep($id: uuid!, $step: String!, $proof: jsonb!) {
  recorded: record_data_deletion_step(id: $id, step: $step, proof: $proof)
}""",
)


class RecordDataDeletionStep(Answer):
    """The answer of `record_data_deletion_step`."""

    recorded: Any


def record_data_deletion_step(*, id: uuid.UUID, step: str, proof: Any) -> Mutation[RecordDataDeletionStep]:
    """A step is done."""
    variables: dict[str, Any] = {"id": id, "step": step, "proof": proof}
    return Mutation(document=_RECORD_DATA_DELETION_STEP, variables=variables, answer=RecordDataDeletionStep)


_ERASE_CUSTOMER_DATA: Final = Document(
    name="EraseCustomerData",
    kind="mutation",
    text="""\
mutation EraseCustomerData($id: uuid!) {
  erased: erase_customer_data(id: $id)
}""",
)


class EraseCustomerData(Answer):
    """The answer of `erase_customer_data`."""

    erased: Any


def erase_customer_data(*, id: uuid.UUID) -> Mutation[EraseCustomerData]:
    """Clear our own tables."""
    variables: dict[str, Any] = {"id": id}
    return Mutation(document=_ERASE_CUSTOMER_DATA, variables=variables, answer=EraseCustomerData)


_PLAN_CONCLUSION: Final = Document(
    name="PlanConclusion",
    kind="mutation",
    text="""\
mutation PlanConclusion($name: String!, $due_at: timestamptz!, $payload: jsonb!) {
  insert_events_scheduled_task(
    objects: [
      {
        name: $name
        kind: "data_deletion.conclude"
        target: "data_deletion"
        due_at: $due_at
        payload: $payload
      }
    ]
    on_conflict: { constraint: scheduled_task_name_key, update_columns: [] }
  ) {
    affected_rows
  }
}""",
)


class PlanConclusion(Answer):
    """The answer of `plan_conclusion`."""

    class InsertEventsScheduledTask(Answer):
        """Of type `events_scheduled_task_mutation_response`."""

        affected_rows: int

    insert_events_scheduled_task: InsertEventsScheduledTask | None


def plan_conclusion(*, name: str, due_at: datetime.datetime, payload: Any) -> Mutation[PlanConclusion]:
    """Named after the request, so that it is planned once."""
    variables: dict[str, Any] = {"name": name, "due_at": due_at, "payload": payload}
    return Mutation(document=_PLAN_CONCLUSION, variables=variables, answer=PlanConclusion)


_CONCLUDE_DATA_DELETION: Final = Document(
    name="ConcludeDataDeletion",
    kind="mutation",
    text="""\
mutation ConcludeDataDeletion($id: uuid!) {
  concluded: conclude_data_deletion(id: $id)
}""",
)


class ConcludeDataDeletion(Answer):
    """The answer of `conclude_data_deletion`."""

    concluded: Any


def conclude_data_deletion(*, id: uuid.UUID) -> Mutation[ConcludeDataDeletion]:
    """Forget the events about the person and write the proof; or say how many events still wait."""
    variables: dict[str, Any] = {"id": id}
    return Mutation(document=_CONCLUDE_DATA_DELETION, variables=variables, answer=ConcludeDataDeletion)
