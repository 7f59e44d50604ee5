"""What becomes of Chargebee's resources in the mirror."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args, get_type_hints

import msgspec
import orjson
import pytest
from graphql import FieldNode, ObjectFieldNode, parse, visit
from graphql import Visitor as GraphQLVisitor
from sqlalchemy import BigInteger, Integer

import agents.mirror
from integrations.chargebee.invoices import Invoice, InvoicePage, Line, read_page
from integrations.chargebee.rows import (
    KINDS,
    NUMBERS,
    VALUES,
    Resource,
    Unmirrorable,
    collect,
    columns_of_invoices,
    rows_in,
    rows_of,
    rows_of_event,
)
from local.demo.chargebee import chargebee_objects
from local.demo.generator import generate
from schema.tables import metadata

AT = 1_772_236_800  # 2026-02-28T00:00:00Z
#: What makes an invoice history when it is brought first; it stays so.
HISTORY = {"history_by", "history_paid"}


def invoice(**changes: Any) -> dict[str, Any]:
    return {
        "id": "17",
        "customer_id": "ada",
        "subscription_id": "ada-basic",
        "status": "payment_due",
        "date": AT,
        "currency_code": "USD",
        "sub_total": 9900,
        "total": 9900,
        "amount_due": 9900,
        "updated_at": AT + 60,
        "resource_version": (AT + 60) * 1000 + 7,
        "line_items": [line("li_1")],
        "object": "invoice",
    } | changes


def line(key: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": key,
        "entity_type": "plan_item_price",
        "entity_id": "basic-USD-Monthly",
        "description": "Basic",
        "date_from": AT,
        "quantity": 1,
        "unit_amount": 9900,
        "amount": 9900,
        "object": "line_item",
    } | changes


def transaction(**changes: Any) -> dict[str, Any]:
    return {
        "id": "txn_1",
        "customer_id": "ada",
        "type": "payment",
        "status": "success",
        "date": AT,
        "currency_code": "USD",
        "amount": 9900,
        "updated_at": AT,
        "resource_version": AT * 1000,
    } | changes


@pytest.mark.parametrize("table", [*KINDS, "invoice_line_item"])
def test_a_row_has_every_column_of_its_table_but_ours(table: str) -> None:
    objects = chargebee_objects(datetime(2026, 11, 1, tzinfo=UTC).date())
    rows = collect(rows_of(kind, raw) for kind, raws in objects.items() for raw in raws[:50])

    columns = {column.name for column in metadata.tables[f"chargebee.{table}"].columns} - {"synced_at"} - HISTORY
    assert rows[table]
    assert {frozenset(row) for row in rows[table]} == {frozenset(columns)}


def test_the_demo_data_in_chargebees_words_gives_the_demo_data_in_ours() -> None:
    today = datetime(2026, 11, 1, tzinfo=UTC).date()
    wanted = generate(today)
    rows = collect(rows_of(kind, raw) for kind, raws in chargebee_objects(today).items() for raw in raws)

    for table, listed in rows.items():
        expected = {row["id"]: row for row in wanted.table(f"chargebee.{table}")}
        assert {row["id"] for row in listed} == set(expected)
        for row in listed:
            for column, value in row.items():
                if column not in expected[row["id"]] or (table == "invoice_line_item" and column == "resource_version"):
                    continue
                assert comparable(value) == comparable(expected[row["id"]][column]), (table, row["id"], column)


def comparable(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    if isinstance(value, str) and value.endswith("+00:00"):
        return datetime.fromisoformat(value)
    return value or None


def the_row(raw: dict[str, Any]) -> dict[str, Any]:
    (row,) = rows_of("invoice", raw)["invoice"]
    return row


def test_times_are_utc_and_a_field_that_chargebee_leaves_out_is_null() -> None:
    row = the_row(invoice())

    assert (row["date"], row["updated_at"]) == ("2026-02-28T00:00:00+00:00", "2026-02-28T00:01:00+00:00")
    assert (row["paid_at"], row["dunning_status"], row["amount_paid"]) == (None, None, 0)


def test_a_leap_day_stays_the_day_it_is() -> None:
    leap_day = int(datetime(2028, 2, 29, 23, 59, 59, tzinfo=UTC).timestamp())
    assert the_row(invoice(due_date=leap_day))["due_date"] == "2028-02-29T23:59:59+00:00"


@pytest.mark.parametrize(("currency_code", "total"), [("JPY", 1500), ("USD", 1500), ("KWD", 1500)])
def test_amounts_are_chargebees_own_minor_units_whatever_the_currency(currency_code: str, total: int) -> None:
    row = the_row(invoice(currency_code=currency_code, total=total))
    assert (row["total"], row["currency_code"]) == (total, currency_code)


def test_lines_have_the_version_and_the_customer_of_their_invoice() -> None:
    (row,) = rows_of("invoice", invoice())["invoice_line_item"]
    assert (row["invoice_id"], row["customer_id"]) == ("17", "ada")
    assert row["resource_version"] == invoice()["resource_version"]


def test_an_ad_hoc_line_has_no_price_and_a_deleted_invoice_only_deleted_lines() -> None:
    lines = [line("li_1", entity_type="adhoc", entity_id=None)]
    (row,) = rows_of("invoice", invoice(deleted=True, line_items=lines))["invoice_line_item"]
    assert (row["entity_id"], row["deleted"]) == (None, True)


def test_a_refund_belongs_to_the_invoice_of_its_credit_note_and_to_the_payment_it_gives_back() -> None:
    refund = transaction(
        id="txn_2", type="refund", refunded_txn_id="txn_1", linked_credit_notes=[{"cn_reference_invoice_id": "17"}]
    )
    (row,) = rows_of("transaction", refund)["transaction"]
    assert (row["invoice_id"], row["reference_transaction_id"]) == ("17", "txn_1")


def test_a_price_is_deleted_when_its_status_says_so() -> None:
    raw = {"id": "p", "name": "P", "item_id": "p", "item_type": "plan", "currency_code": "USD", "created_at": AT}
    (row,) = rows_of("item_price", raw | {"status": "deleted"})["item_price"]
    (other,) = rows_of("item_price", raw)["item_price"]
    assert (row["deleted"], other["deleted"]) == (True, False)


def test_a_resource_without_version_has_that_of_its_last_change() -> None:
    row = the_row({key: value for key, value in invoice().items() if key != "resource_version"})
    assert row["resource_version"] == (AT + 60) * 1000


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"status": "imagined"}, "invoice 17: status has a value that the mirror doesn't know"),
        ({"line_items": [line("li_1", entity_type="plan_setup")]}, "invoice_line_item li_1: entity_type has a value"),
        ({"date": "yesterday"}, "invoice 17: date has the wrong form or size"),
        ({"date": 10**15}, "invoice 17: an attribute has the wrong form ("),
        ({"total": 2**63}, "invoice 17: total has the wrong form or size"),
        ({"resource_version": "x"}, "invoice 17: resource_version has the wrong form or size"),
        ({"line_items": [line("li_1", amount=-(2**63) - 1)]}, "invoice 17: line_items[0].amount has the wrong form or"),
        ({"line_items": [line("li_1", quantity=2**31)]}, "invoice 17: line_items[0].quantity has the wrong form or"),
    ],
)
def test_what_the_mirror_cannot_hold_is_named_without_its_values(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Unmirrorable) as caught:
        rows_of("invoice", invoice(**changes))
    assert str(caught.value).startswith(sentence)
    assert "imagined" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"amount": 2**63}, "transaction txn_1: amount is no number, or one too large for the mirror"),
        ({"amount": 1e30}, "transaction txn_1: amount is no number"),
        ({"amount_unused": "lots"}, "transaction txn_1: amount_unused is no number"),
        ({"resource_version": "x"}, "transaction txn_1: resource_version is no number"),
        ({"id": ["txn_1"]}, "transaction ['txn_1']: id is no text"),
        ({"linked_credit_notes": [1]}, "transaction txn_1: an attribute has the wrong form (AttributeError)"),
    ],
)
def test_what_no_column_can_hold_is_named(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Unmirrorable) as caught:
        rows_of("transaction", transaction(**changes))
    assert str(caught.value).startswith(sentence)


def test_the_largest_numbers_that_a_column_holds_are_mirrored() -> None:
    assert the_row(invoice(total=2**63 - 1, amount_due=-(2**63)))["total"] == 2**63 - 1
    (row,) = rows_of("transaction", transaction(amount=2**63 - 1))["transaction"]
    assert row["amount"] == 2**63 - 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("resource", [1, "x", [[]]])
def test_what_is_no_object_is_named_by_its_kind(kind: str, resource: object) -> None:
    with pytest.raises(Unmirrorable, match=f"{kind} without an id: the resource is no object"):
        rows_of_event({kind: resource if isinstance(resource, list) else [resource]})
    if not isinstance(resource, list):
        with pytest.raises(Unmirrorable, match=f"{kind} without an id"):
            rows_of_event({kind: resource})


def test_the_numbers_bounds_are_those_of_the_tables_columns() -> None:
    declared = {
        kind: {
            column.name: 2**63 if isinstance(column.type, BigInteger) else 2**31
            for column in metadata.tables[f"chargebee.{kind}"].columns
            if isinstance(column.type, Integer) and column.name not in HISTORY
        }
        for kind in (*KINDS, "invoice_line_item")
    }
    # Lines have their invoices' version.
    bounds = {
        "invoice": typed_bounds(Invoice),
        "invoice_line_item": typed_bounds(Line) | {"resource_version": 2**63},
        **{kind: {name: bounds.stop for name, bounds in columns.items()} for kind, columns in NUMBERS.items()},
    }
    assert bounds == declared


def typed_bounds(kind: type[msgspec.Struct]) -> dict[str, int]:
    """The attributes of a structure that have bounds, and what is just too large for them."""
    found: dict[str, int] = {}
    for name, hint in get_type_hints(kind, include_extras=True).items():
        for part in (hint, *get_args(hint)):
            for meta in getattr(part, "__metadata__", ()):
                found[name] = meta.le + 1
    return found


def test_a_missing_attribute_is_named() -> None:
    raw: Resource = {key: value for key, value in invoice().items() if key != "total"}
    with pytest.raises(Unmirrorable, match="invoice 17: total is missing"):
        rows_of("invoice", raw)


def test_a_batch_has_the_newest_version_of_each_row_once() -> None:
    old, new = invoice(resource_version=1, total=1), invoice(resource_version=2, total=2)
    for order in ([old, new], [new, old]):
        rows = collect(rows_of("invoice", raw) for raw in order)
        assert [row["total"] for row in rows["invoice"]] == [2]
        assert len(rows["invoice_line_item"]) == 1


def test_an_event_gives_the_rows_of_everything_in_it_that_is_mirrored() -> None:
    note = {
        "id": "CN-1",
        "customer_id": "ada",
        "type": "refundable",
        "status": "refunded",
        "date": AT,
        "currency_code": "USD",
        "sub_total": 1,
        "total": 1,
        "updated_at": AT,
        "resource_version": 1,
    }
    content = {"invoice": invoice(), "transaction": transaction(), "credit_notes": [note], "card": {"last4": "4242"}}
    assert {table: len(rows) for table, rows in rows_of_event(content).items()} == {
        "invoice": 1,
        "invoice_line_item": 1,
        "transaction": 1,
        "credit_note": 1,
    }


def test_the_values_that_are_let_through_are_those_of_the_tables_checks() -> None:
    declared = {
        table: {
            column.name: frozenset(column.info["values"])
            for column in metadata.tables[f"chargebee.{table}"].columns
            if "values" in column.info
        }
        for table in (*KINDS, "invoice_line_item")
    }
    assert {table: dict(values) for table, values in VALUES.items()} == declared


def test_the_mutations_write_every_column_but_the_key() -> None:
    document = parse((Path(agents.mirror.__file__).parent / "operations.graphql").read_text())
    written: dict[str, set[str]] = {}

    class Reading(GraphQLVisitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            if not node.name.value.startswith("insert_chargebee_"):
                return
            given = {argument.name.value: argument.value for argument in node.arguments or ()}
            if "on_conflict" not in given:
                # Of rows that are new.
                return
            conflict: Any = given["on_conflict"]
            columns: ObjectFieldNode = next(one for one in conflict.fields if one.name.value == "update_columns")
            listed: Any = columns.value
            written[node.name.value.removeprefix("insert_chargebee_")] = {one.value for one in listed.values}

    visit(document, Reading())

    for table, columns in written.items():
        assert columns == {column.name for column in metadata.tables[f"chargebee.{table}"].columns} - {"id"} - HISTORY
    assert set(written) == {*KINDS, "invoice_line_item"}


def variants() -> list[dict[str, Any]]:
    """Invoices with an attribute missing, empty or unusual, each under its own id."""
    given = invoice(due_date=AT, tax=5, paid_at=AT, deleted=True, issued_credit_notes=[{"cn_id": "1"}])
    without = [{key: value for key, value in given.items() if key != name} for name in given]
    empty = [given | {name: None} for name in given]
    lines = [
        line("a"),
        line("b", customer_id="bo", description=None, quantity=None, date_to=AT),
        line("c", tax_amount=3),
    ]
    unusual = [
        given | {"status": "unknown"},
        given | {"date": "2026"},
        given | {"date": 10**15},
        given | {"total": 2**63},
        given | {"line_items": [line("a", amount=10**30)]},
        given | {"line_items": [line("a", quantity=2**31)]},
        given | {"line_items": lines},
        given | {"line_items": [line("a", entity_type="gift")]},
        given | {"line_items": [{"id": "a"}]},
        given | {"line_items": 7},
        given | {"recurring": False, "first_invoice": True, "price_type": "tax_inclusive", "dunning_status": "stopped"},
    ]
    return [invoice(), *without, *empty, *unusual]


def page_of(*raws: dict[str, Any]) -> InvoicePage | None:
    return read_page(json.dumps({"list": [{"invoice": one} for one in raws], "next_offset": "further"}).encode())


@pytest.mark.parametrize("raw", variants(), ids=lambda raw: str(len(str(raw))))
def test_columns_of_a_page_have_what_rows_have_and_leave_what_has_none_to_those(raw: dict[str, Any]) -> None:
    other = invoice(id="18", line_items=[line("other")])
    page = page_of(other, raw)
    columns = None if page is None else columns_of_invoices(page.invoices)
    try:
        expected = [rows_of("invoice", other), rows_of("invoice", raw)]
    except Unmirrorable:
        assert columns is None
    else:
        assert page is not None
        assert page.next_offset == "further"
        assert columns is not None
        assert rows_in(columns) == expected


def test_what_is_no_page_of_invoices_is_left_to_those_who_read_the_whole() -> None:
    assert read_page(b"<html>") is None
    assert read_page(b"[]") is None
    assert read_page(orjson.dumps({"list": [{"customer": {"id": "1"}}]})) is None
    assert read_page(orjson.dumps({"list": [None]})) is None
    assert read_page(orjson.dumps({"api_error_code": "resource_not_found"})) is None
    last = read_page(orjson.dumps({"list": [{"invoice": invoice()}]}))
    assert last is not None
    assert last.next_offset is None


def test_null_is_as_good_as_nothing() -> None:
    row = the_row(invoice(recurring=None, tax=None, price_type=None, deleted=None))
    assert (row["recurring"], row["tax"], row["price_type"], row["deleted"]) == (True, 0, "tax_exclusive", False)


def test_an_invoice_that_is_there_twice_is_left_to_those_who_take_the_newer() -> None:
    page = page_of(invoice(), invoice(line_items=[]))
    assert page is not None
    assert columns_of_invoices(page.invoices) is None


@pytest.mark.parametrize("moment", [0, -1, 1, AT, AT + 86_399, 951_782_400, 4_102_444_799, -2_208_988_800])
def test_a_moment_is_written_in_utc_to_the_second(moment: int) -> None:
    row = the_row(invoice(due_date=moment))
    assert row["due_date"] == datetime.fromtimestamp(moment, UTC).isoformat()
