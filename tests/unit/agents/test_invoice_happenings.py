"""What the change of an invoice's row means, which declines are hard, when it is tried again, what amounts are."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

from agents.charging.declines import is_hard
from agents.charging.money import amount_text, convert, whole_units
from agents.events.invoice import InvoiceRow, IssuedCreditNote
from agents.invoice.happenings import Happenings, happenings_between, happenings_of_new, is_failing
from agents.invoice.schedule import Schedule, task_name
from agents.invoice.settings import RecoverySettings
from integrations.settings import ConfigurationError, load

NOW = datetime(2026, 3, 1, tzinfo=UTC)
FAILED = {"status": "payment_due", "dunning_status": "in_progress"}
PAID = {"status": "paid", "amount_paid": 9900, "amount_due": 0}


def row(**fields: Any) -> InvoiceRow:
    """An invoice of today that is due, and nothing has happened to it yet."""
    given: dict[str, Any] = {
        "id": "1",
        "customer_id": "cus",
        "subscription_id": None,
        "status": "payment_due",
        "dunning_status": None,
        "currency_code": "USD",
        "total": 9900,
        "amount_paid": 0,
        "amount_due": 9900,
        "date": NOW,
        "paid_at": None,
    }
    return InvoiceRow.model_validate(given | fields)


def note(status: str, total: int) -> dict[str, Any]:
    return {"cn_id": f"CN-{total}", "cn_status": status, "cn_total": total}


@pytest.mark.parametrize(
    ("new", "happened"),
    [
        ({}, Happenings()),
        (FAILED, Happenings(failed=True)),
        ({"status": "not_paid", "dunning_status": "exhausted"}, Happenings(failed=True)),
        ({"status": "not_paid"}, Happenings(failed=True)),
        (PAID, Happenings(paid=9900)),
        ({**PAID, "dunning_status": "success"}, Happenings(paid=9900)),
        ({"status": "posted"}, Happenings()),
        ({**FAILED, "deleted": True}, Happenings()),
        ({**PAID, "issued_credit_notes": [note("refunded", 100), note("refund_due", 50)]},
         Happenings(paid=9900, used_up=(IssuedCreditNote(**note("refunded", 100)),))),
    ],
)  # fmt: skip
def test_what_a_due_invoice_becomes_is_told(new: dict[str, Any], happened: Happenings) -> None:
    assert happenings_between(row(), row(**new)) == happened
    # What came into the mirror at once tells the same.
    assert happenings_of_new(row(**new), now=NOW, window=timedelta(days=14)) == happened


@pytest.mark.parametrize(
    ("new", "happened"),
    [
        (PAID, Happenings(paid=9900, recovered=True)),
        ({"status": "voided"}, Happenings(settled=True)),
        ({"status": "paid", "amount_due": 0}, Happenings(settled=True)),
        ({"status": "not_paid", "dunning_status": "stopped"}, Happenings()),
        ({**FAILED, "amount_paid": 900, "amount_due": 9000}, Happenings(paid=900)),
        ({"deleted": True, **FAILED}, Happenings(settled=True)),
    ],
)
def test_what_a_failed_invoice_becomes_is_told(new: dict[str, Any], happened: Happenings) -> None:
    assert happenings_between(row(**FAILED), row(**new)) == happened


def test_steps_that_the_mirror_skipped_add_up_to_the_same_money() -> None:
    steps = [row(), row(**FAILED), row(**FAILED, amount_paid=900, amount_due=9000), row(**PAID)]
    seen = [happenings_between(old, new).paid for old, new in pairwise(steps)]
    assert sum(seen) == happenings_between(steps[0], steps[-1]).paid == 9900


def test_money_that_a_bank_takes_back_is_a_failure_and_no_payment() -> None:
    assert happenings_between(row(**PAID), row(**FAILED)) == Happenings(taken_off=9900, failed=True)


def test_a_payment_that_is_taken_off_and_put_back_adds_up_to_one() -> None:
    steps = [row(), row(**PAID), row(), row(**PAID), row(**FAILED, amount_paid=900, amount_due=9000)]
    seen = [happenings_between(old, new) for old, new in pairwise(steps)]
    assert sum(one.paid - one.taken_off for one in seen) == 900


def test_a_credit_note_is_used_up_once() -> None:
    issued = row(**PAID, issued_credit_notes=[note("refund_due", 100)])
    used_up = row(**PAID, issued_credit_notes=[note("refunded", 100)])
    more = row(**PAID, issued_credit_notes=[note("refunded", 100), note("refunded", 200)])
    steps = [row(**PAID), issued, used_up, used_up, more]
    seen = [[one.cn_total for one in happenings_between(old, new).used_up] for old, new in pairwise(steps)]
    assert seen == [[], [100], [], [200]]


def test_a_failure_of_long_ago_is_history_when_it_is_seen_first() -> None:
    old = row(**FAILED, date=NOW - timedelta(days=15))
    assert is_failing(old)
    assert not happenings_of_new(old, now=NOW, window=timedelta(days=14)).any


@pytest.mark.parametrize("code", ["stolen_card", "lost_card", "expired_card", "EXPIRED_CARD", "incorrect_number"])
def test_a_card_that_is_gone_is_a_hard_decline(code: str) -> None:
    assert is_hard(code)


@pytest.mark.parametrize("code", ["insufficient_funds", "card_declined", "processing_error", "never_heard_of", None])
def test_what_may_pass_or_is_unknown_is_a_soft_decline(code: str | None) -> None:
    assert not is_hard(code)


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(9900, "USD", "99.00 USD"), (5000, "JPY", "5000 JPY"), (12345, "KWD", "12.345 KWD"), (5, "EUR", "0.05 EUR")],
)
def test_an_amount_has_the_decimals_of_its_currency(amount: int, currency: str, text: str) -> None:
    assert amount_text(amount, currency) == text
    assert f"{whole_units(amount, currency)} {currency}" == text


@pytest.mark.parametrize(
    ("amount", "source", "target", "rate", "converted"),
    [
        (5000, "JPY", "USD", "0.0067", 3350),
        (9900, "USD", "JPY", "149.5", 14800),
        (1000, "EUR", "USD", "1.0825", 1082),
        (1000, "KWD", "USD", "3.25", 325),
        (-1000, "EUR", "USD", "1.1", -1100),
    ],
)
def test_a_conversion_minds_the_decimals_of_both_sides(
    amount: int, source: str, target: str, rate: str, converted: int
) -> None:
    assert convert(amount, source=source, target=target, rate=Decimal(rate)) == converted


def test_attempts_are_planned_from_the_first_failure_and_know_what_comes_after_them() -> None:
    event_id = uuid.uuid4()
    schedule = Schedule.of("7", event_id=event_id, failed_at=NOW, days=(1, 3))
    first, second = schedule.plan().variables["tasks"]
    assert [task["due_at"] for task in (first, second)] == [NOW + timedelta(days=1), NOW + timedelta(days=3)]
    assert first["name"] == task_name("7", event_id, 1) != second["name"]
    assert first["payload"]["next_due_at"] == second["payload"]["due_at"]
    assert second["payload"]["next_due_at"] is None


def test_days_of_retries_are_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(RecoverySettings).retry_days == (1, 3, 5, 7)
    monkeypatch.setenv("CAREGRAPH_PAYMENT_RETRY_DAYS", "2, 4,10")
    assert load(RecoverySettings).retry_days == (2, 4, 10)


@pytest.mark.parametrize("value", ["0,1", "3,1", "1,1", "soon"])
def test_days_that_make_no_plan_stop_the_start(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREGRAPH_PAYMENT_RETRY_DAYS", value)
    with pytest.raises(ConfigurationError, match="CAREGRAPH_PAYMENT_RETRY_DAYS"):
        load(RecoverySettings)
