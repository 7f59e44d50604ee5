"""`finish_task`: a scheduled task is done, or has failed for good, in the transaction of what it did. For agents.

A task that is not open any more (done, cancelled, planned anew) is refused with `task-superseded`, which undoes the
whole mutation: that is what makes a task happen once.
"""

from typing import Final

import strawberry

from resolvers.errors import GraphQLRequestError
from resolvers.hand_written import OperationContext
from resolvers.operations.scalars import UUID_
from resolvers.operations.statements import load_statement
from resolvers.role_schema import HandWritten


@strawberry.type(name="finished_task", description="A scheduled task that came to its end.")
class FinishedTask:
    """What `finish_task` answers."""

    status: str = strawberry.field(description="`done` or `failed`.")


async def _finish_task(
    info: strawberry.Info[OperationContext, None],
    id: UUID_,  # noqa: A002 -- the argument's name
    generation: int,
    error: str | None = None,
) -> FinishedTask:
    context = info.context
    status = await context.transaction.fetch_value(
        load_statement("finish_task"), id, generation, context.session.user_id, error
    )
    if status is None:
        message = f"generation {generation} of task {id} is not open: it was done, cancelled or planned anew"
        raise GraphQLRequestError("task-superseded", message, "$.selectionSet.finish_task")
    return FinishedTask(status=status)


FINISH_TASK: Final = HandWritten(
    field=strawberry.field(
        resolver=_finish_task,
        name="finish_task",
        description="End a scheduled task: done, or failed when an error is given.",
    ),
    kind="mutation",
    roles=frozenset({"service"}),
)
