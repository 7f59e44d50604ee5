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
    firebase_uid
    email
    first_name
    last_name
    deleted_at
  }
}""",
)


class GetCustomer(Answer):
    """The answer of `get_customer`."""

    class Customer(Answer):
        """Of type `customer`."""

        id: uuid.UUID
        firebase_uid: str | None
        email: str | None
        first_name: str | None
        last_name: str | None
        deleted_at: datetime.datetime | None

    customer: Customer | None


def get_customer(*, id: uuid.UUID) -> Query[GetCustomer]:
    """A customer, as far as their account shows it."""
    variables: dict[str, Any] = {"id": id}
    return Query(document=_GET_CUSTOMER, variables=variables, answer=GetCustomer)


_GET_STAFF: Final = Document(
    name="GetStaff",
    kind="query",
    text="""\
query GetStaff($id: uuid!) {
  staff: staff_by_pk(id: $id) {
    id
    firebase_uid
    email
    first_name
    last_name
    role
    active
  }
}""",
)


class GetStaff(Answer):
    """The answer of `get_staff`."""

    class Staff(Answer):
        """Of type `staff`."""

        id: uuid.UUID
        firebase_uid: str | None
        email: str
        first_name: str
        last_name: str
        role: str
        active: bool

    staff: Staff | None


def get_staff(*, id: uuid.UUID) -> Query[GetStaff]:
    """A member of staff, as far as their account shows it."""
    variables: dict[str, Any] = {"id": id}
    return Query(document=_GET_STAFF, variables=variables, answer=GetStaff)


_SET_STAFF_ACCOUNT: Final = Document(
    name="SetStaffAccount",
    kind="mutation",
    text="""\
mutation SetStaffAccount($id: uuid!, $firebase_uid: String!) {
  update_staff_by_pk(
    pk_columns: { id: $id }
    _set: { firebase_uid: $firebase_uid }
  ) {
    id
  }
}""",
)


class SetStaffAccount(Answer):
    """The answer of `set_staff_account`."""

    class UpdateStaffByPk(Answer):
        """Of type `staff`."""

        id: uuid.UUID

    update_staff_by_pk: UpdateStaffByPk | None


def set_staff_account(*, id: uuid.UUID, firebase_uid: str) -> Mutation[SetStaffAccount]:
    """The account that a member of staff signs in with."""
    variables: dict[str, Any] = {"id": id, "firebase_uid": firebase_uid}
    return Mutation(document=_SET_STAFF_ACCOUNT, variables=variables, answer=SetStaffAccount)
