"""Waiting for what has no event to wait for: the inside of the live queries, other sessions of PostgreSQL."""

import asyncio
from collections.abc import Awaitable, Callable

from resolvers.live.queries import LiveQueries

WAIT_S = 10.0


async def until(holds: Callable[[], bool]) -> None:
    """Return when it holds."""
    async with asyncio.timeout(WAIT_S):
        while not holds():  # noqa: ASYNC110 -- there is no event
            await asyncio.sleep(0.001)


async def until_asked(holds: Callable[[], Awaitable[object]]) -> None:
    """Return when the answer is yes."""
    async with asyncio.timeout(WAIT_S):
        while not await holds():  # noqa: ASYNC110 -- there is no event
            await asyncio.sleep(0.005)


async def until_heard(live: LiveQueries) -> None:
    """Return when writers know of everything that is followed."""
    await until(lambda: not any(group.needs_poll(live._heard) for group in live._groups.values()))


async def until_at_rest(live: LiveQueries) -> None:
    """Return when nothing is left to run."""
    await until(lambda: all(group._task is None for group in live._groups.values()))
    # What was offered last is taken.
    await asyncio.sleep(0)
