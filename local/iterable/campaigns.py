"""Campaigns and journeys: what a marketing team makes in Iterable's editor, made here from the platform's own table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from local.iterable.replies import json_reply
from local.standin.clock import Clock
from local.standin.service import Call, Reply
from local.standin.store import Store

_FIRST_CAMPAIGN_ID = 100_001
_FIRST_JOURNEY_ID = 7_001
_TEMPLATE_OFFSET = 1_000_000
_MEDIUMS = ("Email", "SMS")

#: Journeys that the platform's agents put people into.
JOURNEYS = ("onboarding", "payment_recovery", "renewal_reminder", "win_back")


def notification_templates() -> list[str]:
    """Names of the templates that the notification agent sends."""
    from agents.notification.templates import MESSAGES  # noqa: PLC0415 - needed once, and not by every user of the kit

    return list(dict.fromkeys(message.template for message in MESSAGES))


class Campaigns:
    """The project's triggered campaigns and journeys."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def add_missing(self, templates: Iterable[str], journeys: Iterable[str] = JOURNEYS) -> None:
        """Make a campaign per template and medium, and the journeys, where there are none of that name yet."""
        known = {(one["name"], one["messageMedium"]) for one in self._store.all("campaign")}
        for name in templates:
            for medium in _MEDIUMS:
                if (name, medium) not in known:
                    self._add_campaign(name, medium)
        entered = {one["name"] for one in self._store.all("journey")}
        for name in journeys:
            if name not in entered:
                self._add_journey(name)

    def find(self, campaign_id: Any) -> dict[str, Any] | None:
        """The campaign of that number, or None."""
        return self._store.find("campaign", str(campaign_id))

    def listing(self, call: Call) -> Reply:
        """``GET /api/campaigns``."""
        return self._paged(call, "campaign", "campaigns", "totalCampaignsCount")

    def journeys(self, call: Call) -> Reply:
        """``GET /api/journeys``."""
        return self._paged(call, "journey", "journeys", "totalJourneysCount")

    def _add_campaign(self, name: str, medium: str) -> None:
        number = self._store.next("campaign", at_least=_FIRST_CAMPAIGN_ID)
        now = self._clock.epoch()
        campaign = {
            "id": number,
            "name": name,
            "templateId": number + _TEMPLATE_OFFSET,
            "messageMedium": medium,
            "campaignState": "Running",
            "type": "Triggered",
            "createdAt": now * 1000,
            "updatedAt": now * 1000,
        }
        self._store.put("campaign", str(number), campaign, created_at=now, updated_at=now)

    def _add_journey(self, name: str) -> None:
        number = self._store.next("journey", at_least=_FIRST_JOURNEY_ID)
        now = self._clock.epoch()
        journey = {
            "id": number,
            "name": name,
            "enabled": True,
            "isArchived": False,
            "journeyType": "Published",
            "createdAt": now * 1000,
            "updatedAt": now * 1000,
        }
        self._store.put("journey", str(number), journey, created_at=now, updated_at=now)

    def _paged(self, call: Call, kind: str, plural: str, total: str) -> Reply:
        page = int(call.query.get("page", 1))
        size = int(call.query.get("pageSize", 20))
        everything = sorted(self._store.all(kind), key=lambda one: int(one["id"]))
        body: dict[str, Any] = {plural: everything[(page - 1) * size : page * size], total: len(everything)}
        if page * size < len(everything):
            body["nextPageUrl"] = f"{call.path}?page={page + 1}&pageSize={size}"
        return json_reply(body)
