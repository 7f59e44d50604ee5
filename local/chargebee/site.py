"""The site's objects: each change has a new ``resource_version`` and ``updated_at``, and is told by an event."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from typing import Any

from local.chargebee.replies import not_found
from local.standin.clock import Clock
from local.standin.service import Refusal
from local.standin.store import Store
from local.standin.webhooks import Webhook, Webhooks

_ALPHABET = string.ascii_letters + string.digits


class Site:
    """One Chargebee site."""

    def __init__(self, store: Store, clock: Clock, webhooks: Webhooks) -> None:
        self.store = store
        self.clock = clock
        self._webhooks = webhooks

    def now(self) -> int:
        """The site's time, in seconds."""
        return self.clock.epoch()

    def new_id(self, prefix: str = "") -> str:
        """An id of Chargebee's kind."""
        return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(16))

    def base_currency(self, currency_code: str) -> tuple[str, float]:
        """The site's own currency, and how much of it a unit of another one is; by default each is its own."""
        base: str = self.store.setting("base_currency", currency_code)
        rates: dict[str, float] = self.store.setting("exchange_rates", {})
        return (base, rates.get(currency_code, 1.0)) if currency_code in {base, *rates} else (currency_code, 1.0)

    def find(self, kind: str, document_id: str) -> dict[str, Any] | None:
        """The object if it exists and is not deleted."""
        document = self.store.find(kind, document_id)
        return None if document is None or document.get("deleted") else document

    def need(self, kind: str, document_id: str) -> dict[str, Any]:
        """The object, or a refusal."""
        document = self.find(kind, document_id)
        if document is None:
            raise Refusal(not_found(kind, document_id))
        return document

    def save(self, kind: str, document: dict[str, Any]) -> dict[str, Any]:
        """Keep an object in its new form and version."""
        now = self.now()
        # Chargebee's versions are milliseconds; ours too, and never the same twice.
        document["resource_version"] = self.store.next("resource_version", at_least=self.clock.epoch_ms())
        document["updated_at"] = now
        document["object"] = kind
        document.setdefault("deleted", False)
        self.store.put(
            kind,
            document["id"],
            document,
            created_at=document.get("created_at") or document.get("date") or now,
            updated_at=now,
            resource_version=document["resource_version"],
            deleted=document["deleted"],
        )
        return document

    def tell(self, event_type: str, **content: Mapping[str, Any] | None) -> None:
        """Keep an event about objects (by their names) and queue its webhook; absent objects are left out."""
        event = self.event(event_type, {name: one for name, one in content.items() if one is not None})
        self._webhooks.add(Webhook(event_id=event["id"], event_type=event_type, body=event))

    def event(self, event_type: str, content: Mapping[str, Any]) -> dict[str, Any]:
        """Keep an event and return it."""
        now = self.now()
        aimed = self._webhooks.target is not None
        event: dict[str, Any] = {
            "id": self.new_id("ev_"),
            "occurred_at": now,
            "source": "api",
            "object": "event",
            "api_version": "v2",
            "event_type": event_type,
            "webhook_status": "scheduled" if aimed else "not_configured",
            "content": dict(content),
        }
        if aimed:
            event["webhooks"] = [{"id": "whv2_standin", "webhook_status": "scheduled", "object": "webhook"}]
        self.store.put("event", event["id"], event, created_at=now, updated_at=now)
        return event
