"""A clock that tests turn: what this process takes for the time, event loops and circuit breakers included.

Event loops ask `time.monotonic`, circuit breakers `time.time`, and both are patched; `datetime.now` is not, nor is
anything in another process, so that tokens and rows keep real times.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pytest

from agents.runtime.attempts import Attempts
from integrations.guard import RetryBudget

_MONOTONIC: Final = time.monotonic
_TIME: Final = time.time
#: What takes a clock, and the machine's as a default that was bound when it was imported.
_BOUND: Final[tuple[Any, ...]] = (Attempts, RetryBudget)


@dataclass(slots=True, kw_only=True)
class TurnedClock:
    """How far it was turned so far; it also goes on by itself."""

    ahead_s: float = 0.0

    @property
    def now(self) -> float:
        """On the event loop's clock."""
        return _MONOTONIC() + self.ahead_s

    def turn(self, seconds: float) -> None:
        """Let time pass. Whatever falls due meanwhile happens when the event loop comes by next."""
        self.ahead_s += max(seconds, 0.0)


@contextmanager
def turned_clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[TurnedClock]:
    """The clock in place of the machine's."""
    clock = TurnedClock()
    with monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: clock.now)
        patch.setattr(time, "time", lambda: _TIME() + clock.ahead_s)
        for bound in _BOUND:
            patch.setitem(bound.__init__.__kwdefaults__, "clock", lambda: clock.now)
        yield clock
