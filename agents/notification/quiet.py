"""Quiet hours: when a message that rings may reach a customer, by the customer's own clock.

Text messages wait, the essential ones too; an e-mail or a message in the portal wakes nobody.
"""

from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

_DAY: Final = timedelta(days=1)


def quiet_until(now: datetime, *, timezone: str, start: time, end: time) -> datetime | None:
    """The end of the quiet hours that `now` falls into, in UTC; None outside them.

    `start` and `end` are local times of an IANA timezone; an end before the start lies on the next day, and equal ones
    mean that there are no quiet hours. A zone that isn't known counts as UTC.
    """
    if start == end:
        return None
    zone = _zone(timezone)
    local = now.astimezone(zone)
    clock = local.time()
    is_quiet = start <= clock < end if start < end else clock >= start or clock < end
    if not is_quiet:
        return None
    day = local.date() if clock < end else local.date() + _DAY
    # Where the clocks go forward over the end, it is the first moment after the gap.
    return datetime.combine(day, end, tzinfo=zone).astimezone(UTC)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return ZoneInfo("UTC")
