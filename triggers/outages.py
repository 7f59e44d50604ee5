"""Topics that take nothing at the moment, so that a dead Pub/Sub is asked now and then and not by every key."""

from dataclasses import dataclass, field
from typing import Final

from triggers.backoff import Backoff

#: So many different keys of a topic must fail, and none pass in between, before the topic rests: it isn't the events.
_FAILED_KEYS: Final = 10


@dataclass(slots=True, kw_only=True)
class _Topic:
    failed_keys: set[str] = field(default_factory=set)
    #: How often in a row it has rested; 0: it takes events.
    rests: int = 0
    until: float = 0.0
    probing: bool = False


class Outages:
    """Which topics rest. After a rest one event is tried (the probe); it ends the outage or begins a longer rest.

    Times are seconds of a monotonic clock.
    """

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._topics: dict[str, _Topic] = {}

    def resting(self) -> list[str]:
        """Topics of which nothing is read: those that rest, wait for their probe or for its outcome."""
        return [name for name, topic in self._topics.items() if topic.rests]

    def is_resting(self, name: str) -> bool:
        """Whether nothing of this topic is read."""
        topic = self._topics.get(name)
        return topic is not None and topic.rests > 0

    def next_probe(self) -> float | None:
        """When the first topic's rest is over; None when none rests."""
        return min((topic.until for topic in self._topics.values() if topic.rests and not topic.probing), default=None)

    def begin_probe(self, *, now: float) -> str | None:
        """A topic of which one event should be tried now; its outcome, or `found_nothing`, must follow."""
        for name, topic in self._topics.items():
            if topic.rests and not topic.probing and topic.until <= now:
                topic.probing = True
                return name
        return None

    def found_nothing(self, name: str, *, now: float, some_held: bool) -> None:
        """There is no event to try: look again soon when some are held back, else the outage is over."""
        if not some_held:
            del self._topics[name]
            return
        topic = self._topics[name]
        topic.probing = False
        topic.until = now + self._backoff.seconds_after(1)

    def failed(self, name: str, key: str, *, now: float) -> bool:
        """An event of the topic failed; whether the topic begins to rest with this."""
        topic = self._topics.setdefault(name, _Topic())
        if topic.rests:
            if topic.probing:
                topic.probing = False
                topic.rests += 1
                topic.until = now + self._backoff.seconds_after(topic.rests)
            return False
        topic.failed_keys.add(key)
        if len(topic.failed_keys) < _FAILED_KEYS:
            return False
        topic.rests = 1
        topic.until = now + self._backoff.seconds_after(topic.rests)
        return True

    def passed(self, name: str) -> bool:
        """An event of the topic went through; whether this ended an outage."""
        topic = self._topics.pop(name, None)
        return topic is not None and topic.rests > 0
