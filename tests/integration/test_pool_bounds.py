"""What a connection keeps of long statements and long texts: nothing, and their digests."""

from collections.abc import AsyncIterator

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
