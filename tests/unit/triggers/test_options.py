"""Times as people type them."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from triggers.options import parse_time


def test_spans_count_back_from_now() -> None:
    before = datetime.now(UTC)
    parsed = parse_time("15m", option="--since")
    assert parsed is not None
    assert timedelta(0) <= parsed - (before - timedelta(minutes=15)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-21", datetime(2026, 11, 21, tzinfo=UTC)),
        ("2026-11-21T10:30", datetime(2026, 11, 21, 10, 30, tzinfo=UTC)),
        ("2026-11-21T10:30+02:00", datetime(2026, 11, 21, 8, 30, tzinfo=UTC)),
    ],
)
def test_times_without_an_offset_are_utc(text: str, expected: datetime) -> None:
    assert parse_time(text, option="--since") == expected


def test_nonsense_is_refused_by_the_options_name() -> None:
    with pytest.raises(typer.BadParameter) as refused:
        parse_time("yesterday", option="--since")
    assert refused.value.param_hint == "--since"


def test_nothing_stays_nothing() -> None:
    assert parse_time(None, option="--since") is None
