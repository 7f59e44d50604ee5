"""The time, as agents take it: a function, so that tests can turn it."""

from collections.abc import Callable
from datetime import UTC, datetime

#: Tells the time, with its zone.
Clock = Callable[[], datetime]


def read_clock() -> datetime:
    """The machine's time in UTC, where no test turns it."""
    return datetime.now(UTC)
