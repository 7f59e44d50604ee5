"""One engine for many databases: schemas and plans are made once, databases many times."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from resolvers.pool import Connection, Pool


class PoolOfTheDay(Pool):
    """Whichever pool is `now`; whoever opened that one closes it."""

    def __init__(self) -> None:
        self.now: Pool | None = None

    def _pool(self) -> Pool:
        assert self.now is not None, "no database is open"
        return self.now

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        async with self._pool().connection() as connection:
            yield connection

    def take(self) -> Connection | None:
        return self._pool().take()

    async def acquire(self) -> Connection:
        return await self._pool().acquire()

    def release(self, connection: Connection) -> None:
        self._pool().release(connection)

    async def close(self) -> None:
        raise AssertionError("close the pool that is now, in place of this one")
