"""Who read protected health information: from the engine's notes to `audit.access`, without a read waiting for it.

A read is noted in memory; each few dozen notes become the bytes that their entries will be (`server.access_entry`), and
a task writes what was noted since, many in one COPY. With an INSERT, PostgreSQL and the driver would have half as
much again to do; with PostgreSQL's own ids, twice as much. Nothing is dropped:

- Notes that can't be written (the database is away) are kept and tried again. Once `capacity` of them wait, reads of
  sensitive tables wait too, and are refused after `patience_s`: no PHI without a record.
- Closing writes what is left; what can't be written by then goes to the log, entry by entry (`access_log.unwritten`).
- A process that is killed loses what it noted since the last write, `interval_s` at most.
"""

import asyncio
import time
from contextlib import suppress
from typing import Any, Final

import asyncpg
import structlog

from integrations.telemetry.context import current_request
from integrations.telemetry.metrics import counter, gauge
from integrations.telemetry.tracing import entered_trace
from permissions.session import Session
from resolvers.errors import GraphQLRequestError
from resolvers.sensitive import SensitiveRead
from server.access_entry import COLUMNS, EntryMaker, NotedRead, describe_entry, join_entries

_LOG: Final = structlog.get_logger(__name__)

_WAITING: Final = gauge("caregraph_access_log_waiting", "Reads of PHI noted and not written yet.")
_WRITTEN: Final = counter("caregraph_access_log_written_total", "Reads of PHI written to audit.access.")
_FAILED: Final = counter("caregraph_access_log_failed_writes_total", "Writes to audit.access that failed.")

#: How many notes are made into entries at a time.
_MADE_AT_ONCE: Final = 64
#: About a megabyte.
_BATCH: Final = 5_000
_LONGEST_PAUSE_S: Final = 2.0
_FAILURES: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class AccessLog:
    """The engine's `AccessRecorder`, on a connection of its own. Use it from one event loop; `close` it in the end."""

    def __init__(
        self,
        dsn: str,
        *,
        capacity: int = 50_000,
        interval_s: float = 0.1,
        patience_s: float = 5.0,
        closing_s: float = 10.0,
        write_timeout_s: float = 10.0,
    ) -> None:
        """Nothing is opened before the first read. `closing_s` is how long `close` may try to write."""
        self._dsn = dsn
        self._connection: Any = None
        self._capacity = capacity
        self._interval_s = interval_s
        self._patience_s = patience_s
        self._closing_s = closing_s
        self._write_timeout_s = write_timeout_s
        self._maker = EntryMaker()
        self._noted: list[NotedRead] = []
        self._entries: list[bytes] = []
        self._task: asyncio.Task[None] | None = None
        self._room = asyncio.Event()
        #: Set while somebody waits for everything to be written.
        self._hurry = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Whether as many notes wait as may."""
        return self._waiting >= self._capacity

    @property
    def _waiting(self) -> int:
        return len(self._entries) + len(self._noted)

    async def wait_for_room(self) -> None:
        """Return when there is room; raises GraphQLRequestError when there is none in time."""
        try:
            async with asyncio.timeout(self._patience_s):
                while self.is_full:
                    self._room.clear()
                    await self._room.wait()
        except TimeoutError:
            message = "reads of health information can't be recorded at the moment; try again shortly"
            raise GraphQLRequestError("unexpected", message) from None

    def record(self, session: Session, read: SensitiveRead, row_count: int) -> None:
        """Take note of a read, under the current request and trace."""
        self._noted.append((session, read, row_count, current_request.get(), entered_trace(), time.time_ns()))
        if len(self._noted) >= _MADE_AT_ONCE:
            self._make_entries()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write_all(), name="access-log")

    def _make_entries(self) -> None:
        self._entries += self._maker.make(self._noted)
        self._noted.clear()

    async def flush(self) -> None:
        """Return when everything noted so far is written, however long that takes."""
        self._hurry.set()
        while self._task is not None:
            await asyncio.shield(self._task)
        self._hurry.clear()

    async def close(self) -> None:
        """Write what is left, and end the connection."""
        try:
            async with asyncio.timeout(self._closing_s):
                await self.flush()
        except TimeoutError:
            if self._task is not None:
                self._task.cancel()
                await asyncio.gather(self._task, return_exceptions=True)
        self._make_entries()
        for entry in self._entries:
            _LOG.error("access_log.unwritten", **describe_entry(entry))
        self._entries.clear()
        self._hang_up()

    async def _write_all(self) -> None:
        """Write until nothing is left to write."""
        pause_s = self._interval_s
        batch: bytes | None = None
        size = 0
        try:
            while self._waiting:
                if batch is None and self._waiting < _BATCH:
                    # Those of the next moment go with these.
                    await self._pause(self._interval_s)
                if batch is None:
                    self._make_entries()
                    entries = self._entries[:_BATCH]
                    batch, size = join_entries(entries), len(entries)
                try:
                    await self._write(batch)
                except asyncpg.UniqueViolationError:
                    # It was written, and the acknowledgement was lost with the connection.
                    pass
                except _FAILURES as error:
                    self._hang_up()
                    _FAILED.inc()
                    _WAITING.set(self._waiting)
                    _LOG.warning("access_log.write_failed", error=type(error).__name__, waiting=self._waiting)
                    await asyncio.sleep(pause_s)
                    pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                    continue
                pause_s = self._interval_s
                batch = None
                del self._entries[:size]
                _WRITTEN.inc(size)
                _WAITING.set(self._waiting)
                self._room.set()
        finally:
            self._task = None

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()

    async def _write(self, batch: bytes) -> None:
        async with asyncio.timeout(self._write_timeout_s):
            if self._connection is None or self._connection.is_closed():
                self._connection = await asyncpg.connect(
                    self._dsn, server_settings={"application_name": "caregraph-audit", "TimeZone": "UTC"}
                )
            await self._connection.copy_to_table(
                "access",
                schema_name="audit",
                columns=COLUMNS,
                format="binary",
                # asyncpg takes bytes for a file's name, and would read a file in a thread, which would have to wait for
                # requests to let go of the interpreter.
                source=memoryview(batch),
            )

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
