"""A house for the session, databases for its tests."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.integration.permissions.house import Database, House


@pytest.fixture(scope="session")
def house(postgres_server: str, template_database: str) -> Iterator[House]:
    """The engine with the rules, and the database that tests get copies of."""
    with asyncio.Runner() as runner:
        house = House(postgres_server, runner)
        house.furnish(template_database)
        yield house
        house.demolish()


@pytest.fixture(scope="session")
def library(house: House) -> Iterator[Database]:
    """A database that tests only read."""
    with house.database() as database:
        yield database


@pytest.fixture
def database(house: House) -> Iterator[Database]:
    """A database of the test's own, to be changed."""
    with house.database() as database:
        yield database
