"""`request_data_deletion`: a customer asks to be forgotten (GDPR article 17).

The request waits for the end of a grace period (`scheduled_for`), for which a task of the data_deletion agent is
planned in the same transaction. While one is open, asking again gives that one. Errors: see `AccountCode`.
"""

from typing import Final

import strawberry

from resolvers.hand_written import OperationContext
from resolvers.operations.error_codes import AccountCode
from resolvers.operations.scalars import TIMESTAMPTZ, UUID_
from resolvers.operations.transaction import Refused, ask, my_id
from resolvers.role_schema import HandWritten

_NAME: Final = "request_data_deletion"
_LONGEST_REASON: Final = 1_000


@strawberry.type(name="requested_data_deletion", description="A request to be forgotten.")
class RequestedDataDeletion:
    """What `request_data_deletion` answers."""

    id: UUID_
    status: str
    scheduled_for: TIMESTAMPTZ = strawberry.field(description="End of the grace period: then the work begins.")
    created_at: TIMESTAMPTZ
    repeated: bool = strawberry.field(description="Whether it was asked for before.")


async def _request_data_deletion(
    info: strawberry.Info[OperationContext, None], reason: str | None = None
) -> RequestedDataDeletion:
    context = info.context
    reason = (reason or "").strip() or None
    if reason is not None and len(reason) > _LONGEST_REASON:
        message = f"a reason has at most {_LONGEST_REASON} characters"
        raise Refused(AccountCode.ARGUMENTS, message, _NAME, "reason")
    me = await ask(context, "lock_customer", my_id(context))
    if me is None:
        raise Refused(AccountCode.NOT_FOUND, "there is no such customer", _NAME)
    earlier = await ask(context, "read_data_deletion_request", me)
    found = earlier or await ask(context, "request_data_deletion", me, reason)
    return RequestedDataDeletion(
        id=found["id"],
        status=found["status"],
        scheduled_for=found["scheduled_for"],
        created_at=found["created_at"],
        repeated=earlier is not None,
    )


REQUEST_DATA_DELETION: Final = HandWritten(
    field=strawberry.field(
        resolver=_request_data_deletion,
        name=_NAME,
        description="Ask for one's data to be deleted, after a grace period. What law keeps stays, locked away.",
    ),
    kind="mutation",
    roles=frozenset({"user"}),
)
