"""The PostgreSQL that all peers share: ours, made for the run, in a temporary folder.

Nothing is flushed to disk: the servers are to be compared, not the disk, which would level them on the writing cases.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import asyncpg
import orjson

from benchmarks.material import Material, gather
from local.postgres import temporary_postgres
from migrations.runner import upgrade

_HERE: Final = Path(__file__).parent
_TIMEOUT_S: Final = 120

#: After a window that changed rows: as it was before, by table.
_TIDY: Final = {
    "contract": """
        DELETE FROM public.contract USING public.treatment
        WHERE contract.treatment_id = treatment.id AND contract.created_at > treatment.created_at;
    """,
    "customer": "UPDATE public.customer SET phone = NULL WHERE phone LIKE '+12025550%';",
}

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The running database."""

    url: str
    #: Process id of the postmaster; its children are the backends.
    pid: int
    version: int
    material: Material

    def tidy(self, table: str) -> None:
        """Undo what a window did, events included, so that each window meets the same tables."""
        run(self._tidy(table))

    def recorded_sessions(self) -> list[Any]:
        """The sessions in the outbox."""
        return run(self._sessions())

    async def _tidy(self, table: str) -> None:
        connection = await asyncpg.connect(self.url, timeout=10, command_timeout=_TIMEOUT_S)
        try:
            await connection.execute(_TIDY[table])
            await connection.execute("TRUNCATE events.outbox")
            await connection.execute(f"VACUUM ANALYZE public.{table}")  # the names of _TIDY
        finally:
            await connection.close(timeout=10)

    async def _sessions(self) -> list[Any]:
        connection = await asyncpg.connect(self.url, timeout=10, command_timeout=_TIMEOUT_S)
        try:
            rows = await connection.fetch("SELECT session_variables FROM events.outbox ORDER BY sequence")
        finally:
            await connection.close(timeout=10)
        return [orjson.loads(row[0] or "null") for row in rows]


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result, from an event loop of its own."""
    return asyncio.run(coroutine)


@contextmanager
def filled_database() -> Iterator[Database]:
    """A migrated database with all rows for the length of the block; ready after some five seconds."""
    with temporary_postgres() as server:
        material = run(_fill(server.url))
        yield Database(url=server.url, pid=server.pid, version=server.cluster.version, material=material)


async def _fill(url: str) -> Material:
    await upgrade(url)
    connection = await asyncpg.connect(url, timeout=10, command_timeout=_TIMEOUT_S)
    try:
        await connection.execute((_HERE / "rows.sql").read_text())
        await connection.execute((_HERE / "postgraphile" / "roles.sql").read_text())
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close(timeout=10)
    return await gather(url)
