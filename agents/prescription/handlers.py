"""What happens to a prescription, and what the prescription agent does about it."""

from typing import Final

from agents.events.prescription import PrescriptionRejected, PrescriptionSigned, PrescriptionUpdated
from agents.graphql.client import GraphQLClient
from agents.graphql.operations import Mutation
from agents.prescription.cancelling import OVER, cancel_order, fills_to_stop, stopped
from agents.prescription.operations import get_course, get_prescription, give_refill_back
from agents.prescription.ordering import (
    DueFill,
    Refused,
    due_fills,
    held,
    ordered,
    place_order,
    refused,
    what_is_missing,
)
from agents.prescription.tickets import held_fill, rejected_fill
from agents.runtime.handler import Work, WriteBack
from agents.tickets.support import open_ticket, ticket_row
from integrations.pharmacy.client import PharmacyClient
from integrations.zendesk.client import ZendeskClient

#: The columns whose change can ask for something: the others are the agent's own doing, or nobody's business here.
#: An approved refill shows as a request that is settled.
_LOOKED_AT: Final = frozenset({"status", "refill_requested_at", "refills_remaining"})
_SYSTEM: Final = "pharmacy"


async def prescription_signed(
    event: PrescriptionSigned, work: Work, *, graphql: GraphQLClient, pharmacy: PharmacyClient, zendesk: ZendeskClient
) -> WriteBack:
    """A prescription is signed: its first fill is ordered."""
    prescription = (await graphql.query(get_prescription(id=event.prescription_id))).prescription
    if prescription is None or prescription.patient is None:
        return WriteBack(skipped="the prescription is gone")
    if prescription.status != "active":
        return WriteBack(skipped=f"the prescription is {prescription.status}")
    return await _order(due_fills(prescription), work, pharmacy, zendesk)


async def prescription_updated(
    event: PrescriptionUpdated, work: Work, *, graphql: GraphQLClient, pharmacy: PharmacyClient, zendesk: ZendeskClient
) -> WriteBack:
    """An approved refill is ordered; of a prescription that is over, what isn't filled yet is cancelled.

    A refill that is asked for needs nothing: the provider sees it in the row, and approves it or not.
    """
    if not event.changed & _LOOKED_AT:
        return WriteBack(skipped="nothing changed that the pharmacy must know")
    if event.new.status in OVER:
        return await _stop(event, work, graphql, pharmacy)
    if event.new.status != "active":
        return WriteBack(skipped=f"the prescription is {event.new.status}")
    prescription = (await graphql.query(get_prescription(id=event.new.id))).prescription
    if prescription is None:
        return WriteBack(skipped="the prescription is gone")
    # When it was a draft it is being signed, and prescription.signed, right behind this event, orders the first fill.
    due = [fill for fill in due_fills(prescription) if fill.number > 0 or event.old.status != "draft"]
    return await _order(due, work, pharmacy, zendesk)


async def prescription_rejected(
    event: PrescriptionRejected, work: Work, *, graphql: GraphQLClient, zendesk: ZendeskClient
) -> WriteBack:
    """The pharmacy won't dispense a fill: the care team gets a ticket, and a refill can be asked for again."""
    course = (await graphql.query(get_course(id=event.prescription_id))).prescription
    customer = None if course is None or course.patient is None else course.patient.customer
    if course is None or customer is None:
        return WriteBack(skipped="the prescription is gone")
    if course.status != "active":
        # Most likely that is why.
        return WriteBack(skipped=f"the prescription is {course.status}")
    number = event.fill_number or 0
    matter = rejected_fill(course.id, number)
    ticket = await open_ticket(matter, work, customer=customer, zendesk=zendesk)
    mutations = [ticket_row(ticket, matter, customer_id=customer.id)]
    if number > 0:
        mutations.append(give_refill_back(id=course.id, refills_allowed=course.refills_allowed))
    return WriteBack(mutations=tuple(mutations))


async def _order(fills: list[DueFill], work: Work, pharmacy: PharmacyClient, zendesk: ZendeskClient) -> WriteBack:
    if not fills:
        return WriteBack(skipped="no fill waits to be ordered")
    mutations: list[Mutation] = []
    for fill in fills:
        missing = what_is_missing(fill)
        if missing is not None:
            mutations += await _hold(fill, missing, work, zendesk)
            continue
        async with work.step(f"order-{fill.number}", system=_SYSTEM, action="create_order") as step:
            order = await place_order(fill, pharmacy, idempotency_key=step.idempotency_key)
            step.id = None if isinstance(order, Refused) else order.id
        mutations += refused(fill, order) if isinstance(order, Refused) else ordered(fill, order)
    return WriteBack(mutations=tuple(mutations))


async def _hold(fill: DueFill, missing: str, work: Work, zendesk: ZendeskClient) -> tuple[Mutation, ...]:
    work.skip(system=_SYSTEM, action="create_order", reason=missing)
    if fill.held_because == missing:
        # Told already.
        return ()
    matter = held_fill(fill.prescription.id, fill.number, missing)
    ticket = await open_ticket(matter, work, customer=fill.customer, zendesk=zendesk)
    return (*held(fill, missing), ticket_row(ticket, matter, customer_id=fill.customer.id))


async def _stop(event: PrescriptionUpdated, work: Work, graphql: GraphQLClient, pharmacy: PharmacyClient) -> WriteBack:
    course = (await graphql.query(get_course(id=event.new.id))).prescription
    if course is None:
        return WriteBack(skipped="the prescription is gone")
    if course.status not in OVER:
        return WriteBack(skipped=f"the prescription is {course.status}")
    mutations: list[Mutation] = []
    for fill in fills_to_stop(course):
        name = f"cancel-{fill.fill_number}"
        async with work.step(name, system=_SYSTEM, action="cancel_order", id=fill.pharmacy_order_id) as step:
            is_stopped = await cancel_order(
                course, fill.fill_number, fill.pharmacy_order_id, pharmacy, idempotency_key=step.idempotency_key
            )
        if is_stopped:
            mutations.append(stopped(course, fill))
        else:
            work.skip(system=_SYSTEM, action="cancel_order", reason="too late: the pharmacy has filled it")
    if not course.fills:
        # Its order may have been made by an attempt that was cut short before it was written down.
        async with work.step("cancel-0", system=_SYSTEM, action="cancel_order") as step:
            await cancel_order(course, 0, None, pharmacy, idempotency_key=step.idempotency_key)
    if not mutations and course.fills:
        return WriteBack(skipped="nothing is left to be cancelled")
    return WriteBack(mutations=tuple(mutations))
