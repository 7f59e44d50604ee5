"""Chargebee's moments, which count seconds, as the text that GraphQL takes: RFC 3339 in UTC."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

_DAY_S: Final = 86_400
_EPOCH: Final = date(1970, 1, 1).toordinal()
_MINUTES: Final = tuple(f"T{hour:02}:{minute:02}:" for hour in range(24) for minute in range(60))
_SECONDS: Final = tuple(f"{second:02}+00:00" for second in range(60))


# One moment stands in many places: the date of an invoice is when it was due, generated, paid, and its lines begin.
@lru_cache(maxsize=4_096)
def written(epoch_s: int | None) -> str | None:
    """The moment as text. Raises ValueError, OverflowError or TypeError for what is none."""
    if type(epoch_s) is not int:
        return None if epoch_s is None else datetime.fromtimestamp(epoch_s, UTC).isoformat()
    # What `isoformat` gives, in a third of the time: of years of invoices each has a moment of its own.
    days, second = divmod(epoch_s, _DAY_S)
    minute, second = divmod(second, 60)
    return _day(days) + _MINUTES[minute] + _SECONDS[second]


def all_written(moments: Iterable[int | None]) -> list[str | None]:
    """`written` of many."""
    return list(map(written, moments))


@lru_cache(maxsize=4_096)
def _day(days: int) -> str:
    return date.fromordinal(_EPOCH + days).isoformat()
