"""Chargebee's resources as rows of its mirror, schema `chargebee`: the one place that says what becomes of a field.

The ETL and the webhooks both come through here, so that it never matters which of them brought a change. A row is what
GraphQL takes as an object of ``insert_chargebee_…``: JSON values, times as RFC 3339 text in UTC. It has all columns of
its table but ours (``synced_at``, and what says that an invoice is history: ``agents.mirror.history``), and null where
Chargebee left an attribute out: Chargebee writes no attribute for "empty", so a row that left it out, too, would keep
what was there before.

Amounts stay as they are: minor units, which for a currency without decimals (JPY) are whole units in Chargebee, too.
https://apidocs.chargebee.com/docs/api?prod_cat_ver=2 has the attributes; the tables are in ``schema/tables/chargebee``.

Nothing here decides whether a row may be written: the database does (an older ``resource_version`` never overwrites a
newer one). `collect` only sees to it that a batch has no row twice, which PostgreSQL would refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from integrations.chargebee.invoices import (
    Columns,
    Invoice,
    MissingAttribute,
    WrongForm,
    invoice_columns,
    line_columns,
    typed,
)
from integrations.chargebee.moments import written as _time

Resource = Mapping[str, Any]
Row = dict[str, Any]

#: Table → its rows: `{"invoice": [...], "invoice_line_item": [...]}`, names without the schema.
Rows = dict[str, list[Row]]

#: Table → its rows by columns.
ColumnRows = dict[str, Columns]

#: What the columns with a fixed set of values take. A test holds these against the tables' checks.
VALUES: Final[Mapping[str, Mapping[str, frozenset[str]]]] = {
    "customer": {
        "auto_collection": frozenset({"on", "off"}),
        "card_status": frozenset({"no_card", "valid", "expiring", "expired", "pending_verification"}),
    },
    "item_price": {
        "item_type": frozenset({"plan", "addon", "charge"}),
        "status": frozenset({"active", "archived", "deleted"}),
        "pricing_model": frozenset({"flat_fee", "per_unit", "tiered", "volume", "stairstep"}),
        "period_unit": frozenset({"day", "week", "month", "year"}),
    },
    "subscription": {
        "status": frozenset({"future", "in_trial", "active", "non_renewing", "paused", "cancelled"}),
        "billing_period_unit": frozenset({"day", "week", "month", "year"}),
        "auto_collection": frozenset({"on", "off"}),
    },
    "invoice": {
        "status": frozenset({"paid", "posted", "payment_due", "not_paid", "voided", "pending"}),
        "price_type": frozenset({"tax_exclusive", "tax_inclusive"}),
        "dunning_status": frozenset({"in_progress", "exhausted", "stopped", "success"}),
    },
    "invoice_line_item": {
        "entity_type": frozenset({"plan_item_price", "addon_item_price", "charge_item_price", "adhoc"}),
    },
    "transaction": {
        "type": frozenset({"authorization", "payment", "refund", "payment_reversal"}),
        "status": frozenset(
            {"in_progress", "success", "voided", "failure", "timeout", "needs_attention", "late_failure"}
        ),
    },
    "credit_note": {
        "type": frozenset({"adjustment", "refundable", "store"}),
        "status": frozenset({"adjusted", "refunded", "refund_due", "voided"}),
    },
}

_BIG: Final = range(-(2**63), 2**63)
_SMALL: Final = range(-(2**31), 2**31)

#: What the columns of numbers hold, PostgreSQL's bigint and integer. A test holds these against the tables' types. The
#: numbers of invoices and lines are bounded as they are typed.
NUMBERS: Final[Mapping[str, Mapping[str, range]]] = {
    "customer": {
        "net_term_days": _SMALL,
        "promotional_credits": _BIG,
        "refundable_credits": _BIG,
        "excess_payments": _BIG,
        "unbilled_charges": _BIG,
        "resource_version": _BIG,
    },
    "item_price": {"period": _SMALL, "price": _BIG, "resource_version": _BIG},
    "subscription": {
        "plan_quantity": _SMALL,
        "plan_unit_price": _BIG,
        "billing_period": _SMALL,
        "remaining_billing_cycles": _SMALL,
        "due_invoices_count": _SMALL,
        "total_dues": _BIG,
        "mrr": _BIG,
        "resource_version": _BIG,
    },
    "transaction": {"amount": _BIG, "amount_unused": _BIG, "resource_version": _BIG},
    "credit_note": {
        "sub_total": _BIG,
        "total": _BIG,
        "amount_allocated": _BIG,
        "amount_refunded": _BIG,
        "amount_available": _BIG,
        "resource_version": _BIG,
    },
}


class Unmirrorable(Exception):
    """A resource that its table can't hold; the message names resource, id and attribute, and no personal value."""

    def __init__(self, kind: str, resource_id: object, attribute: str, problem: str) -> None:
        self.kind = kind
        self.resource_id = str(resource_id)
        self.attribute = attribute
        super().__init__(f"{kind} {self.resource_id}: {attribute} {problem}")


def customer_row(raw: Resource) -> Row:
    """A row of `chargebee.customer`."""
    row = {
        "id": raw["id"],
        "email": raw.get("email"),
        "first_name": raw.get("first_name"),
        "last_name": raw.get("last_name"),
        "phone": raw.get("phone"),
        "auto_collection": raw.get("auto_collection") or "on",
        "net_term_days": raw.get("net_term_days") or 0,
        "preferred_currency_code": raw.get("preferred_currency_code"),
        "billing_address": raw.get("billing_address"),
        "card_status": raw.get("card_status"),
        "primary_payment_source_id": raw.get("primary_payment_source_id"),
        "promotional_credits": raw.get("promotional_credits") or 0,
        "refundable_credits": raw.get("refundable_credits") or 0,
        "excess_payments": raw.get("excess_payments") or 0,
        "unbilled_charges": raw.get("unbilled_charges") or 0,
        "created_at": _time(raw["created_at"]),
    }
    return _mirrored("customer", raw, row, raw["created_at"])


def item_price_row(raw: Resource) -> Row:
    """A row of `chargebee.item_price`. Chargebee says with the status that one is deleted."""
    row = {
        "id": raw["id"],
        "name": raw["name"],
        "external_name": raw.get("external_name"),
        "description": raw.get("description"),
        "item_id": raw["item_id"],
        "item_family_id": raw.get("item_family_id"),
        "item_type": raw["item_type"],
        "status": raw.get("status") or "active",
        "pricing_model": raw.get("pricing_model") or "flat_fee",
        "price": raw.get("price"),
        "currency_code": raw["currency_code"],
        "period": raw.get("period"),
        "period_unit": raw.get("period_unit"),
        "created_at": _time(raw["created_at"]),
    }
    row = _mirrored("item_price", raw, row, raw["created_at"])
    row["deleted"] = row["deleted"] or row["status"] == "deleted"
    return row


def subscription_row(raw: Resource) -> Row:
    """A row of `chargebee.subscription`; its plan stands in columns of its own beside all items."""
    items = raw.get("subscription_items") or []
    plan: Resource = next((item for item in items if item.get("item_type", "plan") == "plan"), {})
    row = {
        "id": raw["id"],
        "customer_id": raw["customer_id"],
        "plan_item_price_id": plan.get("item_price_id"),
        "plan_quantity": plan.get("quantity"),
        "plan_unit_price": plan.get("unit_price"),
        "subscription_items": items,
        "currency_code": raw["currency_code"],
        "billing_period": raw.get("billing_period"),
        "billing_period_unit": raw.get("billing_period_unit"),
        "status": raw["status"],
        "auto_collection": raw.get("auto_collection"),
        "cf_contract_id": raw.get("cf_contract_id") or None,
        "remaining_billing_cycles": raw.get("remaining_billing_cycles"),
        "start_date": _time(raw.get("start_date")),
        "trial_start": _time(raw.get("trial_start")),
        "trial_end": _time(raw.get("trial_end")),
        "current_term_start": _time(raw.get("current_term_start")),
        "current_term_end": _time(raw.get("current_term_end")),
        "next_billing_at": _time(raw.get("next_billing_at")),
        "started_at": _time(raw.get("started_at")),
        "activated_at": _time(raw.get("activated_at")),
        "pause_date": _time(raw.get("pause_date")),
        "resume_date": _time(raw.get("resume_date")),
        "cancelled_at": _time(raw.get("cancelled_at")),
        "cancel_reason": raw.get("cancel_reason"),
        "cancel_reason_code": raw.get("cancel_reason_code"),
        "due_invoices_count": raw.get("due_invoices_count") or 0,
        "due_since": _time(raw.get("due_since")),
        "total_dues": raw.get("total_dues") or 0,
        "mrr": raw.get("mrr") or 0,
        "has_scheduled_changes": bool(raw.get("has_scheduled_changes")),
        "created_at": _time(raw["created_at"]),
    }
    return _mirrored("subscription", raw, row, raw["created_at"])


def transaction_row(raw: Resource) -> Row:
    """A row of `chargebee.transaction`.

    A refund has no linked invoices of its own: it belongs to the one that its credit note is about.
    """
    linked = raw.get("linked_invoices") or []
    notes = raw.get("linked_credit_notes") or []
    invoice_id = linked[0]["invoice_id"] if linked else None
    if invoice_id is None and notes:
        invoice_id = notes[0].get("cn_reference_invoice_id")
    row = {
        "id": raw["id"],
        "customer_id": raw["customer_id"],
        "subscription_id": raw.get("subscription_id"),
        "invoice_id": invoice_id,
        "type": raw["type"],
        "status": raw["status"],
        "payment_method": raw.get("payment_method") or "card",
        "gateway": raw.get("gateway"),
        "date": _time(raw["date"]),
        "currency_code": raw["currency_code"],
        "amount": raw.get("amount") or 0,
        "amount_unused": raw.get("amount_unused") or 0,
        "id_at_gateway": raw.get("id_at_gateway"),
        "masked_card_number": raw.get("masked_card_number"),
        "error_code": raw.get("error_code"),
        "error_text": raw.get("error_text"),
        "reference_transaction_id": raw.get("reference_transaction_id") or raw.get("refunded_txn_id"),
        "linked_invoices": linked,
    }
    return _mirrored("transaction", raw, row, raw["date"])


def credit_note_row(raw: Resource) -> Row:
    """A row of `chargebee.credit_note`."""
    row = {
        "id": raw["id"],
        "customer_id": raw["customer_id"],
        "subscription_id": raw.get("subscription_id"),
        "reference_invoice_id": raw.get("reference_invoice_id"),
        "type": raw["type"],
        "status": raw["status"],
        "create_reason_code": raw.get("create_reason_code"),
        "date": _time(raw["date"]),
        "currency_code": raw["currency_code"],
        "sub_total": raw["sub_total"],
        "total": raw["total"],
        "amount_allocated": raw.get("amount_allocated") or 0,
        "amount_refunded": raw.get("amount_refunded") or 0,
        "amount_available": raw.get("amount_available") or 0,
        "refunded_at": _time(raw.get("refunded_at")),
        "voided_at": _time(raw.get("voided_at")),
        "generated_at": _time(raw.get("generated_at")),
    }
    return _mirrored("credit_note", raw, row, raw["date"])


_ROW_OF: Final[Mapping[str, Callable[[Resource], Row]]] = {
    "customer": customer_row,
    "item_price": item_price_row,
    "subscription": subscription_row,
    "transaction": transaction_row,
    "credit_note": credit_note_row,
}

#: What comes of attributes of another kind, and of moments that are none.
_WRONG_FORM: Final = (TypeError, ValueError, OverflowError, AttributeError)

#: The resources that have a mirror, by Chargebee's name of one of them.
KINDS: Final = (*_ROW_OF, "invoice")


def rows_of(kind: str, raw: Resource) -> Rows:
    """The rows of one resource by table: one, and an invoice's lines. Raises Unmirrorable, KeyError for the kind."""
    row_of = None if kind == "invoice" else _ROW_OF[kind]
    if not isinstance(raw, Mapping):
        raise Unmirrorable(kind, "without an id", "the resource", "is no object")
    try:
        return rows_of_invoice(typed(raw)) if row_of is None else {kind: [row_of(raw)]}
    except (KeyError, MissingAttribute) as error:
        raise Unmirrorable(kind, raw.get("id"), str(error.args[0]), "is missing") from None
    except WrongForm as error:
        raise Unmirrorable(kind, raw.get("id"), str(error), "has the wrong form or size") from None
    except _WRONG_FORM as error:
        raise _of_another_form(kind, raw.get("id"), error) from None


def rows_of_invoice(invoice: Invoice) -> Rows:
    """What `rows_of` gives for an invoice that has been read already. Raises Unmirrorable."""
    try:
        return rows_in(_invoice_columns([invoice]))[0]
    except _WRONG_FORM as error:
        raise _of_another_form("invoice", invoice.id, error) from None


def columns_of_invoices(invoices: Sequence[Invoice]) -> ColumnRows | None:
    """What `rows_of_invoice` makes of each, by columns: a quarter of the work.

    None when they have to be looked at one by one: a table can't hold one of them, or one is there twice.
    """
    try:
        found = _invoice_columns(invoices)
    except (Unmirrorable, *_WRONG_FORM):
        return None
    return found if all(len(set(columns["id"])) == len(columns["id"]) for columns in found.values()) else None


def _invoice_columns(invoices: Sequence[Invoice]) -> ColumnRows:
    own = invoice_columns(invoices)
    return {
        "invoice": _checked("invoice", own),
        "invoice_line_item": _checked("invoice_line_item", line_columns(invoices, own)),
    }


def _of_another_form(kind: str, resource_id: object, error: Exception) -> Unmirrorable:
    return Unmirrorable(kind, resource_id, "an attribute", f"has the wrong form ({type(error).__name__})")


def rows_in(columns: ColumnRows) -> list[Rows]:
    """The rows of each invoice by themselves."""
    lines: dict[str, list[Row]] = {}
    for line in _rows(columns["invoice_line_item"]):
        lines.setdefault(line["invoice_id"], []).append(line)
    return [
        {"invoice": [invoice], "invoice_line_item": lines.get(invoice["id"], [])}
        for invoice in _rows(columns["invoice"])
    ]


def collect(many: Iterable[Rows]) -> Rows:
    """All rows together, each once: of two versions of a row the newer one, of equal ones the later."""
    newest: dict[str, dict[str, Row]] = {}
    for rows in many:
        for table, listed in rows.items():
            known = newest.setdefault(table, {})
            for row in listed:
                other = known.get(row["id"])
                if other is None or other["resource_version"] <= row["resource_version"]:
                    known[row["id"]] = row
    return {table: list(known.values()) for table, known in newest.items()}


def rows_of_event(content: Mapping[str, Any]) -> Rows:
    """The rows of all mirrored resources in an event's ``content`` (``{"subscription": {…}, "customer": {…}}``).

    Also of lists (``"credit_notes": […]``); what has no mirror (``card``, ``promotional_credit``) is left out.
    """
    found: list[Rows] = []
    for name, value in content.items():
        kind = name.removesuffix("s")
        if kind not in KINDS or value is None:
            continue
        if isinstance(value, list):
            found.extend(rows_of(kind, one) for one in value)
        elif name == kind:
            found.append(rows_of(kind, value))
    return collect(found)


def _checked(kind: str, columns: Columns) -> Columns:
    for column, allowed in VALUES[kind].items():
        if not allowed.issuperset(value for value in set(columns[column]) if value is not None):
            for row in _rows(columns):
                _check(kind, row)
    return columns


def _rows(columns: Columns) -> list[Row]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _mirrored(kind: str, raw: Resource, row: Row, made_at: int) -> Row:
    # Very old resources have no `updated_at` until they change.
    changed_at = raw.get("updated_at") or made_at
    version = raw.get("resource_version")
    row["updated_at"] = _time(changed_at)
    # Chargebee's versions are milliseconds.
    row["resource_version"] = changed_at * 1000 if version is None else version
    row["deleted"] = bool(raw.get("deleted"))
    if not isinstance(row["id"], str):
        raise Unmirrorable(kind, row["id"], "id", "is no text")
    for column, bounds in NUMBERS[kind].items():
        value = row[column]
        # A truth value is an int to Python.
        if value is not None and (type(value) is not int or value not in bounds):
            raise Unmirrorable(kind, row["id"], column, "is no number, or one too large for the mirror")
    _check(kind, row)
    return row


def _check(kind: str, row: Row) -> None:
    for column, allowed in VALUES[kind].items():
        value = row[column]
        if value is not None and value not in allowed:
            raise Unmirrorable(kind, row["id"], column, "has a value that the mirror doesn't know")
