"""Connections to PostgreSQL as the relay needs them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, TypeAlias

import asyncpg

#: The driver's connection; its stubs know it as generic, the driver itself doesn't.
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

#: What a lost or refused connection, or a PostgreSQL that is starting or stopping, raises.
CONNECTION_ERRORS: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    # A session that ends in the middle of a message leaves the driver's protocol in a state it doesn't expect.
    asyncpg.InternalClientError,
)

_CONNECT_TIMEOUT_S: Final = 5.0
#: Nothing the relay asks takes long; what does is a sign that the server is gone.
_COMMAND_TIMEOUT_S: Final = 15.0
_CLOSE_TIMEOUT_S: Final = 2.0

_SETTINGS: Final = {
    "application_name": "caregraph-relay",
    "timezone": "UTC",
    "jit": "off",
    # A relay whose host died holds its lanes until the server notices: within 25 s.
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}


@asynccontextmanager
async def connect(database_url: str, **settings: str) -> AsyncIterator[Connection]:
    """A connection for the length of the block, with PostgreSQL settings of its own."""
    connection = await asyncpg.connect(
        database_url,
        timeout=_CONNECT_TIMEOUT_S,
        command_timeout=_COMMAND_TIMEOUT_S,
        server_settings=_SETTINGS | settings,
    )
    try:
        yield connection
    finally:
        try:
            await connection.close(timeout=_CLOSE_TIMEOUT_S)
        except CONNECTION_ERRORS:
            connection.terminate()
