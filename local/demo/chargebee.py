"""The demo customers' billing in the JSON of Chargebee's API: what the stand-in starts with."""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from local.demo.generator import generate
from local.demo.invoices import linked_note
from local.demo.rows import Row

Resource = dict[str, Any]

#: Columns of the mirror that are no attributes in Chargebee.
_OURS = frozenset({"synced_at", "plan_item_price_id", "plan_quantity", "plan_unit_price", "invoice_id"})


def chargebee_objects(reference: datetime.date | None = None) -> Mapping[str, tuple[Resource, ...]]:
    """Resources by name: customer, subscription, item_price, invoice, transaction, credit_note.

    They say what the rows of the mirror say, as Chargebee says it: times in seconds since 1970, attributes without a
    value left out, an invoice with its lines, payments and credit notes inside. `reference` is today by default.
    """
    data = generate(reference or datetime.datetime.now(datetime.UTC).date())
    lines = _by_invoice(data.table("chargebee.invoice_line_item"), "invoice_id")
    payments = _by_invoice(data.table("chargebee.transaction"), "invoice_id")
    credit_notes = _by_invoice(data.table("chargebee.credit_note"), "reference_invoice_id")
    erased = {row["chargebee_customer_id"] for row in data.table("public.customer") if row["deleted_at"] is not None}
    return {
        "customer": tuple(
            {**_resource("customer", row), "pii_cleared": "cleared" if row["id"] in erased else "active"}
            for row in data.table("chargebee.customer")
        ),
        **{
            name: tuple(_resource(name, row) for row in data.table(f"chargebee.{name}"))
            for name in ("subscription", "item_price", "transaction", "credit_note")
        },
        "invoice": tuple(
            _invoice(row, lines[row["id"]], payments[row["id"]], credit_notes[row["id"]])
            for row in data.table("chargebee.invoice")
        ),
    }


def _invoice(row: Row, lines: Iterable[Row], payments: Iterable[Row], credit_notes: Iterable[Row]) -> Resource:
    linked = [_linked_payment(payment) for payment in payments if payment["type"] == "payment"]
    notes = list(credit_notes)
    return {
        **_resource("invoice", row),
        "amount_to_collect": row["amount_due"],
        "round_off_amount": 0,
        "term_finalized": True,
        "is_gifted": False,
        "has_advance_charges": False,
        "line_items": [_line_item(line) for line in lines],
        "linked_payments": linked,
        "dunning_attempts": [
            {"attempt": number, "dunning_type": "auto_collect", "created_at": attempt["txn_date"], **attempt}
            for number, attempt in enumerate(linked)
            if number > 0
        ],
        "applied_credits": [],
        "adjustment_credit_notes": [linked_note(note) for note in notes if note["type"] == "adjustment"],
        "issued_credit_notes": [linked_note(note) for note in notes if note["type"] != "adjustment"],
    }


def _line_item(row: Row) -> Resource:
    left_out = {"invoice_id", "deleted", "updated_at", "resource_version"}
    attributes = _resource("line_item", {name: value for name, value in row.items() if name not in left_out})
    return {**attributes, "is_taxed": False, "item_level_discount_amount": 0}


def _linked_payment(row: Row) -> Resource:
    return {
        "txn_id": row["id"],
        "txn_status": row["status"],
        "txn_date": _seconds(row["date"]),
        "txn_amount": row["amount"],
        "applied_amount": row["amount"] if row["status"] == "success" else 0,
        "applied_at": _seconds(row["date"]),
    }


def _resource(name: str, row: Row) -> Resource:
    attributes = {
        attribute: _seconds(value) if isinstance(value, datetime.datetime) else value
        for attribute, value in row.items()
        if value is not None and attribute not in _OURS
    }
    return {**attributes, "object": name}


def _by_invoice(rows: Iterable[Row], column: str) -> Mapping[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row[column] is not None:
            found[row[column]].append(row)
    return found


def _seconds(time: datetime.datetime) -> int:
    return int(time.timestamp())
