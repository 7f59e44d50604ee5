"""A database of readings, shared by the tests that only read, and engines over it."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
import orjson
import pytest

from permissions.model import ALL, Rules, Select, TablePermissions, Update
from permissions.session import Session
from resolvers.engine import Engine
from resolvers.pool import Pool
from schema.catalogue import Catalogue
from schema.reflect import reflect
from tests.databases import create_database, database_name, drop_database, run

_TABLE: Final = Path(__file__).with_name("readings.sql")
_ME: Final = "X-Hasura-User-Id"
_SEEN: Final = ("id", "owner", "level", "kind", "score", "amount", "ratio", "day", "at", "mood", "flag")

RULES: Final[Rules] = {
    # Sees their own rows, five at a time.
    "owner": {
        "public.reading": TablePermissions(
            select=Select(columns=_SEEN, filter={"owner": {"_eq": _ME}}, limit=5, aggregate=True),
            update=Update(columns=("level",), filter={"owner": {"_eq": _ME}}),
        ),
    },
    # Sees all rows, and may not count them.
    "reader": {"public.reading": TablePermissions(select=Select(columns=("id", "level"), filter={}))},
    # The two halves of an inherited role: some columns are seen in some rows only.
    "even": {
        "public.reading": TablePermissions(
            select=Select(columns=("id", "level", "kind"), filter={"level": {"_in": [0, 2]}}, aggregate=True)
        )
    },
    "all": {"public.reading": TablePermissions(select=Select(columns=("id",), filter={}))},
    "writer": {
        "public.reading": TablePermissions(
            select=Select(columns=ALL, filter={}), update=Update(columns=("level",), filter={})
        )
    },
}
INHERITED: Final = {"both": ("even", "all")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """An engine over a database of readings."""

    engine: Engine
    connection: asyncpg.Connection
    url: str

    async def ask(
        self,
        document: str,
        variables: dict[str, Any] | None = None,
        *,
        role: str = "admin",
        user: str | None = None,
        operation: str | None = None,
    ) -> dict[str, Any]:
        """The response, errors included."""
        session = Session(role=role, variables={} if user is None else {"x-hasura-user-id": user})
        answer: dict[str, Any] = orjson.loads(await self.engine.execute(session, document, variables, operation))
        return answer

    async def data(self, document: str, variables: dict[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
        """The data of a response without errors."""
        answer = await self.ask(document, variables, **asked)
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def error(self, document: str, variables: dict[str, Any] | None = None, **asked: Any) -> tuple[str, str, str]:
        """Code, path and message of the only error."""
        answer = await self.ask(document, variables, **asked)
        assert "data" not in answer, answer
        (error,) = answer["errors"]
        return error["extensions"]["code"], error["extensions"]["path"], error["message"]


@pytest.fixture(scope="session")
def readings(postgres_server: str) -> Iterator[tuple[str, Catalogue]]:
    """Name of the database to clone, and its catalogue. Nobody stays connected to it."""
    url = run(create_database(postgres_server))
    yield database_name(url), run(_fill(url))
    run(drop_database(postgres_server, url))


async def _fill(url: str) -> Catalogue:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute(_TABLE.read_text(), timeout=30)
        return await reflect(connection)
    finally:
        await connection.close()


@pytest.fixture
async def desk(postgres_server: str, readings: tuple[str, Catalogue]) -> AsyncIterator[Desk]:
    """A database of the test's own."""
    template, catalogue = readings
    url = await create_database(postgres_server, template=template)
    opened = await _open(url, catalogue)
    yield opened[0]
    await _close(*opened)
    await drop_database(postgres_server, url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A desk for tests that hypothesis calls many times: it waits for the answers itself."""

    desk: Desk
    runner: asyncio.Runner

    def ask(self, document: str, variables: dict[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
        """As the desk's."""
        return self.runner.run(self.desk.ask(document, variables, **asked))

    def data(self, document: str, variables: dict[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
        """As the desk's."""
        return self.runner.run(self.desk.data(document, variables, **asked))

    def column(self, sql: str) -> list[Any]:
        """The first column of what a statement finds."""
        return [row[0] for row in self.runner.run(self.desk.connection.fetch(sql))]


@pytest.fixture(scope="module")
def reader(postgres_server: str, readings: tuple[str, Catalogue]) -> Iterator[Reader]:
    """A database that the module's tests only read."""
    template, catalogue = readings
    url = run(create_database(postgres_server, template=template))
    with asyncio.Runner() as runner:
        opened = runner.run(_open(url, catalogue))
        yield Reader(desk=opened[0], runner=runner)
        runner.run(_close(*opened))
    run(drop_database(postgres_server, url))


async def _open(url: str, catalogue: Catalogue) -> tuple[Desk, Pool]:
    pool = Pool(url, size=4, statement_timeout_s=10)
    connection = await asyncpg.connect(url, timeout=10)
    engine = Engine(catalogue=catalogue, rules=RULES, pool=pool, inherited_roles=INHERITED)
    return Desk(engine=engine, connection=connection, url=url), pool


async def _close(desk: Desk, pool: Pool) -> None:
    await desk.connection.close()
    await pool.close()
