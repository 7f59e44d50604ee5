"""The operations of `operations.graphql`, typed."""

from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Key:
    """What a notification is known by: there is one row for it."""

    event_id: UUID
    channel: str
    template: str

    def variables(self) -> dict[str, Any]:
        """As variables of an operation."""
        return {"event_id": self.event_id, "channel": self.channel, "template": self.template}


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


class AffectedRows(Answer):
    """How many rows a mutation wrote."""

    affected_rows: int


class ClaimNotification(Answer):
    """The answer of `claim_notification`: one row when the claim holds, none when another's does."""

    claimed: AffectedRows


def claim_notification(
    key: Key, *, customer_id: UUID, recipient: str, data: dict[str, Any], claim: str, stale_before: datetime
) -> Query[ClaimNotification]:
    """Ask to be the one who sends. Asking again with the same `claim` renews it."""
    return Query(
        document=documents()["ClaimNotification"],
        variables={
            **key.variables(),
            "customer_id": customer_id,
            "recipient": recipient,
            "data": data,
            "claim": claim,
            "stale_before": stale_before,
        },
        answer=ClaimNotification,
    )


class Notification(Answer):
    """Where a notification stands."""

    status: str


class FindNotification(Answer):
    """The answer of `find_notification`: one or none."""

    notifications: list[Notification]


def find_notification(key: Key) -> Query[FindNotification]:
    """Where a notification stands."""
    return Query(document=documents()["FindNotification"], variables=key.variables(), answer=FindNotification)


def record_sent(key: Key, *, provider_message_id: str | None, sent_at: datetime) -> Mutation:
    """The claimed message was sent."""
    return Mutation(
        document=documents()["RecordSent"],
        variables={**key.variables(), "provider_message_id": provider_message_id, "sent_at": sent_at},
    )


def record_failed(key: Key, *, status_reason: str) -> Mutation:
    """The claimed message can't be sent as things are."""
    return Mutation(document=documents()["RecordFailed"], variables={**key.variables(), "status_reason": status_reason})


def record_notification(
    key: Key,
    *,
    customer_id: UUID,
    data: dict[str, Any],
    status: Literal["delivered", "suppressed"],
    status_reason: str | None = None,
    sent_at: datetime | None = None,
) -> Mutation:
    """A message that needs nobody outside; what is recorded already stays."""
    return Mutation(
        document=documents()["RecordNotification"],
        variables={
            **key.variables(),
            "customer_id": customer_id,
            "data": data,
            "status": status,
            "status_reason": status_reason,
            "sent_at": sent_at,
        },
    )
