"""`reschedule_task`: another time for a scheduled task, also for one that was cancelled or has failed. For agents.

Errors: `not-found` for a task that was never planned or is done.
"""

from typing import Final

import strawberry

from resolvers.errors import GraphQLRequestError
from resolvers.hand_written import OperationContext
from resolvers.operations.scalars import TIMESTAMPTZ
from resolvers.operations.statements import load_statement
from resolvers.role_schema import HandWritten


@strawberry.type(name="rescheduled_task", description="A scheduled task with its new time.")
class RescheduledTask:
    """What `reschedule_task` answers."""

    generation: int = strawberry.field(description="How often it was planned anew.")


async def _reschedule_task(
    info: strawberry.Info[OperationContext, None], name: str, due_at: TIMESTAMPTZ
) -> RescheduledTask:
    context = info.context
    generation = await context.transaction.fetch_value(
        load_statement("reschedule_task"), name, context.session.user_id, due_at
    )
    if generation is None:
        path = "$.selectionSet.reschedule_task.args.name"
        raise GraphQLRequestError("not-found", f"there is no task {name!r} that could still be done", path)
    return RescheduledTask(generation=int(generation))


RESCHEDULE_TASK: Final = HandWritten(
    field=strawberry.field(
        resolver=_reschedule_task, name="reschedule_task", description="Plan a scheduled task for another time."
    ),
    kind="mutation",
    roles=frozenset({"service"}),
)
