"""`approve_refill`: a provider on the patient's care team lets a refill that was asked for go to the pharmacy.

In one transaction one refill is used, the request is settled, and the fill is queued for the prescription agent, which
`prescription.updated` wakes. Approving again gives the same answer for as long as that fill is with the pharmacy.
Errors: see `PrescriptionCode`.
"""

from typing import Any, Final

import strawberry

from resolvers.hand_written import OperationContext
from resolvers.operations.error_codes import PrescriptionCode
from resolvers.operations.request_refill import UNDER_WAY, check_refill
from resolvers.operations.scalars import UUID_
from resolvers.operations.transaction import Refused, ask, my_id
from resolvers.role_schema import HandWritten

_NAME: Final = "approve_refill"


@strawberry.type(name="approved_refill", description="A refill on its way to the pharmacy.")
class ApprovedRefill:
    """What `approve_refill` answers."""

    prescription_id: UUID_
    patient_id: UUID_
    refills_remaining: int
    fill_id: UUID_
    fill_number: int
    fill_status: str
    pharmacy_id: UUID_
    repeated: bool = strawberry.field(description="Whether it was approved before.")


async def _approve_refill(info: strawberry.Info[OperationContext, None], prescription_id: UUID_) -> ApprovedRefill:
    context = info.context
    locked = await ask(context, "lock_prescription_of_provider", prescription_id, my_id(context))
    if locked is None:
        raise Refused(PrescriptionCode.NOT_FOUND, "there is no such prescription", _NAME, "prescription_id")
    found = await ask(context, "read_refill", locked)
    if found["refill_requested_at"] is None:
        fill = found["fill"]
        if fill is not None and fill["fill_number"] > 0 and fill["status"] in UNDER_WAY:
            return _answer(found, repeated=True)
        raise Refused(PrescriptionCode.NOT_REQUESTED, "nobody has asked for a refill", _NAME, "prescription_id")
    check_refill(found, _NAME)
    if not found["can_be_dispensed"]:
        message = "the medication or the patient's chart is out of use"
        raise Refused(PrescriptionCode.CANNOT_BE_DISPENSED, message, _NAME, "prescription_id")
    if found["pharmacy_id"] is None:
        message = "neither the prescription nor the patient names a pharmacy that is in use"
        raise Refused(PrescriptionCode.PHARMACY_MISSING, message, _NAME, "prescription_id")
    # 0 is the first fill, also when it never came about.
    number = max(1, found["fill"]["fill_number"] + 1 if found["fill"] else 1)
    found |= await ask(context, "approve_refill", found["id"], str(number), found["pharmacy_id"])
    return _answer(found, repeated=False)


def _answer(found: dict[str, Any], *, repeated: bool) -> ApprovedRefill:
    fill = found["fill"]
    return ApprovedRefill(
        prescription_id=found["id"],
        patient_id=found["patient_id"],
        refills_remaining=found["refills_remaining"],
        fill_id=fill["id"],
        fill_number=fill["fill_number"],
        fill_status=fill["status"],
        pharmacy_id=fill["pharmacy_id"],
        repeated=repeated,
    )


APPROVE_REFILL: Final = HandWritten(
    field=strawberry.field(
        resolver=_approve_refill,
        name=_NAME,
        description="Approve a refill that a patient in one's care has asked for.",
    ),
    kind="mutation",
    roles=frozenset({"provider"}),
    shows=("healthcare.prescription", "healthcare.prescription_fill"),
)
