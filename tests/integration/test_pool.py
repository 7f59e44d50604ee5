"""The pool reaches into asyncpg for speed (`resolvers.pool.Connection.rows`): these hold what it relies on."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from resolvers.pool import NO_ROW, Connection, DatabaseUnavailable, Pool


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    opened = Pool(database_url, size=4)
    try:
        yield opened
    finally:
        await opened.close()


async def test_a_statement_answers_what_the_driver_itself_answers(pool: Pool, database_url: str) -> None:
    sql = "SELECT n, json_build_object('n', n) FROM generate_series(1, $1::text::int) AS n"
    driver = await asyncpg.connect(database_url)
    try:
        expected = [(row[0], row[1].encode()) for row in await driver.fetch(sql, "3")]
    finally:
        await driver.close()
    async with pool.connection() as connection:
        # Again from the kept statement.
        for _ in range(2):
            assert [tuple(row) for row in await connection.rows(sql, ["3"])] == expected
        assert await connection.row(sql, ["0"]) == NO_ROW


async def test_an_error_of_postgresql_leaves_the_connection_usable(pool: Pool) -> None:
    async with pool.connection() as connection:
        with pytest.raises(asyncpg.DivisionByZeroError):
            await connection.row("SELECT 1 / $1::text::int", ["0"])
        assert tuple(await connection.row("SELECT $1::text", ["still"])) == ("still",)


async def test_a_wrong_number_of_arguments_is_refused_before_it_is_sent(pool: Pool) -> None:
    async with pool.connection() as connection:
        with pytest.raises(DatabaseUnavailable, match="1 argument"):
            await connection.row("SELECT $1::text", [])


async def test_a_connection_that_the_server_ended_is_unavailable_and_not_lent_again(pool: Pool) -> None:
    async with pool.connection() as victim:
        pid = await victim.fetch_value("SELECT pg_backend_pid()")
        async with pool.connection() as other:
            await other.row("SELECT pg_terminate_backend($1::text::int)", [str(pid)])
        with pytest.raises(DatabaseUnavailable):
            await victim.row("SELECT pg_sleep(5)", ())
    async with pool.connection() as next_one:
        assert next_one is not victim
        assert tuple(await next_one.row("SELECT $1::text", ["on"])) == ("on",)


async def test_a_cancelled_statement_takes_its_connection_with_it(pool: Pool) -> None:
    connection = await pool.acquire()
    sleeping = asyncio.create_task(connection.row("SELECT pg_sleep(30)", ()))
    async with pool.connection() as watcher:
        active = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(30)' AND state = 'active'"
        async with asyncio.timeout(10):
            while not await watcher.fetch_value(active):  # noqa: ASYNC110 - it is another session that waits
                await asyncio.sleep(0.01)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    pool.release(connection)
    async with pool.connection() as another:
        assert another is not connection


async def test_the_first_connections_may_use_parallel_plans_and_are_lent_first(pool: Pool) -> None:
    async def workers(connection: Connection) -> object:
        return await connection.fetch_value("SHOW max_parallel_workers_per_gather")

    lent = [await pool.acquire() for _ in range(4)]
    unlimited, limited = lent[:2], lent[2:]
    assert [await workers(one) for one in limited] == ["0", "0"]
    assert "0" not in [await workers(one) for one in unlimited]
    for one in (*unlimited, *limited):
        pool.release(one)
    async with pool.connection() as first:
        assert first in unlimited


async def test_a_parallel_connection_that_ended_has_a_parallel_successor(pool: Pool) -> None:
    first = await pool.acquire()
    first.terminate()
    pool.release(first)
    async with pool.connection() as successor:
        assert successor.is_parallel
