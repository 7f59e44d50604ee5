"""What happens by itself: retention, deletion of what nobody needs, checkpoints of the journal."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Final

import structlog

from local.pubsub import wire
from local.pubsub.broker import Broker

_INTERVAL_S: Final = 1.0
_RETENTION_INTERVAL_S: Final = 30.0

_log = structlog.get_logger(__name__)


@contextlib.asynccontextmanager
async def housekeeping(broker: Broker) -> AsyncIterator[None]:
    """Keep house meanwhile; close the broker and its journal afterwards."""
    keeper = asyncio.create_task(_keep_house(broker))
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.wait([keeper])
        broker.stop_delivering()
        await broker.journal.close()


def keep_retention(broker: Broker) -> None:
    """Drop messages that are older than their retention, and snapshots that have expired."""
    now = broker.clock()
    for subscription in broker.subscriptions.values():
        subscription.expire(subscription.retention_floor(now))
    for snapshot in list(broker.snapshots.values()):
        if wire.timestamp_us(snapshot.config.expire_time) <= now:
            broker.delete_snapshot(snapshot.name)


async def trim(broker: Broker) -> None:
    """Delete every message that no subscription, snapshot or topic retention needs, a piece at a time."""
    for topic in broker.stored_topics():
        more = True
        while more:
            more = topic.trim()
            # Requests come in between.
            await broker.journal.committed()


async def _keep_house(broker: Broker) -> None:
    loop = asyncio.get_running_loop()
    next_retention = loop.time()
    while True:
        try:
            if loop.time() >= next_retention:
                keep_retention(broker)
                next_retention = loop.time() + _RETENTION_INTERVAL_S
            await trim(broker)
            broker.journal.flush()
            broker.journal.checkpoint_if_due()
        except Exception:
            _log.exception("housekeeping.failed")
        await asyncio.sleep(_INTERVAL_S)
