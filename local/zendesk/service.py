"""Zendesk's routes and rules."""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from integrations.zendesk.signature import sign
from local.standin.instruction import Instruction, need
from local.standin.service import Call, Idempotency, Reply, Section, Service
from local.standin.store import Store
from local.standin.webhooks import Webhook
from local.zendesk.replies import json_reply, refusal
from local.zendesk.tickets import Tickets
from local.zendesk.users import SUPPORT_USER_ID, Users

_INDEXES = """
CREATE INDEX IF NOT EXISTS by_external_id ON document (kind, json_extract(body, '$.external_id'));
CREATE INDEX IF NOT EXISTS by_email ON document (kind, json_extract(body, '$.email'));
CREATE INDEX IF NOT EXISTS by_ticket_id ON document (kind, json_extract(body, '$.ticket_id'));
"""

ACCOUNT_ID = 1
_TYPE = "zen:event-type:"
#: Kind of the documents that keep what was told.
_EVENT = "event"
_EVENT_VERSION = "2022-11-06"
_KEY_KEPT = timedelta(hours=2)

_ERRORS: Mapping[int, tuple[str, str]] = {
    404: ("RecordNotFound", "Not found"),
    429: ("APIRateLimitExceeded", "Number of allowed API requests per minute exceeded"),
    503: ("ServiceUnavailable", "Service is temporarily unavailable"),
}


class ZendeskService(Service):
    """One Zendesk account."""

    name = "zendesk"
    title = "Zendesk"
    webhook_example: Mapping[str, Any] = {
        "event_type": "ticket.status_changed",
        "content": {"subject": "zen:ticket:1", "detail": {"id": "1", "status": "SOLVED"}, "event": {}},
    }
    idempotency = Idempotency(
        header="idempotency-key",
        keep=_KEY_KEPT,
        # Only the creation of tickets knows keys.
        applies=lambda call: call.method == "POST" and call.path.removesuffix(".json") == "/api/v2/tickets",
        replay_headers={"x-idempotency-lookup": "hit"},
        fresh_headers={"x-idempotency-lookup": "miss"},
        mismatch=lambda _call: refusal(
            "IdempotentRequestError", "The request's parameters differ from those first sent with this key", 400
        ),
    )

    def __init__(
        self,
        store: Store,
        *,
        email: str | None = None,
        api_token: str | None = None,
        webhook_secret: str | None = None,
    ) -> None:
        super().__init__(store)
        store.prepare(_INDEXES)
        self._email = email
        self._api_token = api_token
        self._webhook_secret = SecretStr(webhook_secret) if webhook_secret else None
        self.users = Users(store, self.clock)
        self.tickets = Tickets(store, self.clock, self.users, self._tell)
        for method, path, handler in (
            ("POST", "/api/v2/users/create_or_update", self.users.create_or_update),
            ("GET", "/api/v2/users/search", self.users.search),
            ("GET", "/api/v2/users/{id:int}/tickets/requested", self.tickets.requested),
            ("GET", "/api/v2/users/{id:int}", self.users.show),
            ("PUT", "/api/v2/users/{id:int}", self.users.update),
            ("DELETE", "/api/v2/users/{id:int}", self.users.delete),
            ("DELETE", "/api/v2/deleted_users/{id:int}", self.users.delete_for_good),
            ("POST", "/api/v2/users", self.users.create),
            ("GET", "/api/v2/users", self.users.listing),
            ("POST", "/api/v2/tickets", self.tickets.create),
            ("GET", "/api/v2/tickets", self.tickets.listing),
            ("GET", "/api/v2/tickets/{id:int}/comments", self.tickets.comments),
            ("GET", "/api/v2/tickets/{id:int}/audits", self.tickets.audits),
            ("GET", "/api/v2/tickets/{id:int}", self.tickets.show),
            ("PUT", "/api/v2/tickets/{id:int}", self.tickets.update),
            ("DELETE", "/api/v2/tickets/{id:int}", self.tickets.delete),
            ("DELETE", "/api/v2/deleted_tickets/{id:int}", self.tickets.delete_for_good),
        ):
            self.routes.add(method, path, handler)
            self.routes.add(method, f"{path}.json", handler)

    def refuse_stranger(self, call: Call) -> Reply | None:
        """401 unless basic authentication says ``{email}/token:{token}``; without a token of its own, any is right."""
        scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            given = ""
        who, _, token = given.partition(":")
        right = scheme.lower() == "basic" and who.endswith("/token") and bool(token)
        if right and self._api_token is not None:
            wanted = f"{self._email}/token:{self._api_token}"
            right = secrets.compare_digest(given.encode(), wanted.encode())
        return None if right else json_reply({"error": "Couldn't authenticate you"}, 401)

    def error(self, status: int, *, retry_after_s: int | None = None) -> Reply:
        """``{"error", "description"}``."""
        error, description = _ERRORS.get(status, ("InternalError", f"status {status}"))
        headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
        return json_reply({"error": error, "description": description}, status, headers)

    def sections(self) -> Sequence[Section]:
        """Tickets and requesters."""
        return (
            Section(
                title="Tickets",
                columns=("Id", "Status", "Priority", "Subject", "Requester", "Tags", "External id", "Updated"),
                rows=[
                    (
                        one["id"],
                        one["status"],
                        one["priority"],
                        one["subject"],
                        one["requester_id"],
                        " ".join(one["tags"]),
                        one["external_id"],
                        one["updated_at"],
                    )
                    for one in self.store.all("ticket", limit=100)
                ],
            ),
            Section(
                title="Users",
                columns=("Id", "Name", "E-mail", "External id", "Updated"),
                rows=[
                    (one["id"], one["name"], one["email"], one["external_id"], one["updated_at"])
                    for one in self.store.all("user", limit=100)
                ],
            ),
        )

    def webhook(self, event_type: str, content: Mapping[str, Any]) -> Webhook:
        """An event: ``ticket.status_changed`` and the like; ``content`` has ``subject``, ``detail`` and ``event``."""
        event_id = str(uuid.uuid4())
        body = {
            "account_id": ACCOUNT_ID,
            "id": event_id,
            "time": self.clock.now().isoformat().replace("+00:00", "Z"),
            "type": f"{_TYPE}{event_type}",
            "zendesk_event_version": _EVENT_VERSION,
            "subject": content.get("subject", ""),
            "detail": content.get("detail", {}),
            "event": content.get("event", {}),
        }
        now = self.clock.epoch()
        self.store.put(_EVENT, event_id, body, created_at=now, updated_at=now)
        return Webhook(event_id=event_id, event_type=event_type, body=body)

    def webhook_again(self, event_id: str) -> Webhook:
        """An earlier webhook, to the letter."""
        body = self.store.find(_EVENT, event_id)
        if body is None:
            raise ValueError(f"there was no webhook {event_id!r}")
        return Webhook(event_id=event_id, event_type=body["type"].removeprefix(_TYPE), body=body)

    def sign_webhook(self, body: bytes) -> Mapping[str, str]:
        """Zendesk's headers, signed with the machine's time: receivers compare it with theirs."""
        headers = {
            "x-zendesk-account-id": str(ACCOUNT_ID),
            "x-zendesk-webhook-invocation-id": uuid.uuid4().hex,
        }
        if self._webhook_secret is not None:
            headers |= sign(body, secret=self._webhook_secret, at=datetime.now(UTC))
        return headers

    def instructions(self) -> Mapping[str, Instruction]:
        """What people do there."""
        return {
            "tickets": Instruction(
                about="Be a member of the support team, or with as the requester: with an id change that ticket, "
                "else open one for requester_id. A comment is public unless public is false.",
                fields={
                    "id": (int, str),
                    "requester_id": (int, str),
                    "as": str,
                    "status": str,
                    "priority": str,
                    "subject": str,
                    "comment": str,
                    "public": bool,
                },
                example={"id": 1, "status": "solved", "comment": "Done.", "public": True},
                carry_out=self._act_on_ticket,
            )
        }

    def _act_on_ticket(self, body: Mapping[str, Any]) -> Any:
        given: dict[str, Any] = {name: body[name] for name in ("status", "priority", "subject") if body.get(name)}
        if body.get("comment"):
            given["comment"] = {"body": body["comment"], "public": body.get("public", True)}
        actor_id = SUPPORT_USER_ID
        if "id" in body:
            ticket_id = int(body["id"])
            if body.get("as") == "requester":
                actor_id = self.tickets.requester_of(ticket_id)
            return {"ticket": self.tickets.change(ticket_id, given, actor_id=actor_id)}
        requester_id = int(need(body, "requester_id"))
        if body.get("as") == "requester":
            actor_id = requester_id
        ticket, _audit = self.tickets.open({**given, "requester_id": requester_id}, actor_id=actor_id)
        return {"ticket": ticket}

    def _tell(self, event_type: str, content: Mapping[str, Any]) -> None:
        self.webhooks.add(self.webhook(event_type, content))


def build(store: Store) -> ZendeskService:
    """The service with ``ZENDESK_EMAIL`` and ``ZENDESK_API_TOKEN``; without a token any credentials are right.

    Webhooks go to ``ZENDESK_WEBHOOK_URL``, signed with ``ZENDESK_WEBHOOK_SECRET``, until a control says otherwise.
    """
    service = ZendeskService(
        store,
        email=os.environ.get("ZENDESK_EMAIL"),
        api_token=os.environ.get("ZENDESK_API_TOKEN") or None,
        webhook_secret=os.environ.get("ZENDESK_WEBHOOK_SECRET") or None,
    )
    service.webhooks.aim_as_set_up(service.name)
    return service
