"""A group: subscribers whose subscriptions are the same statement, run for whom changes concern.

One run is going on at a time. Changes that are heard of meanwhile lead to another one: a run's snapshot may be older
than they. A change is first judged by the keys that are known of each cohort; where a run brings new keys, the changes
heard of since it began are judged again by these (`routes` says why that is enough).
"""

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import Any, Final

import asyncpg
import structlog

from resolvers.database_errors import translate
from resolvers.errors import GraphQLRequestError
from resolvers.limits import statement_timed_out
from resolvers.live.changes import Change
from resolvers.live.cohort import Cohort, Subscriber, make_result
from resolvers.live.database import LiveDatabase
from resolvers.live.metrics import LAG
from resolvers.live.routes import Announced, Route, find_routes
from resolvers.live.sources import Sources, sources_of
from resolvers.live.statement import MAX_KEYS, Binds, LiveStatement, Subscription, SubscriptionPlan, render_live
from resolvers.pool import DatabaseUnavailable
from schema.catalogue import TableKey

_LOG = structlog.get_logger(__name__)

#: How long to wait for more changes before running a statement because of one.
DEBOUNCE_S: Final = 0.015
#: Cohorts that one statement answers.
MAX_CHUNK: Final = 1_000
_MIN_CHUNK: Final = 50
#: A statement that takes longer gets fewer cohorts next time, one that is quicker than the second more.
_SLOW_S: Final = 0.5
_QUICK_S: Final = 0.1
#: Changes heard of during a run that are kept to be judged again; with more of them everyone runs again.
_MAX_MEANWHILE: Final = 200


class Group:
    """The subscribers of one statement."""

    def __init__(
        self,
        plan: SubscriptionPlan,
        database: LiveDatabase,
        announced: Announced,
        timeout_s: float | None = None,
    ) -> None:
        """`timeout_s` is what the statement may take, if the role has a limit of its own."""
        self._plan = plan
        self._timeout_s = timeout_s
        self._database = database
        self._sources: Sources = sources_of(plan.root)
        self._cohorts: dict[object, Cohort] = {}
        #: To be run: those with a subscriber who has had no result yet, and those whom a change concerns.
        self._arrived: dict[Cohort, None] = {}
        self._changed: dict[Cohort, None] = {}
        #: Changes since the run began, None when there were too many.
        self._meanwhile: list[Change] | None = []
        self._chunk = MAX_CHUNK
        self._task: asyncio.Task[None] | None = None
        self._reroute(announced)

    @property
    def is_empty(self) -> bool:
        """Nobody is subscribed."""
        return not self._cohorts

    @property
    def tables(self) -> frozenset[TableKey]:
        """The tables whose changes it has to hear of."""
        return self._routes.tables

    def needs_poll(self, heard: Iterable[TableKey]) -> bool:
        """Whether it misses changes when only those of the tables `heard` are told of."""
        return self._routes.needs_poll or not self._routes.tables.issubset(heard)

    # Subscribers

    def add(self, subscription: Subscription) -> Subscriber:
        """A new subscriber; its first result is on the way."""
        cohort = None if self._is_stream else self._cohorts.get(subscription.binds)
        if cohort is None:
            cohort = Cohort(subscription.binds)
            # A stream's binds move with its cursor, and nobody else's move with them.
            self._cohorts[cohort if self._is_stream else subscription.binds] = cohort
        subscriber = Subscriber(cohort)
        if self._is_stream:
            subscriber.on_taken = lambda: self._go_on(cohort)
        cohort.joining.append(subscriber)
        self._changed.pop(cohort, None)
        self._arrived[cohort] = None
        self._wake()
        return subscriber

    def remove(self, subscriber: Subscriber) -> None:
        """The subscriber is gone. Idempotent."""
        cohort = subscriber.cohort
        cohort.remove(subscriber)
        key = cohort if self._is_stream else cohort.binds
        if cohort.is_empty and self._cohorts.get(key) is cohort:
            del self._cohorts[key]
            self._arrived.pop(cohort, None)
            self._changed.pop(cohort, None)
            self._forget_keys(cohort)

    async def close(self) -> None:
        """Stop running."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def _is_stream(self) -> bool:
        return self._plan.statement.cursor is not None

    def _go_on(self, cohort: Cohort) -> None:
        """A stream's batch was taken: see whether there are more rows."""
        cohort.is_sending = False
        self._mark((cohort,))

    # Changes

    def follow(self, announced: Announced) -> None:
        """From now on these tables tell of changes."""
        self._reroute(announced)
        self.run_all()

    def run_all(self) -> None:
        """Run for everyone, since changes may have been missed."""
        self._mark(self._cohorts.values())

    def hear(self, change: Change) -> None:
        """Rows were changed."""
        if self._meanwhile is not None:
            if len(self._meanwhile) >= _MAX_MEANWHILE:
                self._meanwhile = None
            elif self._task is not None:
                self._meanwhile.append(change)
        concerned = self._concerned(change)
        self._mark(self._cohorts.values() if concerned is None else concerned)

    def _mark(self, cohorts: Iterable[Cohort]) -> None:
        now = time.monotonic()
        for cohort in cohorts:
            # A stream asks again anyway when its batch was taken.
            if not cohort.is_sending:
                if cohort.since is None:
                    cohort.since = now
                if cohort not in self._arrived:
                    self._changed[cohort] = None
        self._wake()

    def _concerned(self, change: Change) -> set[Cohort] | None:
        """Whom the change concerns, None for everyone."""
        routes = self._routes.by_table.get(change.table)
        if change.rows is None or routes is None:
            return None if change.table in self._routes.tables else set()
        found: set[Cohort] = set()
        for route in routes:
            place = change.places.get(route.column)
            if place is None:
                return None
            found.update(self._with_many_keys[route.keys])
            by_key = self._by_key[route.keys]
            for row in change.rows:
                value = row[place]
                if value is not None:
                    found.update(by_key.get(value, ()))
        return found

    def _concerns(self, change: Change, keys: Sequence[Sequence[str]]) -> bool:
        """Whether the change concerns a cohort with these keys."""

        def fits(route: Route) -> bool:
            place = change.places.get(route.column)
            own = keys[route.keys]
            return place is None or len(own) > MAX_KEYS or any(row[place] in own for row in change.rows or ())

        routes = self._routes.by_table.get(change.table)
        if change.rows is None or routes is None:
            return change.table in self._routes.tables
        return any(map(fits, routes))

    # Keys

    def _reroute(self, announced: Announced) -> None:
        self._routes = find_routes(self._sources, announced)
        self._statement: LiveStatement = (
            render_live(self._plan.root, self._routes.keys) if self._routes.keys else self._plan.statement
        )
        self._by_key: list[dict[str, dict[Cohort, None]]] = [{} for _ in self._routes.keys]
        self._with_many_keys: list[dict[Cohort, None]] = [{} for _ in self._routes.keys]
        for cohort in self._cohorts.values():
            cohort.keys = None

    def _learn_keys(self, cohort: Cohort, keys: tuple[tuple[str, ...], ...]) -> None:
        """The statement told these keys of the cohort."""
        if keys == cohort.keys:
            return
        self._forget_keys(cohort)
        cohort.keys = keys
        for by_key, many, own in zip(self._by_key, self._with_many_keys, keys, strict=True):
            if len(own) > MAX_KEYS:
                many[cohort] = None
                continue
            for value in own:
                by_key.setdefault(value, {})[cohort] = None
        if self._meanwhile is None or any(self._concerns(change, keys) for change in self._meanwhile):
            self._mark((cohort,))

    def _forget_keys(self, cohort: Cohort) -> None:
        if cohort.keys is None:
            return
        for by_key, many, own in zip(self._by_key, self._with_many_keys, cohort.keys, strict=True):
            many.pop(cohort, None)
            for value in own:
                others = by_key.get(value)
                if others is not None:
                    others.pop(cohort, None)
                    if not others:
                        del by_key[value]
        cohort.keys = None

    # Running

    def _wake(self) -> None:
        if self._task is None and (self._arrived or self._changed):
            self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        """Run until nothing is left to run."""
        try:
            while self._arrived or self._changed:
                # Those who come in the same moment go together, and so do changes.
                await asyncio.sleep(0 if self._arrived or len(self._changed) >= self._chunk else DEBOUNCE_S)
                chunk = self._take()
                if chunk:
                    await self._run(chunk)
        except Exception:
            _LOG.exception("live_group_failed")
            self._arrived.clear()
            self._changed.clear()
            self._fail(self._cohorts.values(), GraphQLRequestError("unexpected", "an internal error occurred"))
        finally:
            self._task = None

    def _take(self) -> list[Cohort]:
        chunk: list[Cohort] = []
        for waiting in (self._arrived, self._changed):
            while waiting and len(chunk) < self._chunk:
                chunk.append(next(iter(waiting)))
                del waiting[chunk[-1]]
        return chunk

    async def _run(self, chunk: Sequence[Cohort]) -> None:
        statement, self._meanwhile = self._statement, []
        began = time.monotonic()
        since = [cohort.begin() for cohort in chunk]
        try:
            rows = await self._database.fetch(statement.sql, [cohort.binds for cohort in chunk], self._timeout_s)
        except DatabaseUnavailable:
            # Nobody is told: the result comes when the database is back.
            self._put_back(chunk, since)
            return
        except (asyncpg.PostgresError, UnicodeEncodeError, TimeoutError) as error:
            if len(chunk) > 1 and _may_be_one_row(error):
                middle = len(chunk) // 2
                self._put_back(chunk[middle:], since[middle:])
                self._chunk = max(1, middle)
                self._put_back(chunk[:middle], since[:middle])
                return
            self._fail(chunk, _for_client(error, statement.sql, self._timeout_s or self._database.statement_timeout_s))
            return
        self._adapt(len(chunk), time.monotonic() - began)
        self._deliver(chunk, since, rows, statement)

    def _put_back(self, chunk: Sequence[Cohort], since: Sequence[float | None]) -> None:
        for cohort, earlier in zip(chunk, since, strict=True):
            if not cohort.is_empty:
                cohort.since = earlier if cohort.since is None else cohort.since
                self._arrived[cohort] = None

    def _adapt(self, size: int, took_s: float) -> None:
        if took_s > _SLOW_S and size > _MIN_CHUNK:
            self._chunk = max(_MIN_CHUNK, size // 2)
        elif took_s < _QUICK_S and size == self._chunk:
            self._chunk = min(MAX_CHUNK, size * 2)

    def _deliver(
        self,
        chunk: Sequence[Cohort],
        since: Sequence[float | None],
        rows: Sequence[Sequence[Any]],
        statement: LiveStatement,
    ) -> None:
        now = time.monotonic()
        for number, value, cursor, *keys in rows:
            cohort = chunk[number]
            if cohort.is_empty:
                continue
            if statement is self._statement:
                self._learn_keys(cohort, tuple(map(tuple, keys)))
            if statement.cursor is None:
                cohort.offer(make_result(value or b"null"))
            elif cursor is not None:
                cohort.binds = _moved(cohort.binds, statement.cursor, cursor)
                cohort.is_sending = True
                cohort.offer(make_result(value))
            earlier = since[number]
            if earlier is not None:
                LAG.observe(now - earlier)

    def _fail(self, cohorts: Iterable[Cohort], error: GraphQLRequestError) -> None:
        for cohort in list(cohorts):
            cohort.fail(error)


def _moved(binds: Binds, place: int, cursor: str) -> Binds:
    return (*binds[:place], cursor, *binds[place + 1 :])


def _may_be_one_row(error: Exception) -> bool:
    """Whether one subscriber's values, or the number of subscribers, may be to blame: then the others go on."""
    if not isinstance(error, asyncpg.PostgresError):
        return True
    state = error.sqlstate or ""
    return state.startswith("22") or state in ("57014", "P0001", "54000", "53200", "53400")


def _for_client(error: Exception, sql: str, timeout_s: float) -> GraphQLRequestError:
    if isinstance(error, TimeoutError):
        return statement_timed_out(timeout_s)
    if not isinstance(error, asyncpg.PostgresError):
        return GraphQLRequestError("data-exception", "a text holds characters that UTF-8 can't carry")
    translated = translate(error, "$", timeout_s)
    if translated is None:
        _LOG.error("statement_failed", sqlstate=error.sqlstate, sql=sql)
        translated = GraphQLRequestError("unexpected", "the database refused the operation; it was logged")
    return translated
