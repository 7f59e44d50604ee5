"""The demo data as values: complete, consistent, the same every time."""

import datetime
import random
import uuid
from collections import Counter

import pytest
from chargebee.models.invoice.responses import InvoiceResponse
from chargebee.models.subscription.responses import SubscriptionResponse
from sqlalchemy import Column

from local.demo.accounts import demo_accounts
from local.demo.chargebee import chargebee_objects
from local.demo.dates import add_months
from local.demo.generator import generate
from local.demo.people import ADA, ADA_SUBSCRIPTION, ADA_TREATMENT, BO, INES, MIRA, THEO
from local.demo.rows import Dataset
from schema.tables import base_tables

DATES = (
    datetime.date(2026, 3, 15),
    datetime.date(2026, 8, 31),
    datetime.date(2028, 2, 29),
    datetime.date(2027, 3, 1),
    datetime.date(2026, 12, 31),
)
TODAY = DATES[0]


@pytest.fixture(scope="module")
def data() -> Dataset:
    return generate(TODAY)


@pytest.fixture(scope="module", params=DATES, ids=str)
def any_day(request: pytest.FixtureRequest) -> Dataset:
    """The data of one of several days that dates go wrong on."""
    return generate(request.param)


def test_same_date_gives_the_same_rows_whatever_chance_did_before(data: Dataset) -> None:
    state = random.getstate()
    assert generate.__wrapped__(TODAY) == data
    assert random.getstate() == state


def test_ids_do_not_depend_on_the_date(data: Dataset) -> None:
    later = generate(datetime.date(2026, 3, 16))
    for name in ("public.customer", "public.staff", "public.treatment", "chargebee.subscription"):
        assert {row["id"] for row in data.table(name)} == {row["id"] for row in later.table(name)}, name


def test_there_are_two_hundred_customers_and_more_with_all_that_belongs_to_them(data: Dataset) -> None:
    rows = {name: len(found) for name, found in data.rows.items()}
    for name in ("public.customer", "public.contract", "chargebee.subscription", "healthcare.prescription"):
        assert rows[name] >= 200, name
    assert rows["chargebee.invoice"] >= 600
    roles = Counter(row["role"] for row in data.table("public.staff"))
    assert roles["provider"] >= 5
    assert roles["cct"] >= 3
    assert roles["admin"] == 1


def test_every_status_occurs(any_day: Dataset) -> None:
    data = any_day
    exempt = {
        # What is running or handed over is in somebody's hands; rows alone can't make it so.
        "chargebee.sync_cursor.status": {"running", "failed"},
        "events.scheduled_task.status": {"handed_over"},
        # Nobody empties a table.
        "audit.change.op": {"TRUNCATE"},
        # Jobs begin with the scheduler: a fresh platform has run none.
        "events.cron_run.outcome": {"running", "done", "failed", "abandoned"},
    }
    for table in base_tables():
        for column in table.columns:
            values = set(column.info.get("values", ()))
            telling = column.name in {"outcome", "resolution", "op", "role", "sender_role"}
            if values and (telling or "status" in column.name):
                found = {row[column.name] for row in data.table(table.fullname)} - {None}
                assert found == values - exempt.get(qualified(column), set()), qualified(column)


def test_contracts_are_where_their_dates_say(any_day: Dataset) -> None:
    data, today = any_day, any_day.reference
    contracts = {row["id"]: row for row in data.table("public.contract")}
    for row in contracts.values():
        assert row["end_date"] == add_months(row["start_date"], 6)
        match row["status"]:
            case "active":
                assert row["start_date"] <= today <= row["end_date"] - datetime.timedelta(days=1)
            case "future":
                assert row["start_date"] > today
            case "renewed" | "completed":
                assert row["end_date"] <= today
            case "cancelled":
                assert row["start_date"] <= row["cancelled_at"].date() <= today
        if row["renewed_from_id"]:
            assert contracts[row["renewed_from_id"]]["status"] == "renewed"
    continued = {row["renewed_from_id"] for row in contracts.values()}
    assert all(row["id"] in continued for row in contracts.values() if row["status"] == "renewed")


def test_subscription_names_the_contract_that_it_pays_for(data: Dataset) -> None:
    open_contracts = {
        row["subscription_id"]: str(row["id"])
        for row in data.table("public.contract")
        if row["status"] in {"active", "future"}
    }
    for row in data.table("chargebee.subscription"):
        assert row["cf_contract_id"] == open_contracts.get(row["id"])


def test_amounts_of_invoices_add_up(any_day: Dataset) -> None:
    data = any_day
    lines: Counter[str] = Counter()
    for line in data.table("chargebee.invoice_line_item"):
        assert line["amount"] == line["quantity"] * line["unit_amount"]
        lines[line["invoice_id"]] += line["amount"]
    for row in data.table("chargebee.invoice"):
        assert row["total"] == lines[row["id"]]
        settled = row["amount_paid"] + row["amount_adjusted"] + row["credits_applied"] + row["write_off_amount"]
        if row["status"] == "voided":
            assert settled == row["amount_due"] == 0
        else:
            assert row["total"] == settled + row["amount_due"]
        assert (row["status"] == "paid") == (row["amount_due"] == 0 and row["status"] != "voided")
        assert (row["next_retry_at"] is not None) == (row["dunning_status"] == "in_progress")


def test_lifetime_value_is_what_was_received(data: Dataset) -> None:
    received: Counter[str] = Counter()
    sign = {"payment": 1, "refund": -1, "payment_reversal": -1}
    for row in data.table("chargebee.transaction"):
        if row["status"] == "success":
            received[row["customer_id"]] += sign[row["type"]] * row["amount"]
    for customer in data.table("public.customer"):
        assert customer["lifetime_value"] == received[customer["chargebee_customer_id"]]


def test_what_has_happened_is_past_and_in_order(any_day: Dataset) -> None:
    data, today = any_day, any_day.reference
    now = datetime.datetime.combine(today, datetime.time(), tzinfo=datetime.UTC)
    for name, rows in data.rows.items():
        for row in rows:
            for column in ("created_at", "updated_at", "sent_at", "paid_at", "signed_at"):
                assert row.get(column) is None or row[column] <= now, (name, column, row)
            if row.get("created_at") and row.get("updated_at"):
                assert row["created_at"] <= row["updated_at"], (name, row)
    for fill in data.table("healthcare.prescription_fill"):
        steps = [fill[f"{step}_at"] for step in ("sent", "accepted", "filled", "shipped", "delivered")]
        taken = [time for time in steps if time is not None]
        assert taken == sorted(taken)
        assert (fill["tracking_number"] is None) == (fill["shipped_at"] is None)


def test_primary_provider_is_licensed_where_the_patient_is(data: Dataset) -> None:
    states = {row["id"]: row["state_code"] for row in data.table("healthcare.patient")}
    licences = {row["id"]: row["license_states"] for row in data.table("public.staff")}
    for row in data.table("healthcare.care_team"):
        assert states[row["patient_id"]] in licences[row["staff_id"]]


def test_nobody_real_is_written_to(data: Dataset) -> None:
    for name in ("public.customer", "public.staff", "chargebee.customer", "healthcare.pharmacy"):
        for row in data.table(name):
            assert row["email"] is None or row["email"].endswith("example.com"), row["email"]
            assert row["phone"] is None or row["phone"][5:].startswith("55501"), row["phone"]


def test_well_known_people_are_there(data: Dataset) -> None:
    customers = {row["id"]: row for row in data.table("public.customer")}
    assert (customers[ADA]["email"], customers[BO]["email"]) == ("ada@example.com", "bo@example.com")
    staff = {row["id"]: (row["email"], row["role"]) for row in data.table("public.staff")}
    assert staff[MIRA] == ("mira@example.com", "provider")
    assert staff[THEO] == ("theo@example.com", "cct")
    assert staff[INES] == ("ines@example.com", "admin")


def test_ada_has_a_subscription_but_no_contract(data: Dataset) -> None:
    (subscription,) = (row for row in data.table("chargebee.subscription") if row["id"] == ADA_SUBSCRIPTION)
    (ada,) = (row for row in data.table("public.customer") if row["id"] == ADA)
    assert subscription["customer_id"] == ada["chargebee_customer_id"]
    assert (subscription["status"], subscription["cf_contract_id"]) == ("active", None)
    assert not [row for row in data.table("public.contract") if row["customer_id"] == ADA]
    (treatment,) = (row for row in data.table("public.treatment") if row["id"] == ADA_TREATMENT)
    assert treatment["monthly_item_price_id"] == subscription["plan_item_price_id"]


def test_accounts_put_the_well_known_first_and_leave_out_who_is_gone() -> None:
    accounts = demo_accounts()
    first: dict[str, uuid.UUID] = {}
    for account in accounts:
        first.setdefault(account.role, account.user_id)
    assert first == {"user": ADA, "provider": MIRA, "cct": THEO, "admin": INES}
    assert len({account.uid for account in accounts}) == len({account.email for account in accounts}) == len(accounts)
    data = generate(TODAY)
    gone = {row["id"] for row in data.table("public.customer") if row["deleted_at"]}
    gone |= {row["id"] for row in data.table("public.staff") if not row["active"]}
    assert gone
    assert not gone & {account.user_id for account in accounts}


def test_chargebee_objects_have_only_attributes_of_chargebee(data: Dataset) -> None:
    objects = chargebee_objects(TODAY)
    assert {name: len(found) for name, found in objects.items()} == {
        name: len(data.table(f"chargebee.{name}"))
        for name in ("customer", "subscription", "item_price", "invoice", "transaction", "credit_note")
    }
    for name, response in (("invoice", InvoiceResponse), ("subscription", SubscriptionResponse)):
        for resource in objects[name]:
            unknown = {attribute for attribute in resource if attribute not in response.__annotations__}
            assert unknown <= {"object", "cf_contract_id", "plan_item_price_id"}, unknown
            assert None not in resource.values()
            assert isinstance(resource["resource_version"], int)
            assert resource["updated_at"] * 1000 == resource["resource_version"]


def qualified(column: Column[object]) -> str:
    return f"{column.table.schema}.{column}"
