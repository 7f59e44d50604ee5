"""The operations of `operations.graphql`, typed."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

from agents.graphql.documents import Document, load_documents
from agents.graphql.operations import Answer, Mutation, Query


@cache
def documents() -> Mapping[str, Document]:
    """The operations by name, read once."""
    return load_documents(Path(__file__).with_name("operations.graphql"))


class Customer(Answer):
    """How a customer can be reached, and whether they want to be."""

    id: UUID
    email: str | None
    phone: str | None
    first_name: str | None
    email_opt_out: bool
    sms_opt_out: bool
    deleted_at: datetime | None


class GetRecipient(Answer):
    """The answer of `get_recipient`."""

    customer: Customer | None


def get_recipient(customer_id: UUID) -> Query[GetRecipient]:
    """A customer's addresses and opt-outs."""
    return Query(document=documents()["GetRecipient"], variables={"id": customer_id}, answer=GetRecipient)


def record_notification(
    *,
    event_id: UUID,
    customer_id: UUID,
    channel: str,
    template: str,
    data: dict[str, Any],
    status: Literal["sent", "delivered", "suppressed"],
    recipient: str | None = None,
    status_reason: str | None = None,
    provider_message_id: str | None = None,
    sent_at: datetime | None = None,
) -> Mutation:
    """A message that left, or why it didn't; what is recorded already stays."""
    return Mutation(
        document=documents()["RecordNotification"],
        variables={
            "event_id": event_id,
            "customer_id": customer_id,
            "channel": channel,
            "template": template,
            "recipient": recipient,
            "data": data,
            "status": status,
            "status_reason": status_reason,
            "provider_message_id": provider_message_id,
            "sent_at": sent_at,
        },
    )
