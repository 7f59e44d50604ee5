"""The random schemas in one database, and engines that serve it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from permissions.model import Rules
from permissions.session import Session
from resolvers.engine import Engine
from schema.catalogue import Catalogue
from schema.reflect import reflect
from tests.databases import create_database, drop_database
from tests.differential.oracle import World
from tests.differential.schemas import Schema, random_schemas
from tests.differential.worlds import insert, readable
from tests.golden.isolation import IsolatedPool

ADMIN = Session(role="admin")


class Served:
    """A database with every schema, empty but for the rows of the example that runs."""

    def __init__(self, pool: IsolatedPool, catalogue: Catalogue, schemas: list[Schema]) -> None:
        self.pool = pool
        self.catalogue = catalogue
        self.schemas = schemas
        self._engine = self.engine({})

    def engine(self, rules: Rules) -> Engine:
        """An engine with these rules."""
        return Engine(catalogue=self.catalogue, rules=rules, pool=self.pool)

    @asynccontextmanager
    async def holding(self, world: World) -> AsyncIterator["asyncpg.Connection[Any]"]:
        """The connection, while the database holds these rows."""
        async with self.pool.undone() as connection:
            await insert(connection, world)
            yield connection

    async def ask(
        self, document: str, variables: dict[str, Any], session: Session = ADMIN, engine: Engine | None = None
    ) -> Any:
        """The answer's data. Fails for an error."""
        answer = readable(await (engine or self._engine).execute(session, document, variables or None))
        assert "errors" not in answer, f"{answer}\n{document}\n{variables}"
        return answer["data"]


@asynccontextmanager
async def serve_random_schemas(server_url: str) -> AsyncIterator[Served]:
    """A database of its own, removed in the end."""
    schemas = random_schemas()
    url = await create_database(server_url)
    connection = await asyncpg.connect(url, timeout=10)
    try:
        for schema in schemas:
            await connection.execute(schema.ddl())
        catalogue = await reflect(connection, [schema.name for schema in schemas])
    finally:
        await connection.close()
    pool = IsolatedPool(url)
    try:
        yield Served(pool, catalogue, schemas)
    finally:
        await pool.close()
        await drop_database(server_url, url)
