"""`cancel_task`: a scheduled task that needn't be done any more. For agents, of their own tasks.

Cancelling what is over, or was never planned, is no error: it will not be done either way.
"""

from typing import Final

import strawberry

from resolvers.hand_written import OperationContext
from resolvers.operations.statements import load_statement
from resolvers.role_schema import HandWritten


@strawberry.type(name="cancelled_task", description="What became of a cancellation.")
class CancelledTask:
    """What `cancel_task` answers."""

    cancelled: bool = strawberry.field(description="False when it was over already, or never planned.")


async def _cancel_task(info: strawberry.Info[OperationContext, None], name: str) -> CancelledTask:
    context = info.context
    status = await context.transaction.fetch_value(load_statement("cancel_task"), name, context.session.user_id)
    return CancelledTask(cancelled=status is not None)


CANCEL_TASK: Final = HandWritten(
    field=strawberry.field(
        resolver=_cancel_task, name="cancel_task", description="Cancel a scheduled task that is not done yet."
    ),
    kind="mutation",
    roles=frozenset({"service"}),
)
