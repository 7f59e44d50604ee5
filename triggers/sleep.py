"""When writers have to wake the relay, and when the relay may rely on it.

A commit with a pending NOTIFY takes a lock on the whole PostgreSQL instance: such commits happen one after the other.
So writers notify only while a relay sleeps (`events.relay.asleep`), and a relay sleeps only while few events come. It
goes through three modes:

    AWAKE       `asleep` is false, nobody notifies. The relay polls quickly.
    DROWSY      `asleep` is committed, but a transaction may still run that read false. The relay polls on.
    ASLEEP      every transaction from now on notifies. The relay waits for NOTIFY, with a slow poll as a net.

The question is when DROWSY may end. Let a transaction T write an event and read `asleep = false`, because it looked
before our change was committed. T commits without notifying. If the relay waits by then, the event waits for the slow
poll. So the relay must look into the outbox once more after every such T has ended.

It is not enough to wait until all transactions older than the one that set `asleep` have ended: T may have begun after
that one began, and looked before it committed. Instead, *after* that commit the relay takes a transaction id of its
own, the *mark*. T had its id before it looked (the trigger looks after it has inserted), so T's id is below the mark.
Once a snapshot's oldest running transaction, the *horizon*, is at or above the mark, every such T has ended, and what
that snapshot doesn't show will be notified. The relay relies on NOTIFY after it has read the outbox with that snapshot.

Writers first read a sequence that says until when any relay sleeps, and look at `asleep` only before that moment. It
is set, and seen, before `asleep` is committed: who read it too low had its id by then as well. Transactions under
REPEATABLE READ may look at `asleep` with a snapshot older than their id; before that moment they always notify
(`announce.sql`).
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

#: DROWSY polls slow down to this when an old transaction doesn't end.
_SLOWEST_DROWSY_POLL_S: Final = 0.1
#: Going to sleep needs a rate this much lower than staying awake, so that the mode doesn't flap.
_CALM: Final = 0.25


class Mode(StrEnum):
    """See above."""

    AWAKE = "awake"
    DROWSY = "drowsy"
    ASLEEP = "asleep"


@dataclass(slots=True, kw_only=True)
class SleepCycle:
    """The mode of one relay, and what it says to do next. Times are seconds of a monotonic clock."""

    fast_poll: timedelta
    slow_poll: timedelta
    #: Events a second from which on the relay stays awake.
    busy_rate: int
    #: Over how long the rate of events is measured.
    window: timedelta
    mode: Mode = Mode.AWAKE
    _mark: int = 0
    _drowsy_polls: int = 0
    _window_began: float = 0.0
    _window_events: int = 0
    #: Whether the last whole window was calm enough to sleep.
    _calm: bool = True

    def poll_wait_s(self) -> float:
        """How long to wait for a notification before reading the outbox anyway."""
        if self.mode is Mode.ASLEEP:
            return self.slow_poll.total_seconds()
        fast = self.fast_poll.total_seconds()
        if self.mode is Mode.DROWSY:
            return min(fast * (1 + self._drowsy_polls // 4), max(fast, _SLOWEST_DROWSY_POLL_S))
        return fast

    def saw(self, events: int, *, horizon: int, now: float) -> None:
        """Take note of a read of the outbox: how many events it gave, and its snapshot's oldest running transaction."""
        if self.mode is Mode.DROWSY:
            if horizon >= self._mark:
                self.mode = Mode.ASLEEP
            else:
                self._drowsy_polls += 1
        elapsed = now - self._window_began
        if elapsed >= self.window.total_seconds():
            self._calm = self._window_events < self._busy_events * _CALM * elapsed / self.window.total_seconds()
            self._window_began = now
            self._window_events = 0
        self._window_events += events

    @property
    def should_wake(self) -> bool:
        """Whether events come so thickly that writers should no longer notify: call `woke` once that is committed."""
        return self.mode is not Mode.AWAKE and self._window_events >= self._busy_events

    @property
    def should_sleep(self) -> bool:
        """Whether it is calm enough that writers should notify: call `fell_drowsy` once that is committed."""
        return self.mode is Mode.AWAKE and self._calm and self._window_events < self._busy_events * _CALM

    @property
    def _busy_events(self) -> float:
        """How many events make a window a busy one."""
        return max(self.busy_rate * self.window.total_seconds(), 1)

    def woke(self) -> None:
        """`asleep` is false now, and nobody needs to be waited for."""
        self.mode = Mode.AWAKE
        self._calm = False

    def fell_drowsy(self, mark: int) -> None:
        """`asleep` is committed, and after that the relay was given the transaction id `mark`."""
        self.mode = Mode.DROWSY
        self._mark = mark
        self._drowsy_polls = 0
