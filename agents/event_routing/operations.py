"""The operations of `operations.graphql`, typed. Generated: change that file, run `make clients`."""

import datetime
import uuid
from typing import Any, Final, TypedDict

from agents.graphql.documents import Document
from agents.graphql.operations import Answer, Mutation, Query


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


class SupportTicketSetInput(TypedDict, total=False):
    """`support_ticket_set_input`: its scalar fields."""

    zendesk_ticket_id: int | None
    subject: str | None
    status: str | None
    priority: str | None
    solved_at: datetime.datetime | None
    zendesk_updated_at: datetime.datetime | None


class SupportTicketCommentInsertInput(TypedDict, total=False):
    """`support_ticket_comment_insert_input`: its scalar fields."""

    ticket_id: uuid.UUID | None
    author: str | None
    body: str | None
    public: bool | None
    zendesk_comment_id: int | None


_FIND_PERSON: Final = Document(
    name="FindPerson",
    kind="query",
    text="""\
query FindPerson($ids: [uuid!]!, $emails: [String!]!) {
  customers: customer(
    where: { _or: [{ id: { _in: $ids } }, { email: { _in: $emails } }] }
  ) {
    id
  }
}""",
)


class FindPerson(Answer):
    """The answer of `find_person`."""

    class Customers(Answer):
        """Of type `customer`."""

        id: uuid.UUID

    customers: list[Customers]


def find_person(*, ids: list[uuid.UUID], emails: list[str]) -> Query[FindPerson]:
    """Who unsubscribed, by our id or by address: Iterable knows people by either."""
    variables: dict[str, Any] = {"ids": ids, "emails": emails}
    return Query(document=_FIND_PERSON, variables=variables, answer=FindPerson)


_FIND_BILLED_CUSTOMER: Final = Document(
    name="FindBilledCustomer",
    kind="query",
    text="""\
query FindBilledCustomer($chargebee_customer_id: String!) {
  customers: customer(
    where: {
      chargebee_customer_id: { _eq: $chargebee_customer_id }
      deleted_at: { _is_null: true }
    }
  ) {
    id
  }
}""",
)


class FindBilledCustomer(Answer):
    """The answer of `find_billed_customer`."""

    class Customers(Answer):
        """Of type `customer`."""

        id: uuid.UUID

    customers: list[Customers]


def find_billed_customer(*, chargebee_customer_id: str) -> Query[FindBilledCustomer]:
    """The customer of ours who has a billing record in Chargebee."""
    variables: dict[str, Any] = {"chargebee_customer_id": chargebee_customer_id}
    return Query(document=_FIND_BILLED_CUSTOMER, variables=variables, answer=FindBilledCustomer)


_STOP_EMAIL: Final = Document(
    name="StopEmail",
    kind="mutation",
    text="""\
mutation StopEmail($customer_id: uuid!) {
  update_customer(
    where: { id: { _eq: $customer_id }, email_opt_out: { _eq: false } }
    _set: { email_opt_out: true }
  ) {
    affected_rows
  }
}""",
)


class StopEmail(Answer):
    """The answer of `stop_email`."""

    class UpdateCustomer(Answer):
        """Of type `customer_mutation_response`."""

        affected_rows: int

    update_customer: UpdateCustomer | None


def stop_email(*, customer_id: uuid.UUID) -> Mutation[StopEmail]:
    """No e-mail from now on but what law or care require."""
    variables: dict[str, Any] = {"customer_id": customer_id}
    return Mutation(document=_STOP_EMAIL, variables=variables, answer=StopEmail)


_STOP_SMS: Final = Document(
    name="StopSms",
    kind="mutation",
    text="""\
mutation StopSms($customer_id: uuid!) {
  update_customer(
    where: { id: { _eq: $customer_id }, sms_opt_out: { _eq: false } }
    _set: { sms_opt_out: true }
  ) {
    affected_rows
  }
}""",
)


class StopSms(Answer):
    """The answer of `stop_sms`."""

    class UpdateCustomer(Answer):
        """Of type `customer_mutation_response`."""

        affected_rows: int

    update_customer: UpdateCustomer | None


def stop_sms(*, customer_id: uuid.UUID) -> Mutation[StopSms]:
    """No text messages from now on."""
    variables: dict[str, Any] = {"customer_id": customer_id}
    return Mutation(document=_STOP_SMS, variables=variables, answer=StopSms)


_FIND_SENT_MESSAGE: Final = Document(
    name="FindSentMessage",
    kind="query",
    text="""\
query FindSentMessage($provider_message_id: String!) {
  notifications: notification(
    where: { provider_message_id: { _eq: $provider_message_id } }
  ) {
    id
    customer_id
  }
}""",
)


class FindSentMessage(Answer):
    """The answer of `find_sent_message`."""

    class Notifications(Answer):
        """Of type `notification`."""

        id: uuid.UUID
        customer_id: uuid.UUID

    notifications: list[Notifications]


def find_sent_message(*, provider_message_id: str) -> Query[FindSentMessage]:
    """The record of a message that Iterable sent for us."""
    variables: dict[str, Any] = {"provider_message_id": provider_message_id}
    return Query(document=_FIND_SENT_MESSAGE, variables=variables, answer=FindSentMessage)


_MESSAGE_FAILED: Final = Document(
    name="MessageFailed",
    kind="mutation",
    text="""\
mutation MessageFailed($provider_message_id: String!, $reason: String!) {
  update_notification(
    where: {
      provider_message_id: { _eq: $provider_message_id }
      status: { _in: ["sent", "delivered"] }
    }
    _set: { status: "failed", status_reason: $reason }
  ) {
    affected_rows
  }
}""",
)


class MessageFailed(Answer):
    """The answer of `message_failed`."""

    class UpdateNotification(Answer):
        """Of type `notification_mutation_response`."""

        affected_rows: int

    update_notification: UpdateNotification | None


def message_failed(*, provider_message_id: str, reason: str) -> Mutation[MessageFailed]:
    """A message that left and didn't arrive."""
    variables: dict[str, Any] = {"provider_message_id": provider_message_id, "reason": reason}
    return Mutation(document=_MESSAGE_FAILED, variables=variables, answer=MessageFailed)


_FIND_TICKET: Final = Document(
    name="FindTicket",
    kind="query",
    text="""\
query FindTicket($zendesk_ticket_id: bigint!, $zendesk_user_id: bigint!) {
  tickets: support_ticket(
    where: { zendesk_ticket_id: { _eq: $zendesk_ticket_id } }
  ) {
    id
  }
  requesters: customer(
    where: { zendesk_user_id: { _eq: $zendesk_user_id }, deleted_at: { _is_null: true } }
  ) {
    id
  }
}""",
)


class FindTicket(Answer):
    """The answer of `find_ticket`."""

    class Tickets(Answer):
        """Of type `support_ticket`."""

        id: uuid.UUID

    class Requesters(Answer):
        """Of type `customer`."""

        id: uuid.UUID

    tickets: list[Tickets]
    requesters: list[Requesters]


def find_ticket(*, zendesk_ticket_id: int, zendesk_user_id: int) -> Query[FindTicket]:
    """A ticket as we have it, and whose it would be."""
    variables: dict[str, Any] = {"zendesk_ticket_id": zendesk_ticket_id, "zendesk_user_id": zendesk_user_id}
    return Query(document=_FIND_TICKET, variables=variables, answer=FindTicket)


_ADD_TICKET: Final = Document(
    name="AddTicket",
    kind="mutation",
    text="""\
mutation AddTicket($ticket: support_ticket_insert_input!) {
  insert_support_ticket(
    objects: [$ticket]
    on_conflict: { constraint: support_ticket_zendesk_ticket_id_key, update_columns: [] }
  ) {
    affected_rows
  }
}""",
)


class AddTicket(Answer):
    """The answer of `add_ticket`."""

    class InsertSupportTicket(Answer):
        """Of type `support_ticket_mutation_response`."""

        affected_rows: int

    insert_support_ticket: InsertSupportTicket | None


def add_ticket(*, ticket: SupportTicketInsertInput) -> Mutation[AddTicket]:
    """A ticket that was opened in Zendesk."""
    variables: dict[str, Any] = {"ticket": ticket}
    return Mutation(document=_ADD_TICKET, variables=variables, answer=AddTicket)


_CHANGE_TICKET: Final = Document(
    name="ChangeTicket",
    kind="mutation",
    text="""\
mutation ChangeTicket($id: uuid!, $moment: timestamptz!, $set: support_ticket_set_input!) {
  update_support_ticket(
    where: {
      id: { _eq: $id }
      _or: [
        { zendesk_updated_at: { _is_null: true } }
        { zendesk_updated_at: { _lt: $moment } }
      ]
    }
    _set: $set
  ) {
    affected_rows
  }
}""",
)


class ChangeTicket(Answer):
    """The answer of `change_ticket`."""

    class UpdateSupportTicket(Answer):
        """Of type `support_ticket_mutation_response`."""

        affected_rows: int

    update_support_ticket: UpdateSupportTicket | None


def change_ticket(*, id: uuid.UUID, moment: datetime.datetime, set: SupportTicketSetInput) -> Mutation[ChangeTicket]:
    """A ticket as Zendesk had it at that moment, unless we know it from a later one."""
    variables: dict[str, Any] = {"id": id, "moment": moment, "set": set}
    return Mutation(document=_CHANGE_TICKET, variables=variables, answer=ChangeTicket)


_ADD_COMMENT: Final = Document(
    name="AddComment",
    kind="mutation",
    text="""\
mutation AddComment($comment: support_ticket_comment_insert_input!) {
  insert_support_ticket_comment(
    objects: [$comment]
    on_conflict: {
      constraint: support_ticket_comment_zendesk_comment_id_key
      update_columns: []
    }
  ) {
    affected_rows
  }
}""",
)


class AddComment(Answer):
    """The answer of `add_comment`."""

    class InsertSupportTicketComment(Answer):
        """Of type `support_ticket_comment_mutation_response`."""

        affected_rows: int

    insert_support_ticket_comment: InsertSupportTicketComment | None


def add_comment(*, comment: SupportTicketCommentInsertInput) -> Mutation[AddComment]:
    """A comment that was written in Zendesk."""
    variables: dict[str, Any] = {"comment": comment}
    return Mutation(document=_ADD_COMMENT, variables=variables, answer=AddComment)
