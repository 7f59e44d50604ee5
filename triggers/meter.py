"""How much waits in the outbox, for the metrics."""

import asyncio
from datetime import timedelta

from triggers import metrics
from triggers.connection import Connection
from triggers.lanes import LANES
from triggers.statements import load_statement


async def keep_measuring(connection: Connection, *, every: timedelta) -> None:
    """Measure until cancelled, in all lanes whoever owns them. Raises what PostgreSQL raises.

    The connection is for this alone, opened with the reader's settings: counting a hundred thousand events takes tenths
    of a second, in which the relay would read nothing.
    """
    while True:
        waiting, oldest_age_s = await connection.fetchrow(load_statement("relay/measure"), LANES) or (0, 0.0)
        metrics.WAITING.set(waiting)
        metrics.OLDEST_AGE.set(oldest_age_s)
        await asyncio.sleep(every.total_seconds())
