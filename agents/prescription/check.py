"""The hourly check: nothing that was signed or approved is forgotten, whatever got lost on the way.

- A fill of which nothing was heard for a while: the pharmacy is asked, and its answer is written as its webhook would.
- A fill that waits, or a signed prescription without any: it is ordered (again).
- A fill of a prescription that is over: its order is cancelled, if that is still possible.

Running it twice, or beside the events, does no harm: orders are made once for their name, a fill's row only goes
forward, and each of its events is published once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import structlog

from agents.fills.progress import Fill, progress, reference
from agents.graphql.client import GraphQLClient
from agents.prescription.cancelling import OVER, cancel_order, fills_to_stop, stopped
from agents.prescription.operations import (
    ListStuckFills,
    get_course,
    get_prescription,
    list_stuck_fills,
    list_unsent_prescriptions,
)
from agents.prescription.ordering import Refused, due_fills, ordered, place_order, refused, what_is_missing
from agents.runtime.jobs import JobRun
from integrations.errors import NotFound, PermanentError
from integrations.pharmacy.client import PharmacyClient
from integrations.pharmacy.types import Order

_log = structlog.get_logger(__name__)

_PAGE: Final = 100
_FIRST: Final = UUID(int=0)


@dataclass(slots=True, kw_only=True)
class Counts:
    """What a run has done so far."""

    #: Fills that nothing was heard of.
    looked_at: int = 0
    moved: int = 0
    ordered: int = 0
    cancelled: int = 0
    #: Orders that the network doesn't know.
    unknown: int = 0
    #: What the network refused for good; the log names them.
    refused: int = 0
    #: Prescriptions that were seen to in this run, so that none is twice.
    seen: set[UUID] = field(default_factory=set)

    def result(self) -> Mapping[str, int]:
        """The counts, for the run's record."""
        return {
            "looked_at": self.looked_at,
            "moved": self.moved,
            "ordered": self.ordered,
            "cancelled": self.cancelled,
            "unknown": self.unknown,
            "refused": self.refused,
        }


async def check_fills(
    run: JobRun, *, graphql: GraphQLClient, pharmacy: PharmacyClient, stuck_after: timedelta
) -> Mapping[str, int]:
    """Go through all that is under way. Ends at once when the pharmacy can't be reached: the next run goes on."""
    del run
    before = datetime.now(UTC) - stuck_after
    check = _Check(graphql, pharmacy)
    after = _FIRST
    while fills := (await graphql.query(list_stuck_fills(before=before, after=after, limit=_PAGE))).fills:
        for fill in fills:
            await check.see_to(fill)
        after = fills[-1].id
    after = _FIRST
    while unsent := (
        await graphql.query(list_unsent_prescriptions(before=before, after=after, limit=_PAGE))
    ).prescriptions:
        for prescription in unsent:
            await check.order_due(prescription.id)
        after = unsent[-1].id
    return check.counts.result()


class _Check:
    """One run."""

    def __init__(self, graphql: GraphQLClient, pharmacy: PharmacyClient) -> None:
        self._graphql = graphql
        self._pharmacy = pharmacy
        self.counts = Counts()

    async def see_to(self, fill: ListStuckFills.Fills) -> None:
        self.counts.looked_at += 1
        if fill.prescription is None or fill.prescription.patient is None:
            return
        try:
            if fill.prescription.status in OVER and fill.status in {"queued", "sent", "accepted"}:
                await self._cancel(fill.prescription_id)
            elif fill.status == "queued":
                await self.order_due(fill.prescription_id)
            else:
                await self._ask(fill, fill.prescription.patient.customer_id)
        except PermanentError as error:
            # The others must not wait for this one.
            self._note(error, fill.prescription_id)

    async def order_due(self, prescription_id: UUID) -> None:
        """Order what waits of a prescription."""
        if prescription_id in self.counts.seen:
            return
        self.counts.seen.add(prescription_id)
        prescription = (await self._graphql.query(get_prescription(id=prescription_id))).prescription
        for fill in due_fills(prescription) if prescription is not None else ():
            if what_is_missing(fill) is not None:
                continue
            try:
                order = await place_order(fill, self._pharmacy, idempotency_key=f"check:{fill.reference}")
            except PermanentError as error:
                self._note(error, prescription_id)
                continue
            # It may have been stopped while we asked. If it is stopped later, whoever hears of that finds the order.
            course = (await self._graphql.query(get_course(id=prescription_id))).prescription
            if course is not None and course.status in OVER:
                await self._cancel(prescription_id, fill.number)
                continue
            self.counts.ordered += 1
            await self._graphql.mutate(*(refused(fill, order) if isinstance(order, Refused) else ordered(fill, order)))

    async def _ask(self, fill: ListStuckFills.Fills, customer_id: UUID) -> None:
        order = await self._find(fill)
        if order is None:
            self.counts.unknown += 1
            _log.warning("fill.order_unknown", prescription_id=str(fill.prescription_id), fill_number=fill.fill_number)
            return
        mutations = progress(
            order,
            Fill(
                id=fill.id,
                prescription_id=fill.prescription_id,
                customer_id=customer_id,
                pharmacy_id=fill.pharmacy_id,
                fill_number=fill.fill_number,
                status=fill.status,
            ),
        )
        if mutations:
            self.counts.moved += 1
            await self._graphql.mutate(*mutations)

    async def _find(self, fill: ListStuckFills.Fills) -> Order | None:
        if fill.pharmacy_order_id is None:
            return await self._pharmacy.find_order(reference(fill.prescription_id, fill.fill_number))
        try:
            return await self._pharmacy.get_order(fill.pharmacy_order_id)
        except NotFound:
            return None

    async def _cancel(self, prescription_id: UUID, unwritten: int | None = None) -> None:
        """Cancel what can be of a prescription that is over, and an order whose fill isn't written as sent."""
        course = (await self._graphql.query(get_course(id=prescription_id))).prescription
        if course is None or course.status not in OVER:
            return
        for fill in fills_to_stop(course):
            key = f"check:cancel:{reference(course.id, fill.fill_number)}"
            if await cancel_order(
                course, fill.fill_number, fill.pharmacy_order_id, self._pharmacy, idempotency_key=key
            ):
                self.counts.cancelled += 1
                await self._graphql.mutate(stopped(course, fill))
        if unwritten is not None:
            key = f"check:cancel:{reference(course.id, unwritten)}"
            await cancel_order(course, unwritten, None, self._pharmacy, idempotency_key=key)

    def _note(self, error: PermanentError, prescription_id: UUID) -> None:
        self.counts.refused += 1
        _log.warning("fill.refused", prescription_id=str(prescription_id), operation=error.operation, code=error.code)
