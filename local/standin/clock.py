"""The service's time: the machine's, moved by what an operator or a test has set. The move survives restarts."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from local.standin.store import Store

_SETTING = "clock_offset_s"


class Clock:
    """Tells and turns the time of one stand-in."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def epoch(self) -> int:
        """Now, in seconds since the epoch."""
        return int(self._seconds())

    def epoch_ms(self) -> int:
        """Now, in milliseconds since the epoch."""
        return int(self._seconds() * 1000)

    def now(self) -> datetime:
        """Now, in UTC."""
        return datetime.fromtimestamp(self._seconds(), UTC)

    def set(self, moment: datetime) -> None:
        """Make it that moment; time goes on from there."""
        self._move(moment.timestamp() - time.time())

    def advance(self, by: timedelta) -> None:
        """Make it later, or earlier with a negative value."""
        self._move(self._offset_s() + by.total_seconds())

    def reset(self) -> None:
        """Make it the machine's time again."""
        self._move(0.0)

    def _seconds(self) -> float:
        return time.time() + self._offset_s()

    def _offset_s(self) -> float:
        # Read each time, so that a transaction that fails takes its turn of the clock back with it.
        return float(self._store.setting(_SETTING, 0.0))

    def _move(self, offset_s: float) -> None:
        self._store.set(_SETTING, offset_s or None)
