"""`discard_dead_letters`: what was given up stays given up, and the row says who decided that and why. Admin only.

Discarding twice is one discarding. Errors: `validation-failed` (no ids, too many, or no reason), `not-found` (no such
dead letter), `already-replayed` (its event was sent again). Any of them leaves all letters as they were.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson
import strawberry

from resolvers.errors import GraphQLRequestError, ValidationFailed
from resolvers.hand_written import OperationContext
from resolvers.operations.scalars import UUID_
from resolvers.operations.statements import load_statement
from resolvers.role_schema import HandWritten

_MOST: Final = 10_000
_LONGEST_REASON: Final = 1_000
_PATH: Final = "$.selectionSet.discard_dead_letters.args"
#: Ids named in an error.
_NAMED: Final = 5


@strawberry.type(name="discarded_dead_letters", description="What became of the dead letters.")
class DiscardedDeadLetters:
    """What `discard_dead_letters` answers."""

    discarded: int = strawberry.field(description="How many were open, and are discarded now.")


async def _discard_dead_letters(
    info: strawberry.Info[OperationContext, None], ids: list[UUID_], reason: str
) -> DiscardedDeadLetters:
    if not 1 <= len(ids) <= _MOST:
        raise ValidationFailed(f"name 1 to {_MOST} dead letters, not {len(ids)}", f"{_PATH}.ids")
    reason = reason.strip()
    if not 1 <= len(reason) <= _LONGEST_REASON:
        raise ValidationFailed(f"give a reason of 1 to {_LONGEST_REASON} characters", f"{_PATH}.reason")
    session = info.context.session
    answer = orjson.loads(
        await info.context.transaction.fetch_value(
            load_statement("discard_dead_letters"), ids, reason, session.user_id or session.role
        )
    )
    if answer["unknown"]:
        raise GraphQLRequestError("not-found", f"there is no dead letter {_named(answer['unknown'])}", f"{_PATH}.ids")
    if answer["replayed"]:
        message = f"the event of dead letter {_named(answer['replayed'])} was replayed; nothing is left to discard"
        raise GraphQLRequestError("already-replayed", message, f"{_PATH}.ids")
    return DiscardedDeadLetters(discarded=answer["discarded"])


def _named(ids: Sequence[Any]) -> str:
    listed = ", ".join(str(each) for each in ids[:_NAMED])
    return listed if len(ids) <= _NAMED else f"{listed} and {len(ids) - _NAMED} more"


DISCARD_DEAD_LETTERS: Final = HandWritten(
    field=strawberry.field(
        resolver=_discard_dead_letters,
        name="discard_dead_letters",
        description="Settle dead letters without sending their events again.",
    ),
    kind="mutation",
    roles=frozenset(),
)
