"""What a connection keeps of long statements and long texts, and what becomes of statements that nobody waits for."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from resolvers.pool import Connection, Pool


@pytest.fixture
async def connection(postgres_server: str) -> AsyncIterator[Connection]:
    pool = Pool(postgres_server, size=1)
    async with pool.connection() as found:
        yield found
    await pool.close()


async def test_a_long_statement_is_not_kept(connection: Connection) -> None:
    short, long = "SELECT '{}'::json", f"SELECT '{' ' * 100_000}{{}}'::json"
    for _ in range(2):
        assert (await connection.row(short, ()))[0] == b"{}"
        assert (await connection.row(long, ()))[0].strip() == b"{}"
    assert list(connection._statements) == [short]


async def test_long_texts_that_were_proven_are_known_by_their_digest(connection: Connection) -> None:
    proof = "SELECT ($1::text::jsonb) IS NOT NULL"
    texts = [f'"{letter * 1_000_000}"' for letter in "ab"]
    for text in (*texts, '"short"'):
        await connection.prove(proof, text)
    assert sum(len(text) for _, text in connection._proven) < 100
    assert len(connection._proven) == 3
    # A text like one that was proven is no proven text.
    with pytest.raises(Exception, match="invalid input syntax for type json"):
        await connection.prove(proof, texts[0][:-1])


async def test_postgresql_stops_what_nobody_waits_for_before_the_place_is_free(postgres_server: str) -> None:
    pool = Pool(postgres_server, size=1)
    watcher = await asyncpg.connect(postgres_server, timeout=10)
    running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(%' AND state = 'active'"
    try:
        for _ in range(3):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1), pool.connection() as connection:
                    await connection.row("SELECT pg_sleep(30)::text::json", ())
            # The pool has one place: whoever gets it finds nobody else.
            async with asyncio.timeout(5), pool.connection() as connection:
                assert (await connection.row("SELECT '[]'::json", ()))[0] == b"[]"
            assert await watcher.fetchval(running) == 0
    finally:
        await watcher.close()
        await pool.close()
