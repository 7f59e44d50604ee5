"""`replay_events`: events into the outbox once more, in the mutation's transaction. Admin only.

Replays keep the ids of their originals, so an agent that has handled an event does nothing, and one that hasn't does it
now. With `agent` they are for that agent alone, the others pass over them. `again` makes it happen once more:

- to all agents: the copies get new ids, and everything they set off happens again, e-mails included;
- to one `agent`: it forgets that it has handled them, and the copies keep their ids. Outside calls carry the same
  idempotency keys as before, so what an outside system remembers isn't done twice.

One call replays at most `limit` events, oldest first; `remaining` says how many are left, `reached` and `newest` where
to go on and to end (`after`, `up_to`), so that a month of events goes in pieces and at the caller's pace. Errors:
`validation-failed` (nothing chosen, or a limit out of bounds), `not-found` (no such event), `not-published` (an event
that still waits for the relay).
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import orjson
import strawberry

from resolvers.errors import GraphQLRequestError, ValidationFailed
from resolvers.hand_written import OperationContext
from resolvers.operations.scalars import BIGINT, TIMESTAMPTZ, UUID_
from resolvers.operations.statements import load_statement
from resolvers.pool import Connection
from resolvers.role_schema import HandWritten

#: Events of one call: they are written in one transaction, and wait in the outbox together.
_LIMIT: Final = 1_000
_HIGHEST_LIMIT: Final = 10_000
_PATH: Final = "$.selectionSet.replay_events.args"
#: Ids named in an error.
_NAMED: Final = 5


@strawberry.type(name="replayed_events", description="What a replay has put, or would put, into the outbox.")
class ReplayedEvents:
    """What `replay_events` answers."""

    events: int = strawberry.field(description="How many events are sent again.")
    remaining: int = strawberry.field(description="How many more were chosen and are left for another call.")
    reached: BIGINT | None = strawberry.field(
        description="Sequence number of the last of them: `after` of the next call. Null when there was none."
    )
    newest: BIGINT | None = strawberry.field(
        description="Sequence number of the newest that was chosen: `up_to` of the next call, so that it ends there, "
        "even if `again` makes new events of the same kind. Null when there was none."
    )
    ids: list[UUID_] = strawberry.field(description="The events, oldest first.")


async def _replay_events(
    info: strawberry.Info[OperationContext, None],
    ids: list[UUID_] | None = None,
    types: list[str] | None = None,
    subject: str | None = None,
    since: Annotated[TIMESTAMPTZ | None, strawberry.argument(name="from")] = None,
    until: Annotated[TIMESTAMPTZ | None, strawberry.argument(name="to")] = None,
    agent: str | None = None,
    dead: bool = False,
    again: bool = False,
    dry_run: bool = False,
    limit: int = _LIMIT,
    after: BIGINT = BIGINT(0),  # noqa: B008 -- a name for int
    up_to: BIGINT | None = None,
) -> ReplayedEvents:
    given = [ids, types, subject, since, until]
    if all(each is None for each in given) and agent is None and not dead:
        raise ValidationFailed("say which events: by ids, types, subject, from, to, dead or agent", _PATH)
    if not 1 <= limit <= _HIGHEST_LIMIT:
        raise ValidationFailed(f"limit is {limit}, it must be 1 to {_HIGHEST_LIMIT}", f"{_PATH}.limit")
    transaction = info.context.transaction
    if ids is not None:
        await _check(transaction, ids)
    # An agent alone stands for what it gave up; everything of its topics would be a surprise.
    only_dead = dead or (agent is not None and all(each is None for each in given))
    chosen = orjson.loads(
        await transaction.fetch_value(
            load_statement("choose_events"),
            ids,
            types,
            subject,
            since,
            until,
            agent,
            only_dead,
            int(after),
            limit,
            None if up_to is None else int(up_to),
        )
    )
    if not dry_run and chosen["ids"]:
        await transaction.fetch_value(load_statement("replay"), chosen["ids"], again, agent)
    return ReplayedEvents(
        events=len(chosen["ids"]),
        remaining=chosen["remaining"],
        reached=chosen["reached"],
        newest=chosen["newest"],
        ids=chosen["ids"],
    )


async def _check(transaction: Connection, ids: Sequence[str]) -> None:
    """Refuse ids that no event has, or whose event has yet to be sent the first time."""
    unready = orjson.loads(await transaction.fetch_value(load_statement("unready_events"), ids))
    if unready["unknown"]:
        raise GraphQLRequestError("not-found", f"there is no event {_named(unready['unknown'])}", f"{_PATH}.ids")
    if unready["waiting"]:
        raise GraphQLRequestError(
            "not-published",
            f"event {_named(unready['waiting'])} still waits to be published; it will be delivered without a replay",
            f"{_PATH}.ids",
        )


def _named(ids: Sequence[Any]) -> str:
    listed = ", ".join(str(each) for each in ids[:_NAMED])
    return listed if len(ids) <= _NAMED else f"{listed} and {len(ids) - _NAMED} more"


REPLAY_EVENTS: Final = HandWritten(
    field=strawberry.field(
        resolver=_replay_events,
        name="replay_events",
        description="Send events again, oldest first, under their ids: an agent that has handled one does nothing. "
        "With `agent`, only that one gets them. With `again`, all agents, or the one named, handle them once more.",
    ),
    kind="mutation",
    roles=frozenset(),
)
