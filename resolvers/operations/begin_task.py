"""`begin_task`: may the agent do its scheduled task now? Counts the attempt. For agents, of their own tasks.

It saves work and outside calls; what decides is `finish_task` in the write-back.
"""

from typing import Final

import orjson
import strawberry

from resolvers.hand_written import OperationContext
from resolvers.operations.scalars import UUID_
from resolvers.operations.statements import load_statement
from resolvers.role_schema import HandWritten


@strawberry.type(name="begun_task", description="Whether a scheduled task is to be done now.")
class BegunTask:
    """What `begin_task` answers."""

    due: bool = strawberry.field(description="Whether it is to be done.")
    status: str | None = strawberry.field(
        description="Its status; `superseded` when it was planned anew since, null when there is no such task."
    )


async def _begin_task(info: strawberry.Info[OperationContext, None], id: UUID_, generation: int) -> BegunTask:  # noqa: A002 -- the argument's name
    context = info.context
    answer = await context.transaction.fetch_value(
        load_statement("begin_task"), id, generation, context.session.user_id
    )
    return BegunTask(**orjson.loads(answer))


BEGIN_TASK: Final = HandWritten(
    field=strawberry.field(
        resolver=_begin_task, name="begin_task", description="Ask whether a scheduled task is to be done, and count it."
    ),
    kind="mutation",
    roles=frozenset({"service"}),
)
