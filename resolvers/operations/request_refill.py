"""`request_refill`: a customer asks for the next fill of an own prescription, from the day that it is due.

A fill that is on its way counts as one that has come: the next is due when a quarter of it would be left.

The request waits in `refill_requested_at` for a provider's approval; `prescription.updated` tells of it. Asking while
it waits gives the same answer. Errors: see `PrescriptionCode`.
"""

from typing import Any, Final

import strawberry

from resolvers.hand_written import OperationContext
from resolvers.operations.error_codes import PrescriptionCode
from resolvers.operations.scalars import TIMESTAMPTZ, UUID_
from resolvers.operations.transaction import Refused, ask, my_id
from resolvers.role_schema import HandWritten

_NAME: Final = "request_refill"
#: Fills that are neither on their way to the patient nor given up.
UNDER_WAY: Final = frozenset({"queued", "sent", "accepted", "filled"})


@strawberry.type(name="requested_refill", description="A refill that waits for a provider's approval.")
class RequestedRefill:
    """What `request_refill` answers."""

    prescription_id: UUID_
    refill_requested_at: TIMESTAMPTZ
    refills_remaining: int
    repeated: bool = strawberry.field(description="Whether it was asked for before.")


async def _request_refill(info: strawberry.Info[OperationContext, None], prescription_id: UUID_) -> RequestedRefill:
    context = info.context
    locked = await ask(context, "lock_prescription_of_customer", prescription_id, my_id(context))
    if locked is None:
        raise Refused(PrescriptionCode.NOT_FOUND, "there is no such prescription", _NAME, "prescription_id")
    found = await ask(context, "read_refill", locked)
    requested_at = found["refill_requested_at"]
    if requested_at is None:
        check_refill(found, _NAME)
        if found["is_too_soon"]:
            message = f"the next fill is due on {found['refill_due_on']}"
            raise Refused(PrescriptionCode.TOO_SOON, message, _NAME, "prescription_id")
    return RequestedRefill(
        prescription_id=found["id"],
        refill_requested_at=requested_at or await ask(context, "request_refill", found["id"]),
        refills_remaining=found["refills_remaining"],
        repeated=requested_at is not None,
    )


def check_refill(found: dict[str, Any], operation: str) -> None:
    """Refuse unless the prescription, as `read_refill.sql` gives it, has a refill to give."""

    def refuse(code: PrescriptionCode, message: str) -> None:
        raise Refused(code, message, operation, "prescription_id")

    if found["status"] != "active":
        refuse(PrescriptionCode.WRONG_STATUS, f"the prescription is {found['status']}; refills need an active one")
    if found["is_over"]:
        refuse(PrescriptionCode.EXPIRED, f"the prescription was valid until {found['valid_until']}")
    if found["refills_remaining"] < 1:
        refuse(PrescriptionCode.NO_REFILLS_LEFT, "all refills have been used")
    if found["fill"] is not None and found["fill"]["status"] in UNDER_WAY:
        refuse(PrescriptionCode.FILL_UNDER_WAY, "a fill is with the pharmacy already")


REQUEST_REFILL: Final = HandWritten(
    field=strawberry.field(
        resolver=_request_refill,
        name=_NAME,
        description="Ask for the next fill of an own prescription; a provider approves it.",
    ),
    kind="mutation",
    roles=frozenset({"user"}),
    shows=("healthcare.prescription",),
)
