"""Who goes next: so many events at a time, and one delivery of an event at a time."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta


class Busy(Exception):
    """No turn came in time; too much is at hand."""


class Turns:
    """Bounds the work of one process.

    Two deliveries of one event in one process go one after the other, so that the second finds the first one's inbox
    row instead of repeating its outside calls. (Between processes the idempotency keys see to that.)
    """

    def __init__(self, *, at_once: int, time_out: timedelta) -> None:
        self._slots = asyncio.Semaphore(at_once)
        self._time_out_s = time_out.total_seconds()
        #: Event id → its lock and how many hold it or wait for it.
        self._events: dict[uuid.UUID, tuple[asyncio.Lock, int]] = {}

    @property
    def at_hand(self) -> int:
        """How many events are being worked on or waited for."""
        return len(self._events)

    @asynccontextmanager
    async def take(self, event_id: uuid.UUID) -> AsyncIterator[None]:
        """Wait for a turn for this event; raises Busy when none comes in time."""
        lock, holders = self._events.get(event_id, (asyncio.Lock(), 0))
        self._events[event_id] = (lock, holders + 1)
        locked = slotted = False
        try:
            try:
                async with asyncio.timeout(self._time_out_s):
                    locked = await lock.acquire()
                    slotted = await self._slots.acquire()
            except TimeoutError:
                raise Busy(f"no turn within {self._time_out_s:g} s") from None
            yield
        finally:
            if slotted:
                self._slots.release()
            if locked:
                lock.release()
            lock, holders = self._events[event_id]
            if holders == 1:
                del self._events[event_id]
            else:
                self._events[event_id] = (lock, holders - 1)
