"""The operations of `operations.graphql`, typed. Generated: change that file, run `make clients`."""

import datetime
import uuid
from typing import Any, Final

from agents.graphql.documents import Document
from agents.graphql.operations import Answer, Mutation, Query

_GET_CUSTOMER: Final = Document(
    name="GetCustomer",
    kind="query",
    text="""\
query GetCustomer($id: uuid!) {
  customer: customer_by_pk(id: $id) {
    id
    email
    first_name
    last_name
    phone
    zendesk_user_id
    deleted_at
  }
}""",
)


class GetCustomer(Answer):
    """The answer of `get_customer`."""

    class Customer(Answer):
        """Of type `customer`."""

        id: uuid.UUID
        email: str | None
        first_name: str | None
        last_name: str | None
        phone: str | None
        zendesk_user_id: int | None
        deleted_at: datetime.datetime | None

    customer: Customer | None


def get_customer(*, id: uuid.UUID) -> Query[GetCustomer]:
    """The query `GetCustomer`."""
    variables: dict[str, Any] = {"id": id}
    return Query(document=_GET_CUSTOMER, variables=variables, answer=GetCustomer)


_SET_ZENDESK_USER: Final = Document(
    name="SetZendeskUser",
    kind="mutation",
    text="""\
mutation SetZendeskUser($id: uuid!, $zendesk_user_id: bigint!) {
  update_customer_by_pk(
    pk_columns: { id: $id }
    _set: { zendesk_user_id: $zendesk_user_id }
  ) {
    id
  }
}""",
)


class SetZendeskUser(Answer):
    """The answer of `set_zendesk_user`."""

    class UpdateCustomerByPk(Answer):
        """Of type `customer`."""

        id: uuid.UUID

    update_customer_by_pk: UpdateCustomerByPk | None


def set_zendesk_user(*, id: uuid.UUID, zendesk_user_id: int) -> Mutation[SetZendeskUser]:
    """The mutation `SetZendeskUser`."""
    variables: dict[str, Any] = {"id": id, "zendesk_user_id": zendesk_user_id}
    return Mutation(document=_SET_ZENDESK_USER, variables=variables, answer=SetZendeskUser)


_GET_TICKET: Final = Document(
    name="GetTicket",
    kind="query",
    text="""\
query GetTicket($id: uuid!) {
  ticket: support_ticket_by_pk(id: $id) {
    id
    zendesk_ticket_id
    subject
    description
    category
    status
    priority
    customer {
      id
      email
      first_name
      last_name
      phone
      zendesk_user_id
      deleted_at
    }
  }
}""",
)


class GetTicket(Answer):
    """The answer of `get_ticket`."""

    class Ticket(Answer):
        """Of type `support_ticket`."""

        class Customer(Answer):
            """Of type `customer`."""

            id: uuid.UUID
            email: str | None
            first_name: str | None
            last_name: str | None
            phone: str | None
            zendesk_user_id: int | None
            deleted_at: datetime.datetime | None

        id: uuid.UUID
        zendesk_ticket_id: int | None
        subject: str
        description: str
        category: str
        status: str
        priority: str
        customer: Customer | None

    ticket: Ticket | None


def get_ticket(*, id: uuid.UUID) -> Query[GetTicket]:
    """A ticket as it is now, and whose it is."""
    variables: dict[str, Any] = {"id": id}
    return Query(document=_GET_TICKET, variables=variables, answer=GetTicket)


_SET_ZENDESK_TICKET: Final = Document(
    name="SetZendeskTicket",
    kind="mutation",
    text="""\
mutation SetZendeskTicket($id: uuid!, $zendesk_ticket_id: bigint!) {
  update_support_ticket(
    where: { id: { _eq: $id }, zendesk_ticket_id: { _is_null: true } }
    _set: { zendesk_ticket_id: $zendesk_ticket_id }
  ) {
    affected_rows
  }
}""",
)


class SetZendeskTicket(Answer):
    """The answer of `set_zendesk_ticket`."""

    class UpdateSupportTicket(Answer):
        """Of type `support_ticket_mutation_response`."""

        affected_rows: int

    update_support_ticket: UpdateSupportTicket | None


def set_zendesk_ticket(*, id: uuid.UUID, zendesk_ticket_id: int) -> Mutation[SetZendeskTicket]:
    """Where a ticket of ours is in Zendesk."""
    variables: dict[str, Any] = {"id": id, "zendesk_ticket_id": zendesk_ticket_id}
    return Mutation(document=_SET_ZENDESK_TICKET, variables=variables, answer=SetZendeskTicket)


_GET_COMMENT: Final = Document(
    name="GetComment",
    kind="query",
    text="""\
query GetComment($id: uuid!) {
  comment: support_ticket_comment_by_pk(id: $id) {
    body
    public
    zendesk_comment_id
  }
}""",
)


class GetComment(Answer):
    """The answer of `get_comment`."""

    class Comment(Answer):
        """Of type `support_ticket_comment`."""

        body: str
        public: bool
        zendesk_comment_id: int | None

    comment: Comment | None


def get_comment(*, id: uuid.UUID) -> Query[GetComment]:
    """The query `GetComment`."""
    variables: dict[str, Any] = {"id": id}
    return Query(document=_GET_COMMENT, variables=variables, answer=GetComment)


_SET_ZENDESK_COMMENT: Final = Document(
    name="SetZendeskComment",
    kind="mutation",
    text="""\
mutation SetZendeskComment($id: uuid!, $zendesk_comment_id: bigint!) {
  update_support_ticket_comment(
    where: { id: { _eq: $id }, zendesk_comment_id: { _is_null: true } }
    _set: { zendesk_comment_id: $zendesk_comment_id }
  ) {
    affected_rows
  }
}""",
)


class SetZendeskComment(Answer):
    """The answer of `set_zendesk_comment`."""

    class UpdateSupportTicketComment(Answer):
        """Of type `support_ticket_comment_mutation_response`."""

        affected_rows: int

    update_support_ticket_comment: UpdateSupportTicketComment | None


def set_zendesk_comment(*, id: uuid.UUID, zendesk_comment_id: int) -> Mutation[SetZendeskComment]:
    """Where a comment of ours is in Zendesk."""
    variables: dict[str, Any] = {"id": id, "zendesk_comment_id": zendesk_comment_id}
    return Mutation(document=_SET_ZENDESK_COMMENT, variables=variables, answer=SetZendeskComment)
