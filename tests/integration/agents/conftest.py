"""Surroundings for the session, a world for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.databases import create_database, drop_database, run
from tests.integration.agents.deliveries import World
from tests.integration.agents.serving import NO_TLS
from tests.integration.agents.surroundings import Surroundings, surroundings_of


@pytest.fixture(scope="session")
def surroundings(
    postgres_server: str, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Surroundings]:
    """Identity, the API and the stand-ins, shared by all tests: each works with rows of its own."""
    database_url = run(create_database(postgres_server, template=template_database))
    folder: Path = tmp_path_factory.mktemp("surroundings")
    with surroundings_of(database_url, folder) as opened:
        yield opened
    run(drop_database(postgres_server, database_url))


@pytest.fixture
async def world(surroundings: Surroundings) -> AsyncIterator[World]:
    """The surroundings as one test sees them, with stand-ins that behave."""
    database = await asyncpg.connect(surroundings.database_url)
    async with httpx.AsyncClient(timeout=60, trust_env=False, verify=NO_TLS) as client:
        world = World(surroundings=surroundings, database=database, client=client)
        await world.begin()
        yield world
        await world.end()
    await database.close()
