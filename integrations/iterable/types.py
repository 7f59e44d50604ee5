"""What the Iterable client takes and gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Medium(StrEnum):
    """The channel of a campaign, as Iterable spells it."""

    EMAIL = "Email"
    SMS = "SMS"


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipient:
    """Who gets a message or did something: our customer id, which is Iterable's ``userId``.

    Addresses are used when Iterable does not know the person yet: a profile with them is made then. Messages go to the
    addresses of the profile; `IterableClient.update_user` changes those.
    """

    user_id: str
    email: str | None = field(default=None, repr=False)
    #: In E.164, ``+15551234567``.
    phone: str | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """A profile."""

    user_id: str | None
    email: str | None
    fields: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class SentMessage:
    """A message that Iterable took over for sending."""

    #: Iterable's id of the message; None when it did not tell.
    message_id: str | None
    campaign_id: int
    #: Whether an earlier call with the same idempotency key had sent it.
    replayed: bool
