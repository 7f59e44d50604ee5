"""A prescription is over before its time: what the pharmacy hasn't filled yet is cancelled there."""

from datetime import UTC, datetime
from typing import Final

from agents.fills.operations import move_fill
from agents.fills.progress import UNDER_WAY, reference
from agents.graphql.operations import Mutation
from agents.prescription.operations import GetCourse
from integrations.errors import NotFound, PermanentError
from integrations.pharmacy.client import NOT_CANCELLABLE, PharmacyClient

#: Prescriptions in these aren't dispensed any more.
OVER: Final = frozenset({"cancelled", "stopped"})
#: Fills that can still be stopped, as far as we know.
_STOPPABLE: Final = frozenset({"queued", "sent", "accepted"})
_WHY: Final = "prescription_{status}"
_REASON: Final = "The prescription was {status}."


def fills_to_stop(course: GetCourse.Prescription) -> list[GetCourse.Prescription.Fills]:
    """The fills of a prescription that is over which may still be stopped."""
    return [fill for fill in course.fills if fill.status in _STOPPABLE]


async def cancel_order(
    course: GetCourse.Prescription,
    fill_number: int,
    order_id: str | None,
    pharmacy: PharmacyClient,
    *,
    idempotency_key: str,
) -> bool:
    """Cancel a fill's order at the pharmacy. True when nothing will be dispensed, False when it is too late.

    Without its id the order is looked for by name: it may have been made by an attempt that was cut short.
    """
    if order_id is None:
        found = await pharmacy.find_order(reference(course.id, fill_number))
        if found is None:
            return True
        order_id = found.id
    try:
        await pharmacy.cancel_order(order_id, reason=_WHY.format(status=course.status), idempotency_key=idempotency_key)
    except NotFound:
        return True
    except PermanentError as error:
        if error.code != NOT_CANCELLABLE:
            raise
        return False
    return True


def stopped(course: GetCourse.Prescription, fill: GetCourse.Prescription.Fills) -> Mutation:
    """What to write for a fill that was stopped: it won't be dispensed, and says why."""
    return move_fill(
        id=fill.id,
        statuses=list(UNDER_WAY),
        set={
            "status": "rejected",
            "status_reason": _REASON.format(status=course.status),
            "rejected_at": datetime.now(UTC),
        },
    )
