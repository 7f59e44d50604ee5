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
