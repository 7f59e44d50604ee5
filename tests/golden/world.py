"""The golden database and who serves it: shared by the golden cases, the differential tests and the fuzz tests."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import structlog

from resolvers.pool import Pool
from server.source import Source, hasura_source
from tests.databases import create_database, database_name, drop_database, run

FOLDER = Path(__file__).parent
METADATA = FOLDER / "metadata"
SCHEMA = FOLDER / "schema.sql"


async def create_golden_database(server_url: str) -> str:
    """A new database with the publishing house in it; its address."""
    url = await create_database(server_url)
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute(SCHEMA.read_text(), timeout=60)
    finally:
        await connection.close()
    return url


def drop_event(_logger: object, _method: str, _event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """A log processor that keeps nothing."""
    raise structlog.DropEvent


@pytest.fixture
def quiet() -> Iterator[None]:
    """What goes wrong on purpose is not logged."""
    before = structlog.get_config()
    structlog.configure(processors=[drop_event])
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def golden_template(postgres_server: str) -> Iterator[str]:
    """Name of the golden database to clone. Nobody may stay connected to it."""
    url = run(create_golden_database(postgres_server))
    yield database_name(url)
    run(drop_database(postgres_server, url))


@pytest.fixture(scope="session")
def golden_database_url(postgres_server: str, golden_template: str) -> Iterator[str]:
    """Address of a golden database that the session shares: tests only read it."""
    url = run(create_database(postgres_server, template=golden_template))
    yield url
    run(drop_database(postgres_server, url))


@pytest.fixture(scope="session")
def golden_source(golden_database_url: str) -> Source:
    """What the golden metadata makes of the golden database."""
    return run(hasura_source(golden_database_url, METADATA))


@asynccontextmanager
async def golden_clone(server_url: str, template: str) -> AsyncIterator[str]:
    """Address of a golden database of one's own."""
    url = await create_database(server_url, template=template)
    try:
        yield url
    finally:
        await drop_database(server_url, url)


@asynccontextmanager
async def open_pool(url: str, *, size: int = 2) -> AsyncIterator[Pool]:
    """A pool that is closed at the end of the block."""
    pool = Pool(url, size=size, statement_timeout_s=10)
    try:
        yield pool
    finally:
        await pool.close()
