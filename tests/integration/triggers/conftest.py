"""Databases with a customer in them, the local Pub/Sub, and relays that run meanwhile."""

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import asyncpg
import pytest

from tests.integration.pubsub.server import Server
from tests.integration.triggers.pubsub import Project, open_project
from tests.integration.triggers.records import Records


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the test's database."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def connect(database_url: str) -> AsyncIterator[Callable[[], Awaitable[asyncpg.Connection]]]:
    """More connections to the test's database."""
    made: list[asyncpg.Connection] = []

    async def another() -> asyncpg.Connection:
        made.append(await asyncpg.connect(database_url))
        return made[-1]

    yield another
    for connection in made:
        connection.terminate()


@pytest.fixture
async def records(connection: asyncpg.Connection) -> Records:
    """A customer and a treatment, and short ways to change things. Its events of the set-up are gone."""
    records = await Records.create(connection)
    await connection.execute("DELETE FROM events.outbox")
    return records


@pytest.fixture(scope="session")
def pubsub_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One Pub/Sub for all tests that leave it running."""
    server = Server(home=tmp_path_factory.mktemp("pubsub-of-triggers"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def project(pubsub_server: Server) -> AsyncIterator[Project]:
    """A Google Cloud project of the test's own with all topics, and a subscription to each."""
    async with open_project(pubsub_server.address, f"test-{uuid.uuid4().hex[:12]}") as project:
        yield project
