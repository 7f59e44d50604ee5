"""When it is night for a customer."""

from datetime import UTC, datetime, time

import pytest

from agents.notification.quiet import quiet_until


def until(now: str, *, timezone: str = "America/Denver", start: time = time(21), end: time = time(8)) -> str | None:
    found = quiet_until(datetime.fromisoformat(now).replace(tzinfo=UTC), timezone=timezone, start=start, end=end)
    return None if found is None else found.strftime("%Y-%m-%dT%H:%M")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        # Denver is seven hours behind UTC in winter.
        ("2026-01-15T03:59", None),
        ("2026-01-15T04:00", "2026-01-15T15:00"),
        ("2026-01-15T08:30", "2026-01-15T15:00"),
        ("2026-01-15T14:59", "2026-01-15T15:00"),
        ("2026-01-15T15:00", None),
        # And six in summer.
        ("2026-07-15T03:00", "2026-07-15T14:00"),
    ],
)
def test_the_night_is_the_customers_own(now: str, expected: str | None) -> None:
    assert until(now) == expected


def test_quiet_hours_within_a_day_end_the_same_day() -> None:
    assert until("2026-01-15T20:30", start=time(13), end=time(15)) == "2026-01-15T22:00"
    assert until("2026-01-15T22:00", start=time(13), end=time(15)) is None


def test_hours_that_begin_when_they_end_are_none() -> None:
    assert until("2026-01-15T08:30", start=time(0), end=time(0)) is None


def test_a_night_in_which_the_clocks_go_forward_ends_at_the_wall_clocks_hour() -> None:
    # 8 March 2026: Denver goes from UTC-7 to UTC-6 at two in the morning.
    assert until("2026-03-08T08:30") == "2026-03-08T14:00"


def test_an_end_that_the_clocks_jump_over_is_the_first_moment_after_it() -> None:
    assert until("2026-03-08T08:30", end=time(2, 30)) == "2026-03-08T09:30"


@pytest.mark.parametrize("timezone", ["Mars/Olympus", "", "../etc/passwd", "Europe"])
def test_a_zone_that_is_not_known_counts_as_utc(timezone: str) -> None:
    assert until("2026-01-15T22:00", timezone=timezone) == "2026-01-16T08:00"
