"""The day on which the next fill should be asked for."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from agents.prescription.refills import refill_due_on

WEEK = timedelta(days=7)


@pytest.mark.parametrize(
    ("delivered_at", "days_supply", "due_on"),
    [
        (datetime(2026, 3, 1, 12, tzinfo=UTC), 30, date(2026, 3, 24)),
        (datetime(2026, 3, 1, 12, tzinfo=UTC), 90, date(2026, 5, 23)),
        # Never more than a quarter before its end.
        (datetime(2026, 3, 1, 12, tzinfo=UTC), 8, date(2026, 3, 7)),
        (datetime(2026, 3, 1, 12, tzinfo=UTC), 1, date(2026, 3, 2)),
        # A leap day is a day like others.
        (datetime(2028, 2, 6, tzinfo=UTC), 30, date(2028, 2, 29)),
        (datetime(2028, 2, 29, tzinfo=UTC), 30, date(2028, 3, 23)),
        # The day is UTC's, wherever the parcel came.
        (datetime(2026, 3, 1, 23, tzinfo=timezone(timedelta(hours=-7))), 30, date(2026, 3, 25)),
    ],
)
def test_a_week_before_it_runs_out_but_not_on_the_day_it_came(
    delivered_at: datetime, days_supply: int, due_on: date
) -> None:
    assert refill_due_on(delivered_at, days_supply=days_supply, lead=WEEK) == due_on
