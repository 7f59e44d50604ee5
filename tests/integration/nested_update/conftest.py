"""The publishing house, one for every test, and a short way to ask its engine."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from permissions.session import Session
from resolvers.engine import Engine
from resolvers.pool import Pool
from schema.catalogue import Catalogue
from schema.reflect import reflect
from tests.databases import create_database, database_name, drop_database, run
from tests.integration.nested_update.rules import RULES

_SCHEMA = Path(__file__).with_name("schema.sql")


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """A publishing house: its engine, and a look at its tables."""

    engine: Engine
    connection: asyncpg.Connection

    async def ask(
        self, document: str, variables: dict[str, Any] | None = None, *, role: str = "admin", user: int | None = None
    ) -> dict[str, Any]:
        """The response, errors included."""
        session = Session(role=role, variables={} if user is None else {"x-hasura-user-id": str(user)})
        answer: dict[str, Any] = orjson.loads(await self.engine.execute(session, document, variables))
        return answer

    async def data(
        self, document: str, variables: dict[str, Any] | None = None, *, role: str = "admin", user: int | None = None
    ) -> dict[str, Any]:
        """The data of a response without errors."""
        answer = await self.ask(document, variables, role=role, user=user)
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    async def error(
        self, document: str, variables: dict[str, Any] | None = None, *, role: str = "admin", user: int | None = None
    ) -> tuple[str, str, str]:
        """Code, path and message of the only error."""
        answer = await self.ask(document, variables, role=role, user=user)
        assert "data" not in answer, answer
        (error,) = answer["errors"]
        return error["extensions"]["code"], error["extensions"]["path"], error["message"]

    async def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a statement finds."""
        return [tuple(row) for row in await self.connection.fetch(sql)]

    async def everything(self) -> dict[str, list[str]]:
        """All rows of all tables, as text."""
        names = await self.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {
            name: [row for (row,) in await self.rows(f'SELECT t::text FROM "{name}" t ORDER BY 1')]  # noqa: S608
            for (name,) in names
        }


@pytest.fixture(scope="session")
def house_template(postgres_server: str) -> Iterator[tuple[str, Catalogue]]:
    """Name of the database to clone, and its catalogue."""
    url = run(create_database(postgres_server))
    yield database_name(url), run(_fill(url))
    run(drop_database(postgres_server, url))


async def _fill(url: str) -> Catalogue:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute(_SCHEMA.read_text(), timeout=30)
        return await reflect(connection)
    finally:
        await connection.close()


@pytest.fixture
async def house(postgres_server: str, house_template: tuple[str, Catalogue]) -> AsyncIterator[House]:
    """A house of the test's own."""
    template, catalogue = house_template
    url = await create_database(postgres_server, template=template)
    pool = Pool(url, size=4, statement_timeout_s=10)
    connection = await asyncpg.connect(url, timeout=10)
    try:
        yield House(engine=Engine(catalogue=catalogue, rules=RULES, pool=pool), connection=connection)
    finally:
        await connection.close()
        await pool.close()
        await drop_database(postgres_server, url)
