"""What Alembic runs for every command: configures the comparison with `schema/` and runs the revisions.

`migrations.runner` hands a prepared connection over in `config.attributes`; the `alembic` command line (to write a new
revision: `alembic revision --autogenerate -m "…"`) has none, so one is opened from DATABASE_URL.
"""

import asyncio
import os
from typing import Any

from alembic import context
from alembic.autogenerate.rewriter import Rewriter
from alembic.operations.ops import CreateTableOp
from sqlalchemy import Connection

from migrations.connection import migration_connection
from migrations.errors import MigrationError
from schema.tables import metadata

_SCHEMAS = ("public", "chargebee", "healthcare", "events", "audit")


def include_name(name: str | None, type_: str, _parents: Any) -> bool:
    """Whether a thing found in the database is ours to compare."""
    return type_ != "schema" or name in _SCHEMAS


def include_object(thing: Any, _name: str | None, _type: str, _reflected: bool, _compare_to: Any) -> bool:
    """Whether a thing is Alembic's to create: views are SQL, and revisions write them by hand."""
    return not getattr(thing, "info", {}).get("is_view", False)


writer = Rewriter()


@writer.rewrites(CreateTableOp)
def leave_out_info(_context: Any, _revision: Any, operation: CreateTableOp) -> CreateTableOp:
    """A revision creates tables; our notes on them (relationships) are no part of it."""
    operation.info = {}
    return operation


def configure(**options: Any) -> None:
    """Alembic's context for either mode: one transaction a revision, all schemas compared."""
    context.configure(
        target_metadata=metadata,
        include_schemas=True,
        include_name=include_name,
        include_object=include_object,
        compare_type=True,
        compare_server_default=True,
        process_revision_directives=writer,
        transaction_per_migration=True,
        version_table_schema="public",
        on_version_apply=context.config.attributes.get("on_version_apply", ()),
        **options,
    )


def run_on(connection: Connection) -> None:
    """Run the command on an open connection."""
    configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def run_on_own_connection() -> None:
    """Run the command on a connection to DATABASE_URL."""
    database_url = os.environ.get("DATABASE_URL")
    if not database_url:
        raise MigrationError(
            "DATABASE_URL is not set: the database to compare with, as postgresql://user@host:port/name."
        )
    async with migration_connection(database_url) as connection:
        await connection.run_sync(run_on)


if context.is_offline_mode():
    configure(url="postgresql://", literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
elif (given := context.config.attributes.get("connection")) is not None:
    run_on(given)
else:
    asyncio.run(run_on_own_connection())
