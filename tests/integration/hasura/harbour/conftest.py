"""A harbour with one of everything that surprises, and the metadata that its Hasura would have exported."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, Final

import asyncpg
import orjson
import pytest

from permissions.session import Session
from resolvers.engine import Engine
from resolvers.pool import Pool
from server.source import Source, hasura_source
from tests.databases import create_database, database_name, drop_database, run

FOLDER: Final = Path(__file__).parent

Ask = Callable[..., Awaitable[Any]]


async def _create(server_url: str) -> str:
    url = await create_database(server_url)
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute((FOLDER / "schema.sql").read_text(), timeout=60)
    finally:
        await connection.close()
    return url


@pytest.fixture(scope="session")
def harbour_template(postgres_server: str) -> Iterator[str]:
    """Name of the harbour's database, to clone."""
    url = run(_create(postgres_server))
    yield database_name(url)
    run(drop_database(postgres_server, url))


@pytest.fixture
async def harbour_url(postgres_server: str, harbour_template: str) -> AsyncIterator[str]:
    """Address of a harbour of the test's own."""
    url = await create_database(postgres_server, template=harbour_template)
    yield url
    await drop_database(postgres_server, url)


@pytest.fixture
async def source(harbour_url: str) -> Source:
    """What the metadata makes of it."""
    return await hasura_source(harbour_url, FOLDER / "metadata")


@pytest.fixture
async def engine(source: Source, harbour_url: str) -> AsyncIterator[Engine]:
    """An engine that serves it."""
    pool = Pool(harbour_url, size=2, statement_timeout_s=10)
    yield source.engine(pool)
    await pool.close()


@pytest.fixture
def ask(engine: Engine) -> Ask:
    """Asks as a role: `await ask("crew", query, variable=1)`; the data, or the error."""

    async def ask_as(role: str, query: str, *, town: str = "Bergen", **variables: Any) -> Any:
        session = Session(role=role, variables={"x-hasura-town": town})
        answer = orjson.loads(await engine.execute(session, query, variables or None))
        return answer["data"] if "data" in answer else answer["errors"][0]

    return ask_as
