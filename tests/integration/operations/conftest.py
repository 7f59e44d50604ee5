"""The engine with the platform's rules and operations, over a database of the test's own."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson
import pytest

from permissions.rules import RULES
from permissions.session import Session, SignIn
from resolvers.engine import Engine
from resolvers.operations import HAND_WRITTEN, SCALARS
from resolvers.pool import Pool
from schema.from_metadata import catalogue_from_metadata
from schema.tables import metadata
from tests.integration.operations.clinic import Clinic
from tests.integration.triggers.records import Records
from tests.pools import PoolOfTheDay

CATALOGUE = catalogue_from_metadata(metadata)


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Asks the engine."""

    engine: Engine

    async def ask(
        self,
        document: str,
        *,
        role: str = "admin",
        me: str | None = None,
        sign_in: SignIn | None = None,
        **variables: Any,
    ) -> Any:
        """The whole answer."""
        session = Session(role=role, variables={} if me is None else {"x-hasura-user-id": me}, sign_in=sign_in)
        return orjson.loads(await self.engine.execute(session, document, variables))

    async def data(self, document: str, **variables: Any) -> Any:
        """An admin's answer, without errors."""
        answer = await self.ask(document, **variables)
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    async def error(self, document: str, **variables: Any) -> tuple[str, str]:
        """Code and message of what an admin is refused for."""
        answer = await self.ask(document, **variables)
        assert set(answer) == {"errors"}, answer
        error = answer["errors"][0]
        return error["extensions"]["code"], error["message"]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the test's database."""
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def records(connection: asyncpg.Connection) -> Records:
    """A customer and a treatment, without the events of their making."""
    records = await Records.create(connection)
    await connection.execute("DELETE FROM events.outbox")
    return records


@pytest.fixture(scope="session")
def engine() -> tuple[Engine, PoolOfTheDay]:
    """An engine for the databases of all tests, one after the other."""
    pool = PoolOfTheDay()
    return Engine(catalogue=CATALOGUE, rules=RULES, pool=pool, hand_written=HAND_WRITTEN, scalar_map=SCALARS), pool


@pytest.fixture
async def endpoint(engine: tuple[Engine, PoolOfTheDay], database_url: str) -> AsyncIterator[Endpoint]:
    """The engine over the test's database."""
    shared, pool = engine
    pool.now = Pool(database_url, size=2)
    yield Endpoint(engine=shared)
    await pool.now.close()
    pool.now = None


@pytest.fixture
async def clinic(connection: asyncpg.Connection, endpoint: Endpoint) -> Clinic:
    """The engine over a small clinic."""
    return await Clinic.open(connection, endpoint)
