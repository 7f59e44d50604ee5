"""Applying revisions from Python: `upgrade`, `downgrade`, `current_revision`.

Each opens one connection of its own, waits its turn behind other migrations of the same database, and runs every
revision in a transaction. They may be called inside a running event loop; one process runs one at a time, because
Alembic keeps its context in module globals.
"""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util.exc import CommandError
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from migrations.connection import LOCK_TIMEOUT, STATEMENT_TIMEOUT, migration_connection
from migrations.errors import MigrationError

#: Is called with a line for each revision that was applied, for example "0001 The whole data model".
Progress = Callable[[str], None]

_LOCK_NOT_AVAILABLE = "55P03"
_QUERY_CANCELED = "57014"


async def upgrade(
    database_url: str,
    revision: str = "head",
    *,
    progress: Progress | None = None,
    lock_timeout: timedelta = LOCK_TIMEOUT,
) -> None:
    """Bring the database up to `revision`. Does nothing when it is there. Raises MigrationError."""
    await _run(command.upgrade, database_url, revision, progress, lock_timeout)


async def downgrade(
    database_url: str,
    revision: str = "base",
    *,
    progress: Progress | None = None,
    lock_timeout: timedelta = LOCK_TIMEOUT,
) -> None:
    """Take the database back to `revision`; "base" removes everything of ours. Raises MigrationError."""
    await _run(command.downgrade, database_url, revision, progress, lock_timeout)


async def current_revision(database_url: str) -> str | None:
    """The revision that the database is at; None for one that was never migrated."""
    async with migration_connection(database_url) as connection:
        return await connection.run_sync(
            lambda sync: MigrationContext.configure(
                sync, opts={"version_table_schema": "public"}
            ).get_current_revision()
        )


async def _run(
    alembic_command: Callable[[Config, str], None],
    database_url: str,
    revision: str,
    progress: Progress | None,
    lock_timeout: timedelta,
) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))

    def announce(*, step: Any, **_context: Any) -> None:
        if progress is not None:
            revision = step.up_revision
            progress(f"{revision.revision} {revision.doc}" if step.is_upgrade else f"{revision.revision} taken back")

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        config.attributes["on_version_apply"] = (announce,)
        alembic_command(config, revision)

    async with migration_connection(database_url, lock_timeout=lock_timeout) as connection:
        try:
            await connection.run_sync(run)
        except CommandError as error:
            raise MigrationError(f"{error} (asked for revision {revision!r})") from error
        except DBAPIError as error:
            raise MigrationError(_explain(error.orig)) from error
        except asyncpg.PostgresError as error:  # from a script, which doesn't pass through SQLAlchemy
            raise MigrationError(_explain(error)) from error


def _explain(error: BaseException | None) -> str:
    sqlstate = getattr(error, "sqlstate", None)
    if sqlstate == _LOCK_NOT_AVAILABLE:
        return (
            "A table that the migration changes was in use for too long, so the migration gave way."
            " Nothing was changed by this revision; run it again when the database is less busy."
        )
    if sqlstate == _QUERY_CANCELED:
        return (
            f"A statement of the migration took more than {STATEMENT_TIMEOUT.seconds} s and was stopped. Nothing was"
            " changed by this revision; split it, or raise its statement_timeout with SET LOCAL."
        )
    return f"PostgreSQL refused the migration, and nothing was changed by this revision: {error}"
