"""Who read protected health information: from the engine's notes to `audit.access`, without a read waiting for it.

A read is noted in memory, which costs about a microsecond, and a task writes what was noted since, many in a statement.
Nothing is dropped:

- Notes that can't be written (the database is away) are kept and tried again. Once `capacity` of them wait, reads of
  sensitive tables wait too, and are refused after `patience_s`: no PHI without a record.
- Closing writes what is left; what can't be written by then goes to the log, entry by entry (`access_log.unwritten`).
- A process that is killed loses what it noted since the last write, `interval_s` at most.
"""

import asyncio
import time
from collections import deque
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

import asyncpg
import structlog
import uuid_utils

from integrations.telemetry.context import RequestContext, current_request
from integrations.telemetry.metrics import counter, gauge
from permissions.session import Session
from resolvers.errors import GraphQLRequestError
from resolvers.pool import DatabaseUnavailable, Pool
from resolvers.sensitive import SensitiveRead

_LOG: Final = structlog.get_logger(__name__)
_STATEMENT: Final = Path(__file__).with_name("record_access.sql").read_text(encoding="utf-8")

_WAITING: Final = gauge("caregraph_access_log_waiting", "Reads of PHI noted and not written yet.")
_WRITTEN: Final = counter("caregraph_access_log_written_total", "Reads of PHI written to audit.access.")
_FAILED: Final = counter("caregraph_access_log_failed_writes_total", "Writes to audit.access that failed.")

#: Who, what was read, rows, request, traceparent, Unix time.
_Entry = tuple[Session, SensitiveRead, int, RequestContext | None, str, float]
_Columns = tuple[list[Any], ...]

_BATCH: Final = 1_000
_LONGEST_PAUSE_S: Final = 2.0
_FAILURES: Final = (asyncpg.PostgresError, DatabaseUnavailable, TimeoutError)


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
        self._pool = Pool(
            dsn, size=1, statement_timeout_s=write_timeout_s, settings={"application_name": "caregraph-audit"}
        )
        self._capacity = capacity
        self._interval_s = interval_s
        self._patience_s = patience_s
        self._closing_s = closing_s
        self._write_timeout_s = write_timeout_s
        self._entries: deque[_Entry] = deque()
        self._task: asyncio.Task[None] | None = None
        self._room = asyncio.Event()
        #: Set while somebody waits for everything to be written.
        self._hurry = asyncio.Event()

    @property
    def is_full(self) -> bool:
        """Whether as many notes wait as may."""
        return len(self._entries) >= self._capacity

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

    def record(self, session: Session, read: SensitiveRead, row_count: int, traceparent: str) -> None:
        """Take note of a read."""
        self._entries.append((session, read, row_count, current_request.get(), traceparent, time.time()))
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._write_all(), name="access-log")

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
        for session, read, row_count, request, _, at in self._entries:
            _LOG.error(
                "access_log.unwritten",
                role=session.role,
                user_id=session.user_id,
                operation=read.operation,
                tables=read.tables,
                row_count=row_count,
                # The line has a request id of its own, if any.
                of_request=None if request is None else request.request_id,
                read_at=at,
            )
        self._entries.clear()
        await self._pool.close()

    async def _write_all(self) -> None:
        """Write until nothing is left to write."""
        pause_s = self._interval_s
        batch: _Columns | None = None
        try:
            while self._entries:
                if batch is None and len(self._entries) < _BATCH:
                    # Those of the next moment go with these.
                    await self._pause(self._interval_s)
                if batch is None:
                    # Kept with its ids until it is written.
                    batch = _columns(list(islice(self._entries, _BATCH)))
                try:
                    await self._write(batch)
                except _FAILURES as error:
                    _FAILED.inc()
                    _WAITING.set(len(self._entries))
                    _LOG.warning("access_log.write_failed", error=type(error).__name__, waiting=len(self._entries))
                    await asyncio.sleep(pause_s)
                    pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                    continue
                pause_s = self._interval_s
                written = len(batch[0])
                batch = None
                for _ in range(written):
                    self._entries.popleft()
                _WRITTEN.inc(written)
                _WAITING.set(len(self._entries))
                self._room.set()
        finally:
            self._task = None

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurry.wait()

    async def _write(self, batch: _Columns) -> None:
        async with asyncio.timeout(self._write_timeout_s), self._pool.connection() as connection:
            await connection.rows(_STATEMENT, batch)


def _columns(entries: list[_Entry]) -> _Columns:
    """The statement's arguments."""
    sessions, reads, counts, requests, traces, times = zip(*entries, strict=True)
    return (
        [str(uuid_utils.uuid7()) for _ in entries],
        [session.role for session in sessions],
        [session.user_id for session in sessions],
        [read.operation for read in reads],
        [",".join(read.tables) for read in reads],
        list(counts),
        [None if request is None else request.request_id for request in requests],
        [trace or None for trace in traces],
        list(times),
    )
