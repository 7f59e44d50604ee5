"""Everything of Chargebee into the mirror, from the first resource on.

It keeps its place under a name of its own (`backfill:invoice`), so that the ETL goes on beside it. When it was
interrupted, also by SIGKILL, the next back-fill goes on where it was; when it had ended, the next one begins anew.

Of invoices that were over before the mirror was begun nobody is told (`agents.mirror.history`).
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Final

from agents.chargebee.operations import start_cursor_at
from agents.chargebee.reading import Pace, Progress, Reader, backfill_cursor
from agents.graphql.client import GraphQLClient
from integrations.chargebee.types import Resource

#: Many pages at once, and as patient as Chargebee's limits ask: a back-fill may take hours.
PACE: Final = Pace(pages_ahead=30, pages_at_once=10, writes_at_once=3, patience=30)
#: Resources that are read at the same time.
_AT_ONCE: Final = 2


class Busy(Exception):
    """Another back-fill has the resource."""


async def backfill(
    resources: Sequence[Resource],
    *,
    graphql: GraphQLClient,
    reader: Reader,
    from_start: bool = False,
    lease: timedelta = PACE.lease,
    tell: Callable[[Progress], None] = lambda _progress: None,
) -> list[Progress]:
    """Read all of the resources; raises the first error, when what else was under way has come to rest."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(resource: Resource) -> Progress:
        async with turns:
            return await _read(resource, graphql, reader, from_start, lease, tell)

    ends = await asyncio.gather(*(one(resource) for resource in resources), return_exceptions=True)
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return [end for end in ends if isinstance(end, Progress)]


async def _read(
    resource: Resource,
    graphql: GraphQLClient,
    reader: Reader,
    from_start: bool,
    lease: timedelta,
    tell: Callable[[Progress], None],
) -> Progress:
    cursor = backfill_cursor(resource)
    progress = await reader.read(resource, cursor=cursor, everything=True, from_start=from_start, tell=tell)
    if progress.busy:
        # One that was killed keeps its resource until its lease runs out.
        await asyncio.sleep(lease.total_seconds() + 1)
        progress = await reader.read(resource, cursor=cursor, everything=True, from_start=from_start, tell=tell)
    if progress.busy:
        raise Busy(f"another back-fill of {resource.value} is under way; wait for its end")
    await graphql.mutate(start_cursor_at(resource=resource.object_name, updated_after=progress.seen_until))
    tell(progress)
    return progress
