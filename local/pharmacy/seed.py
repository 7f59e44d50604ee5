"""What the stand-in starts with: the orders of the demo data's fills."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from typing import Any

_MOMENTS = ("accepted_at", "rejected_at", "filled_at", "shipped_at", "delivered_at")


def demo_orders() -> Iterator[Mapping[str, Any]]:
    """An order for every demo fill that was sent, as far as it has come."""
    from local.demo.generator import generate  # noqa: PLC0415 - made only when the store is empty

    data = generate(datetime.datetime.now(datetime.UTC).date())
    numbers = {row["id"]: row["ncpdp_id"] for row in data.table("healthcare.pharmacy")}
    for fill in data.table("healthcare.prescription_fill"):
        if fill["pharmacy_order_id"] is None:
            continue
        status = {"sent": "received"}.get(fill["status"], fill["status"])
        moments = {name: _text(fill[name]) for name in _MOMENTS if fill[name] is not None}
        received = _text(fill["sent_at"])
        shipped = fill["tracking_number"] is not None
        yield {
            "id": fill["pharmacy_order_id"],
            "reference": f"{fill['prescription_id']}.{fill['fill_number']}",
            "status": status,
            "version": 1 + len(moments),
            "pharmacy": {"ncpdp_id": numbers[fill["pharmacy_id"]]},
            "rejection": {"code": "out_of_stock", "reason": fill["status_reason"]} if status == "rejected" else None,
            "shipment": {name: fill[name] for name in ("carrier", "tracking_number", "tracking_url")}
            if shipped
            else None,
            "received_at": received,
            "updated_at": max((received, *moments.values())),
            **moments,
        }


def _text(moment: datetime.datetime) -> str:
    return moment.astimezone(datetime.UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
