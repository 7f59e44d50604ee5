"""A customer's requester record in Zendesk."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

from agents.runtime.handler import Work
from integrations.zendesk.client import ZendeskClient
from integrations.zendesk.types import User


class Person(Protocol):
    """What a requester record is made of, and which one it is so far: a customer as a query has them."""

    @property
    def id(self) -> UUID:
        """The customer's id."""
        ...

    @property
    def email(self) -> str | None:
        """Address, if they gave one."""
        ...

    @property
    def first_name(self) -> str | None:
        """Given name."""
        ...

    @property
    def last_name(self) -> str | None:
        """Family name."""
        ...

    @property
    def phone(self) -> str | None:
        """In E.164."""
        ...

    @property
    def zendesk_user_id(self) -> int | None:
        """Their requester record, as far as it is known."""
        ...

    @property
    def deleted_at(self) -> datetime | None:
        """When their data was deleted."""
        ...


async def upsert_requester(person: Person, work: Work, zendesk: ZendeskClient) -> User:
    """Their requester record, made or brought up to date."""
    name = " ".join(part for part in (person.first_name, person.last_name) if part)
    async with work.step("requester", system="zendesk", action="upsert_user") as step:
        user = await zendesk.upsert_user(
            str(person.id), name=name or person.email or "", email=person.email, phone=person.phone
        )
        step.id = str(user.id)
    return user
