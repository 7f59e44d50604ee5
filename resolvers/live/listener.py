"""The connection that hears of changes, and that tells writers whose changes are listened to.

Writers notify only of tables that stand in `events.live_watch` (see the trigger function `events.notify_live`). A
process that begins to watch a table must not rely on notifications at once: a transaction that looked before the watch
was committed says nothing when it commits. So after that commit it takes a transaction id, the *mark*, and waits until
a snapshot's oldest running transaction, the *horizon*, has reached it. A writer has its transaction id before it looks,
so by then every writer that looked too early has ended. From then on the table is *heard*; what was committed before is
seen by running everything once more. (`triggers/sleep.py` tells the same of the relay, at more length.)

A lost connection, or a watch that may have run out, means that nothing is heard until all of this was done again.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Protocol

import asyncpg
import structlog

from resolvers.live.changes import CHANNEL, Change, parse_change
from resolvers.live.metrics import CHANGES, LISTENING
from resolvers.live.routes import Announced
from schema.catalogue import TableKey

_LOG = structlog.get_logger(__name__)

_SQL: Final = Path(__file__).parent / "sql"
_CONNECT_TIMEOUT_S: Final = 5.0
_COMMAND_TIMEOUT_S: Final = 10.0
_LONGEST_PAUSE_S: Final = 2.0
#: How long a watch counts, and how often it is moved on.
_WATCH_TTL_S: Final = 60.0
_REFRESH_S: Final = 15.0
#: With less than this left, it may have run out on the way.
_MARGIN_S: Final = 20.0
#: How often the horizon is asked for, at first and at last, while an old transaction doesn't end.
_FIRST_HORIZON_S: Final = 0.002
_LAST_HORIZON_S: Final = 0.25


class Audience(Protocol):
    """Who is told what the listener hears."""

    def announce(self, tables: Announced) -> None:
        """These tables have triggers that tell of changes, with these columns."""

    def begin_hearing(self, tables: frozenset[TableKey]) -> None:
        """From now on every change of these tables is told."""

    def stop_hearing(self, tables: frozenset[TableKey] | None = None) -> None:
        """Changes of these tables (of any, if None) may be missed from now on."""

    def hear(self, change: Change) -> None:
        """Rows were changed."""


class Listener:
    """Keeps one connection that listens."""

    def __init__(self, dsn: str, audience: Audience) -> None:
        self._dsn = dsn
        self._audience = audience
        self._wanted: frozenset[TableKey] = frozenset()
        #: Something is to be done: other tables are wanted, or the connection was lost.
        self._stirred = asyncio.Event()

    def want(self, tables: frozenset[TableKey]) -> None:
        """Hear of the changes of these tables, and no others."""
        if tables - self._wanted:
            self._stirred.set()
        self._wanted = tables

    async def run(self) -> None:
        """Listen until cancelled, over any number of connections."""
        pause_s = 0.05
        while True:
            began = time.monotonic()
            try:
                async with self._connection() as connection:
                    await _Hearing(connection, self._audience).run(self)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                _LOG.warning("live_listener_lost", error_type=type(error).__name__, error=str(error))
            finally:
                LISTENING.set(0)
                self._audience.stop_hearing()
            if time.monotonic() - began > _LONGEST_PAUSE_S:
                pause_s = 0.05
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311 -- only spreads out the attempts
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)

    @property
    def wanted(self) -> frozenset[TableKey]:
        """The tables to be heard of."""
        return self._wanted

    async def wait(self, timeout_s: float) -> None:
        """Return when there is something to do, or after so many seconds."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._stirred.wait()
        except TimeoutError:
            return
        self._stirred.clear()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(
            self._dsn,
            timeout=_CONNECT_TIMEOUT_S,
            command_timeout=_COMMAND_TIMEOUT_S,
            server_settings={"application_name": "caregraph-live-listener", "jit": "off"},
        )
        try:
            connection.add_termination_listener(lambda _: self._stirred.set())
            await connection.add_listener(CHANNEL, lambda _c, _p, _ch, payload: self._hear(payload))
            yield connection
        finally:
            connection.terminate()

    def _hear(self, payload: object) -> None:
        change = parse_change(str(payload))
        if change is not None:
            CHANGES.inc()
            self._audience.hear(change)


class _Hearing:
    """What is known on one connection."""

    def __init__(self, connection: Any, audience: Audience) -> None:
        self._connection = connection
        self._audience = audience
        self._announced: Announced = {}
        #: Tables that are watched, but that writers may not know yet to be, with the mark to wait for.
        self._marks: dict[TableKey, int] = {}
        self._heard: frozenset[TableKey] = frozenset()
        self._refreshed = 0.0
        self._horizon_pause_s = _FIRST_HORIZON_S

    async def run(self, listener: Listener) -> None:
        """Watch what is wanted until the connection is lost."""
        while not self._connection.is_closed():
            if time.monotonic() - self._refreshed > _REFRESH_S:
                await self._refresh(listener.wanted)
            await self._watch(listener.wanted)
            if self._marks:
                await self._look_at_horizon()
            if self._marks:
                await listener.wait(self._horizon_pause_s)
                self._horizon_pause_s = min(self._horizon_pause_s * 2, _LAST_HORIZON_S)
            else:
                self._horizon_pause_s = _FIRST_HORIZON_S
                await listener.wait(_REFRESH_S)

    async def _refresh(self, wanted: frozenset[TableKey]) -> None:
        """Read the triggers, move the watches on. It also shows that the connection still works."""
        announced = await self._read_triggers()
        if announced != self._announced or not self._refreshed:
            self._announced = announced
            self._audience.announce(announced)
        known = sorted((self._heard | self._marks.keys()) & wanted & announced.keys())
        began = time.monotonic()
        if self._refreshed and began - self._refreshed > _WATCH_TTL_S - _MARGIN_S:
            # We slept too long: the watches may have run out, and changes gone by untold.
            self._audience.stop_hearing()
            self._heard, self._marks = frozenset(), {}
        elif known:
            await self._move_on(known)
        self._refreshed = began
        LISTENING.set(1)

    async def _watch(self, wanted: frozenset[TableKey]) -> None:
        """Watch what is newly wanted, and forget what is no longer."""
        forgotten = self._heard - wanted
        if forgotten:
            self._heard -= forgotten
            self._audience.stop_hearing(forgotten)
        self._marks = {table: mark for table, mark in self._marks.items() if table in wanted}
        fresh = sorted((wanted & self._announced.keys()) - self._heard - self._marks.keys())
        if fresh:
            await self._move_on(fresh)
            # Only now, in a transaction of its own: writers that looked before the watch was committed have older ids.
            mark = int(await self._connection.fetchval("SELECT pg_current_xact_id()::text"))
            self._marks.update(dict.fromkeys(fresh, mark))
            self._horizon_pause_s = _FIRST_HORIZON_S

    async def _look_at_horizon(self) -> None:
        horizon = int(await self._connection.fetchval("SELECT pg_snapshot_xmin(pg_current_snapshot())::text"))
        heard = frozenset(table for table, mark in self._marks.items() if horizon >= mark)
        if heard:
            self._marks = {table: mark for table, mark in self._marks.items() if table not in heard}
            self._heard |= heard
            self._audience.begin_hearing(heard)

    async def _move_on(self, tables: list[TableKey]) -> None:
        await self._connection.execute(_statement("watch"), tables, _WATCH_TTL_S, _WATCH_TTL_S - _MARGIN_S)

    async def _read_triggers(self) -> Mapping[TableKey, frozenset[str]]:
        found: dict[TableKey, frozenset[str]] = {}
        for table, arguments in await self._connection.fetch(_statement("triggers")):
            told = [frozenset(item.decode().split("\0")[:-1]) for item in arguments]
            found[table] = frozenset.intersection(*told)
        return found


def _statement(name: str) -> str:
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")
