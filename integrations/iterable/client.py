"""Iterable's calls that the platform makes (https://api.iterable.com/api/docs).

Events are idempotent at Iterable: an event with an ``id`` that exists is overwritten. Messages and journeys are not, so
each message carries its idempotency key in its data, and before a message is sent, also before it is tried again, the
client looks among those already sent to the recipient. What stays open is the moment in which Iterable has accepted a
message and does not list it yet.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from integrations.client import OutsideClient
from integrations.errors import IntegrationError, NotFound, PermanentError
from integrations.http import Answer, HttpClient, Problem, path
from integrations.iterable.settings import IterableSettings
from integrations.iterable.types import Medium, Recipient, SentMessage, User

SERVICE = "iterable"

#: The data field that carries a message's idempotency key.
KEY_FIELD = "caregraphKey"

# How Iterable says that it knows no such person.
_UNKNOWN = ("UnknownUserIdError", "UnknownEmailError", "NotFound", "not_found")

# More messages of one campaign to one person than this are not looked through.
_SENT_LIMIT = 200


class IterableClient(OutsideClient):
    """Calls one Iterable project. Open it once per program: ``async with IterableClient(settings) as iterable``."""

    def __init__(self, settings: IterableSettings) -> None:
        self._settings = settings
        self._http = HttpClient(
            service=SERVICE,
            base_url=settings.base_url,
            settings=settings,
            headers={"api-key": settings.api_key.get_secret_value()},
            # Iterable does nothing with it; whoever looks at requests sees which step a call belongs to.
            idempotency_header="idempotency-key",
            read_problem=_read_problem,
        )
        super().__init__(self._http.guard, self._http.aclose)
        self._campaigns: dict[tuple[str, Medium], int] = {}
        self._journeys: dict[str, int] = {}

    async def update_user(self, recipient: Recipient, fields: Mapping[str, Any]) -> None:
        """Make or change a profile with the person's addresses and these fields; others stay. Safe to repeat."""
        await self._http.call("update_user", "POST", "/api/users/update", body=_profile(recipient, fields))

    async def find_user(self, user_id: str) -> User | None:
        """The profile, or None when there is none."""
        answer = await self._http.call("find_user", "GET", path("/api/users/byUserId/{user_id}", user_id=user_id))
        raw = (answer.data or {}).get("user")
        if raw is None:
            return None
        return User(user_id=raw.get("userId"), email=raw.get("email"), fields=raw.get("dataFields", {}))

    async def delete_user(self, user_id: str) -> bool:
        """Delete the profile and its events; False when there was none. Safe to repeat."""
        try:
            await self._http.call("delete_user", "DELETE", path("/api/users/byUserId/{user_id}", user_id=user_id))
        except NotFound:
            return False
        return True

    async def forget_user(self, recipient: Recipient) -> None:
        """Delete the profile and refuse all later data about that person (GDPR article 17). Safe to repeat."""
        for who in ({"userId": recipient.user_id}, {"email": recipient.email}):
            if all(who.values()):
                await self._http.call("forget_user", "POST", "/api/users/forget", body=who)

    async def track_event(
        self,
        recipient: Recipient,
        event_name: str,
        data: Mapping[str, Any],
        *,
        idempotency_key: str,
        occurred_at: datetime | None = None,
    ) -> None:
        """Record that something happened to the person. The key is the event's id there: repeating changes nothing."""
        body = {
            "userId": recipient.user_id,
            "eventName": event_name,
            "id": idempotency_key,
            "dataFields": dict(data),
            "createdAt": int((occurred_at or datetime.now(UTC)).timestamp()),
        }
        await self.guard.call(
            "track_event", lambda: self._post("track_event", "/api/events/track", body, recipient, idempotency_key)
        )

    async def track_purchase(
        self,
        recipient: Recipient,
        *,
        total: Decimal,
        item_id: str,
        item_name: str,
        data: Mapping[str, Any],
        idempotency_key: str,
        occurred_at: datetime | None = None,
    ) -> None:
        """Record a purchase of one item. ``total`` is in whole units of its currency, as Iterable counts money.

        The key is the purchase's id there: repeating changes nothing.
        """
        body = {
            "user": {"userId": recipient.user_id, **({"email": recipient.email} if recipient.email else {})},
            "items": [{"id": item_id, "name": item_name, "price": float(total), "quantity": 1}],
            "total": float(total),
            "id": idempotency_key,
            "dataFields": dict(data),
            "createdAt": int((occurred_at or datetime.now(UTC)).timestamp()),
        }
        await self.guard.call(
            "track_purchase",
            lambda: self._post("track_purchase", "/api/commerce/trackPurchase", body, recipient, idempotency_key),
        )

    async def trigger_workflow(
        self, workflow: str | int, recipient: Recipient, data: Mapping[str, Any], *, idempotency_key: str
    ) -> None:
        """Put the person into a journey: by our name, or by Iterable's number.

        Iterable has no key for this. The journey's own limit («once per user», or once in so many days) keeps a person
        from entering twice; the key goes along in the data for the journey's filters.
        """
        journey_id = workflow if isinstance(workflow, int) else await self._journey_id(workflow)
        body = {
            "userId": recipient.user_id,
            "workflowId": journey_id,
            "dataFields": {**data, KEY_FIELD: idempotency_key},
        }
        await self.guard.call(
            "trigger_workflow",
            lambda: self._post("trigger_workflow", "/api/workflows/triggerWorkflow", body, recipient, idempotency_key),
        )

    async def send_email(
        self, template: str | int, recipient: Recipient, data: Mapping[str, Any], *, idempotency_key: str
    ) -> SentMessage:
        """Send a triggered campaign by e-mail, once for this key: by our template name, or by the campaign's number.

        Raises PermanentError ``unknown_template`` when no campaign has that name.
        """
        return await self._send(Medium.EMAIL, template, recipient, data, idempotency_key)

    async def send_sms(
        self, template: str | int, recipient: Recipient, data: Mapping[str, Any], *, idempotency_key: str
    ) -> SentMessage:
        """Send a triggered campaign by SMS to the profile's telephone number, once for this key."""
        return await self._send(Medium.SMS, template, recipient, data, idempotency_key)

    async def _send(
        self, medium: Medium, template: str | int, recipient: Recipient, data: Mapping[str, Any], key: str
    ) -> SentMessage:
        campaign_id = template if isinstance(template, int) else await self._campaign_id(template, medium)
        operation = f"send_{medium.value.lower()}"
        body = {
            "recipientUserId": recipient.user_id,
            "campaignId": campaign_id,
            "dataFields": {**data, KEY_FIELD: key},
            # «Once for an event» is ours to keep; a second invoice is a second message.
            "allowRepeatMarketingSends": True,
        }

        async def attempt() -> SentMessage:
            sent = await self._find_sent(operation, medium, campaign_id, recipient, key)
            if sent is not None:
                return sent
            answer = await self._post(operation, f"/api/{medium.value.lower()}/target", body, recipient, key)
            return SentMessage(message_id=_message_id(answer), campaign_id=campaign_id, replayed=False)

        return await self.guard.call(operation, attempt)

    async def _find_sent(
        self, operation: str, medium: Medium, campaign_id: int, recipient: Recipient, key: str
    ) -> SentMessage | None:
        query: dict[str, Any] = {
            "userId": recipient.user_id,
            "campaignIds": [campaign_id],
            "messageMedium": medium.value,
            "limit": _SENT_LIMIT,
        }
        try:
            answer = await self._http.send(operation, "GET", "/api/users/getSentMessages", query=query)
        except IntegrationError as error:
            # Someone Iterable has never heard of was never sent anything.
            if error.code in _UNKNOWN:
                return None
            raise
        for message in (answer.data or {}).get("messages", ()):
            if message.get("dataFields", {}).get(KEY_FIELD) == key:
                return SentMessage(message_id=message.get("messageId"), campaign_id=campaign_id, replayed=True)
        return None

    async def _post(
        self, operation: str, url_path: str, body: Mapping[str, Any], recipient: Recipient, key: str
    ) -> Answer:
        """Send once; a person whom Iterable does not know gets a profile first."""
        try:
            return await self._http.send(operation, "POST", url_path, body=body, idempotency_key=key)
        except IntegrationError as error:
            if error.code not in _UNKNOWN:
                raise
        await self._http.send(operation, "POST", "/api/users/update", body=_profile(recipient, {}))
        return await self._http.send(operation, "POST", url_path, body=body, idempotency_key=key)

    async def _campaign_id(self, template: str, medium: Medium) -> int:
        configured = self._settings.campaigns.get(template)
        if configured is not None:
            return configured
        if (template, medium) not in self._campaigns:
            await self._read_campaigns()
        try:
            return self._campaigns[template, medium]
        except KeyError:
            raise PermanentError(
                service=SERVICE, operation=f"send_{medium.value.lower()}", code="unknown_template", param=template
            ) from None

    async def _read_campaigns(self) -> None:
        next_page: str | None = "/api/campaigns?page=1&pageSize=1000"
        while next_page is not None:
            answer = await self._http.call("list_campaigns", "GET", next_page)
            for campaign in answer.data["campaigns"]:
                if campaign.get("type") == "Triggered" and campaign.get("messageMedium") in tuple(Medium):
                    key = (campaign["name"], Medium(campaign["messageMedium"]))
                    self._campaigns[key] = campaign["id"]
            next_page = _next_page(answer)

    async def _journey_id(self, workflow: str) -> int:
        configured = self._settings.journeys.get(workflow)
        if configured is not None:
            return configured
        if workflow not in self._journeys:
            await self._read_journeys()
        try:
            return self._journeys[workflow]
        except KeyError:
            raise PermanentError(
                service=SERVICE, operation="trigger_workflow", code="unknown_workflow", param=workflow
            ) from None

    async def _read_journeys(self) -> None:
        next_page: str | None = "/api/journeys?page=1&pageSize=50"
        while next_page is not None:
            answer = await self._http.call("list_journeys", "GET", next_page)
            for journey in answer.data["journeys"]:
                if journey.get("enabled"):
                    self._journeys[journey["name"]] = journey["id"]
            next_page = _next_page(answer)


def _profile(recipient: Recipient, fields: Mapping[str, Any]) -> dict[str, Any]:
    phone = {"phoneNumber": recipient.phone} if recipient.phone else {}
    email = {"email": recipient.email} if recipient.email else {}
    return {
        "userId": recipient.user_id,
        **email,
        "dataFields": {**phone, **fields},
        "mergeNestedObjects": True,
        "preferUserId": True,
    }


def _message_id(answer: Answer) -> str | None:
    params = (answer.data or {}).get("params") or {}
    return params.get("id")


def _next_page(answer: Answer) -> str | None:
    # A full address or a path, by Iterable's mood; only the path is of use behind another base URL.
    url = answer.data.get("nextPageUrl")
    return re.sub(r"^https?://[^/]+", "", url) if url else None


def _read_problem(data: Any) -> Problem:
    if not isinstance(data, Mapping):
        return Problem()
    code = data.get("code")
    # Iterable sometimes calls a refusal «Success»; then the status alone speaks.
    return Problem(code=None if code == "Success" else code, detail=data.get("msg"))
