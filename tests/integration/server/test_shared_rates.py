"""Rates that several processes count together, in Redis."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
import redis
from fakeredis import TcpFakeServer
from limits.aio.storage.redis.bridge import RedisBridge

from permissions.session import Session
from resolvers.errors import GraphQLRequestError
from server.limits import RateLimiter, RoleLimits

ANN = Session(role="user", variables={"x-hasura-user-id": "ann"})
BOB = Session(role="user", variables={"x-hasura-user-id": "bob"})
RATES = {"user": RoleLimits(rate="3/hour")}


@pytest.fixture
def shared() -> Iterator[TcpFakeServer]:
    """Something that speaks Redis' protocol and runs its scripts, on a port of its own."""
    server = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    # It leaves when it is asked for a script that it doesn't know; Redis would only say so.
    with redis.Redis.from_url(address(server).removeprefix("async+")) as client:
        for script in (RedisBridge.SCRIPT_MOVING_WINDOW, RedisBridge.SCRIPT_ACQUIRE_MOVING_WINDOW):
            client.script_load(script)
    yield server
    server.shutdown()
    server.server_close()
    thread.join(timeout=5)


def address(server: TcpFakeServer) -> str:
    return f"async+redis://127.0.0.1:{server.server_address[1]}/0"


async def refused(limiter: RateLimiter, session: Session, operations: int = 1) -> str | None:
    """What the caller is told, or None when it may ask."""
    try:
        await limiter.check(session, "127.0.0.1", operations)
    except GraphQLRequestError as error:
        return error.message
    return None


async def test_two_processes_count_one_caller_together(shared: TcpFakeServer) -> None:
    first, second = RateLimiter(RATES, address(shared)), RateLimiter(RATES, address(shared))
    assert [await refused(limiter, ANN) for limiter in (first, second, first)] == [None, None, None]
    for limiter in (first, second):
        message = await refused(limiter, ANN, 2)
        assert message is not None
        assert "limit rate: 3 operations in 3600 s allowed, 5 asked for; try again at Unix time" in message
        assert await refused(limiter, BOB) is None
    await asyncio.gather(first.close(), second.close())


async def test_a_process_counts_by_itself_while_the_storage_is_away_and_asks_it_again_later() -> None:
    now = 0.0
    # Nothing listens there.
    limiter = RateLimiter(RATES, "async+redis://127.0.0.1:1/0", clock=lambda: now)
    assert [await refused(limiter, ANN) for _ in range(3)] == [None] * 3
    assert "4 asked for" in str(await refused(limiter, ANN))
    now = 6.0
    assert "4 asked for" in str(await refused(limiter, ANN))
    await limiter.close()
