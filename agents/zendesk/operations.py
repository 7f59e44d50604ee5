"""The operations of `operations.graphql`, typed."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from uuid import UUID

from agents.graphql.documents import Document, load_documents
from agents.graphql.operations import Answer, Mutation, Query


@cache
def documents() -> Mapping[str, Document]:
    """The operations by name, read once."""
    return load_documents(Path(__file__).with_name("operations.graphql"))


class Customer(Answer):
    """What a requester record is made of, and which one it is so far."""

    id: UUID
    email: str | None
    first_name: str | None
    last_name: str | None
    phone: str | None
    zendesk_user_id: int | None
    deleted_at: datetime | None


class GetCustomer(Answer):
    """The answer of `get_customer`."""

    customer: Customer | None


def get_customer(customer_id: UUID) -> Query[GetCustomer]:
    """A customer by their id."""
    return Query(document=documents()["GetCustomer"], variables={"id": customer_id}, answer=GetCustomer)


def set_zendesk_user(customer_id: UUID, zendesk_user_id: int) -> Mutation:
    """The customer's requester record is this one."""
    return Mutation(
        document=documents()["SetZendeskUser"], variables={"id": customer_id, "zendesk_user_id": zendesk_user_id}
    )
