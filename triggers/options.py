"""Options that several commands share, and how their values are read."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import typer

DatabaseUrl = Annotated[
    str,
    typer.Option(
        envvar="DATABASE_URL",
        help="PostgreSQL, as postgresql://user@host:port/name. The running local platform's when there is one.",
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
Types = Annotated[list[str] | None, typer.Option("--type", help="Event type; may be given several times.")]
Key = Annotated[str | None, typer.Option(help="Ordering key: the id of a contract, invoice, customer, prescription.")]
Since = Annotated[str | None, typer.Option(help="Not before: a time (2026-11-21T10:00), or 90s, 15m, 2h, 7d ago.")]
Until = Annotated[str | None, typer.Option(help="Before: as --since.")]

_AGO: Final = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_time(text: str | None, *, option: str) -> datetime | None:
    """A time in UTC from `2026-11-21T10:00`, `2026-11-21` or `15m` (ago); typer.BadParameter names the option."""
    if text is None:
        return None
    try:
        if match := _AGO.fullmatch(text.strip()):
            amount, unit = match.groups()
            return datetime.now(UTC) - timedelta(**{_UNITS[unit]: float(amount)})
        time = datetime.fromisoformat(text.strip())
    except (ValueError, OverflowError):
        raise typer.BadParameter(
            f"{text!r} is neither a time like 2026-11-21T10:00 nor a span like 15m, 2h or 7d", param_hint=option
        ) from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def parse_range(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """The times of --since and --until; typer.BadParameter when one can't be read, or nothing lies between them."""
    start, end = parse_time(since, option="--since"), parse_time(until, option="--until")
    if start is not None and end is not None and start >= end:
        raise typer.BadParameter(
            f"{start:%Y-%m-%dT%H:%M:%S} is not before --until, {end:%Y-%m-%dT%H:%M:%S} (UTC)", param_hint="--since"
        )
    return start, end
