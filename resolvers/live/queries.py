"""Live queries and streams of one process: the groups, and what they hear of changes."""

import asyncio
from collections.abc import AsyncGenerator, Hashable
from typing import Final

import asyncpg

from resolvers.database_errors import translate
from resolvers.errors import GraphQLRequestError
from resolvers.live.changes import Change
from resolvers.live.database import LiveDatabase
from resolvers.live.group import Group
from resolvers.live.listener import Listener
from resolvers.live.metrics import GROUPS, SUBSCRIBERS
from resolvers.live.routes import Announced
from resolvers.live.statement import Subscription
from schema.catalogue import TableKey

#: How often statements run that read what no trigger tells of.
POLL_INTERVAL_S: Final = 1.0


class LiveQueries:
    """The subscriptions of one process. It connects to the database with the first one."""

    def __init__(
        self,
        dsn: str,
        *,
        connections: int = 4,
        statement_timeout_s: float = 30.0,
        poll_interval_s: float = POLL_INTERVAL_S,
    ) -> None:
        self._database = LiveDatabase(dsn, size=connections, statement_timeout_s=statement_timeout_s)
        self._listener = Listener(dsn, self)
        self._poll_interval_s = poll_interval_s
        #: By role and statement.
        self._groups: dict[tuple[Hashable, str], Group] = {}
        self._by_table: dict[TableKey, set[Group]] = {}
        self._announced: Announced = {}
        self._heard: frozenset[TableKey] = frozenset()
        self._tasks: list[asyncio.Task[None]] = []

    async def results(self, subscription: Subscription) -> AsyncGenerator[bytes, None]:
        """The data of each response (`{"key": …}`), the first at once, then whenever it is another.

        Raises GraphQLRequestError when the subscription fails. Close the generator to unsubscribe.
        """
        plan = subscription.plan
        if subscription.unproven:
            await self._prove(subscription)
        key = (subscription.role, plan.statement.sql)
        group = self._groups.get(key) or self._add_group(key, subscription)
        subscriber = group.add(subscription)
        SUBSCRIBERS.inc()
        try:
            while True:
                yield plan.prefix + await subscriber.next() + b"}"
        finally:
            SUBSCRIBERS.dec()
            group.remove(subscriber)
            if group.is_empty and self._groups.get(key) is group:
                del self._groups[key]
                GROUPS.dec()
                self._unlink(group)

    async def _prove(self, subscription: Subscription) -> None:
        try:
            await self._database.prove(subscription.unproven)
        except asyncpg.PostgresError as error:
            translated = translate(error, "$")
            raise translated or GraphQLRequestError("unexpected", "the database refused the operation") from error

    async def close(self) -> None:
        """Stop listening and running."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        for group in self._groups.values():
            await group.close()
        await self._database.close()

    # What the listener tells

    def announce(self, tables: Announced) -> None:
        """These tables have triggers that tell of changes, with these columns."""
        if tables != self._announced:
            self._announced = tables
            for group in self._groups.values():
                self._unlink(group)
                group.follow(tables)
                self._link(group)

    def begin_hearing(self, tables: frozenset[TableKey]) -> None:
        """From now on every change of these tables is told; what came before may have been missed."""
        self._heard |= tables
        for group in self._groups.values():
            if group.tables & tables:
                group.run_all()

    def stop_hearing(self, tables: frozenset[TableKey] | None = None) -> None:
        """Changes of these tables (of any, if None) may be missed from now on."""
        self._heard = frozenset() if tables is None else self._heard - tables

    def hear(self, change: Change) -> None:
        """Rows were changed."""
        for group in self._by_table.get(change.table, ()):
            group.hear(change)

    # Groups

    def _add_group(self, key: tuple[Hashable, str], subscription: Subscription) -> Group:
        group = self._groups[key] = Group(subscription.plan, self._database, self._announced, subscription.timeout_s)
        GROUPS.inc()
        self._link(group)
        if not self._tasks:
            self._tasks = [
                asyncio.create_task(self._listener.run(), name="live-listener"),
                asyncio.create_task(self._poll(), name="live-poll"),
            ]
        return group

    def _link(self, group: Group) -> None:
        """Note which tables concern the group, and have them watched."""
        for table in group.tables:
            self._by_table.setdefault(table, set()).add(group)
        self._listener.want(frozenset(self._by_table))

    def _unlink(self, group: Group) -> None:
        for table in group.tables:
            self._by_table[table].discard(group)
            if not self._by_table[table]:
                del self._by_table[table]
        self._listener.want(frozenset(self._by_table))

    async def _poll(self) -> None:
        """Run what may miss changes, by the clock."""
        while True:
            await asyncio.sleep(self._poll_interval_s)
            for group in list(self._groups.values()):
                if group.needs_poll(self._heard):
                    group.run_all()
