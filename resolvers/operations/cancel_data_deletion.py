"""`cancel_data_deletion`: a customer stays after all, as long as the grace period lasts.

Withdraws the pending request and its planned work. Asking again gives the request that was withdrawn last. Errors: see
`DeletionCode`.
"""

from typing import Final

import strawberry

from resolvers.hand_written import OperationContext
from resolvers.operations.error_codes import DeletionCode
from resolvers.operations.scalars import TIMESTAMPTZ, UUID_
from resolvers.operations.transaction import Refused, ask, my_id
from resolvers.role_schema import HandWritten

_NAME: Final = "cancel_data_deletion"


@strawberry.type(name="cancelled_data_deletion", description="A request to be forgotten that was withdrawn.")
class CancelledDataDeletion:
    """What `cancel_data_deletion` answers."""

    id: UUID_
    status: str
    cancelled_at: TIMESTAMPTZ
    repeated: bool = strawberry.field(description="Whether it was withdrawn before.")


async def _cancel(info: strawberry.Info[OperationContext, None]) -> CancelledDataDeletion:
    context = info.context
    me = await ask(context, "lock_customer", my_id(context))
    cancelled = None if me is None else await ask(context, "cancel_data_deletion", me)
    earlier = await ask(context, "find_cancelled_data_deletion", me) if me is not None and cancelled is None else None
    found = cancelled or earlier
    if found is None:
        message = "there is no request to withdraw, or its work has begun"
        raise Refused(DeletionCode.NOT_FOUND, message, _NAME)
    return CancelledDataDeletion(**found, repeated=cancelled is None)


CANCEL_DATA_DELETION: Final = HandWritten(
    field=strawberry.field(
        resolver=_cancel,
        name=_NAME,
        description="Withdraw one's request to be forgotten, before the end of its grace period.",
    ),
    kind="mutation",
    roles=frozenset({"user"}),
)
