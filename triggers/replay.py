"""Sending events again: which, how many at a time, and how fast."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from triggers.connection import Connection
from triggers.errors import UnknownEventError, UnpublishedError
from triggers.statements import load_statement

#: Events of one transaction.
_BATCH: Final = 50
#: How many ids an error lists.
_NAMED: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which events to send again; None means any. Replays themselves are never selected."""

    ids: Sequence[UUID] | None = None
    types: Sequence[str] | None = None
    key: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    #: Only events with an open dead letter.
    only_dead: bool = False
    #: The agent that they are for; None: all of them. With `only_dead`, events that this agent gave up.
    agent: str | None = None
    #: Only events after this sequence number: where an interrupted replay goes on.
    after: int = 0

    def arguments(self) -> tuple[Any, ...]:
        """The first binds of the statements."""
        return self.ids, self.types, self.key, self.since, self.until, self.only_dead, self.agent


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much a replay would send."""

    events: int
    #: Sequence number of the newest, beyond which the replay doesn't go.
    newest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A batch was put into the outbox."""

    events: int
    #: Sequence number of the last original: `Selection.after` to go on from here.
    reached: int


async def resolve(connection: Connection, ids: Sequence[UUID]) -> list[UUID]:
    """The events that the ids stand for: a replay's id stands for its original.

    Raises UnknownEventError and UnpublishedError, which name the first few.
    """
    rows = await connection.fetch(load_statement("history/unready"), ids)
    if unknown := [row["id"] for row in rows if not row["known"]]:
        raise UnknownEventError(
            f"There is no event {_named(unknown)}. `caregraph events list` shows the newest. What came from outside is "
            "in no outbox: have its sender send it again, then settle it by `caregraph events discard`."
        )
    if waiting := [row["id"] for row in rows if row["unready"]]:
        raise UnpublishedError(
            f"Event {_named(waiting)} still waits to be published; it will be delivered without a replay."
        )
    return [row["id"] for row in rows]


async def knows_agent(connection: Connection, agent: str) -> bool:
    """Whether an agent of that name has ever recorded anything."""
    known: bool = await connection.fetchval(load_statement("history/knows_agent"), agent)
    return known


def _named(ids: Sequence[UUID]) -> str:
    listed = ", ".join(str(each) for each in ids[:_NAMED])
    return listed if len(ids) <= _NAMED else f"{listed} and {len(ids) - _NAMED} more"


async def measure(connection: Connection, selection: Selection, *, up_to: int | None = None) -> Extent:
    """How much the selection is now, up to that sequence number if one is given."""
    row = await connection.fetchrow(
        load_statement("history/count_to_replay"), *selection.arguments(), selection.after, up_to
    )
    assert row is not None
    return Extent(events=row["events"], newest=row["newest"])


async def replay(
    connection: Connection, selection: Selection, *, newest: int, again: bool, rate: float
) -> AsyncGenerator[Progress, None]:
    """Put the selected events, up to the sequence number `newest`, into the outbox once more, oldest first.

    `rate` is events a second. Agents that have handled an event do nothing, unless `again`: then the copies get new
    ids and everyone handles them anew, or, when they are for one agent, that one forgets that it has handled them. Each
    batch is committed when its progress is given; stopping in between loses nothing.
    """
    reached = selection.after
    loop = asyncio.get_running_loop()
    due = loop.time()
    batch = max(1, min(_BATCH, int(rate)))
    while True:
        rows = await connection.fetch(
            load_statement("history/to_replay"), *selection.arguments(), reached, newest, batch
        )
        if not rows:
            return
        await asyncio.sleep(due - loop.time())
        await connection.fetch(
            "SELECT FROM events.replay($1, $2, $3)", [row["id"] for row in rows], again, selection.agent
        )
        reached = rows[-1]["sequence"]
        due = max(due, loop.time() - 1) + len(rows) / rate
        yield Progress(events=len(rows), reached=reached)
