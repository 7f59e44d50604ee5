"""A later picture of an order moves the fill on; an earlier one changes nothing."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from agents.events.envelope import derived_id
from agents.events.prescription import (
    FillEvent,
    PrescriptionDelivered,
    PrescriptionFilled,
    PrescriptionRejected,
    PrescriptionShipped,
)
from agents.fills.operations import FindFill, HealthcarePrescriptionFillSetInput, find_fill, move_fill
from agents.graphql.operations import Mutation, Query
from agents.runtime.operations import publish_event
from integrations.pharmacy.types import Order, OrderStatus

#: The order in which a fill goes through its statuses; rejected is an end beside them.
_WAY: Final = ("queued", "sent", "accepted", "filled", "shipped", "delivered")
#: What is with the pharmacy or about to be: it can still be rejected.
UNDER_WAY: Final = ("queued", "sent", "accepted", "filled")

#: What the network says → what the fill's row says. A fill of ours has no word for cancelled: nothing is dispensed,
#: and `status_reason` says why.
STATUS: Final[Mapping[OrderStatus, str]] = {
    OrderStatus.RECEIVED: "sent",
    OrderStatus.ACCEPTED: "accepted",
    OrderStatus.REJECTED: "rejected",
    OrderStatus.FILLED: "filled",
    OrderStatus.SHIPPED: "shipped",
    OrderStatus.DELIVERED: "delivered",
    OrderStatus.CANCELLED: "rejected",
}
#: What is told of. That an order was made is told by who made it, that it was cancelled by nobody: we asked for it.
_EVENTS: Final[Mapping[OrderStatus, type[FillEvent]]] = {
    OrderStatus.REJECTED: PrescriptionRejected,
    OrderStatus.FILLED: PrescriptionFilled,
    OrderStatus.SHIPPED: PrescriptionShipped,
    OrderStatus.DELIVERED: PrescriptionDelivered,
}
CANCELLED: Final = "The order was cancelled."

_REFERENCE: Final = re.compile(r"(?P<prescription>[0-9a-f-]{36})\.(?P<number>[0-9]{1,4})")
_NOBODY: Final = UUID(int=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fill:
    """A fill as its row has it."""

    id: UUID
    prescription_id: UUID
    customer_id: UUID
    pharmacy_id: UUID
    #: 0 is the first one.
    fill_number: int
    #: queued | sent | accepted | rejected | filled | shipped | delivered
    status: str


def reference(prescription_id: UUID, fill_number: int) -> str:
    """What an order of ours is called at the network: `<prescription>.<number of the fill>`."""
    return f"{prescription_id}.{fill_number}"


def find_fill_of(order: Order) -> Query[FindFill]:
    """The fill that an order is for: none while its row isn't written yet, or when the order isn't ours."""
    match = _REFERENCE.fullmatch(order.reference)
    try:
        prescription_id = UUID(match["prescription"]) if match else _NOBODY
    except ValueError:
        prescription_id = _NOBODY
    number = int(match["number"]) if match else 0
    return find_fill(order_id=order.id, prescription_id=prescription_id, fill_number=number)


def fill_found(answer: FindFill) -> Fill | None:
    """The fill out of the answer of `find_fill_of`."""
    for found in answer.fills:
        if found.prescription is not None and found.prescription.patient is not None:
            return Fill(
                id=found.id,
                prescription_id=found.prescription_id,
                customer_id=found.prescription.patient.customer_id,
                pharmacy_id=found.pharmacy_id,
                fill_number=found.fill_number,
                status=found.status,
            )
    return None


def progress(order: Order, fill: Fill) -> tuple[Mutation, ...]:
    """What to write for a fill when the network shows its order like this; nothing when that is nothing new.

    The row gets the status with all moments, carrier and tracking of the order, unless it has moved on meanwhile. The
    event of that status is published, those of statuses that were passed over are not: who hears that a parcel has
    arrived needn't hear that it was sent.
    """
    reached = STATUS[order.status]
    before = UNDER_WAY if reached == "rejected" else _WAY[: _WAY.index(reached)]
    if fill.status not in before:
        return ()
    moved = move_fill(id=fill.id, statuses=list(before), set=_columns(order, reached))
    event = _EVENTS.get(order.status)
    if event is None:
        return (moved,)
    told = event(
        prescription_id=fill.prescription_id,
        customer_id=fill.customer_id,
        pharmacy_id=fill.pharmacy_id,
        fill_number=fill.fill_number,
    )
    return moved, publish_fill_event(told)


def publish_fill_event(event: FillEvent) -> Mutation:
    """Publish an event that there is once in the life of a fill.

    Its id is made of prescription and number, because the first fill's row is written together with prescription.sent.
    """
    event_id = derived_id(event.prescription_id, f"fill-{event.fill_number}:{event.TYPE}")
    return publish_event(id=event_id, type=event.TYPE, subject=event.subject, data=event.data())


def _columns(order: Order, status: str) -> HealthcarePrescriptionFillSetInput:
    columns = HealthcarePrescriptionFillSetInput(status=status, pharmacy_order_id=order.id)
    at = order.reached_at
    if OrderStatus.ACCEPTED in at:
        columns["accepted_at"] = at[OrderStatus.ACCEPTED]
    if OrderStatus.FILLED in at:
        columns["filled_at"] = at[OrderStatus.FILLED]
    if OrderStatus.SHIPPED in at:
        columns["shipped_at"] = at[OrderStatus.SHIPPED]
    if OrderStatus.DELIVERED in at:
        columns["delivered_at"] = at[OrderStatus.DELIVERED]
    if status == "rejected":
        columns["rejected_at"] = at.get(order.status)
        columns["status_reason"] = CANCELLED if order.status is OrderStatus.CANCELLED else order.rejection_reason
    if order.shipment is not None:
        columns["carrier"] = order.shipment.carrier
        columns["tracking_number"] = order.shipment.tracking_number
        columns["tracking_url"] = order.shipment.tracking_url
    return columns
