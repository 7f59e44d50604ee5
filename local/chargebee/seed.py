"""What the stand-in starts with: the objects of the demo data, in Chargebee's own form."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from local.standin.store import Store

_LISTS: Mapping[str, tuple[str, ...]] = {
    "invoice": (
        "line_items",
        "discounts",
        "linked_payments",
        "applied_credits",
        "adjustment_credit_notes",
        "issued_credit_notes",
        "linked_orders",
        "dunning_attempts",
    ),
    "credit_note": ("line_items", "linked_refunds", "allocations"),
    "subscription": ("subscription_items",),
}


def demo_objects() -> Mapping[str, Iterable[Mapping[str, Any]]]:
    """The demo data's customers, item prices, subscriptions, invoices and so on, by kind."""
    from local.demo.chargebee import chargebee_objects  # noqa: PLC0415 - made only when the store is empty

    return chargebee_objects()


def plant(store: Store, objects: Mapping[str, Iterable[Mapping[str, Any]]]) -> None:
    """Keep objects as they are, with the versions they have; numbers given out later go on above theirs."""
    last_version = 0
    last_invoice = 0
    for kind, documents in objects.items():
        planted = []
        for document in documents:
            version = int(document.get("resource_version") or 0)
            changed = document.get("updated_at") or document.get("created_at") or document.get("date") or 0
            created = document.get("created_at") or document.get("date") or document.get("occurred_at") or changed
            # Names may be a library's own kind of text, which only the standard library's JSON takes.
            whole = {"object": kind, "deleted": False, **_lists(kind), **json.loads(json.dumps(document))}
            planted.append((str(document["id"]), whole, int(created), int(changed), version, bool(whole["deleted"])))
            last_version = max(last_version, version)
            if kind == "invoice" and str(document["id"]).isdigit():
                last_invoice = max(last_invoice, int(document["id"]))
        store.put_many(kind, planted)
    store.next("resource_version", at_least=last_version + 1)
    store.next("invoice", at_least=last_invoice + 1)


def _lists(kind: str) -> dict[str, list[Any]]:
    """The lists that an object has even when they are empty."""
    return {name: [] for name in _LISTS.get(kind, ())}
