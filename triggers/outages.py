"""Topics that take nothing at the moment, so that a dead Pub/Sub is asked now and then and not by every key.

Ten keys that fail in a row are a sign of an outage, and no proof: it may be the events. So a probe takes keys that have
not failed, if there are some, and more of them the longer it lasts; and what is refused although others went through
meanwhile counts no more (`holds`).
"""

from dataclasses import dataclass, field
from typing import Final

from triggers.backoff import Backoff

#: So many different keys of a topic must fail, and none pass in between, before the topic rests: it isn't the events.
_FAILED_KEYS: Final = 10
#: As many requests as are under way at once anyway.
_LARGEST_PROBE: Final = 64


@dataclass(slots=True, kw_only=True)
class _Topic:
    failed_keys: set[str] = field(default_factory=set)
    #: How often in a row it has rested; 0: it takes events.
    rests: int = 0
    until: float = 0.0
    probing: bool = False


class Outages:
    """Which topics rest.

    After a rest a few events are tried (the probe): one that goes through ends the outage, one that fails begins a
    longer rest. Times are seconds of a monotonic clock.
    """

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._topics: dict[str, _Topic] = {}
        #: When an event of a topic went through last.
        self._passed_at: dict[str, float] = {}

    def passed_at(self, name: str) -> float | None:
        """When an event of the topic went through last; None when none did."""
        return self._passed_at.get(name)

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

    def probe_size(self, name: str) -> int:
        """Of how many keys an event should be tried."""
        return int(min(2 ** (self._topics[name].rests - 1), _LARGEST_PROBE))

    def found_nothing(self, name: str, *, now: float, some_held: bool) -> None:
        """There is no event to try: look again soon when some are held back, else the outage is over."""
        if not some_held:
            del self._topics[name]
            return
        topic = self._topics[name]
        topic.probing = False
        topic.until = now + self._backoff.seconds_after(1)

    def forget_probes(self) -> None:
        """What was under way was dropped, so no probe has an outcome any more: others follow when it's time."""
        for topic in self._topics.values():
            topic.probing = False

    def proved_nothing(self, name: str, *, now: float) -> None:
        """An event was refused for what it is: if that was a probe, another one follows soon."""
        topic = self._topics.get(name)
        if topic is not None and topic.probing:
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

    def passed(self, name: str, *, now: float) -> bool:
        """An event of the topic went through; whether this ended an outage."""
        self._passed_at[name] = now
        topic = self._topics.pop(name, None)
        return topic is not None and topic.rests > 0
