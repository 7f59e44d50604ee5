"""Subscribers, and what they were sent.

A result replaces an older one that a slow subscriber has not taken yet, so a subscriber holds one result at most. Equal
to the last one that was taken, it is not sent. Streams send batches, of which none may be lost: their next batch is
asked for when the last one was taken.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from resolvers.errors import GraphQLRequestError
from resolvers.live.metrics import RESULTS
from resolvers.live.statement import Binds

_SENT: Final = RESULTS.labels("sent")
_UNCHANGED: Final = RESULTS.labels("unchanged")


@dataclass(frozen=True, slots=True)
class Result:
    """A result as JSON, and a digest by which it is compared: the value itself is not kept once it is sent."""

    value: bytes
    digest: bytes


def make_result(value: bytes) -> Result:
    """The result with its digest."""
    return Result(value, blake2b(value, digest_size=16).digest())


class Subscriber:
    """One subscription's way out. `next` is awaited by one task at a time."""

    __slots__ = ("_error", "_newest", "_sent", "_waiter", "cohort", "on_taken")

    def __init__(self, cohort: "Cohort") -> None:
        self.cohort = cohort
        #: Called when a result was sent and the next one is waited for; for streams.
        self.on_taken: Callable[[], None] | None = None
        self._newest: Result | None = None
        self._sent = b""
        self._error: GraphQLRequestError | None = None
        self._waiter: asyncio.Future[None] | None = None

    async def next(self) -> bytes:
        """The next result that differs from the last. Raises GraphQLRequestError when the subscription has failed."""
        if self.on_taken is not None and self._sent:
            self.on_taken()
        while True:
            if self._error is not None:
                raise self._error
            newest, self._newest = self._newest, None
            if newest is not None:
                self._sent = newest.digest
                return newest.value
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None

    def offer(self, result: Result) -> None:
        """Let the subscriber have this result instead of any that it has not taken yet."""
        if result.digest == self._sent and self.on_taken is None:
            self._newest = None
            _UNCHANGED.inc()
            return
        self._newest = result
        _SENT.inc()
        self._wake()

    def fail(self, error: GraphQLRequestError) -> None:
        """End the subscription with an error."""
        self._error = error
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Cohort:
    """Subscribers of one group with the same binds: one row of the statement, one result."""

    __slots__ = ("binds", "is_sending", "joining", "keys", "since", "subscribers")

    def __init__(self, binds: Binds) -> None:
        self.binds = binds
        self.subscribers: dict[Subscriber, None] = {}
        #: Those who came after the run that is going on had begun: they wait for the next.
        self.joining: list[Subscriber] = []
        #: The values by which changes find the cohort, a tuple a kind of keys; None before they are known.
        self.keys: tuple[tuple[str, ...], ...] | None = None
        #: When the earliest change was heard of whose result is still to come (monotonic seconds).
        self.since: float | None = None
        #: A stream whose last batch is not taken yet.
        self.is_sending = False

    @property
    def is_empty(self) -> bool:
        """Nobody is left."""
        return not self.subscribers and not self.joining

    def begin(self) -> float | None:
        """A run begins: who came until now gets its result. Gives `since`, which starts anew."""
        if self.joining:
            self.subscribers.update(dict.fromkeys(self.joining))
            self.joining.clear()
        since, self.since = self.since, None
        return since

    def remove(self, subscriber: Subscriber) -> None:
        """Forget the subscriber."""
        self.subscribers.pop(subscriber, None)
        if subscriber in self.joining:
            self.joining.remove(subscriber)

    def offer(self, result: Result) -> None:
        """Let everyone have the result."""
        for subscriber in self.subscribers:
            subscriber.offer(result)

    def fail(self, error: GraphQLRequestError) -> None:
        """End everyone's subscription."""
        for subscriber in (*self.subscribers, *self.joining):
            subscriber.fail(error)
