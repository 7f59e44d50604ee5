"""Iterable's routes and rules."""

from __future__ import annotations

import os
import secrets
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from local.iterable.campaigns import Campaigns, notification_templates
from local.iterable.messages import Messages
from local.iterable.profiles import Profiles
from local.iterable.replies import done, json_reply, refusal
from local.standin.instruction import Instruction
from local.standin.service import Call, Refusal, Reply, Section, Service
from local.standin.store import Store
from local.standin.webhooks import Webhook

_INDEXES = """
CREATE INDEX IF NOT EXISTS user_by_email ON document (kind, json_extract(body, '$.email'));
CREATE INDEX IF NOT EXISTS user_by_user_id ON document (kind, json_extract(body, '$.userId'));
CREATE INDEX IF NOT EXISTS by_profile ON document (kind, json_extract(body, '$.profile'));
"""

#: Its journeys take a person once in so many seconds: what a team sets in the editor as «limit entries».
ENTRY_EVERY_S = 86_400

#: Kind of the documents that keep what was told.
_TOLD = "webhook"
_ERROR_CODES = {400: "BadParams", 401: "BadApiKey", 403: "Forbidden", 404: "NotFound", 429: "RateLimitExceeded"}


class IterableService(Service):
    """One Iterable project. It identifies people by ``userId`` and e-mail address alike (a «hybrid» project)."""

    name = "iterable"
    title = "Iterable"
    webhook_example: Mapping[str, Any] = {
        "event_type": "emailUnSubscribe",
        "content": {"email": "ada@example.com", "dataFields": {}},
    }
    # Iterable knows no idempotency keys; ours is shown on the page all the same.
    shown_key_header = "idempotency-key"

    def __init__(
        self,
        store: Store,
        *,
        api_key: str | None = None,
        webhook_secret: str | None = None,
        templates: Callable[[], Iterable[str]] = notification_templates,
    ) -> None:
        super().__init__(store)
        store.prepare(_INDEXES)
        self._api_key = api_key
        self._webhook_secret = webhook_secret
        self._templates = templates
        self.campaigns = Campaigns(store, self.clock)
        if store.setting("seeded"):
            # The platform may have learnt new templates since the store was made.
            with store.transaction():
                self.campaigns.add_missing(templates())
        self.profiles = Profiles(store, self.clock)
        self.messages = Messages(store, self.clock, self.profiles, self.campaigns, self._tell)
        routes = self.routes
        routes.add("POST", "/api/users/update", self.profiles.update)
        routes.add("POST", "/api/users/updateEmail", self.profiles.update_email)
        routes.add("POST", "/api/users/forget", self.profiles.forget)
        routes.add("GET", "/api/users/getByEmail", self.profiles.by_query)
        routes.add("GET", "/api/users/getSentMessages", self.messages.sent)
        routes.add("GET", "/api/users/byUserId/{user_id}", self.profiles.by_user_id)
        routes.add("DELETE", "/api/users/byUserId/{user_id}", self.profiles.delete_by_user_id)
        routes.add("GET", "/api/users/{email}", self.profiles.by_email)
        routes.add("DELETE", "/api/users/{email}", self.profiles.delete_by_email)
        routes.add("POST", "/api/events/track", self._track)
        routes.add("POST", "/api/commerce/trackPurchase", self._track_purchase)
        routes.add("GET", "/api/events/byUserId/{user_id}", self._events_by_user_id)
        routes.add("GET", "/api/events/{email}", self._events_by_email)
        routes.add("POST", "/api/email/target", self.messages.target_email)
        routes.add("POST", "/api/sms/target", self.messages.target_sms)
        routes.add("POST", "/api/workflows/triggerWorkflow", self._trigger_workflow)
        routes.add("GET", "/api/campaigns", self.campaigns.listing)
        routes.add("GET", "/api/journeys", self.campaigns.journeys)
        routes.add("GET", "/api/lists", self._lists)
        routes.add("POST", "/api/lists", self._create_list)
        routes.add("GET", "/api/lists/getUsers", self._list_users)
        routes.add("POST", "/api/lists/subscribe", self._subscribe)
        routes.add("POST", "/api/lists/unsubscribe", self._unsubscribe)

    def refuse_stranger(self, call: Call) -> Reply | None:
        """401 ``BadApiKey``; without a key of its own the stand-in takes any."""
        given = call.headers.get("api-key") or call.headers.get("api_key") or ""
        if given and (self._api_key is None or secrets.compare_digest(given.encode(), self._api_key.encode())):
            return None
        return self.error(401)

    def error(self, status: int, *, retry_after_s: int | None = None) -> Reply:
        """``{"msg", "code", "params"}`` with the code that Iterable uses for the status."""
        code = _ERROR_CODES.get(status, "GenericError")
        headers = {} if retry_after_s is None else {"retry-after": str(retry_after_s)}
        return json_reply({"msg": f"{code}: status {status}", "code": code, "params": None}, status, headers)

    def seed(self) -> None:
        """A campaign for each template, as e-mail and as SMS, and the journeys."""
        self.campaigns.add_missing(self._templates())

    def sections(self) -> Sequence[Section]:
        """Messages sent, journeys entered, events."""
        return (
            self.messages.section(),
            Section(
                title="Journeys entered",
                columns=("Time", "Journey", "Who", "Data"),
                rows=[
                    (
                        one["createdAt"],
                        one["name"],
                        one["userId"] or one["email"],
                        orjson.dumps(one["dataFields"]).decode(),
                    )
                    for one in self.store.all("journey_entry", limit=50)
                ],
            ),
            Section(
                title="Purchases",
                columns=("Time", "Total", "Who", "Id", "Data"),
                rows=[
                    (
                        one["createdAt"],
                        one["total"],
                        one.get("userId") or one.get("email"),
                        one["id"],
                        orjson.dumps(one["dataFields"]).decode(),
                    )
                    for one in self.store.all("purchase", limit=50)
                ],
            ),
            Section(
                title="Events",
                columns=("Time", "Event", "Who", "Id", "Data"),
                rows=[
                    (
                        one["createdAt"],
                        one["eventName"],
                        one.get("userId") or one.get("email"),
                        one["id"],
                        orjson.dumps(one["dataFields"]).decode(),
                    )
                    for one in self.store.all("event", limit=50)
                ],
            ),
        )

    def webhook(self, event_type: str, content: Mapping[str, Any]) -> Webhook:
        """A system webhook: ``emailSend``, ``emailBounce``, ``emailUnSubscribe``, ``smsReceived`` and so on.

        ``content`` is the webhook's body but its ``eventName``: ``{"email", "userId", "dataFields": {…}}``.
        """
        body = {"dataFields": {}, **content, "eventName": event_type}
        event_id, now = f"{event_type}-{uuid.uuid4()}", self.clock.epoch()
        self.store.put(_TOLD, event_id, body, created_at=now, updated_at=now)
        return Webhook(event_id=event_id, event_type=event_type, body=body)

    def webhook_again(self, event_id: str) -> Webhook:
        """An earlier webhook, to the letter; its id is ours, Iterable's webhooks have none."""
        body = self.store.find(_TOLD, event_id)
        if body is None:
            raise ValueError(f"there was no webhook {event_id!r}")
        return Webhook(event_id=event_id, event_type=body["eventName"], body=body)

    def sign_webhook(self, body: bytes) -> Mapping[str, str]:
        """``Authorization: <auth type> <auth token>``, as set up for a system webhook in Iterable."""
        del body
        return {"authorization": f"Basic {self._webhook_secret}"} if self._webhook_secret else {}

    def _tell(self, event_type: str, content: Mapping[str, Any]) -> None:
        self.webhooks.add(self.webhook(event_type, content))

    # Events

    def _track(self, call: Call) -> Reply:
        body = call.json()
        if not body.get("eventName"):
            raise Refusal(refusal("BadParams", "eventName is missing"))
        user = self.profiles.need(body)
        now = self.clock.epoch()
        event_id = body.get("id") or str(uuid.uuid4())
        event = {
            "id": event_id,
            "eventName": body["eventName"],
            "email": user.get("email"),
            "userId": user.get("userId"),
            "createdAt": body.get("createdAt", now),
            "dataFields": body.get("dataFields", {}),
        }
        # An event with that id is overwritten, which makes tracking idempotent.
        self.store.put("event", event_id, event, created_at=now, updated_at=now)
        return done("Successfully tracked the event")

    def _track_purchase(self, call: Call) -> Reply:
        body = call.json()
        if not body.get("items") or not isinstance(body.get("total"), int | float):
            raise Refusal(refusal("BadParams", "items and total are needed"))
        user = self.profiles.need(body.get("user") or {})
        now = self.clock.epoch()
        purchase_id = body.get("id") or str(uuid.uuid4())
        purchase = {
            "id": purchase_id,
            "email": user.get("email"),
            "userId": user.get("userId"),
            "items": body["items"],
            "total": body["total"],
            "createdAt": body.get("createdAt", now),
            "dataFields": body.get("dataFields", {}),
        }
        # A purchase with that id is overwritten, like an event.
        self.store.put("purchase", purchase_id, purchase, created_at=now, updated_at=now)
        return done("Successfully tracked the purchase", {"id": purchase_id})

    def _events_by_user_id(self, call: Call) -> Reply:
        return self._events_of("userId", call.params["user_id"])

    def _events_by_email(self, call: Call) -> Reply:
        return self._events_of("email", call.params["email"].lower())

    def _events_of(self, field: str, value: str) -> Reply:
        events = [
            {"eventType": event_type, **one}
            for kind, event_type in (("event", "customEvent"), ("purchase", "purchase"))
            for one in self.store.find_by(kind, field, value)
        ]
        return json_reply({"events": events})

    def _trigger_workflow(self, call: Call) -> Reply:
        body = call.json()
        journey = self.store.find("journey", str(body.get("workflowId")))
        if journey is None:
            raise Refusal(refusal("BadParams", f"workflow {body.get('workflowId')} does not exist"))
        user = self.profiles.need(body)
        now = self.clock.epoch()
        recent = [
            one
            for one in self.store.find_by("journey_entry", "profile", user["id"])
            if one["workflowId"] == journey["id"] and one["enteredAt"] > now - ENTRY_EVERY_S
        ]
        if recent:
            # Iterable answers the same, and the person goes on where they are.
            return done("Successfully triggered the workflow")
        entry_id = str(uuid.uuid4())
        entry = {
            "workflowId": journey["id"],
            "name": journey["name"],
            "email": user.get("email"),
            "userId": user.get("userId"),
            "dataFields": body.get("dataFields", {}),
            "createdAt": self.clock.now().isoformat(timespec="seconds"),
            "enteredAt": now,
            "profile": user["id"],
        }
        self.store.put("journey_entry", entry_id, entry, created_at=now, updated_at=now)
        return done("Successfully triggered the workflow")

    def instructions(self) -> Mapping[str, Instruction]:
        """What Iterable shows in its pages only."""
        return {
            "journeys": Instruction(
                about="Which journeys a person has entered.",
                fields={"userId": str, "email": str},
                example={"email": "ada@example.com"},
                carry_out=self._journeys_of,
            )
        }

    def _journeys_of(self, who: Mapping[str, Any]) -> Any:
        user = self.profiles.find(who)
        return {"entries": [] if user is None else self.store.find_by("journey_entry", "profile", user["id"])}

    # Lists

    def _lists(self, _call: Call) -> Reply:
        lists = [{key: value for key, value in one.items() if key != "members"} for one in self.store.all("list")]
        return json_reply({"lists": lists})

    def _create_list(self, call: Call) -> Reply:
        body = call.json()
        if not body.get("name"):
            raise Refusal(refusal("BadParams", "name is missing"))
        list_id, now = self.store.next("list"), self.clock.epoch()
        entry = {
            "id": list_id,
            "name": body["name"],
            "description": body.get("description", ""),
            "listType": "Standard",
            "createdAt": now * 1000,
            "members": [],
        }
        self.store.put("list", str(list_id), entry, created_at=now, updated_at=now)
        return json_reply({"listId": list_id})

    def _list_users(self, call: Call) -> Reply:
        entry = self._need_list(call.query.get("listId"))
        return Reply(body="\n".join(entry["members"]).encode(), headers={"content-type": "text/plain;charset=utf-8"})

    def _subscribe(self, call: Call) -> Reply:
        body = call.json()
        entry = self._need_list(body.get("listId"))
        for subscriber in body.get("subscribers", ()):
            user = self.profiles.upsert(subscriber)
            member = user.get("email") or user["userId"]
            if member not in entry["members"]:
                entry["members"].append(member)
        return self._keep_list(entry, len(body.get("subscribers", ())))

    def _unsubscribe(self, call: Call) -> Reply:
        body = call.json()
        entry = self._need_list(body.get("listId"))
        for subscriber in body.get("subscribers", ()):
            user = self.profiles.find(subscriber) or {}
            entry["members"] = [one for one in entry["members"] if one not in (user.get("email"), user.get("userId"))]
        return self._keep_list(entry, len(body.get("subscribers", ())))

    def _need_list(self, list_id: Any) -> dict[str, Any]:
        entry = self.store.find("list", str(list_id))
        if entry is None:
            raise Refusal(refusal("NotFound", f"list {list_id} does not exist", status=404))
        return entry

    def _keep_list(self, entry: dict[str, Any], count: int) -> Reply:
        now = self.clock.epoch()
        self.store.put("list", str(entry["id"]), entry, created_at=now, updated_at=now)
        return json_reply({"successCount": count, "failCount": 0})


def build(store: Store) -> IterableService:
    """The service with the key of ``ITERABLE_API_KEY``; any key is right when there is none.

    Webhooks go to ``ITERABLE_WEBHOOK_URL`` with the token ``ITERABLE_WEBHOOK_SECRET`` until a control says otherwise.
    """
    service = IterableService(
        store,
        api_key=os.environ.get("ITERABLE_API_KEY") or None,
        webhook_secret=os.environ.get("ITERABLE_WEBHOOK_SECRET") or None,
    )
    service.webhooks.aim_as_set_up(service.name)
    return service
