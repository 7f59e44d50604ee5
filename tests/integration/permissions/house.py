"""The real engine with the real rules, and databases full of people."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import orjson

from local.demo.loader import load
from permissions.model import Rules
from permissions.rules import RULES
from permissions.session import Session
from resolvers.engine import Engine
from resolvers.live.queries import LiveQueries
from resolvers.operations import HAND_WRITTEN, SCALARS
from resolvers.pool import Pool
from schema.from_metadata import catalogue_from_metadata
from schema.tables import metadata
from tests.databases import create_database, database_name, drop_database
from tests.pools import PoolOfTheDay

CATALOGUE = catalogue_from_metadata(metadata)
CAST = Path(__file__).with_name("cast.sql")
#: A database at work: its pool, and a connection that sees everything.
_POOL_SIZE = 2


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the endpoint answers."""

    body: Mapping[str, Any]

    @property
    def data(self) -> Any:
        assert "errors" not in self.body, self.body["errors"]
        return self.body["data"]

    @property
    def error(self) -> Mapping[str, Any]:
        """The only error. Nothing else may come with it."""
        assert set(self.body) == {"errors"}, self.body
        error: Mapping[str, Any] = self.body["errors"][0]
        return error

    @property
    def code(self) -> str:
        """The error's code, or `ok`."""
        return str(self.error["extensions"]["code"]) if "errors" in self.body else "ok"


class Database:
    """One database, asked as somebody through the engine, or as its owner by SQL."""

    def __init__(self, house: "House", url: str, owner: asyncpg.Connection, pool: Pool) -> None:
        self._house = house
        self._url = url
        self._owner = owner
        self._pool = pool

    def ask(self, role: str, me: object, document: str, /, **variables: Any) -> Answer:
        """The endpoint's answer to this role."""
        return self._ask(role, me, document, variables, dry_run=False)

    def ask_dry(self, role: str, me: object, document: str, /, **variables: Any) -> Answer:
        """The endpoint's answer to a mutation that is undone in the end."""
        return self._ask(role, me, document, variables, dry_run=True)

    def _ask(self, role: str, me: object, document: str, variables: Mapping[str, Any], *, dry_run: bool) -> Answer:
        # Another one may have been opened, or closed, since.
        self._house.turn_to(self._pool)
        session = Session(role=role, variables={} if me is None else {"x-hasura-user-id": str(me)})
        body = self._house.run(self._house.engine.execute(session, document, variables, dry_run=dry_run))
        return Answer(body=orjson.loads(body))

    def subscribe(self, role: str, me: object, document: str, /, **variables: Any) -> Any:
        """The first result of a subscription. Raises GraphQLRequestError."""
        return self._house.run(self._subscribe(role, me, document, variables))

    async def _subscribe(self, role: str, me: object, document: str, variables: Mapping[str, Any]) -> Any:
        session = Session(role=role, variables={"x-hasura-user-id": str(me)})
        subscription = self._house.engine.subscription(session, document, variables)
        assert subscription is not None
        live = LiveQueries(self._url, connections=1)
        results = live.results(subscription)
        try:
            async with asyncio.timeout(10):
                return orjson.loads(await anext(results))
        finally:
            await results.aclose()
            await live.close()

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """What the owner sees."""
        return [tuple(row) for row in self._house.run(self._owner.fetch(sql, *values, timeout=20))]

    def value(self, sql: str, *values: object) -> Any:
        """The first column of the first row."""
        return self._house.run(self._owner.fetchval(sql, *values, timeout=20))

    def json(self, sql: str) -> Any:
        """A JSON value that the owner selects."""
        return json.loads(self.value(sql))

    def execute(self, sql: str) -> None:
        """Change something behind everybody's back."""
        self._house.run(self._owner.execute(sql, timeout=20))


class House:
    """The engine, and the databases that it works on one after the other."""

    def __init__(self, server: str, runner: asyncio.Runner) -> None:
        self._server = server
        self._runner = runner
        self._pool = PoolOfTheDay()
        self._template: str | None = None
        self.engine = self._engine(RULES)

    def run(self, coroutine: Any) -> Any:
        """The coroutine's result, on the loop that all connections belong to."""
        return self._runner.run(coroutine)

    def _engine(self, rules: Rules) -> Engine:
        return Engine(catalogue=CATALOGUE, rules=rules, pool=self._pool, hand_written=HAND_WRITTEN, scalar_map=SCALARS)

    def turn_to(self, pool: Pool) -> None:
        """Let the engine work on this pool's database."""
        self._pool.now = pool

    @contextmanager
    def ruled_by(self, rules: Rules) -> Iterator[None]:
        """Other rules for a while."""
        before, self.engine = self.engine, self._engine(rules)
        try:
            yield
        finally:
            self.engine = before

    def furnish(self, template: str) -> None:
        """Make the database that all others are copies of: demo data, and the cast of `cast.sql`."""
        self._template = self.run(self._furnish(template))

    async def _furnish(self, template: str) -> str:
        url = await create_database(self._server, template=template)
        await load(url)
        connection = await asyncpg.connect(url, timeout=10)
        try:
            await connection.execute(CAST.read_text(encoding="utf-8"), timeout=20)
        finally:
            await connection.close(timeout=10)
        return url

    def demolish(self) -> None:
        """Drop what `furnish` made."""
        if self._template is not None:
            self.run(drop_database(self._server, self._template))

    @contextmanager
    def database(self) -> Iterator[Database]:
        """A copy of one's own, which the engine is turned to for each question."""
        assert self._template is not None
        url = self.run(create_database(self._server, template=database_name(self._template)))
        pool = Pool(url, size=_POOL_SIZE)
        owner = self.run(asyncpg.connect(url, timeout=10))
        try:
            yield Database(self, url, owner, pool)
        finally:
            self.run(owner.close(timeout=10))
            self.run(pool.close())
            self.run(drop_database(self._server, url))
