"""Making and removing databases on the tests' server."""

import asyncio
import concurrent.futures
import secrets
from collections.abc import Coroutine
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """The coroutine's result, from a thread of its own: fixtures of a session run beside the tests' event loops."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(asyncio.run, coroutine).result(timeout=120)


def with_database(url: str, name: str) -> str:
    """The address of another database on the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


async def create_database(server_url: str, *, template: str | None = None) -> str:
    """Create a database, empty or as a copy of `template` (which nobody may be connected to), and return its URL."""
    name = f"test_{secrets.token_hex(6)}"
    # Copying files is quicker than logging every page when nothing is flushed to disk anyway.
    source = f" TEMPLATE {template} STRATEGY FILE_COPY" if template else ""
    await _administer(server_url, f"CREATE DATABASE {name}{source}")
    return with_database(server_url, name)


async def drop_database(server_url: str, url: str) -> None:
    """Remove a database and whoever is still connected to it."""
    await _administer(server_url, f"DROP DATABASE IF EXISTS {database_name(url)} WITH (FORCE)")


def database_name(url: str) -> str:
    """The name at the end of a database's address."""
    return urlsplit(url).path.removeprefix("/")


async def _administer(server_url: str, statement: str) -> None:
    connection = await asyncpg.connect(server_url, timeout=10)
    try:
        await connection.execute(statement, timeout=60)
    finally:
        await connection.close()
