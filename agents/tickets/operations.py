"""The operations of `operations.graphql`, typed. Generated: change that file, run `make clients`."""

import datetime
import uuid
from typing import Any, Final, TypedDict

from agents.graphql.documents import Document
from agents.graphql.operations import Answer, Mutation


class SupportTicketInsertInput(TypedDict, total=False):
    """`support_ticket_insert_input`: its scalar fields."""

    customer_id: uuid.UUID | None
    zendesk_ticket_id: int | None
    subject: str | None
    description: str | None
    category: str | None
    status: str | None
    priority: str | None
    invoice_id: str | None
    solved_at: datetime.datetime | None
    zendesk_updated_at: datetime.datetime | None


_RECORD_TICKET: Final = Document(
    name="RecordTicket",
    kind="mutation",
    text="""\
mutation RecordTicket($ticket: support_ticket_insert_input!) {
  insert_support_ticket(
    objects: [$ticket]
    on_conflict: { constraint: support_ticket_zendesk_ticket_id_key, update_columns: [] }
  ) {
    affected_rows
  }
}""",
)


class RecordTicket(Answer):
    """The answer of `record_ticket`."""

    class InsertSupportTicket(Answer):
        """Of type `support_ticket_mutation_response`."""

        affected_rows: int

    insert_support_ticket: InsertSupportTicket | None


def record_ticket(*, ticket: SupportTicketInsertInput) -> Mutation[RecordTicket]:
    """A ticket that Zendesk has; what is recorded already stays."""
    variables: dict[str, Any] = {"ticket": ticket}
    return Mutation(document=_RECORD_TICKET, variables=variables, answer=RecordTicket)


_RECORD_SOLVED: Final = Document(
    name="RecordSolved",
    kind="mutation",
    text="""\
mutation RecordSolved($zendesk_ticket_id: bigint!, $solved_at: timestamptz!) {
  update_support_ticket(
    where: {
      zendesk_ticket_id: { _eq: $zendesk_ticket_id }
      status: { _nin: ["solved", "closed"] }
    }
    _set: { status: "solved", solved_at: $solved_at }
  ) {
    affected_rows
  }
}""",
)


class RecordSolved(Answer):
    """The answer of `record_solved`."""

    class UpdateSupportTicket(Answer):
        """Of type `support_ticket_mutation_response`."""

        affected_rows: int

    update_support_ticket: UpdateSupportTicket | None


def record_solved(*, zendesk_ticket_id: int, solved_at: datetime.datetime) -> Mutation[RecordSolved]:
    """A ticket that was dealt with."""
    variables: dict[str, Any] = {"zendesk_ticket_id": zendesk_ticket_id, "solved_at": solved_at}
    return Mutation(document=_RECORD_SOLVED, variables=variables, answer=RecordSolved)
