"""A database that forgets: everything a case does is undone, on one connection that all cases share.

The engine runs as ever; its BEGIN and COMMIT become savepoints of a transaction that is rolled back in the end, and
what it runs outside of a transaction has a savepoint of its own. Cloning a database for each case would be as true
and take ten times as long; cases about the real COMMIT do that.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from asyncpg import PostgresError

from resolvers.pool import Connection, Pool


class IsolatedConnection(Connection):
    """A connection whose transactions are savepoints."""

    def __init__(self, raw: Any) -> None:
        super().__init__(raw)
        self._inside = False

    @property
    def in_transaction(self) -> bool:
        """Whether the engine has begun one."""
        return self._inside

    async def rows(self, sql: str, arguments: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """The rows of a statement, which is undone alone when it fails outside of a transaction."""
        if self._inside:
            return await super().rows(sql, arguments)
        await self._raw.execute("SAVEPOINT alone")
        try:
            return await super().rows(sql, arguments)
        except PostgresError:
            await self._raw.execute("ROLLBACK TO SAVEPOINT alone")
            raise

    async def command(self, sql: str) -> None:
        """Begin, end or undo a savepoint; anything else as it is."""
        match sql:
            case "BEGIN":
                self._inside = True
                await self._raw.execute("SAVEPOINT inside")
            case "COMMIT":
                await super().command("SET CONSTRAINTS ALL IMMEDIATE")
                self._inside = False
            case "ROLLBACK":
                await self._raw.execute("ROLLBACK TO SAVEPOINT inside")
                self._inside = False
            case _:
                await super().command(sql)


class IsolatedPool(Pool):
    """Lends one connection, over and over."""

    def __init__(self, dsn: str) -> None:
        super().__init__(dsn, size=1, statement_timeout_s=10)
        self._only: IsolatedConnection | None = None

    async def acquire(self) -> Connection:
        """The connection."""
        if self._only is None:
            connection = await super().acquire()
            self._only = IsolatedConnection(connection._raw)
        return self._only

    def release(self, connection: Connection) -> None:
        """Keep it, whatever state it is in: `undone` cleans up."""

    async def close(self) -> None:
        """End the connection."""
        if self._only is not None:
            await self._only.close()
        await super().close()

    @asynccontextmanager
    async def undone(self) -> AsyncIterator["asyncpg.Connection[Any]"]:
        """A block after which the database is as it was, but for its sequences; the driver's connection."""
        connection = await self.acquire()
        raw = connection._raw
        await raw.execute("BEGIN")
        try:
            yield raw
        finally:
            await raw.execute("ROLLBACK")
