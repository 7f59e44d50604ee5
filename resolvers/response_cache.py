"""`query @cached(ttl: 120)`: answers kept in this process for a while.

A plan and its binds decide a statement, session values included, so they are the key: what one caller was answered is
given to another only when the very same statement would have been run for both.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Final

#: What all kept answers together may take.
_MAX_BYTES: Final = 64 * 1024 * 1024
#: What a caller may ask for at most, in seconds.
MAX_TTL_S: Final = 3_600
DEFAULT_TTL_S: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Caching:
    """What the directive says: how long an answer is kept, and whether to ask anew now."""

    ttl_s: int
    refresh: bool = False


class ResponseCache:
    """Answers by key, the least recently used dropped first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[Hashable, tuple[float, bytes]] = OrderedDict()
        self._bytes = 0

    def find(self, key: Hashable) -> bytes | None:
        """The answer that was kept under this key, unless its time is over."""
        found = self._kept.get(key)
        if found is None:
            return None
        until, body = found
        if until <= self._clock():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return body

    def keep(self, key: Hashable, body: bytes, ttl_s: float) -> None:
        """Keep an answer for `ttl_s` seconds. One that is larger than the whole cache is not kept."""
        self._drop(key)
        if len(body) > _MAX_BYTES:
            return
        self._kept[key] = (self._clock() + ttl_s, body)
        self._bytes += len(body)
        while self._bytes > _MAX_BYTES:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        found = self._kept.pop(key, None)
        if found is not None:
            self._bytes -= len(found[1])
