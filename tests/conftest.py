"""A process that is the same to every test, and databases: one server a session, migrated once into a template, cloned
for every test that asks.

`CAREGRAPH_TEST_DATABASE_URL` points the tests at a server of your own (a superuser's address; databases named
`test_…` are made and removed there); without it the embedded PostgreSQL runs in a temporary folder.
"""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from local.demo.loader import load
from local.postgres import temporary_postgres
from migrations.runner import upgrade
from tests.databases import create_database, database_name, drop_database, run
from tests.process import process_as_it_was, settle_collector


class OnePlatformScheduling(LoadFileScheduling):  # type: ignore[misc] # pytest-xdist declares no types for it
    """The tests of a file stay on one worker, and all end-to-end tests on the same one: they share a platform."""

    def _split_scope(self, nodeid: str) -> str:
        return "tests/e2e" if nodeid.startswith("tests/e2e/") else nodeid.split("::", 1)[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OnePlatformScheduling:
    """How pytest-xdist spreads the tests over its workers."""
    return OnePlatformScheduling(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """What is there before the first test."""
    settle_collector()


@pytest.fixture(autouse=True)
def shared_process() -> Iterator[None]:
    """The test may configure logging, tracing and the environment: the next one finds them as this one did."""
    with process_as_it_was():
        yield


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Address of a running PostgreSQL and a database in it that holds nothing of ours."""
    given = os.environ.get("CAREGRAPH_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with temporary_postgres(folder_in_memory()) as server:
        yield server.url


def folder_in_memory() -> Path | None:
    """Linux's file system in memory where it has room: a clone, some five hundred files, takes 12 ms there, not 500."""
    memory = Path("/dev/shm")  # noqa: S108 -- only the parent; the folder in it is made by tempfile
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 * 1024**3:
        return memory
    return None


@pytest.fixture(scope="session")
def template_database(postgres_server: str) -> Iterator[str]:
    """Name of a migrated, empty database to clone. Don't connect to it: a template in use can't be copied."""
    url = run(create_database(postgres_server))
    run(upgrade(url))
    yield database_name(url)
    run(drop_database(postgres_server, url))


@pytest.fixture
async def database_url(postgres_server: str, template_database: str) -> AsyncIterator[str]:
    """Address of a migrated, empty database of the test's own."""
    url = await create_database(postgres_server, template=template_database)
    yield url
    await drop_database(postgres_server, url)


@pytest.fixture(scope="session")
def demo_database_url(postgres_server: str, template_database: str) -> Iterator[str]:
    """Address of a migrated database with the demo data, shared by the session: tests only read it."""
    url = run(create_database(postgres_server, template=template_database))
    run(load(url))
    yield url
    run(drop_database(postgres_server, url))
