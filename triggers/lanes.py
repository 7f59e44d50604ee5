"""Lanes: how several relays share the outbox without two of them publishing events of one key.

A lane is a hash of the ordering key (`outbox.lane`, by the function `events.lane_of`). A relay owns a lane by a
session-level advisory lock, so that a relay that dies, or loses its connection, owns nothing from that moment on. Each
relay takes its fair share: with n living relays, `ceil(LANES / n)`; who has more gives the rest back once nothing of
them is being published.
"""

from collections.abc import Collection, Sequence
from typing import Final

#: Number of lanes; a power of two, as in `events.lane_of`.
LANES: Final = 64
#: Class of the advisory locks on lanes; the object is the lane. ("CGln" in ASCII.)
LANE_LOCKS: Final = 0x43476C6E
#: Class of the advisory locks that say that a relay lives; the object is the process id of its session. ("CGrl".)
PRESENCE_LOCKS: Final = 0x4347726C


def fair_share(living: int) -> int:
    """How many lanes a relay should own when `living` relays are at work."""
    return -(-LANES // max(living, 1))


def lanes_to_release(owned: Collection[int], busy: Collection[int], share: int) -> tuple[int, ...]:
    """Which lanes to give back now: what is over the share, but none of which something is being published."""
    surplus = len(owned) - share
    if surplus <= 0:
        return ()
    return tuple(sorted(set(owned) - set(busy)))[:surplus]


def lanes_to_try(owned: Collection[int], share: int, *, start: int) -> tuple[Sequence[int], int]:
    """Which lanes to try to take, and how many at most.

    Relays begin at different places (`start`), so that they don't all reach for the same lane first.
    """
    wanted = share - len(owned)
    if wanted <= 0:
        return (), 0
    order = ((start + offset) % LANES for offset in range(LANES))
    return tuple(lane for lane in order if lane not in owned), wanted
