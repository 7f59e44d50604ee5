"""When the next fill is to be asked for, and that it is time."""

from datetime import UTC, date, datetime, time, timedelta
from typing import ClassVar
from uuid import UUID

from agents.events.prescription import PrescriptionDelivered, PrescriptionRefillDue
from agents.fills.progress import publish_fill_event
from agents.graphql.client import GraphQLClient
from agents.prescription.operations import GetCourse, get_course, schedule_refill_due, set_refill_due
from agents.runtime.handler import Work, WriteBack
from agents.runtime.tasks import Task


class RefillDue(Task):
    """Due some days before a delivered fill runs out."""

    TYPE: ClassVar[str] = "prescription.refill_due"

    prescription_id: UUID
    #: The fill that runs out.
    fill_number: int


async def prescription_delivered(
    event: PrescriptionDelivered, work: Work, *, graphql: GraphQLClient, lead: timedelta
) -> WriteBack:
    """A fill has arrived: the day on which the next one is due is noted, and planned."""
    del work
    course = (await graphql.query(get_course(id=event.prescription_id))).prescription
    reason = _why_none(course)
    if course is None or reason is not None:
        return WriteBack(skipped=reason)
    fill = next((one for one in course.fills if one.fill_number == event.fill_number), None)
    if fill is None or fill.delivered_at is None:
        return WriteBack(skipped="no such fill was delivered")
    if any(one.fill_number > fill.fill_number for one in course.fills):
        return WriteBack(skipped="a later fill is under way")
    due_on = refill_due_on(fill.delivered_at, days_supply=fill.days_supply, lead=lead)
    if course.valid_until is not None and due_on > course.valid_until:
        return WriteBack(skipped="the prescription ends before the fill runs out")
    return WriteBack(
        mutations=(
            set_refill_due(id=course.id, due_on=due_on),
            schedule_refill_due(
                name=f"refill-due-{course.id}-{fill.fill_number}",
                due_at=datetime.combine(due_on, time(), tzinfo=UTC),
                payload={"prescription_id": str(course.id), "fill_number": fill.fill_number},
            ),
        )
    )


async def refill_due(task: RefillDue, work: Work, *, graphql: GraphQLClient) -> WriteBack:
    """The day has come: prescription.refill_due tells the customer, unless the next fill was asked for already."""
    del work
    course = (await graphql.query(get_course(id=task.prescription_id))).prescription
    reason = _why_none(course)
    customer = None if course is None or course.patient is None else course.patient.customer
    if course is None or customer is None or reason is not None:
        return WriteBack(skipped=reason)
    if course.refill_requested_at is not None:
        return WriteBack(skipped="the refill was asked for already")
    last = max(course.fills, key=lambda one: one.fill_number, default=None)
    if last is None or last.fill_number != task.fill_number:
        return WriteBack(skipped="a later fill is under way")
    return WriteBack(
        mutations=(
            publish_fill_event(
                PrescriptionRefillDue(
                    prescription_id=course.id,
                    customer_id=customer.id,
                    pharmacy_id=last.pharmacy_id,
                    fill_number=last.fill_number,
                )
            ),
        )
    )


def refill_due_on(delivered_at: datetime, *, days_supply: int, lead: timedelta) -> date:
    """The day (UTC) on which the next fill should be asked for.

    That is `lead` before this one runs out, but never more than a quarter of its days before: a fill for a week isn't
    asked for on the day that it came.
    """
    earliest = timedelta(days=days_supply // 4)
    return (delivered_at.astimezone(UTC) + timedelta(days=days_supply) - min(lead, earliest)).date()


def _why_none(course: GetCourse.Prescription | None) -> str | None:
    """Why there is no refill to come, or None when there is one."""
    if course is None or course.patient is None or course.patient.customer is None:
        return "the prescription is gone"
    if course.status != "active":
        return f"the prescription is {course.status}"
    if course.refills_remaining < 1:
        return "all refills have been used"
    if course.valid_until is not None and course.valid_until < datetime.now(UTC).date():
        return "the prescription is no longer valid"
    return None
