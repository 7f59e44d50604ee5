"""Whatever changes, everyone has in the end what asking anew would give: routing leaves nobody out.

Nothing is polled here, so a change that is not routed to a subscriber whom it concerns is never made good.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import orjson
import pytest

from permissions.session import Session
from resolvers.engine import Engine
from resolvers.live.queries import LiveQueries
from resolvers.pool import Pool
from server.source import platform_source
from tests.integration.live.waiting import WAIT_S, until, until_at_rest, until_heard
from tests.integration.live.world import Changes, World, documents, make_world

NEVER_S = 3600.0


class Follower:
    """A subscriber that keeps its last result."""

    def __init__(
        self, engine: Engine, live: LiveQueries, session: Session, document: str, variables: dict[str, Any]
    ) -> None:
        self._engine, self._session, self.document, self._variables = engine, session, document, variables
        subscription = engine.subscription(session, document, variables)
        assert subscription is not None
        self._results = live.results(subscription)
        self.data: Any = None
        self.received = 0
        self.has_first = asyncio.Event()
        self.task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async for data in self._results:
            fresh = orjson.loads(data)
            assert fresh != self.data, "a result is sent only when it differs"
            self.data = fresh
            self.received += 1
            self.has_first.set()

    async def truth(self) -> Any:
        body = await self._engine.execute(
            self._session, self.document.replace("subscription", "query", 1), self._variables
        )
        return orjson.loads(body)["data"]

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self._results.aclose()


class Barrier:
    """Knows when everything that was committed so far has reached everyone."""

    def __init__(self, follower: Follower, connection: Any, treatment: object) -> None:
        self._follower, self._connection, self._treatment = follower, connection, treatment
        self._number = 0

    async def wait(self, live: LiveQueries) -> None:
        self._number += 1
        text = f"barrier {self._number}"
        await self._connection.execute(
            "UPDATE public.treatment SET description = $2 WHERE id = $1", self._treatment, text
        )
        # Changes are told in the order of their commits: earlier ones are known to their groups by then.
        await until(lambda: self._follower.data["treatment_by_pk"]["description"] == text)
        await until_at_rest(live)


@asynccontextmanager
async def following(
    database_url: str, world: World, connection: Any
) -> AsyncIterator[tuple[list[Follower], Barrier, LiveQueries]]:
    pool = Pool(database_url, size=2)
    engine = platform_source().engine(pool)
    live = LiveQueries(database_url, poll_interval_s=NEVER_S)
    followers: list[Follower] = []
    barrier_row = await connection.fetchval(
        "INSERT INTO public.treatment (name, monthly_item_price_id, monthly_price, currency_code, active)"
        " VALUES ('barrier', 'barrier', 1, 'USD', false) RETURNING id"
    )
    try:
        for role, user, document, variables in documents(world):
            session = Session(role=role, variables={} if user is None else {"x-hasura-user-id": str(user)})
            followers.append(Follower(engine, live, session, document, variables))
        document = f'subscription {{ treatment_by_pk(id: "{barrier_row}") {{ description }} }}'
        followers.append(Follower(engine, live, Session(role="admin"), document, {}))
        async with asyncio.timeout(WAIT_S):
            for follower in followers:
                await follower.has_first.wait()
        await until_heard(live)
        yield followers, Barrier(followers[-1], connection, barrier_row), live
    finally:
        for follower in followers:
            await follower.close()
        assert not live._groups, "groups end with their last subscriber"
        await live.close()
        await pool.close()


async def compare(followers: list[Follower]) -> None:
    for follower in followers:
        assert follower.data == await follower.truth(), follower.document


@pytest.mark.parametrize("seed", [1, 2])
async def test_everyone_has_what_asking_anew_would_give_after_every_change(database_url: str, seed: int) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        world = await make_world(connection)
        changes = Changes(world, connection, random.Random(seed))  # noqa: S311 -- to be repeated
        for _ in range(20):
            await changes.make()
        async with following(database_url, world, connection) as (followers, barrier, live):
            for _ in range(15):
                for _ in range(2):
                    await changes.make()
                await barrier.wait(live)
                await compare(followers)
            assert sum(follower.received > 1 for follower in followers) > len(followers) / 4
    finally:
        await connection.close()


async def test_everyone_has_what_asking_anew_would_give_after_changes_by_several_at_once(database_url: str) -> None:
    connections = [await asyncpg.connect(database_url) for _ in range(3)]
    try:
        world = await make_world(connections[0])

        async def change(number: int) -> None:
            changes = Changes(world, connections[number], random.Random(number))  # noqa: S311 -- to be repeated
            for _ in range(60):
                try:
                    await changes.make()
                except asyncpg.DeadlockDetectedError:
                    continue

        async with following(database_url, world, connections[0]) as (followers, barrier, live):
            await asyncio.gather(*map(change, range(3)))
            await barrier.wait(live)
            await compare(followers)
    finally:
        for connection in connections:
            await connection.close()
