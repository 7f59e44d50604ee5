"""Where subscriptions' statements run: a few connections of their own, so that requests never wait for them.

The number of connections is also how many of these statements run at a time.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import Any, Final

import asyncpg
import structlog

from resolvers.live.metrics import BATCH, STATEMENTS
from resolvers.live.statement import Binds, Proofs, row_arguments
from resolvers.pool import DatabaseUnavailable, Pool

_LOG = structlog.get_logger(__name__)

_DONE: Final = STATEMENTS.labels("done")
_FAILED: Final = STATEMENTS.labels("failed")
_LONGEST_PAUSE_S: Final = 2.0
_PROBE_TIMEOUT_S: Final = 10.0
#: The server is going down, starting up, or out of connections: the same statement will work in a while.
_PASSING: Final = frozenset({"57P01", "57P02", "57P03", "53300"})


class LiveDatabase:
    """Runs statements of groups; after the database was lost they wait until it is back."""

    def __init__(self, dsn: str, *, size: int, statement_timeout_s: float) -> None:
        self.statement_timeout_s = statement_timeout_s
        self._pool = Pool(
            dsn,
            size=size,
            statement_timeout_s=statement_timeout_s,
            settings={
                "application_name": "caregraph-live",
                # All values come in rows of arrays, so that planning again for each would never find a better plan.
                "plan_cache_mode": "force_generic_plan",
            },
        )
        self._outage: asyncio.Event | None = None
        self._probe: asyncio.Task[None] | None = None

    async def fetch(self, sql: str, rows: Sequence[Binds], timeout_s: float | None = None) -> Sequence[Sequence[Any]]:
        """The statement's answer for these rows of binds.

        Raises asyncpg.PostgresError; TimeoutError when it takes longer than `timeout_s`; and DatabaseUnavailable when
        the database was lost: the next call then waits until it is back.
        """
        if self._outage is not None:
            await self._outage.wait()
        BATCH.observe(len(rows))
        arguments = row_arguments(rows)
        try:
            found = await self._rows(sql, arguments, timeout_s)
        except DatabaseUnavailable:
            self._begin_outage()
            raise
        except asyncpg.PostgresError as error:
            _FAILED.inc()
            if error.sqlstate in _PASSING:
                self._begin_outage()
                raise DatabaseUnavailable(str(error)) from error
            raise
        _DONE.inc()
        return found

    async def prove(self, proofs: Proofs) -> None:
        """Run statements that fail on bad text; waits while the database is lost. Raises asyncpg.PostgresError."""
        while True:
            if self._outage is not None:
                await self._outage.wait()
            try:
                async with self._pool.connection() as connection:
                    for proof, text in proofs:
                        await connection.prove(proof, text)
            except DatabaseUnavailable:
                self._begin_outage()
            else:
                return

    async def _rows(self, sql: str, arguments: Sequence[Any], timeout_s: float | None) -> Sequence[Sequence[Any]]:
        async with self._pool.connection() as connection, asyncio.timeout(timeout_s):
            try:
                return await connection.rows(sql, arguments)
            except (asyncpg.exceptions.InvalidCachedStatementError, asyncpg.FeatureNotSupportedError):
                # The schema changed under the prepared statement.
                return await connection.rows(sql, arguments)

    async def close(self) -> None:
        """End the connections."""
        if self._probe is not None:
            self._probe.cancel()
            await asyncio.gather(self._probe, return_exceptions=True)
        await self._pool.close()

    def _begin_outage(self) -> None:
        if self._outage is None:
            self._outage = asyncio.Event()
            self._probe = asyncio.create_task(self._await_return(self._outage))

    async def _await_return(self, outage: asyncio.Event) -> None:
        """Ask until the database answers; at once first, since it may have been a single connection that was lost."""
        pause_s = 0.05
        while True:
            try:
                async with asyncio.timeout(_PROBE_TIMEOUT_S), self._pool.connection() as connection:
                    await connection.row("SELECT 1", ())
                break
            except (DatabaseUnavailable, asyncpg.PostgresError, TimeoutError):
                _LOG.warning("live_queries_wait_for_database", pause_s=round(pause_s, 2))
            await asyncio.sleep(pause_s * random.uniform(0.5, 1))  # noqa: S311 -- only spreads out the attempts
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        self._outage = None
        outage.set()
