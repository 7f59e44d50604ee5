"""Messages «sent»: kept, shown on the page, listed by ``getSentMessages``."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from local.iterable.campaigns import Campaigns
from local.iterable.profiles import Profiles
from local.iterable.replies import done, json_reply, refusal
from local.standin.clock import Clock
from local.standin.service import Call, Refusal, Reply, Section
from local.standin.store import Store

_SHOWN = 100


class Messages:
    """The project's outbox."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        profiles: Profiles,
        campaigns: Campaigns,
        tell: Callable[[str, Mapping[str, Any]], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._profiles = profiles
        self._campaigns = campaigns
        self._tell = tell

    def target_email(self, call: Call) -> Reply:
        """``POST /api/email/target``."""
        return self._target(call, "Email", "emailSend")

    def target_sms(self, call: Call) -> Reply:
        """``POST /api/sms/target``: to the profile's ``phoneNumber``."""
        return self._target(call, "SMS", "smsSend")

    def sent(self, call: Call) -> Reply:
        """``GET /api/users/getSentMessages``: a person's messages, the newest first."""
        user = self._profiles.find({"userId": call.query.get("userId"), "email": call.query.get("email")})
        if user is None:
            if call.query.get("userId"):
                raise Refusal(refusal("UnknownUserIdError", "no such user"))
            raise Refusal(refusal("UnknownEmailError", "no such user"))
        campaigns = {int(number) for number in call.query_all("campaignIds")}
        medium = call.query.get("messageMedium")
        found = [
            message
            for message in reversed(self._store.find_by("message", "profile", user["id"]))
            if (not campaigns or message["campaignId"] in campaigns)
            and (medium is None or message["messageMedium"] == medium)
        ]
        limit = int(call.query.get("limit", 10))
        return json_reply({"messages": [_shown(message) for message in found[:limit]], "totalCount": len(found)})

    def section(self) -> Section:
        """Messages for the page."""
        return Section(
            title="Messages sent",
            columns=("Time", "Medium", "Campaign", "To", "Data"),
            rows=[
                (
                    one["sentAt"],
                    one["messageMedium"],
                    one["campaignName"],
                    one["phoneNumber"] if one["messageMedium"] == "SMS" else one["email"],
                    orjson.dumps(one["dataFields"]).decode(),
                )
                for one in self._store.all("message", limit=_SHOWN)
            ],
            note="Nothing leaves this machine.",
        )

    def _target(self, call: Call, medium: str, event_type: str) -> Reply:
        body = call.json()
        campaign = self._campaigns.find(body.get("campaignId"))
        if campaign is None or campaign["messageMedium"] != medium:
            raise Refusal(refusal("BadParams", f"campaign {body.get('campaignId')} is no {medium} campaign"))
        user = self._profiles.need({"userId": body.get("recipientUserId"), "email": body.get("recipientEmail")})
        address = user["dataFields"].get("phoneNumber") if medium == "SMS" else user["email"]
        if not address:
            raise Refusal(refusal("BadParams", f"the user has no address for {medium}"))
        now = self._clock.epoch()
        moment = self._clock.now().isoformat(timespec="milliseconds")
        message = {
            "messageId": uuid.uuid4().hex,
            "campaignId": campaign["id"],
            "campaignName": campaign["name"],
            "templateId": campaign["templateId"],
            "messageMedium": medium,
            "status": "sent",
            "createdAt": moment,
            "sentAt": moment,
            "dataFields": body.get("dataFields", {}),
            "email": user["email"],
            "userId": user["userId"],
            "phoneNumber": user["dataFields"].get("phoneNumber"),
            "profile": user["id"],
        }
        self._store.put("message", message["messageId"], message, created_at=now, updated_at=now)
        self._tell(
            event_type,
            {
                "email": user["email"],
                "userId": user["userId"],
                "dataFields": {
                    "messageId": message["messageId"],
                    "campaignId": campaign["id"],
                    "campaignName": campaign["name"],
                    "createdAt": moment,
                },
            },
        )
        return done("", {"id": message["messageId"]})


def _shown(message: Mapping[str, Any]) -> dict[str, Any]:
    hidden = ("profile", "phoneNumber", "email", "userId")
    return {key: value for key, value in message.items() if key not in hidden}
