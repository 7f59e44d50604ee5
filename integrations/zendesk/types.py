"""What the Zendesk client takes and gives, in Zendesk's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class TicketStatus(StrEnum):
    """Where a ticket stands."""

    NEW = "new"
    OPEN = "open"
    PENDING = "pending"
    HOLD = "hold"
    SOLVED = "solved"
    CLOSED = "closed"


class Priority(StrEnum):
    """How urgent a ticket is."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"
    URGENT = "urgent"


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A requester record; ``external_id`` is our customer id."""

    id: int
    external_id: str | None
    name: str
    email: str | None
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> User:
        """From Zendesk's ``user`` object."""
        return cls(id=raw["id"], external_id=raw.get("external_id"), name=raw["name"], email=raw.get("email"), raw=raw)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """A ticket; ``external_id`` is the idempotency key that it was made with."""

    id: int
    external_id: str | None
    requester_id: int | None
    subject: str | None
    status: str
    priority: str | None
    tags: Sequence[str]
    updated_at: datetime
    #: Whether it was there before the call.
    replayed: bool
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def parse(cls, raw: Mapping[str, Any], *, replayed: bool = False) -> Ticket:
        """From Zendesk's ``ticket`` object."""
        return cls(
            id=raw["id"],
            external_id=raw.get("external_id"),
            requester_id=raw.get("requester_id"),
            subject=raw.get("subject"),
            status=raw["status"],
            priority=raw.get("priority"),
            tags=tuple(raw.get("tags", ())),
            updated_at=datetime.fromisoformat(raw["updated_at"]),
            replayed=replayed,
            raw=raw,
        )
