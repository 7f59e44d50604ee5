"""Sharing runs of slow reads, on PostgreSQL: fewer runs, and answers as if each had run alone."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import orjson
import pytest

from permissions.model import ALL, Rules, Select, TablePermissions
from permissions.session import Session
from resolvers.engine import Engine
from resolvers.pool import Pool
from schema.catalogue import Catalogue, Column, Constraint, Table
from schema.types import PgType
from tests.databases import create_database, drop_database

_SCHEMA = """
    CREATE SEQUENCE runs;
    CREATE TABLE thing (id int PRIMARY KEY, owner text NOT NULL);
    INSERT INTO thing VALUES (1, 'ann'), (2, 'bob');
    CREATE VIEW slow_thing AS
    SELECT t.id, t.owner FROM (SELECT nextval('runs') AS run FROM pg_sleep(0.03) OFFSET 0) AS r
    JOIN thing AS t ON r.run > 0;
"""
_TEXT, _INT = PgType(name="text"), PgType(name="int4")
_COLUMNS = {
    "id": Column(name="id", graphql_name="id", type=_INT, nullable=False),
    "owner": Column(name="owner", graphql_name="owner", type=_TEXT, nullable=False),
}
_THING = Table(
    schema="public",
    name="thing",
    graphql_name="thing",
    columns=_COLUMNS,
    primary_key=("id",),
    constraints=(Constraint(name="thing_pkey", columns=("id",), primary=True),),
)
_SLOW = Table(schema="public", name="slow_thing", graphql_name="slow_thing", columns=_COLUMNS)
_QUERY = "{ slow_thing(order_by: {id: asc}) { id } }"
_ADMIN = Session(role="admin")
_OWN = {"owner": {"_eq": "X-Hasura-User-Id"}}
_RULES: Rules = {"user": {_SLOW.key: TablePermissions(select=Select(columns=ALL, filter=_OWN))}}


@pytest.fixture
async def url(postgres_server: str) -> AsyncIterator[str]:
    made = await create_database(postgres_server)
    connection = await asyncpg.connect(made)
    await connection.execute(_SCHEMA)
    await connection.close()
    yield made
    await drop_database(postgres_server, made)


@pytest.fixture(params=[True, False], ids=["shared", "not shared"])
async def shares(request: pytest.FixtureRequest) -> bool:
    found: bool = request.param
    return found


@pytest.fixture
async def engine(url: str, shares: bool) -> AsyncIterator[Engine]:
    pool = Pool(url, size=8)
    catalogue = Catalogue(tables={_THING.key: _THING, _SLOW.key: _SLOW})
    engine = Engine(catalogue=catalogue, rules=_RULES, pool=pool, shares_reads=shares)
    for session in (_ADMIN, _user("ann")):
        for _ in range(3):
            await engine.execute(session, _QUERY)
    yield engine
    await pool.close()


def _user(name: str) -> Session:
    return Session(role="user", variables={"x-hasura-user-id": name})


async def _runs(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        found: int = await connection.fetchval("SELECT last_value FROM runs")
        return found
    finally:
        await connection.close()


async def test_who_asks_the_same_at_the_same_time_is_answered_by_few_runs(
    url: str, engine: Engine, shares: bool
) -> None:
    before = await _runs(url)
    answers = await asyncio.gather(*[engine.execute(_ADMIN, _QUERY) for _ in range(24)])
    for answer in answers:
        assert orjson.loads(answer) == {"data": {"slow_thing": [{"id": 1}, {"id": 2}]}}
    # Two at once, and one for all who waited for the first of these.
    assert await _runs(url) - before == (3 if shares else 24)


async def test_nobody_is_given_anothers_rows(engine: Engine) -> None:
    callers = ["ann", "bob", "nobody"] * 8
    answers = await asyncio.gather(*[engine.execute(_user(name), _QUERY) for name in callers])
    expected = {"ann": [{"id": 1}], "bob": [{"id": 2}], "nobody": []}
    assert [orjson.loads(answer)["data"]["slow_thing"] for answer in answers] == [expected[name] for name in callers]


async def test_what_was_written_before_the_question_is_in_the_answer(engine: Engine) -> None:
    insert = 'mutation M($id: Int!) { insert_thing_one(object: {id: $id, owner: "eve"}) { id } }'

    async def write_and_read(number: int) -> None:
        await asyncio.sleep(number * 0.004)
        await engine.execute(_ADMIN, insert, {"id": number})
        answer = orjson.loads(await engine.execute(_ADMIN, _QUERY))
        assert number in [row["id"] for row in answer["data"]["slow_thing"]]

    await asyncio.gather(*[write_and_read(number) for number in range(10, 40)])


async def test_an_error_reaches_everybody_who_asked(engine: Engine, url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("ALTER SEQUENCE runs MAXVALUE 100000; SELECT setval('runs', 100000)")
    await connection.close()
    answers = await asyncio.gather(*[engine.execute(_ADMIN, _QUERY) for _ in range(12)])
    for answer in answers:
        assert set(orjson.loads(answer)) == {"errors"}
