"""Chargebee's invoices and their lines, typed: what the mirror has of them and nothing else of what Chargebee says.

A back-fill reads thousands of pages of them. msgspec reads of a page's JSON what is named here and passes the rest
over, in two thirds of the time that the whole takes as dictionaries.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from integrations.chargebee.moments import all_written

#: Column → its values in many rows, in the rows' order.
Columns = dict[str, Sequence[Any]]

_MISSING: Final = re.compile(r"missing required field `(\w+)`")


class Line(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """A line of an invoice."""

    id: str
    customer_id: str | None = None
    subscription_id: str | None = None
    entity_type: str
    entity_id: str | None = None
    description: str = ""
    date_from: int | None = None
    date_to: int | None = None
    quantity: int = 1
    unit_amount: int = 0
    amount: int = 0
    discount_amount: int = 0
    tax_amount: int = 0


class Invoice(msgspec.Struct, kw_only=True, frozen=True, gc=False):
    """An invoice with its lines."""

    id: str
    customer_id: str
    subscription_id: str | None = None
    status: str
    recurring: bool = True
    first_invoice: bool = False
    price_type: str = "tax_exclusive"
    date: int
    due_date: int | None = None
    net_term_days: int = 0
    currency_code: str
    sub_total: int
    tax: int = 0
    total: int
    amount_paid: int = 0
    amount_adjusted: int = 0
    credits_applied: int = 0
    write_off_amount: int = 0
    amount_due: int = 0
    paid_at: int | None = None
    voided_at: int | None = None
    dunning_status: str | None = None
    next_retry_at: int | None = None
    issued_credit_notes: list[Any] = []
    generated_at: int | None = None
    #: Very old ones have none until they change.
    updated_at: int | None = None
    resource_version: int | None = None
    deleted: bool = False
    line_items: list[Line] = []

    @property
    def changed_at(self) -> int:
        """When it last changed."""
        return self.updated_at or self.date


class _Entry(msgspec.Struct, gc=False):
    invoice: Invoice


class _Listing(msgspec.Struct, gc=False):
    entries: list[_Entry] = msgspec.field(name="list")
    next_offset: str | None = None


_LISTING: Final = msgspec.json.Decoder(_Listing)


class MissingAttribute(Exception):
    """An invoice or a line of it lacks an attribute that all have."""


class InvoicePage(msgspec.Struct, frozen=True, gc=False):
    """Part of the listing of invoices."""

    invoices: Sequence[Invoice]
    #: Give it to the next call; None on the last page.
    next_offset: str | None


def read_page(content: bytes) -> InvoicePage | None:
    """A page of the listing as Chargebee answers it; None when something in it has another form than it should."""
    try:
        listing = _LISTING.decode(content)
    except msgspec.DecodeError:
        return None
    return InvoicePage(invoices=[entry.invoice for entry in listing.entries], next_offset=listing.next_offset)


def typed(raw: Mapping[str, Any]) -> Invoice:
    """The invoice. Raises MissingAttribute with its name, and TypeError for one of another form."""
    lines = raw.get("line_items")
    given = _given(raw)
    if isinstance(lines, list):
        given["line_items"] = [_given(line) if isinstance(line, dict) else line for line in lines]
    try:
        return msgspec.convert(given, Invoice)
    except msgspec.ValidationError as error:
        # Its text names attributes and kinds, no values.
        missing = _MISSING.search(str(error))
        raise (MissingAttribute(missing[1]) if missing else TypeError("of another form")) from None


def _given(raw: Mapping[str, Any]) -> dict[str, Any]:
    # Chargebee leaves out what is empty; whoever writes null means the same. msgspec takes no names of kinds of text.
    return {str(name): value for name, value in raw.items() if value is not None}


def invoice_columns(invoices: Sequence[Invoice]) -> Columns:
    """The columns of `chargebee.invoice`."""
    given = _by_attribute(Invoice, invoices)
    del given["line_items"]
    for name in ("due_date", "paid_at", "voided_at", "next_retry_at", "generated_at"):
        given[name] = all_written(given[name])
    changed = _changed_columns(given)
    return {**given, "date": all_written(given["date"]), **changed}


def line_columns(invoices: Sequence[Invoice]) -> Columns:
    """The columns of `chargebee.invoice_line_item` of the invoices; lines have the times and versions of theirs."""
    lines = [line for invoice in invoices for line in invoice.line_items]
    owners = [invoice for invoice in invoices for _ in invoice.line_items]
    given = _by_attribute(Line, lines)
    return {
        **given,
        "invoice_id": [owner.id for owner in owners],
        "customer_id": [own or owner.customer_id for own, owner in zip(given["customer_id"], owners, strict=True)],
        "date_from": all_written(given["date_from"]),
        "date_to": all_written(given["date_to"]),
        **_changed_columns(_by_attribute(Invoice, owners)),
    }


def _by_attribute(kind: type[msgspec.Struct], many: Sequence[msgspec.Struct]) -> Columns:
    names = kind.__struct_fields__
    if not many:
        return dict.fromkeys(names, ())
    return dict(zip(names, zip(*map(msgspec.structs.astuple, many), strict=True), strict=True))


def _changed_columns(given: Columns) -> Columns:
    changed_at = [at or made_at for at, made_at in zip(given["updated_at"], given["date"], strict=True)]
    return {
        "updated_at": all_written(changed_at),
        # Chargebee's versions are milliseconds.
        "resource_version": [
            at * 1000 if version is None else version
            for version, at in zip(given["resource_version"], changed_at, strict=True)
        ],
        "deleted": given["deleted"],
    }
