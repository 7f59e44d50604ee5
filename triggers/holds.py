"""Keys that are held back: those whose event failed and waits, and those whose publish request takes long.

While a key is held, none of its events is read: the later ones wait behind the one that failed, and other keys go on.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final

from triggers.backoff import Backoff

#: More keys than this are never held; reading stops until some are free again.
MAX_HELD: Final = 1_000
#: Failures remembered of keys that are free again; the oldest are forgotten first.
_MAX_REMEMBERED: Final = 10_000
#: How many of them a probe of a topic leaves out.
_MAX_TRIED: Final = 2_000


@dataclass(slots=True, kw_only=True)
class _History:
    topic: str
    failures: int = 0
    refusals: int = 0
    #: When it was first refused.
    refused_at: float | None = None
    #: Whether other events of the topic went through since: then it is for the event that it's refused.
    is_own_fault: bool = False
    #: How many events go alone, because one of them was refused in company.
    one_by_one: int = 0


class HeldKeys:
    """Which keys are held, until when, and how often they failed. Times are seconds of a monotonic clock."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._slow: set[str] = set()
        self._until: dict[str, float] = {}
        self._history: OrderedDict[str, _History] = OrderedDict()

    def __len__(self) -> int:
        """How many keys are held."""
        return len(self._slow) + len(self._until)

    def is_full(self, *, now: float) -> bool:
        """Whether so many keys are held that reading on makes no sense; whose wait is over isn't."""
        self._free(now)
        return len(self) >= MAX_HELD

    def held(self, *, now: float) -> list[str]:
        """The keys to leave out of a read; those whose wait is over are free from here on."""
        self._free(now)
        return [*self._slow, *self._until]

    def holds_any_of(self, topic: str) -> bool:
        """Whether a key of the topic waits after a failure."""
        return next(self._keys_of(topic), None) is not None

    def next_release(self) -> float | None:
        """When the first waiting key is free; None when none waits."""
        return min(self._until.values(), default=None)

    def hold_slow(self, key: str) -> None:
        """Hold a key whose request is still under way, until `release_slow`."""
        self._slow.add(key)

    def release_slow(self, key: str) -> None:
        """The request is over, whatever came of it."""
        self._slow.discard(key)

    def failed(self, key: str, topic: str, *, now: float) -> None:
        """An event of the key failed and waits."""
        history = self._remember(key, topic)
        history.failures += 1
        self._until[key] = now + self._backoff.seconds_after(history.failures)

    def refused(self, key: str, topic: str, *, together: int, now: float, passed_at: float | None = None) -> int:
        """A request with `together` events of the key was refused; how often that happened to its first event alone.

        Of several nobody knows which was meant: they are sent one by one from now on, without a wait. `passed_at` is
        when an event of the topic last went through; once that was after the first refusal, the count begins anew, and
        it counts against the event alone.
        """
        history = self._remember(key, topic)
        if together > 1:
            history.one_by_one = together
            return 0
        history.refusals += 1
        if history.refused_at is None:
            history.refused_at = now
        elif not history.is_own_fault and passed_at is not None and passed_at > history.refused_at:
            history.is_own_fault = True
            history.refusals = 1
        self._until[key] = now + self._backoff.seconds_after(history.refusals)
        return history.refusals

    def is_own_fault(self, key: str) -> bool:
        """Whether the key's first event is refused for what it is, as far as one can tell."""
        history = self._history.get(key)
        return history is not None and history.is_own_fault

    def tried(self, topic: str) -> list[str]:
        """Keys of the topic of which an event has failed and none went through since: the last so many."""
        keys = (key for key, history in reversed(self._history.items()) if history.topic == topic)
        return list(islice(keys, _MAX_TRIED))

    def sends_one_by_one(self, key: str) -> bool:
        """Whether the key's next event must go alone."""
        history = self._history.get(key)
        return history is not None and history.one_by_one > 0

    def passed(self, key: str, events: int) -> None:
        """So many events of the key are through, or given up: what came before is forgotten."""
        history = self._history.get(key)
        if history is None:
            return
        self._until.pop(key, None)
        history.failures = history.refusals = 0
        history.refused_at = None
        history.is_own_fault = False
        history.one_by_one = max(history.one_by_one - events, 0)
        if not history.one_by_one:
            del self._history[key]

    def release_topic(self, topic: str) -> None:
        """The topic takes events again: its keys need not wait, unless what they wait for is their own fault."""
        for key in self._keys_of(topic):
            if not self._history[key].refusals:
                self._until.pop(key, None)

    def _free(self, now: float) -> None:
        for key in [key for key, until in self._until.items() if until <= now]:
            del self._until[key]

    def _keys_of(self, topic: str) -> Iterator[str]:
        return (key for key in list(self._until) if key in self._history and self._history[key].topic == topic)

    def _remember(self, key: str, topic: str) -> _History:
        history = self._history.setdefault(key, _History(topic=topic))
        self._history.move_to_end(key)
        while len(self._history) > _MAX_REMEMBERED:
            self._history.popitem(last=False)
        return history
