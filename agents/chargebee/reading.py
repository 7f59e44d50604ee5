"""One resource of Chargebee read into the mirror, from where the last run ended to its newest change.

::

    take the cursor ─ pages, oldest change first ─ rows ─ one transaction: rows and the cursor's new place ─┐
         │                     └───────────── fetched ahead ─────────────┘                       each page ─┘
         └─ another run has it: nothing to do

A run that ends early (killed, an outage, its time is over) is gone on with by the next one, at the page after the last
that was written. Each run begins a little before the point that the last one reached (`Pace.overlap`): Chargebee's
times are whole seconds, and its listings may lag behind; what was here already changes nothing.
"""

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import structlog

from agents.chargebee.newness import Newness
from agents.chargebee.operations import break_off_run, end_run, extend_lease, forget_progress, move_cursor, take_cursor
from agents.chargebee.pages import pages_from
from agents.graphql.client import GraphQLClient
from agents.graphql.errors import GraphQLError, OperationRefused, ServerFault
from agents.graphql.operations import Mutation
from agents.mirror.history import Counted, History, count, history_of
from agents.mirror.upserts import mirror, mirror_columns
from agents.runtime.clock import Clock, read_clock
from integrations.chargebee.client import ChargebeeClient
from integrations.chargebee.invoices import InvoicePage
from integrations.chargebee.rows import (
    ColumnRows,
    Rows,
    Unmirrorable,
    collect,
    columns_of_invoices,
    rows_in,
    rows_of,
    rows_of_invoice,
)
from integrations.chargebee.types import Page, Resource
from integrations.errors import CredentialsRefused, IntegrationError, PermanentError, TemporaryError
from integrations.telemetry.metrics import counter

_log = structlog.get_logger(__name__)

#: The listings that the mirror is made of. Prices and customers first, since the others refer to them.
MIRRORED: Final = (
    Resource.ITEM_PRICES,
    Resource.CUSTOMERS,
    Resource.SUBSCRIPTIONS,
    Resource.INVOICES,
    Resource.TRANSACTIONS,
    Resource.CREDIT_NOTES,
)

READ: Final = counter("caregraph_chargebee_resources_read_total", "Resources read from Chargebee.", ["resource"])
UNMIRRORABLE: Final = counter(
    "caregraph_chargebee_unmirrorable_total", "Resources that the mirror's tables could not hold.", ["resource"]
)

#: A request to the endpoint may have 1 MiB; a row of the widest table takes about 800 bytes, by columns less than half.
_MOST_ROWS: Final = 1_000
_MOST_IN_COLUMNS: Final = 2_500
_NAMED: Final = 5
_PARTING_TIME_OUT_S: Final = 5.0
#: The first second of the year 10000, which no calendar here has.
_END_OF_TIME_S: Final = 253_402_300_800


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How a run reads."""

    #: How far before the last run's end the next one begins.
    overlap: timedelta = timedelta(minutes=2)
    #: How long a run has a resource to itself without a sign of life; a page is one.
    lease: timedelta = timedelta(seconds=45)
    #: Pages that wait while others are written, and how many are written at once.
    pages_ahead: int = 6
    pages_at_once: int = 4
    #: Transactions under way at the same time. With more than one, what was written last may be written once more after
    #: an interruption.
    writes_at_once: int = 1
    #: How often in a row a page is asked for, beyond the client's own attempts, and the longest wait between.
    patience: int = 1
    longest_wait: timedelta = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far a run has come."""

    resource: Resource
    #: Read since the first page, also by the runs that this one goes on with.
    rows_read: int = 0
    #: The latest change among them.
    seen_until: datetime | None = None
    #: What its table couldn't hold, a sentence each; not complete after a run that was gone on with.
    unmirrorable: tuple[str, ...] = ()
    #: Whether the last page has been read. False: another run has it, or this one's time was over.
    ended: bool = False
    #: Another run has the resource.
    busy: bool = False
    #: What became of the history that came, when all of it has been read; None where there could be none.
    counted: Counted | None = None


@dataclass(slots=True, kw_only=True)
class _Place:
    """Where a run is. Mutable: it moves with each page."""

    resource: Resource
    cursor: str
    run_id: uuid.UUID = field(default_factory=uuid.uuid4)
    updated_after: datetime | None
    read_after: datetime | None
    seen_until: datetime | None
    next_offset: str | None
    rows_read: int
    #: What nobody is to be told of; None: everything is news.
    history: History | None = None
    #: None: they are likely to be here already.
    newness: Newness | None = None
    unmirrorable: list[str] = field(default_factory=list)

    def reach(self, further: "_Place") -> None:
        """Move on."""
        self.seen_until, self.next_offset, self.rows_read = further.seen_until, further.next_offset, further.rows_read

    def progress(self, *, ended: bool = False) -> Progress:
        return Progress(
            resource=self.resource,
            rows_read=self.rows_read,
            seen_until=self.seen_until,
            unmirrorable=tuple(self.unmirrorable),
            ended=ended,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A page, or some, as they are written: looked at when they come, since most of what a page says has no column."""

    #: Their rows by columns; None when they had to be looked at one by one.
    columns: ColumnRows | None
    #: What was found then.
    rows: Sequence[Rows]
    #: What the mirror has no place for, a sentence each.
    problems: Sequence[str]
    count: int
    #: The latest change among them.
    changed_at: int
    next_offset: str | None
    #: More rows than are written by columns: fewer pages are to be joined.
    is_too_large: bool = False


class Reader:
    """Reads resources. One run at a time has a cursor, whatever number of programs try."""

    def __init__(
        self,
        *,
        graphql: GraphQLClient,
        chargebee: ChargebeeClient,
        pace: Pace | None = None,
        now: Clock = read_clock,
    ) -> None:
        self._graphql = graphql
        self._chargebee = chargebee
        self._pace = pace or Pace()
        self._now = now

    async def read(
        self,
        resource: Resource,
        *,
        cursor: str | None = None,
        everything: bool = False,
        from_start: bool = False,
        time_left: Callable[[], bool] = lambda: True,
        tell: Callable[[Progress], None] = lambda _progress: None,
    ) -> Progress:
        """Read the resource to its end, or as long as there is `time_left`; `tell` is called after each page.

        `cursor` is the name to keep the place under, the resource's own by default. `everything` goes on only with what
        was interrupted and else reads from the first change on; `from_start` does so always. Raises IntegrationError or
        GraphQLError for what doesn't get better by waiting; the place is kept.
        """
        place = await self._take(resource, cursor or resource.object_name)
        if place is None:
            return Progress(resource=resource, busy=True)
        try:
            if from_start or (everything and place.next_offset is None):
                await self._graphql.mutate(forget_progress(resource=place.cursor, run_id=place.run_id))
                place = replace(
                    place, updated_after=None, read_after=None, seen_until=None, next_offset=None, rows_read=0
                )
            if place.next_offset is None:
                self._begin(place, place.updated_after)
            if resource is Resource.INVOICES and place.updated_after is None:
                # Read from the first change on. What follows later is news.
                place.newness = Newness()
                runs = (place.cursor, resource.object_name, backfill_cursor(resource))
                place.history = await history_of(runs, graphql=self._graphql, now=self._now())
            ended = await self._read_pages(place, time_left, tell)
        except BaseException as error:
            await self._break_off(place, error)
            raise
        if not ended:
            await self._break_off(place, None)
        progress = place.progress(ended=ended)
        if ended and place.history is not None:
            progress = replace(progress, counted=await count(self._graphql))
        return progress

    async def _take(self, resource: Resource, cursor: str) -> _Place | None:
        run_id, now = uuid.uuid4(), self._now()
        answer = await self._graphql.query(
            take_cursor(resource=cursor, run_id=run_id, now=now, lease_until=now + self._pace.lease)
        )
        if answer.taken is None or not answer.taken.returning:
            return None
        taken = answer.taken.returning[0]
        return _Place(
            resource=resource,
            cursor=cursor,
            run_id=run_id,
            updated_after=taken.updated_after,
            read_after=taken.read_after,
            seen_until=taken.seen_until,
            next_offset=taken.next_offset,
            rows_read=taken.rows_read,
        )

    def _begin(self, place: _Place, known_until: datetime | None) -> None:
        place.read_after = None if known_until is None else known_until - self._pace.overlap
        place.seen_until = None
        place.next_offset = None
        place.rows_read = 0

    async def _read_pages(self, place: _Place, time_left: Callable[[], bool], tell: Callable[[Progress], None]) -> bool:
        try:
            return await self._read_from(place, time_left, tell)
        except PermanentError as error:
            if error.param != "offset":
                raise
            # Offsets are Chargebee's own, and it may forget them. What was read stays read.
            _log.warning("etl.offset_refused", resource=place.resource.value, code=error.code)
            self._begin(place, place.seen_until or place.updated_after)
            return await self._read_from(place, time_left, tell)

    async def _read_from(self, place: _Place, time_left: Callable[[], bool], tell: Callable[[Progress], None]) -> bool:
        async def fetch(offset: str | None) -> InvoicePage | Page:
            return await self._fetch(place, offset)

        async def landed() -> None:
            task, after = writing.popleft()
            await task
            place.reach(after)
            tell(place.progress())

        # What is being written, in order, each with the place that is reached when it and all before it are there.
        writing: deque[tuple[asyncio.Task[None], _Place]] = deque()
        ahead = place
        at_once = self._pace.pages_at_once

        # Invoices hold no more than the mirror has of them; of others most of a page has no column.
        def look(page: InvoicePage | Page) -> InvoicePage | _Part:
            return page if isinstance(page, InvoicePage) else _part(place, page)

        async with pages_from(fetch, look, place.next_offset, ahead=self._pace.pages_ahead) as pages:
            try:
                while batch := await pages.next(at_most=at_once):
                    part, ahead = self._join(ahead, batch)
                    if part.is_too_large:
                        at_once = len(batch) // 2
                    if ahead.next_offset is None:
                        while writing:
                            await landed()
                    # The cursor moves no further than what is there once this transaction is: the next run believes it.
                    reached = place if writing else ahead
                    then = self._ended(ahead) if ahead.next_offset is None else self._moved(reached)
                    writing.append((asyncio.create_task(self._write_part(place, part, then)), ahead))
                    while len(writing) >= self._pace.writes_at_once or (writing and ahead.next_offset is None):
                        await landed()
                    if ahead.next_offset is None:
                        return True
                    if not time_left():
                        while writing:
                            await landed()
                        return False
            finally:
                for task, _ in writing:
                    task.cancel()
                await asyncio.gather(*(task for task, _ in writing), return_exceptions=True)
        raise AssertionError("a listing ends with a page that has no next one")

    async def _fetch(self, place: _Place, offset: str | None) -> InvoicePage | Page:
        attempt = 1
        while True:
            try:
                if place.resource is Resource.INVOICES:
                    return await self._chargebee.list_invoices(updated_after=place.read_after, offset=offset)
                return await self._chargebee.list_page(place.resource, updated_after=place.read_after, offset=offset)
            except TemporaryError as error:
                # Patience is for an outage; credentials become right by an operator's hand alone.
                if attempt >= self._pace.patience or isinstance(error, CredentialsRefused):
                    raise
                asked = error.retry_after or timedelta(seconds=min(2**attempt, 60))
                wait = min(asked, self._pace.longest_wait)
                _log.warning(
                    "etl.waits", resource=place.resource.value, code=error.code, wait_s=round(wait.total_seconds(), 1)
                )
                until = self._now() + self._pace.lease + wait
                await self._graphql.mutate(extend_lease(resource=place.cursor, run_id=place.run_id, lease_until=until))
                await asyncio.sleep(wait.total_seconds())
                attempt += 1

    def _join(self, before: _Place, pages: Sequence[InvoicePage | _Part]) -> tuple[_Part, _Place]:
        """What is written together, and the place after it."""
        part = _joined(before, pages)
        for problem in part.problems:
            self._note(before, problem)
        after = replace(before, next_offset=part.next_offset, rows_read=before.rows_read + part.count)
        if part.count:
            latest = datetime.fromtimestamp(part.changed_at, UTC)
            after.seen_until = latest if before.seen_until is None else max(before.seen_until, latest)
        READ.labels(before.resource.value).inc(part.count)
        return part, after

    async def _write_part(self, place: _Place, part: _Part, then: Mutation) -> None:
        """Write the rows and, in the same transaction as the last of them, `then`."""
        if part.columns is None:
            await self._write(place, part.rows, then)
            return
        if place.newness is not None and place.newness.is_expected():
            try:
                await self._graphql.mutate(*mirror_columns(part.columns, new=True), then)
            except OperationRefused as refusal:
                if isinstance(refusal, ServerFault):
                    raise
                place.newness.was_wrong()
            else:
                return
        try:
            await self._graphql.mutate(*mirror_columns(part.columns), then)
        except OperationRefused as refusal:
            if isinstance(refusal, ServerFault):
                raise
            await self._write(place, rows_in(part.columns), then)

    async def _write(self, place: _Place, found: Sequence[Rows], *then: Mutation) -> None:
        """Write the rows, and with the last of them `then`, in one transaction."""
        rows = collect(found)
        if len(found) > 1 and sum(len(listed) for listed in rows.values()) > _MOST_ROWS:
            await self._halves(place, found, then)
            return
        mutations = (*mirror(rows), *then)
        if not mutations:
            return
        try:
            await self._graphql.mutate(*mutations)
        except OperationRefused as refusal:
            if isinstance(refusal, ServerFault) or not found:
                raise
            if len(found) > 1:
                # One row that the database refuses must not keep the others out, nor stop the resource for ever.
                await self._halves(place, found, then)
                return
            ((row,), *_) = found[0].values()
            self._note(place, f"{place.resource.object_name} {row['id']}: the database refuses it ({refusal.code})")
            await self._write(place, (), *then)

    async def _halves(self, place: _Place, found: Sequence[Rows], then: Sequence[Mutation]) -> None:
        half = len(found) // 2
        await self._write(place, found[:half])
        await self._write(place, found[half:], *then)

    def _moved(self, place: _Place) -> Mutation:
        return move_cursor(
            resource=place.cursor,
            run_id=place.run_id,
            read_after=place.read_after,
            seen_until=place.seen_until,
            next_offset=place.next_offset,
            rows_read=place.rows_read,
            lease_until=self._now() + self._pace.lease,
        )

    def _ended(self, place: _Place) -> Mutation:
        moments = [moment for moment in (place.updated_after, place.seen_until) if moment is not None]
        named = "; ".join(place.unmirrorable[:_NAMED])
        return end_run(
            resource=place.cursor,
            run_id=place.run_id,
            updated_after=max(moments, default=None),
            rows_read=place.rows_read,
            finished_at=self._now(),
            last_error=f"{len(place.unmirrorable)} not mirrored: {named}" if place.unmirrorable else None,
        )

    async def _break_off(self, place: _Place, error: BaseException | None) -> None:
        """Let go of the resource, so that the next run needn't wait for the lease's end; the place is kept."""
        known = isinstance(error, IntegrationError | GraphQLError)
        letting_go = self._graphql.mutate(
            break_off_run(
                resource=place.cursor,
                run_id=place.run_id,
                status="failed" if known else "idle",
                finished_at=self._now(),
                # The endpoint's sentence can repeat values of a row.
                last_error=None
                if not known
                else type(error).__name__
                if isinstance(error, GraphQLError)
                else str(error),
            )
        )
        try:
            async with asyncio.timeout(_PARTING_TIME_OUT_S):
                await letting_go
        except Exception as trouble:
            # The lease runs out by itself.
            _log.warning("etl.not_let_go", resource=place.resource.value, error_type=type(trouble).__name__)

    def _note(self, place: _Place, problem: str) -> None:
        place.unmirrorable.append(problem)
        UNMIRRORABLE.labels(place.resource.value).inc()
        _log.error("etl.unmirrorable", resource=place.resource.value, problem=problem)


def _part(place: _Place, page: InvoicePage | Page) -> _Part:
    kind = place.resource.object_name
    count: int
    changed: Iterable[object]
    if isinstance(page, InvoicePage):
        columns = columns_of_invoices(page.invoices)
        each = (partial(rows_of_invoice, invoice) for invoice in page.invoices)
        count, changed = len(page.invoices), (invoice.changed_at for invoice in page.invoices)
    else:
        columns = None
        each = (partial(rows_of, kind, raw) for raw in page.objects)
        count = len(page.objects)
        changed = (
            raw.get("updated_at") or raw.get("created_at") or raw.get("date")
            for raw in page.objects
            if isinstance(raw, Mapping)
        )
    rows: list[Rows] = []
    problems: list[str] = []
    if columns is None:
        mark = None if place.history is None else place.history.marker()
        for one in each:
            try:
                found = one()
            except Unmirrorable as problem:
                problems.append(str(problem))
                continue
            if mark is not None:
                mark(found[kind][0])
            rows.append(found)
    elif place.history is not None and kind in columns:
        place.history.mark_columns(columns[kind])
    return _Part(
        columns=columns,
        rows=rows,
        problems=problems,
        count=count,
        changed_at=_latest(changed),
        next_offset=page.next_offset,
    )


def _latest(changed: Iterable[object]) -> int:
    """The latest moment; what is none is of a resource that can't be mirrored, and says nothing of how far we are."""
    return max((at for at in changed if type(at) is int and at < _END_OF_TIME_S), default=0)


def _joined(place: _Place, pages: Sequence[InvoicePage | _Part]) -> _Part:
    invoices = [page for page in pages if isinstance(page, InvoicePage)]
    if len(invoices) == len(pages):
        # As one page: what is the same for all columns of a page is done once.
        all_of_them = [invoice for page in invoices for invoice in page.invoices]
        part = _part(place, InvoicePage(invoices=all_of_them, next_offset=pages[-1].next_offset))
    else:
        part = _joined_parts([_part(place, page) if isinstance(page, InvoicePage) else page for page in pages])
    columns = part.columns
    if len(pages) == 1 or columns is None:
        return part
    if sum(len(table["id"]) for table in columns.values()) <= _MOST_IN_COLUMNS:
        return part
    return replace(part, columns=None, rows=rows_in(columns), is_too_large=True)


def _joined_parts(parts: Sequence[_Part]) -> _Part:
    rows: list[Rows] = []
    for part in parts:
        rows += part.rows if part.columns is None else rows_in(part.columns)
    return _Part(
        columns=None,
        rows=rows,
        problems=[problem for part in parts for problem in part.problems],
        count=sum(part.count for part in parts),
        changed_at=max(part.changed_at for part in parts),
        next_offset=parts[-1].next_offset,
    )


def backfill_cursor(resource: Resource) -> str:
    """The name under which a back-fill keeps its place."""
    return f"backfill:{resource.object_name}"


def for_at_most(duration: timedelta, *, clock: Callable[[], float] = time.monotonic) -> Callable[[], bool]:
    """Whether that much time since now has not passed yet, as a function to ask."""
    over_at = clock() + duration.total_seconds()
    return lambda: clock() < over_at
