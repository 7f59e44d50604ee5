"""The outbox as the relay sees it: what waits, and what became of it."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, repeat
from typing import Any, ClassVar, Final

from triggers.connection import Connection
from triggers.envelope import OutboxEvent
from triggers.statements import load_statement

#: How long marks are gathered, and how many events are enough for a statement.
_GATHER_S: Final = 0.01
_ENOUGH: Final = 500
#: A row of `relay/fetch` as the event that it is.
_EVENT_OF: Final[Callable[[Iterable[Any]], OutboxEvent]] = partial(tuple.__new__, OutboxEvent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What one look into the outbox gave."""

    events: list[OutboxEvent]
    #: The oldest transaction that was still running: everything that ended before it is in `events`, or is published.
    horizon: int


class OutboxReader:
    """Reads what waits, on a connection of its own."""

    #: For `connect`. The walk along what waits, an event at a time, is right however few rows the statistics know of,
    #: so the planner isn't given the choice; and one plan serves all reads.
    SETTINGS: ClassVar = {
        "plan_cache_mode": "force_generic_plan",
        "enable_seqscan": "off",
        "enable_bitmapscan": "off",
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
        "statement_timeout": "10000",
    }

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        #: A connection does one thing at a time, and large events are read while others are looked for.
        self._lock = asyncio.Lock()

    async def read(
        self,
        lanes: Sequence[int],
        *,
        without_keys: Sequence[str] = (),
        without_topics: Sequence[str] = (),
        only_topic: str | None = None,
        per_lane: int,
        limit: int,
    ) -> Read:
        """The oldest waiting events of the lanes, in order, at most `limit`."""
        async with self._lock:
            rows = await self._connection.fetch(
                load_statement("relay/fetch"), lanes, without_keys, without_topics, only_topic, per_lane, limit
            )
        # The row that comes when nothing waits has nothing but the horizon.
        found = rows if rows[0]["sequence"] is not None else []
        # Without `__new__`, which takes twice as long.
        return Read(events=[*map(_EVENT_OF, found)], horizon=rows[0]["horizon"])

    async def read_data(self, event: OutboxEvent) -> str:
        """The data of an event that came without it."""
        async with self._lock:
            data: str = await self._connection.fetchval(load_statement("relay/read_data"), event.sequence)
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class _Published:
    #: All of one key, and so of one lane.
    lane: int
    sequences: Sequence[int]
    message_ids: Sequence[str]
    done: "asyncio.Future[None]"


@dataclass(frozen=True, slots=True, kw_only=True)
class _GivenUp:
    lane: int
    sequence: int
    reason: str
    done: "asyncio.Future[None]"


class OutboxWriter:
    """Writes down what became of events, on a connection of its own.

    A statement costs as much as the rows of thirty events, so marks are gathered for a moment (`_GATHER_S`), unless
    `hurry` says that no more are to come. `run` must be running; when it fails, the futures stay open, and whoever
    waits for them must be cancelled with it (a task group does that).
    """

    #: For `connect`. A mark that PostgreSQL loses in a crash means that an event is delivered twice, as any may be.
    #: Every row is found by its key: for five hundred marks the planner would read ten thousand rows, all there are.
    SETTINGS: ClassVar = {
        "synchronous_commit": "off",
        "plan_cache_mode": "force_generic_plan",
        "enable_seqscan": "off",
        "enable_hashjoin": "off",
        "enable_mergejoin": "off",
        "statement_timeout": "10000",
    }

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._published: list[_Published] = []
        #: How many events those are.
        self._gathered = 0
        #: By lane and sequence.
        self._failed: dict[tuple[int, int], str] = {}
        self._given_up: list[_GivenUp] = []
        self._due = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None

    def mark_published(self, events: Sequence[OutboxEvent], message_ids: Sequence[str]) -> "asyncio.Future[None]":
        """Mark the events, which are of one key, soon; the future is done when they are."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        self._published.append(
            _Published(
                lane=events[0].lane,
                sequences=[event.sequence for event in events],
                message_ids=message_ids,
                done=done,
            )
        )
        self._gathered += len(events)
        if self._gathered >= _ENOUGH:
            self._due.set()
        elif self._timer is None:
            self._timer = loop.call_later(_GATHER_S, self._due.set)
        return done

    def hurry(self) -> None:
        """Nothing more will be published in the next moment: write what was gathered."""
        if self._published:
            self._due.set()

    def note_failure(self, event: OutboxEvent, error: str) -> None:
        """Write down soon that an attempt failed; nobody waits for it."""
        self._failed[event.lane, event.sequence] = error
        self._due.set()

    def give_up(self, event: OutboxEvent, reason: str) -> "asyncio.Future[None]":
        """Make the event a dead letter soon; the future is done when it is."""
        done = asyncio.get_running_loop().create_future()
        self._given_up.append(_GivenUp(lane=event.lane, sequence=event.sequence, reason=reason, done=done))
        self._due.set()
        return done

    async def run(self) -> None:
        """Write until cancelled. Raises what PostgreSQL raises."""
        try:
            while True:
                await self._due.wait()
                self._due.clear()
                self._stop_timer()
                await self._flush()
        finally:
            self._stop_timer()

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def _flush(self) -> None:
        published, self._published = self._published, []
        self._gathered = 0
        failed, self._failed = self._failed, {}
        given_up, self._given_up = self._given_up, []
        if published:
            # In the order of the index: neighbours, of whatever keys, are then marked while their pages are at hand.
            lanes = chain.from_iterable(repeat(entry.lane, len(entry.sequences)) for entry in published)
            sequences = chain.from_iterable(entry.sequences for entry in published)
            message_ids = chain.from_iterable(entry.message_ids for entry in published)
            marks = sorted(zip(lanes, sequences, message_ids, strict=True))
            await self._connection.execute(load_statement("relay/mark_published"), *zip(*marks, strict=True))
        if failed:
            await self._connection.execute(
                load_statement("relay/mark_failed"), *zip(*failed, strict=True), list(failed.values())
            )
        for entry in given_up:
            await self._connection.execute(
                load_statement("relay/dead_letter"), entry.lane, entry.sequence, entry.reason
            )
        futures = [entry.done for entry in published] + [entry.done for entry in given_up]
        for future in futures:
            if not future.done():
                future.set_result(None)
