"""Zendesk's calls that the platform makes (https://developer.zendesk.com/api-reference/ticketing/introduction/).

Users are kept by our customer id (``external_id``): making one twice changes it. Tickets are made with Zendesk's
``Idempotency-Key``, which it remembers for some hours only; the key is the ticket's ``external_id`` too and is looked
for first, so that a ticket is made once even when its event is replayed a month later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

import httpx

from integrations.client import OutsideClient
from integrations.errors import NotFound
from integrations.http import HttpClient, Problem, path
from integrations.zendesk.settings import ZendeskSettings
from integrations.zendesk.types import Priority, Ticket, TicketStatus, User

SERVICE = "zendesk"

#: Zendesk's largest page.
_PAGE = 100

#: The name under which an update's audit carries its idempotency key.
KEY_METADATA = "caregraph_key"


class ZendeskClient(OutsideClient):
    """Calls one Zendesk account. Open it once per program: ``async with ZendeskClient(settings) as zendesk``."""

    def __init__(self, settings: ZendeskSettings) -> None:
        self._http = HttpClient(
            service=SERVICE,
            base_url=settings.base_url,
            settings=settings,
            auth=httpx.BasicAuth(f"{settings.email}/token", settings.api_token.get_secret_value()),
            idempotency_header="Idempotency-Key",
            read_problem=_read_problem,
        )
        super().__init__(self._http.guard, self._http.aclose)

    async def upsert_user(
        self,
        external_id: str,
        *,
        name: str,
        email: str | None = None,
        phone: str | None = None,
        user_fields: Mapping[str, Any] | None = None,
        tags: Sequence[str] | None = None,
    ) -> User:
        """The requester record of a customer, made or brought up to date. Safe to repeat.

        Zendesk needs a name, so a customer without one is named by ``external_id``. No verification mail is sent.
        """
        user = {
            "external_id": external_id,
            "name": name.strip() or external_id,
            "email": email,
            "phone": phone,
            "user_fields": dict(user_fields) if user_fields is not None else None,
            "tags": list(tags) if tags is not None else None,
            "skip_verify_email": True,
        }
        answer = await self._http.call(
            "upsert_user", "POST", "/api/v2/users/create_or_update.json", body={"user": _present(user)}
        )
        return User.parse(answer.data["user"])

    async def find_user(self, external_id: str) -> User | None:
        """The requester record of a customer, or None."""
        answer = await self._http.call(
            "find_user", "GET", "/api/v2/users/search.json", query={"external_id": external_id}
        )
        users = answer.data["users"]
        return User.parse(users[0]) if users else None

    async def find_requesters_by_email(self, email: str) -> list[User]:
        """The end users who have this very address; no agents of ours, whose accounts these are as well."""
        # https://developer.zendesk.com/api-reference/ticketing/users/users/#search-users
        answer = await self._http.call(
            "find_users_by_email", "GET", "/api/v2/users/search.json", query={"query": f'email:"{email}"'}
        )
        found = [one for one in answer.data["users"] if one.get("role", "end-user") == "end-user"]
        return [user for user in map(User.parse, found) if (user.email or "").lower() == email.lower()]

    async def delete_user(self, user_id: int) -> bool:
        """Delete a user for good, in Zendesk's two steps; False when there was none. Safe to repeat."""
        # Not found: the first step was done before, or there never was such a user; the second step tells which.
        with suppress(NotFound):
            await self._http.call("delete_user", "DELETE", path("/api/v2/users/{id}.json", id=user_id))
        try:
            await self._http.call("forget_user", "DELETE", path("/api/v2/deleted_users/{id}.json", id=user_id))
        except NotFound:
            return False
        return True

    async def list_tickets_of(self, user_id: int) -> list[Ticket]:
        """All tickets that a user requested, also old ones."""
        found: list[Ticket] = []
        page = 1
        while True:
            answer = await self._http.call(
                "list_tickets_of",
                "GET",
                path("/api/v2/users/{id}/tickets/requested.json", id=user_id),
                query={"page": page, "per_page": _PAGE},
            )
            found += [Ticket.parse(one) for one in answer.data["tickets"]]
            if answer.data.get("next_page") is None:
                return found
            page += 1

    async def delete_ticket(self, ticket_id: int) -> None:
        """Delete a ticket for good, in Zendesk's two steps. Safe to repeat."""
        with suppress(NotFound):
            await self._http.call("delete_ticket", "DELETE", path("/api/v2/tickets/{id}.json", id=ticket_id))
        with suppress(NotFound):
            await self._http.call("forget_ticket", "DELETE", path("/api/v2/deleted_tickets/{id}.json", id=ticket_id))

    async def create_ticket(
        self,
        *,
        requester_id: int,
        subject: str,
        body: str,
        public: bool = False,
        priority: Priority | None = None,
        tags: Sequence[str] = (),
        custom_fields: Mapping[int, Any] | None = None,
        idempotency_key: str,
    ) -> Ticket:
        """A ticket with its first comment, made once for this key. ``public`` comments are mailed to the requester."""
        existing = await self.find_ticket(idempotency_key)
        if existing is not None:
            return existing
        ticket = {
            "external_id": idempotency_key,
            "requester_id": requester_id,
            "subject": subject,
            "comment": {"body": body, "public": public},
            "priority": priority,
            "tags": list(tags),
            "custom_fields": _custom_fields(custom_fields),
        }
        answer = await self._http.call(
            "create_ticket",
            "POST",
            "/api/v2/tickets.json",
            body={"ticket": _present(ticket)},
            idempotency_key=idempotency_key,
        )
        replayed = answer.headers.get("x-idempotency-lookup") == "hit"
        return Ticket.parse(answer.data["ticket"], replayed=replayed)

    async def find_ticket(self, external_id: str) -> Ticket | None:
        """The ticket made with this key, or None."""
        answer = await self._http.call("find_ticket", "GET", "/api/v2/tickets.json", query={"external_id": external_id})
        tickets = answer.data["tickets"]
        return Ticket.parse(tickets[0], replayed=True) if tickets else None

    async def get_ticket(self, ticket_id: int) -> Ticket:
        """The ticket; raises NotFound."""
        answer = await self._http.call("get_ticket", "GET", path("/api/v2/tickets/{id}.json", id=ticket_id))
        return Ticket.parse(answer.data["ticket"])

    async def update_ticket(
        self,
        ticket_id: int,
        *,
        subject: str | None = None,
        status: TicketStatus | None = None,
        priority: Priority | None = None,
        comment: str | None = None,
        public: bool = False,
        tags: Sequence[str] | None = None,
        custom_fields: Mapping[int, Any] | None = None,
        idempotency_key: str,
    ) -> Ticket:
        """The ticket with what is given changed. A comment is added once for this key; the rest is set, not added.

        Zendesk has no idempotency key for updates, so the comment's key goes into the metadata of the update and is
        looked for in the ticket's audits before the comment is added, also before it is tried again.
        """
        change = _present(
            {
                "subject": subject,
                "status": status,
                "priority": priority,
                "tags": list(tags) if tags is not None else None,
                "custom_fields": _custom_fields(custom_fields),
            }
        )
        url_path = path("/api/v2/tickets/{id}.json", id=ticket_id)

        async def attempt() -> Ticket:
            wanted = dict(change)
            if comment is not None and await self._find_comment("update_ticket", ticket_id, idempotency_key) is None:
                wanted["comment"] = {"body": comment, "public": public}
                wanted["metadata"] = {KEY_METADATA: idempotency_key}
            answer = await self._http.send("update_ticket", "PUT", url_path, body={"ticket": wanted})
            return Ticket.parse(answer.data["ticket"])

        return await self.guard.call("update_ticket", attempt)

    async def add_comment(self, ticket_id: int, body: str, *, public: bool, idempotency_key: str) -> int:
        """The id of a comment that is added once for this key; a ``public`` one is mailed to the requester."""
        url_path = path("/api/v2/tickets/{id}.json", id=ticket_id)

        async def attempt() -> int:
            existing = await self._find_comment("add_comment", ticket_id, idempotency_key)
            if existing is not None:
                return existing
            wanted = {"comment": {"body": body, "public": public}, "metadata": {KEY_METADATA: idempotency_key}}
            answer = await self._http.send("add_comment", "PUT", url_path, body={"ticket": wanted})
            return _comment_id(answer.data["audit"])

        return await self.guard.call("add_comment", attempt)

    async def _find_comment(self, operation: str, ticket_id: int, idempotency_key: str) -> int | None:
        """The comment that was added with this key, by the metadata of its audit."""
        url_path = path("/api/v2/tickets/{id}/audits.json", id=ticket_id)
        query: dict[str, Any] = {"page[size]": 100}
        while True:
            answer = await self._http.send(operation, "GET", url_path, query=query)
            for audit in answer.data["audits"]:
                if audit.get("metadata", {}).get("custom", {}).get(KEY_METADATA) == idempotency_key:
                    return _comment_id(audit)
            meta = answer.data.get("meta", {})
            if not meta.get("has_more"):
                return None
            query["page[after]"] = meta["after_cursor"]


def _comment_id(audit: Mapping[str, Any]) -> int:
    comment_id: int = next(event["id"] for event in audit["events"] if event["type"] == "Comment")
    return comment_id


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _custom_fields(fields: Mapping[int, Any] | None) -> list[dict[str, Any]] | None:
    if fields is None:
        return None
    return [{"id": field_id, "value": value} for field_id, value in fields.items()]


def _read_problem(data: Any) -> Problem:
    """From ``{"error": "RecordInvalid", "description": …}`` or ``{"error": {"title": …, "message": …}}``."""
    if not isinstance(data, Mapping):
        return Problem()
    error = data.get("error")
    if isinstance(error, Mapping):
        return Problem(code=error.get("title"), detail=error.get("message"))
    return Problem(code=error, detail=data.get("description"))
