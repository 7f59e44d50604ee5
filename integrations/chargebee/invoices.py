"""Chargebee's invoices and their lines, typed: what the mirror has of them and nothing else of what Chargebee says.

A back-fill reads thousands of pages of them. msgspec reads of a page's JSON what is named here and passes the rest
over, in two thirds of the time that the whole takes as dictionaries.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import msgspec
import orjson

from integrations.chargebee.moments import all_written

#: Column → its values in many rows, in the rows' order.
Columns = dict[str, Sequence[Any]]

#: As large as PostgreSQL's bigint and integer are.
Big = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Small = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]

_MISSING: Final = re.compile(r"missing required field `(\w+)`")
#: The path of what has another form: `$.line_items[0].amount`.
_PLACE: Final = re.compile(r"at `\$\.([\w.\[\]]+)`$")


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
    quantity: Small = 1
    unit_amount: Big = 0
    amount: Big = 0
    discount_amount: Big = 0
    tax_amount: Big = 0


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
    net_term_days: Small = 0
    currency_code: str
    sub_total: Big
    tax: Big = 0
    total: Big
    amount_paid: Big = 0
    amount_adjusted: Big = 0
    credits_applied: Big = 0
    write_off_amount: Big = 0
    amount_due: Big = 0
    paid_at: int | None = None
    voided_at: int | None = None
    dunning_status: str | None = None
    next_retry_at: int | None = None
    issued_credit_notes: list[Any] = []
    generated_at: int | None = None
    #: Very old ones have none until they change.
    updated_at: int | None = None
    resource_version: Big | None = None
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


class WrongForm(Exception):
    """An attribute of an invoice or of a line of it, named by its path, is of another kind or out of bounds."""


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
        return _page_with_nulls(content)
    return InvoicePage(invoices=[entry.invoice for entry in listing.entries], next_offset=listing.next_offset)


def _page_with_nulls(content: bytes) -> InvoicePage | None:
    try:
        listing = orjson.loads(content)
        invoices = [typed(entry["invoice"]) for entry in listing["list"]]
    except (MissingAttribute, WrongForm, ValueError, KeyError, TypeError, AttributeError):
        return None
    return InvoicePage(invoices=invoices, next_offset=listing.get("next_offset"))


def typed(raw: Mapping[str, Any]) -> Invoice:
    """The invoice. Raises MissingAttribute with its name, WrongForm with its path, and TypeError for what is none."""
    lines = raw.get("line_items")
    given = _given(raw)
    if isinstance(lines, list):
        given["line_items"] = [_given(line) if isinstance(line, dict) else line for line in lines]
    try:
        return msgspec.convert(given, Invoice)
    except msgspec.ValidationError as error:
        # Its text names attributes and kinds, no values.
        missing = _MISSING.search(str(error))
        if missing:
            raise MissingAttribute(missing[1]) from None
        place = _PLACE.search(str(error))
        raise (WrongForm(place[1]) if place else TypeError("of another form")) from None


def _given(raw: Mapping[str, Any]) -> dict[str, Any]:
    # Chargebee leaves out what is empty; whoever writes null means the same. msgspec takes no names of kinds of text.
    return {str(name): value for name, value in raw.items() if value is not None}


def invoice_columns(invoices: Sequence[Invoice]) -> Columns:
    """The columns of `chargebee.invoice`."""
    given = _by_attribute(Invoice, invoices)
    del given["line_items"]
    changed_at = [at or made_at for at, made_at in zip(given["updated_at"], given["date"], strict=True)]
    for name in ("date", "due_date", "paid_at", "voided_at", "next_retry_at", "generated_at"):
        given[name] = all_written(given[name])
    given["updated_at"] = all_written(changed_at)
    # Chargebee's versions are milliseconds.
    given["resource_version"] = [
        at * 1000 if version is None else version
        for version, at in zip(given["resource_version"], changed_at, strict=True)
    ]
    return given


def line_columns(invoices: Sequence[Invoice], own: Columns) -> Columns:
    """The columns of `chargebee.invoice_line_item` of the invoices, whose `own` columns are `invoice_columns`.

    Lines have the times and versions of their invoices.
    """
    lines = [line for invoice in invoices for line in invoice.line_items]
    owners = [number for number, invoice in enumerate(invoices) for _ in invoice.line_items]

    def of_owners(name: str) -> Sequence[Any]:
        return [own[name][number] for number in owners]

    given = _by_attribute(Line, lines)
    return {
        **given,
        "invoice_id": of_owners("id"),
        "customer_id": [
            named or owner for named, owner in zip(given["customer_id"], of_owners("customer_id"), strict=True)
        ],
        "date_from": all_written(given["date_from"]),
        "date_to": all_written(given["date_to"]),
        **{name: of_owners(name) for name in ("updated_at", "resource_version", "deleted")},
    }


def _by_attribute(kind: type[msgspec.Struct], many: Sequence[msgspec.Struct]) -> Columns:
    names = kind.__struct_fields__
    if not many:
        return dict.fromkeys(names, ())
    return dict(zip(names, zip(*map(msgspec.structs.astuple, many), strict=True), strict=True))
