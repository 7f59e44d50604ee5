"""A pool of PostgreSQL connections that keeps prepared statements.

`asyncpg.Pool` resets a connection each time it is returned, one round trip a request, and asyncpg's own statement
cache leaves out long statements; both cost more than the small reads that most requests are (ARCHITECTURE.md, 6).
Connections are lent last-in first-out, so that under light load few of them stay warm.

The first few connections may use parallel plans, the others not. A lone query over many rows is answered sooner when
PostgreSQL spreads it over the cores; among many, which keep the cores busy anyway, the workers' starts and the passing
of tuples only cost: a tenth of the throughput of 32 aggregates over 200,000 rows at once, on two cores.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any, Final, cast

import asyncpg
import structlog

_LOG = structlog.get_logger(__name__)

#: Prepared statements a connection keeps; each costs the backend about 80 kB.
_STATEMENTS_PER_CONNECTION: Final = 200
_CONNECT_TIMEOUT_S: Final = 10.0
_CLOSE_TIMEOUT_S: Final = 5.0
#: Longer statements are prepared each time: they are rare, and kept they would take megabytes here and in the backend.
_LONGEST_KEPT: Final = 64 * 1024
#: Connections with parallel plans; they are lent first.
_PARALLEL_CONNECTIONS: Final = 2
#: Texts that a connection remembers to have proven, long ones by their digest.
_PROOFS_PER_CONNECTION: Final = 500
_LONG_TEXT: Final = 64

#: Stands for the row of a statement that gave none.
NO_ROW: Final = (None,)


class DatabaseUnavailable(Exception):
    """No connection could be had, or one was lost while in use."""


class Connection:
    """One connection with its prepared statements. In use by one operation at a time."""

    def __init__(self, raw: Any, *, statement_timeout_s: float | None = None, is_parallel: bool = False) -> None:
        self._raw = raw
        self._protocol = raw._protocol  # noqa: SLF001 - see `rows`
        self.is_parallel: Final = is_parallel
        #: What PostgreSQL lets a statement take.
        self.statement_timeout_s = statement_timeout_s
        #: asyncpg.PreparedStatement by its text.
        self._statements: OrderedDict[str, Any] = OrderedDict()
        self._proven: OrderedDict[tuple[str, str | bytes], None] = OrderedDict()
        #: Ends the connection, once it was left in the middle of a statement.
        self.ending: asyncio.Task[None] | None = None

    @property
    def is_closed(self) -> bool:
        """Whether the server or we ended it, or are about to."""
        return self.ending is not None or bool(self._raw.is_closed())

    async def row(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        """The single row of a statement. JSON columns come as bytes.

        Raises asyncpg.PostgresError, and DatabaseUnavailable when the connection is gone.
        """
        rows = await self.rows(sql, arguments)
        # A lone `_by_pk` that finds nothing gives no row: null.
        return rows[0] if rows else NO_ROW

    async def rows(self, sql: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """All rows of a statement; otherwise as `row`."""
        try:
            statement = self._statements.get(sql) or await self._prepare(sql)
            # What `statement.fetch` comes to, without three coroutines and their checks, a twentieth of a small read's
            # time. It is not asyncpg's public interface: tests/integration/test_pool.py would notice a change. No limit
            # of rows is given (0), since PostgreSQL runs no parallel plan for an execution with one.
            rows = await self._protocol.bind_execute(statement._state, arguments, "", 0, False, None)  # noqa: SLF001
            return cast("Sequence[Sequence[Any]]", rows)
        except (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError) as error:
            raise DatabaseUnavailable(str(error)) from error
        except asyncpg.InternalClientError as error:
            # The server has said that it ends the connection, and the driver has not seen the end yet.
            self.terminate()
            raise DatabaseUnavailable(str(error)) from error
        except (asyncpg.exceptions.InvalidCachedStatementError, asyncpg.FeatureNotSupportedError):
            # The schema changed under the statement: forget it, the next request prepares it anew.
            self._statements.pop(sql, None)
            raise
        except asyncio.CancelledError:
            self._abandon()
            raise

    async def prove(self, proof: str, text: str) -> None:
        """Run a statement that fails unless the text is good for it, at most once for a text. Raises as `row` does."""
        known = text if len(text) <= _LONG_TEXT else sha256(text.encode()).digest()
        if (proof, known) in self._proven:
            return
        await self.row(proof, (text,))
        self._proven[proof, known] = None
        if len(self._proven) > _PROOFS_PER_CONNECTION:
            self._proven.popitem(last=False)

    async def command(self, sql: str) -> None:
        """Run a fixed command (BEGIN, COMMIT, ROLLBACK). Raises as `row` does."""
        try:
            await self._raw.execute(sql)
        except (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError) as error:
            raise DatabaseUnavailable(str(error)) from error
        except asyncpg.InternalClientError as error:
            # The server has said that it ends the connection, and the driver has not seen the end yet.
            self.terminate()
            raise DatabaseUnavailable(str(error)) from error
        except asyncio.CancelledError:
            self._abandon()
            raise

    async def fetch_value(self, sql: str, *arguments: Any) -> Any:
        """The first column of the first row, for hand-written operations' own statements."""
        row = await self.row(sql, arguments)
        return row[0]

    @property
    def in_transaction(self) -> bool:
        """Whether a transaction is open."""
        return bool(self._raw.is_in_transaction())

    def terminate(self) -> None:
        """End the connection without ceremony."""
        self._raw.terminate()

    async def close(self) -> None:
        """End the connection in good order."""
        await self._raw.close(timeout=_CLOSE_TIMEOUT_S)

    def _abandon(self) -> None:
        """Somebody stopped waiting half-way through the protocol: this connection can't be lent again.

        Cut off, PostgreSQL would go on with the statement for as long as a statement may take. The driver has begun to
        tell it to stop, and closing the connection in good order waits for that.
        """
        if self.ending is None:
            self.ending = asyncio.get_running_loop().create_task(self._end())

    async def _end(self) -> None:
        try:
            await self._raw.close(timeout=_CLOSE_TIMEOUT_S)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
            self.terminate()
        except asyncio.CancelledError:
            self.terminate()
            raise

    async def _prepare(self, sql: str) -> Any:
        statement = await self._raw.prepare(sql)
        if len(sql) > _LONGEST_KEPT:
            return statement
        self._statements[sql] = statement
        if len(self._statements) > _STATEMENTS_PER_CONNECTION:
            # The driver closes the server's side once the last reference is gone.
            self._statements.popitem(last=False)
        return statement


def _identity(value: Any) -> Any:
    return value


class Pool:
    """Up to `size` connections to one database."""

    def __init__(
        self, dsn: str, *, size: int, statement_timeout_s: float = 30.0, settings: Mapping[str, str] | None = None
    ) -> None:
        """`settings` are PostgreSQL's, for every connection."""
        self._dsn = dsn
        self._settings = dict(settings or {})
        self._size = size
        self._statement_timeout_s = statement_timeout_s
        self._idle: list[Connection] = []
        self._idle_parallel: list[Connection] = []
        self._open = 0
        self._parallel = 0
        self._waiters: deque[asyncio.Future[Connection | None]] = deque()
        self._closed = False
        #: The event loop that connections were made in. Asking which one runs is a system call, and most requests wait.
        self._loop: asyncio.AbstractEventLoop | None = None

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection for the length of the block. Raises DatabaseUnavailable."""
        connection = await self.acquire()
        try:
            yield connection
        finally:
            self.release(connection)

    async def acquire(self) -> Connection:
        """A connection, to be given back with `release`. Raises DatabaseUnavailable."""
        while True:
            if (connection := self.take()) is not None:
                return connection
            if self._closed:
                raise DatabaseUnavailable("the pool is closed")
            if self._open < self._size:
                return await self._connect()
            assert self._loop is not None, "all connections are in use, so some were made"
            waiter: asyncio.Future[Connection | None] = self._loop.create_future()
            self._waiters.append(waiter)
            try:
                given = await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._pass_on(waiter.result())
                raise
            if given is not None:
                return given

    def take(self) -> Connection | None:
        """A connection that nobody uses, to be given back with `release`; None when `acquire` has to be asked."""
        while idle := self._idle_parallel or self._idle:
            connection = idle.pop()
            if not connection.is_closed:
                return connection
            self._count_out(is_parallel=connection.is_parallel)
        return None

    def release(self, connection: Connection) -> None:
        """Give a connection back. One that was closed, or left in a transaction, is not lent again."""
        if connection.ending is not None:
            # It counts until PostgreSQL has ended its side.
            connection.ending.add_done_callback(lambda _: self._forget(connection))
            return
        if connection.is_closed or self._closed or connection.in_transaction:
            if not connection.is_closed:
                connection.terminate()
            self._forget(connection)
            return
        self._pass_on(connection)

    async def close(self) -> None:
        """End all connections; those in use end when they are given back."""
        self._closed = True
        while idle := self._idle_parallel or self._idle:
            connection = idle.pop()
            self._count_out(is_parallel=connection.is_parallel)
            await connection.close()
        while self._waiters:
            self._wake(None)

    def _forget(self, connection: Connection) -> None:
        """The connection is gone: there is room for another."""
        self._count_out(is_parallel=connection.is_parallel)
        self._pass_on(None)

    def _pass_on(self, connection: Connection | None) -> None:
        """To the first who waits, else to the idle ones. None means: there is room to connect."""
        if not self._wake(connection) and connection is not None:
            (self._idle_parallel if connection.is_parallel else self._idle).append(connection)

    def _wake(self, connection: Connection | None) -> bool:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return True
        return False

    async def _connect(self) -> Connection:
        is_parallel = self._parallel < _PARALLEL_CONNECTIONS
        self._loop = asyncio.get_running_loop()
        self._open += 1
        self._parallel += is_parallel
        try:
            raw = await asyncpg.connect(
                self._dsn,
                timeout=_CONNECT_TIMEOUT_S,
                # Not 0: the driver would then parse a statement anew each time that it is executed.
                statement_cache_size=_STATEMENTS_PER_CONNECTION,
                max_cached_statement_lifetime=0,
                max_cacheable_statement_size=0,
                server_settings={
                    "application_name": "caregraph-api",
                    "TimeZone": "UTC",
                    "jit": "off",
                    "statement_timeout": str(int(self._statement_timeout_s * 1000)),
                    "idle_in_transaction_session_timeout": "60000",
                    **({} if is_parallel else {"max_parallel_workers_per_gather": "0"}),
                    **self._settings,
                },
            )
            # The answer is JSON text that we only pass on.
            await raw.set_type_codec("json", schema="pg_catalog", encoder=_identity, decoder=_identity, format="binary")
        except BaseException as error:
            self._count_out(is_parallel=is_parallel)
            self._pass_on(None)
            if isinstance(error, OSError | asyncpg.PostgresError | asyncpg.InterfaceError | TimeoutError):
                _LOG.warning("database_unavailable", error=type(error).__name__)
                raise DatabaseUnavailable(str(error)) from error
            raise
        return Connection(raw, statement_timeout_s=self._statement_timeout_s, is_parallel=is_parallel)

    def _count_out(self, *, is_parallel: bool) -> None:
        self._open -= 1
        self._parallel -= is_parallel
