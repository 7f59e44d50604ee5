"""The connection that migrations run on: one session, alone by an advisory lock, impatient by time-outs.

A migration that waits for a lock makes every query behind it wait too, so it gives up after four seconds and is tried
again later; one that computes for long belongs into steps. A revision that must take longer says so itself with
`SET LOCAL statement_timeout`.
"""

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from migrations.errors import MigrationError

#: Waiting for a lock on a table.
LOCK_TIMEOUT = timedelta(seconds=4)
#: Any one statement of a revision.
STATEMENT_TIMEOUT = timedelta(seconds=60)
#: Waiting for another process that is migrating the same database.
TURN_TIMEOUT = timedelta(seconds=120)
OLDEST_POSTGRESQL = 15

_CONNECT_TIMEOUT_S = 10
# Advisory locks are numbers per database; this one is ours by being written down here.
_ADVISORY_LOCK = 7_230_115_001


@contextlib.asynccontextmanager
async def migration_connection(
    database_url: str, *, lock_timeout: timedelta = LOCK_TIMEOUT
) -> AsyncIterator[AsyncConnection]:
    """A connection ready to migrate; others that want to wait their turn. Raises MigrationError."""

    async def connect() -> asyncpg.Connection:
        # asyncpg reads the address itself, so that all that libpq knows (sslmode, sockets, several hosts) works here.
        return await asyncpg.connect(
            database_url, timeout=_CONNECT_TIMEOUT_S, server_settings={"application_name": "caregraph migrate"}
        )

    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        try:
            connection = await engine.connect()
        except (OSError, TimeoutError, asyncpg.PostgresError, DBAPIError) as error:
            raise MigrationError(
                f"Cannot reach PostgreSQL: {error}. Is it running, and is DATABASE_URL right?"
            ) from error
        try:
            await _prepare(connection, lock_timeout)
            yield connection
        finally:
            await connection.close()
    finally:
        await engine.dispose()


async def _prepare(connection: AsyncConnection, lock_timeout: timedelta) -> None:
    version = int((await connection.execute(text("SHOW server_version_num"))).scalar_one()) // 10_000
    if version < OLDEST_POSTGRESQL:
        raise MigrationError(
            f"This is PostgreSQL {version}; Caregraph needs {OLDEST_POSTGRESQL} or newer. Point DATABASE_URL at one."
        )
    await _set(connection, "lock_timeout", TURN_TIMEOUT)
    try:
        await connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _ADVISORY_LOCK})
    except DBAPIError as error:
        raise MigrationError(
            f"Another migration has been running for more than {TURN_TIMEOUT.seconds} s. Look in pg_stat_activity for"
            " the application 'caregraph migrate', and try again when it has ended."
        ) from error
    await _set(connection, "lock_timeout", lock_timeout)
    await _set(connection, "statement_timeout", STATEMENT_TIMEOUT)
    # Everything is named with its schema. An empty path makes PostgreSQL and autogenerate do the same.
    await connection.execute(text("SET search_path = pg_catalog"))
    connection.dialect.default_schema_name = "pg_catalog"
    # Ends the transaction, not the settings: each revision begins its own.
    await connection.commit()


async def _set(connection: AsyncConnection, setting: str, value: timedelta) -> None:
    milliseconds = str(int(value.total_seconds() * 1000))
    await connection.execute(
        text("SELECT set_config(:setting, :value, false)"), {"setting": setting, "value": milliseconds}
    )
