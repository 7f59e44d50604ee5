"""Which lanes the next read of the outbox looks into.

A publish request carries events of one key, so what a request costs is shared by the events of a key that were read
together. While little waits, every lane is read. When reads come back full, the next ones look into fewer lanes and
deeper, each lane in its turn: as many rows, of fewer keys.
"""

from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from triggers.lanes import LANES

#: Never fewer at once, so that there are keys enough to keep requests under way.
_FEWEST: Final = 2
#: A read may find this many times the rows that it takes, when few lanes held all there was the last time.
_EXCESS: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """What one read asks for."""

    lanes: list[int]
    #: The most rows of one lane.
    per_lane: int
    #: The most rows of all.
    limit: int


class Rotation:
    """Chooses lanes, by what the last read gave."""

    def __init__(self) -> None:
        # As if much waited: when it doesn't, a few small reads tell.
        self._at_once = _FEWEST
        #: The lane that was read last.
        self._last = -1
        #: In how many of its lanes the last read found something.
        self._active = _FEWEST

    def next_stretch(self, lanes: Collection[int], *, limit: int) -> Stretch:
        """The lanes of those given that come next in turn, and `limit` shared out among them."""
        chosen = sorted(lanes)
        if len(chosen) > self._at_once:
            start = bisect_right(chosen, self._last)
            chosen = (chosen[start:] + chosen[:start])[: self._at_once]
        if chosen:
            self._last = chosen[-1]
        per_lane = min(-(-limit // min(self._active, len(chosen) or 1)), -(-_EXCESS * limit // (len(chosen) or 1)))
        return Stretch(lanes=chosen, per_lane=per_lane, limit=limit)

    def saw(self, stretch: Stretch, events: int, lanes: int) -> None:
        """A read of the stretch gave so many events, of so many lanes."""
        self._active = max(lanes, 1)
        if events >= stretch.limit:
            self._at_once = max(len(stretch.lanes) // 2, _FEWEST)
        elif events < stretch.limit // 2:
            self._at_once = min(self._at_once * 2, LANES)
