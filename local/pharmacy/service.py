"""The network's routes and rules."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from integrations.pharmacy.signature import sign
from local.pharmacy.orders import ORDER, PACE, STATUSES, Orders
from local.pharmacy.replies import refusal
from local.pharmacy.seed import demo_orders
from local.standin.instruction import NUMBER, Instruction
from local.standin.service import Call, Idempotency, Reply, Section, Service
from local.standin.store import Store
from local.standin.webhooks import Webhook

_INDEXES = """
CREATE INDEX IF NOT EXISTS by_reference ON document (kind, json_extract(body, '$.reference'));
CREATE INDEX IF NOT EXISTS by_moment ON document (kind, json_extract(body, '$.updated_at'), id);
CREATE INDEX IF NOT EXISTS by_status ON document (kind, json_extract(body, '$.status'));
"""

_EVENT = "event"
_CODES: Mapping[int, str] = {400: "invalid_request", 401: "unauthorized", 404: "not_found", 429: "rate_limited"}


class PharmacyService(Service):
    """One account with the network. ``orders`` gives what it starts with."""

    name = "pharmacy"
    title = "Pharmacy"
    webhook_example: Mapping[str, Any] = {"event_type": "order.shipped", "content": {"order_id": "ord_000001"}}
    keeps_time = True
    idempotency = Idempotency(
        header="idempotency-key",
        keep=timedelta(days=1),
        applies=lambda call: call.method == "POST",
        replay_headers={"idempotent-replayed": "true"},
        mismatch=lambda _call: refusal(
            "idempotency_key_reused", "The key came before with another body.", 422, param="Idempotency-Key"
        ),
    )

    def __init__(
        self,
        store: Store,
        *,
        api_key: str | None = None,
        webhook_secret: str | None = None,
        orders: Callable[[], Iterable[Mapping[str, Any]]] | None = None,
    ) -> None:
        super().__init__(store)
        store.prepare(_INDEXES)
        self._api_key = api_key
        self._webhook_secret = SecretStr(webhook_secret) if webhook_secret else None
        self._seed_orders = orders
        self.orders = Orders(store, self.clock, self._tell)
        routes = self.routes
        routes.add("POST", "/v1/orders", self.orders.create)
        routes.add("GET", "/v1/orders", self.orders.listing)
        routes.add("POST", "/v1/orders/{id}/refills", self.orders.refill)
        routes.add("POST", "/v1/orders/{id}/cancel", self.orders.cancel)
        routes.add("GET", "/v1/orders/{id}", self.orders.show)

    def refuse_stranger(self, call: Call) -> Reply | None:
        """401 without ``Authorization: Bearer KEY``; without a key of its own, any is right."""
        scheme, _, key = call.headers.get("authorization", "").partition(" ")
        right = scheme.lower() == "bearer" and bool(key)
        if right and self._api_key is not None:
            right = secrets.compare_digest(key.encode(), self._api_key.encode())
        return None if right else refusal("unauthorized", "The key isn't known.", 401)

    def error(self, status: int, *, retry_after_s: int | None = None) -> Reply:
        """``{"error": {"code", "message"}}``."""
        return refusal(_CODES.get(status, "unavailable"), f"status {status}", status, retry_after_s=retry_after_s)

    def seed(self) -> None:
        """Orders of the demo data's fills."""
        for order in self._seed_orders() if self._seed_orders else ():
            self.orders.plant(order)

    def sections(self) -> Sequence[Section]:
        """The last changed orders."""
        return (
            Section(
                title="Orders",
                columns=("Id", "Status", "Reference", "Refill of", "Pharmacy", "Shipment", "Received", "Updated"),
                rows=[
                    (
                        one["id"],
                        one["status"],
                        one["reference"],
                        one["refill_of"],
                        one["pharmacy"]["ncpdp_id"],
                        " ".join(list((one["shipment"] or {}).values())[:2]),
                        one["received_at"],
                        one["updated_at"],
                    )
                    for one in self.store.all(ORDER, limit=100)
                ],
                note='Move one: POST /_control/orders {"id", "to"}; see API.md.',
            ),
        )

    def time_passed(self) -> None:
        """Orders go on as far as they are due."""
        self.orders.go_on()

    def webhook(self, event_type: str, content: Mapping[str, Any]) -> Webhook:
        """``order.shipped`` and the like; ``content`` has ``order_id``, and ``order``: fields to show otherwise."""
        if event_type not in {f"order.{status}" for status in STATUSES}:
            raise ValueError(f"there is no webhook {event_type!r}; it is order. and a status: {', '.join(STATUSES)}")
        shown = {**self.orders.named({"id": content.get("order_id")}), **content.get("order", {})}
        return self._webhook(event_type, shown, self.clock.now())

    def webhook_again(self, event_id: str) -> Webhook:
        """An earlier webhook, to the letter."""
        body = self.store.find(_EVENT, event_id)
        if body is None:
            raise ValueError(f"there was no webhook {event_id!r}")
        return Webhook(event_id=event_id, event_type=body["type"], body=body)

    def sign_webhook(self, body: bytes) -> Mapping[str, str]:
        """The network's headers, with the machine's time: receivers compare it with theirs."""
        return sign(body, secret=self._webhook_secret, at=datetime.now(UTC)) if self._webhook_secret else {}

    def instructions(self) -> Mapping[str, Instruction]:
        """What a pharmacist does there, and how fast orders go on by themselves."""
        return {
            "orders": Instruction(
                about="Move an order on: to a status, through those between, or so many steps; with to rejected for a "
                "reason.",
                fields={
                    "id": str,
                    "reference": str,
                    "to": str,
                    "steps": int,
                    "code": str,
                    "reason": str,
                    "carrier": str,
                    "tracking_number": str,
                },
                example={"id": "ord_000001", "to": "shipped"},
                carry_out=self._act_on_order,
            ),
            "pace": Instruction(
                about="Seconds after received at which orders get on by themselves; automatic false: only by hand.",
                fields={**{f"{status}_s": NUMBER for status in PACE}, "automatic": bool},
                example={"accepted_s": 5, "filled_s": 10, "shipped_s": 15, "delivered_s": 20},
                carry_out=self._set_pace,
            ),
        }

    def status(self) -> Mapping[str, Any]:
        """With the pace."""
        return {**super().status(), "pace": dict(self.orders.pace())}

    def _act_on_order(self, body: Mapping[str, Any]) -> Any:
        return {"order": self.orders.move(self.orders.named(body), body)}

    def _set_pace(self, body: Mapping[str, Any]) -> Any:
        pace = self.orders.set_pace(body)
        self.orders.go_on()
        return {"pace": dict(pace)}

    def _tell(self, order: Mapping[str, Any], at: datetime) -> None:
        self.webhooks.add(self._webhook(f"order.{order['status']}", order, at))

    def _webhook(self, event_type: str, order: Mapping[str, Any], at: datetime) -> Webhook:
        event_id = f"evt_{self.store.next('event'):06}"
        moment = at.isoformat().replace("+00:00", "Z")
        # A copy: the order goes on changing.
        body = {"id": event_id, "type": event_type, "occurred_at": moment, "data": {"order": dict(order)}}
        now = self.clock.epoch()
        self.store.put(_EVENT, event_id, body, created_at=now, updated_at=now)
        return Webhook(event_id=event_id, event_type=event_type, body=body)


def build(store: Store) -> PharmacyService:
    """The service with ``PHARMACY_API_KEY`` and ``PHARMACY_WEBHOOK_SECRET``; without a key any is right.

    ``PHARMACY_WEBHOOK_URL`` is where webhooks go until a control says otherwise.
    """
    service = PharmacyService(
        store,
        api_key=os.environ.get("PHARMACY_API_KEY") or None,
        webhook_secret=os.environ.get("PHARMACY_WEBHOOK_SECRET") or None,
        orders=demo_orders,
    )
    service.webhooks.aim_as_set_up(service.name)
    return service
