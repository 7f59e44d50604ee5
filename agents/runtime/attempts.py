"""How often an event was tried by this process, and when it makes sense again."""

import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta


@dataclass(frozen=True, kw_only=True, slots=True)
class _Tally:
    attempts: int = 0
    #: How many of them failed for someone else's trouble.
    excused: int = 0
    #: On the clock given to `Attempts`.
    not_before: float = float("-inf")


class Attempts:
    """Counts deliveries when Pub/Sub doesn't, and keeps what an outside system said about when to come back.

    Pub/Sub counts only with a dead-letter policy, and it can't be told when to deliver again, so both are kept here for
    the events at hand. Bounded: the oldest are forgotten, which costs nothing but precision.
    """

    def __init__(self, *, capacity: int = 10_000, clock: Callable[[], float] = time.monotonic) -> None:
        self._capacity = capacity
        self._clock = clock
        self._tallies: OrderedDict[uuid.UUID, _Tally] = OrderedDict()

    def begin(self, event_id: uuid.UUID, delivery_attempt: int | None) -> int:
        """The number of this attempt, from 1: Pub/Sub's count or ours, whichever is higher."""
        tally = self._tallies.get(event_id, _Tally())
        attempt = max(tally.attempts + 1, delivery_attempt or 0)
        self._keep(event_id, replace(tally, attempts=attempt))
        return attempt

    def excuse(self, event_id: uuid.UUID) -> None:
        """The last attempt failed for someone else's trouble, or was none: it says nothing against the event."""
        tally = self._tallies.get(event_id, _Tally())
        self._keep(event_id, replace(tally, excused=tally.excused + 1))

    def inexcusable(self, event_id: uuid.UUID, attempt: int) -> int:
        """How many of the attempts up to this one may have failed by our own fault, this one included."""
        return max(attempt - self._tallies.get(event_id, _Tally()).excused, 1)

    def postpone(self, event_id: uuid.UUID, after: timedelta) -> None:
        """Another attempt makes no sense before `after` has passed."""
        tally = self._tallies.get(event_id, _Tally())
        self._keep(event_id, replace(tally, not_before=self._clock() + after.total_seconds()))

    def wait(self, event_id: uuid.UUID) -> timedelta | None:
        """How long another attempt makes no sense yet; None when it does."""
        left_s = self._tallies.get(event_id, _Tally()).not_before - self._clock()
        return timedelta(seconds=left_s) if left_s > 0 else None

    def forget(self, event_id: uuid.UUID) -> None:
        """The event is dealt with."""
        self._tallies.pop(event_id, None)

    def _keep(self, event_id: uuid.UUID, tally: _Tally) -> None:
        self._tallies[event_id] = tally
        self._tallies.move_to_end(event_id)
        if len(self._tallies) > self._capacity:
            self._tallies.popitem(last=False)
