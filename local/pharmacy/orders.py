"""Orders: taken once for a reference, moved on by a pharmacist or by the clock, told of by webhooks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from local.pharmacy.intake import check_order, check_refill, check_valid
from local.pharmacy.replies import invalid, json_reply, not_found, refusal
from local.standin.clock import Clock
from local.standin.service import Call, Refusal, Reply
from local.standin.store import Store

#: The way of an order when all goes well.
WAY: Final = ("received", "accepted", "filled", "shipped", "delivered")
STATUSES: Final = (*WAY, "rejected", "cancelled")
_STOPPABLE: Final = frozenset({"received", "accepted"})
_LARGEST_PAGE: Final = 100
_CARRIER: Final = "UPS"
_REJECTIONS: Final = ("out_of_stock", "invalid_prescription", "patient_unreachable", "insurance", "other")

#: Seconds after `received` at which an order gets there by itself.
PACE: Final[Mapping[str, float]] = {"accepted": 7_200, "filled": 72_000, "shipped": 108_000, "delivered": 302_400}
_PACE_SETTING: Final = "pace"
_BY_HAND_SETTING: Final = "by_hand"

#: Kinds of documents: what clients see of an order, and what was ordered.
ORDER: Final = "order"
CONTENT: Final = "content"


class Orders:
    """The network's orders."""

    def __init__(self, store: Store, clock: Clock, tell: Callable[[Mapping[str, Any], datetime], None]) -> None:
        self._store = store
        self._clock = clock
        self._tell = tell

    # For clients

    def create(self, call: Call) -> Reply:
        """``POST /v1/orders``."""
        given = check_order(_body(call), today=self._clock.now().date())
        order = self._take(given["reference"], given["pharmacy"]["ncpdp_id"], given, refill_of=None)
        return json_reply({"order": order}, 201)

    def refill(self, call: Call) -> Reply:
        """``POST /v1/orders/{id}/refills``."""
        first = self.need(call.params["id"])
        given = check_refill(_body(call))
        content = self._store.find(CONTENT, first["id"]) or {}
        prescription = content.get("prescription", {})
        if first["status"] != "delivered":
            raise Refusal(refusal("order_not_refillable", f"The order is {first['status']}.", 409))
        check_valid(prescription, today=self._clock.now().date(), param="prescription.valid_until")
        patient = {**content.get("patient", {}), "address": given["address"]}
        if given.get("phone"):
            patient["phone"] = given["phone"]
        again = {
            **content,
            "patient": patient,
            "prescription": {**prescription, "fill_number": given["fill_number"]},
        }
        order = self._take(given["reference"], first["pharmacy"]["ncpdp_id"], again, refill_of=first["id"])
        return json_reply({"order": order}, 201)

    def show(self, call: Call) -> Reply:
        """``GET /v1/orders/{id}``."""
        return json_reply({"order": self.need(call.params["id"])})

    def listing(self, call: Call) -> Reply:
        """``GET /v1/orders``: by ``reference``, or page by page in the order of changes."""
        if "reference" in call.query:
            found = self._store.find_by(ORDER, "reference", call.query["reference"])
            return json_reply({"orders": found, "next_cursor": None})
        try:
            limit = min(int(call.query.get("limit", _LARGEST_PAGE)), _LARGEST_PAGE)
            since = datetime.fromisoformat(call.query.get("updated_since", "1970-01-01T00:00:00Z"))
        except ValueError:
            raise Refusal(invalid("updated_since", "limit is a number, updated_since a moment.")) from None
        after, _, after_id = call.query.get("cursor", "").partition(" ")
        rows = self._store.rows(
            """
            SELECT id, json_extract(body, '$.updated_at') AS updated_at FROM document
            WHERE kind = ? AND (json_extract(body, '$.updated_at'), id) > (?, ?)
            ORDER BY json_extract(body, '$.updated_at'), id LIMIT ?
            """,
            (ORDER, after or _text(since), after_id, limit + 1),
        )
        page = rows[:limit]
        more = len(rows) > limit
        return json_reply(
            {
                "orders": [self.need(row["id"]) for row in page],
                "next_cursor": f"{page[-1]['updated_at']} {page[-1]['id']}" if more else None,
            }
        )

    def cancel(self, call: Call) -> Reply:
        """``POST /v1/orders/{id}/cancel``."""
        order = self.need(call.params["id"])
        if order["status"] != "cancelled":
            if order["status"] not in _STOPPABLE:
                raise Refusal(refusal("order_not_cancellable", f"The order is {order['status']}.", 409))
            self._reach(order, "cancelled", self._clock.now())
        return json_reply({"order": order})

    # For pharmacists and the clock

    def move(self, order: dict[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
        """The order after a pharmacist has moved it on; raises ValueError for what can't be."""
        now = self._clock.now()
        goal = given.get("to")
        if goal == "rejected":
            if order["status"] not in _STOPPABLE:
                raise ValueError(f"an order that is {order['status']} isn't rejected any more")
            code = given.get("code", "other")
            if code not in _REJECTIONS:
                raise ValueError(f"a rejection's code is one of {', '.join(_REJECTIONS)}")
            order["rejection"] = {"code": code, "reason": given.get("reason", "Not in stock.")}
            return self._reach(order, "rejected", now)
        if order["status"] not in WAY:
            raise ValueError(f"the order is {order['status']}; that is its end")
        position = WAY.index(order["status"])
        if goal is not None and goal not in WAY:
            raise ValueError(f"an order goes to {', '.join(WAY[1:])} or rejected, not to {goal!r}")
        last = WAY.index(goal) if goal else position + int(given.get("steps", 1))
        if not position < last < len(WAY):
            raise ValueError(f"an order that is {order['status']} doesn't go there")
        for status in WAY[position + 1 : last + 1]:
            self._step(order, status, now, given)
        return order

    def pace(self) -> Mapping[str, float]:
        """Seconds after `received` at which an order gets to each status by itself; empty when only by hand."""
        return {} if self._store.setting(_BY_HAND_SETTING) else {**PACE, **self._store.setting(_PACE_SETTING, {})}

    def set_pace(self, given: Mapping[str, Any]) -> Mapping[str, float]:
        """Change the pace, also for the orders under way; raises ValueError."""
        steps = {name.removesuffix("_s"): float(value) for name, value in given.items() if name != "automatic"}
        if negative := [name for name, value in steps.items() if value < 0]:
            raise ValueError(f"nothing happens before it was received: {', '.join(negative)} can't be below 0")
        self._store.set(_PACE_SETTING, {**self._store.setting(_PACE_SETTING, {}), **steps} or None)
        if "automatic" in given:
            self._store.set(_BY_HAND_SETTING, None if given["automatic"] else True)
        return self.pace()

    def go_on(self) -> int:
        """Move every order on that is due by the clock; how many steps it were."""
        pace, now, steps = self.pace(), self._clock.now(), 0
        if not pace:
            return 0
        # Without content it is of the demo data, and stays as the rows there have it.
        rows = self._store.rows(
            """
            SELECT one.id FROM document AS one
            WHERE one.kind = ? AND json_extract(one.body, '$.status') IN (?, ?, ?, ?)
                AND EXISTS (SELECT 1 FROM document AS content WHERE content.kind = ? AND content.id = one.id)
            ORDER BY one.created_at, one.id
            """,
            (ORDER, *WAY[:-1], CONTENT),
        )
        for row in rows:
            order = self.need(row["id"])
            received = datetime.fromisoformat(order["received_at"])
            for status in WAY[WAY.index(order["status"]) + 1 :]:
                due = received + timedelta(seconds=pace[status])
                if due > now:
                    break
                # A pharmacist may have been faster: nothing happens before what came before it.
                self._step(order, status, max(due, datetime.fromisoformat(order["updated_at"])), {})
                steps += 1
        return steps

    def need(self, order_id: str) -> dict[str, Any]:
        """The order as clients see it, or a refusal."""
        order = self._store.find(ORDER, order_id)
        if order is None:
            raise Refusal(not_found())
        return order

    def named(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The order that a control's body names by ``id`` or ``reference``; raises ValueError."""
        if "id" in body:
            found = self._store.find(ORDER, str(body["id"]))
        else:
            found = next(iter(self._store.find_by(ORDER, "reference", body.get("reference"))), None)
        if found is None:
            raise ValueError('there is no such order; name it by {"id": …} or {"reference": …}')
        return found

    def plant(self, order: Mapping[str, Any]) -> None:
        """Keep an order as it is, without content: it doesn't go on by itself."""
        whole = {**_EMPTY, **order}
        self._keep(ORDER, whole["id"], whole, datetime.fromisoformat(whole["received_at"]))

    def _take(self, reference: str, ncpdp_id: str, content: Mapping[str, Any], *, refill_of: str | None) -> Any:
        if self._store.find_by(ORDER, "reference", reference):
            raise Refusal(refusal("duplicate_reference", "There is an order for it.", 409, param="reference"))
        now = self._clock.now()
        order = {
            **_EMPTY,
            "id": f"ord_{self._store.next('order'):06}",
            "reference": reference,
            "refill_of": refill_of,
            "pharmacy": {"ncpdp_id": ncpdp_id},
            "received_at": _text(now),
            "updated_at": _text(now),
        }
        self._keep(ORDER, order["id"], order, now)
        self._keep(CONTENT, order["id"], content, now)
        return order

    def _step(self, order: dict[str, Any], status: str, at: datetime, given: Mapping[str, Any]) -> None:
        if status == "shipped":
            tracking = given.get("tracking_number", f"1Z{self._store.next('tracking', at_least=10**9):016}")
            order["shipment"] = {
                "carrier": given.get("carrier", _CARRIER),
                "tracking_number": tracking,
                "tracking_url": f"https://tracking.example.com/{tracking}",
            }
        self._reach(order, status, at)

    def _reach(self, order: dict[str, Any], status: str, at: datetime) -> dict[str, Any]:
        order |= {
            "status": status,
            f"{status}_at": _text(at),
            "updated_at": _text(at),
            "version": order["version"] + 1,
        }
        self._keep(ORDER, order["id"], order, at)
        self._tell(order, at)
        return order

    def _keep(self, kind: str, order_id: str, body: Mapping[str, Any], at: datetime) -> None:
        moment = int(at.timestamp())
        self._store.put(kind, order_id, body, created_at=moment, updated_at=moment)


_EMPTY: Final[Mapping[str, Any]] = {
    "refill_of": None,
    "status": "received",
    "version": 1,
    "rejection": None,
    "shipment": None,
    **{f"{status}_at": None for status in STATUSES},
}


def _body(call: Call) -> Any:
    try:
        return call.json()
    except ValueError:
        raise Refusal(refusal("invalid_request", "The body is JSON.", 400)) from None


def _text(moment: datetime) -> str:
    """RFC 3339 in UTC, to the microsecond, so that texts sort as moments do."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
