"""The operations of `operations.graphql`, typed. Generated: change that file, run `make clients`."""

import datetime
import uuid
from typing import Any, Final

from agents.graphql.documents import Document
from agents.graphql.operations import Answer, Query

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
    """Whose subscription it is."""
    variables: dict[str, Any] = {"id": id}
    return Query(document=_GET_CUSTOMER, variables=variables, answer=GetCustomer)


_GET_CONTRACT_STATUS: Final = Document(
    name="GetContractStatus",
    kind="query",
    text="""\
query GetContractStatus($id: uuid!) {
  contract: contract_by_pk(id: $id) {
    status
  }
}""",
)


class GetContractStatus(Answer):
    """The answer of `get_contract_status`."""

    class Contract(Answer):
        """Of type `contract`."""

        status: str

    contract: Contract | None


def get_contract_status(*, id: uuid.UUID) -> Query[GetContractStatus]:
    """How the contract stands that the subscription pays for."""
    variables: dict[str, Any] = {"id": id}
    return Query(document=_GET_CONTRACT_STATUS, variables=variables, answer=GetContractStatus)
