"""A relay among others: its row, the lock that says it lives, and its lanes."""

import socket
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from typing import Final
from uuid import UUID

import structlog

from triggers.connection import CONNECTION_ERRORS, Connection
from triggers.lanes import LANE_LOCKS, PRESENCE_LOCKS, fair_share, lanes_to_release, lanes_to_try
from triggers.statements import load_statement

_log: Final = structlog.get_logger(__name__)


class Presence:
    """What other relays and the writers see of this one. Its calls must come one after the other."""

    def __init__(self, connection: Connection, relay_id: UUID, *, backend_pid: int, expiry: timedelta) -> None:
        self._connection = connection
        self._backend_pid = backend_pid
        self._expiry_s = expiry.total_seconds()
        self.relay_id = relay_id
        #: The lanes this relay owns.
        self.lanes: set[int] = set()
        #: How many relays lived when last looked.
        self.living = 1

    async def share_lanes(self, busy: Collection[int]) -> bool:
        """Take or give back lanes until they are a fair share; whether that changed which it owns.

        `busy`: lanes of which something is being published, which can't be given back yet.
        """
        living = await self._connection.fetchval(load_statement("relay/living"), PRESENCE_LOCKS)
        self.living = max(living, 1)
        share = fair_share(self.living)
        if surplus := lanes_to_release(self.lanes, busy, share):
            self.lanes.difference_update(surplus)
            await self._connection.execute(load_statement("relay/release_lanes"), LANE_LOCKS, surplus)
        candidates, wanted = lanes_to_try(self.lanes, share, start=self._backend_pid)
        if not wanted:
            return bool(surplus)
        rows = await self._connection.fetch(load_statement("relay/take_lanes"), LANE_LOCKS, candidates, wanted)
        self.lanes.update(row["lane"] for row in rows)
        return bool(surplus or rows)

    async def keep(self) -> bool:
        """Move the row's expiry on, and end relays that stand still; False when somebody has removed the row."""
        kept = await self._connection.fetchval(
            load_statement("relay/keep"), self.relay_id, len(self.lanes), self._expiry_s, PRESENCE_LOCKS
        )
        stalled = await self._connection.fetch(
            load_statement("relay/end_stalled"), self.relay_id, self._expiry_s / 2, PRESENCE_LOCKS
        )
        for row in stalled:
            _log.warning("relay.ended_stalled", relay_id=str(row["id"]), host=row["host"], ended=row["ended"])
        return kept is not None

    async def set_awake(self) -> None:
        """Tell writers that they need not notify."""
        await self._connection.execute(load_statement("relay/set_asleep"), self.relay_id, False, self._expiry_s)

    async def set_asleep(self) -> int:
        """Tell writers to notify; the mark: a transaction id above all those that may not have heard of it."""
        await self._connection.execute(load_statement("relay/set_asleep"), self.relay_id, True, self._expiry_s)
        mark: int = await self._connection.fetchval(load_statement("relay/next_transaction"))
        return mark


@asynccontextmanager
async def come_to_work(connection: Connection, *, expiry: timedelta) -> AsyncIterator[Presence]:
    """Register as a relay for the length of the block; afterwards the row and all lanes are given back."""
    relay_id = await connection.fetchval(
        load_statement("relay/register"), socket.gethostname(), expiry.total_seconds(), PRESENCE_LOCKS
    )
    presence = Presence(connection, relay_id, backend_pid=connection.get_server_pid(), expiry=expiry)
    try:
        yield presence
    finally:
        # On a dead connection there is nothing to give back: the locks went with the session.
        with suppress(*CONNECTION_ERRORS):
            await connection.execute(load_statement("relay/leave"), relay_id)
            await connection.execute("SELECT pg_advisory_unlock_all()")
