"""Prescriptions and the times they were filled and shipped."""

import datetime
from collections.abc import Mapping
from typing import Any

from local.demo.catalogue import MEDICATIONS, Medication
from local.demo.chance import Chance
from local.demo.chart import Charted
from local.demo.dates import days
from local.demo.people import BO
from local.demo.rows import Row, Rows
from schema.tables import healthcare, public

_REFILLS = 5
#: Hours after queueing at which a fill gets to each status, one after the other.
_STEPS: Mapping[str, float] = {"sent": 0.1, "accepted": 2, "filled": 20, "shipped": 30, "delivered": 84}
_CARRIERS = (("UPS", "1Z", 16), ("USPS", "94", 20), ("FedEx", "77", 10))
_REASONS = {
    "on_hold": "Waiting for laboratory results.",
    "stopped": "Stopped because of side effects.",
    "cancelled": "Prescribed by mistake.",
}


def add_prescriptions(rows: Rows, chance: Chance, charts: list[Charted]) -> None:
    """One or two prescriptions for most patients, with their fills."""
    for chart in charts:
        story = chart.customer.story
        if story.name == "signed_up":
            continue
        main = chart.customer.treatment.medications[0]
        if story.subscription == "cancelled":
            status = chance.spread({"stopped": 3, "completed": 2})
        elif story.subscription == "paused":
            status = "on_hold"
        elif chart.customer.id == BO:
            status = "active"
        else:
            status = chance.spread({"active": 24, "on_hold": 1, "completed": 1, "draft": 2})
        _Prescribing(rows, chance, chart).prescribe(MEDICATIONS[main], status)
        others = [code for code in chart.customer.treatment.medications[1:] if MEDICATIONS[code].status == "active"]
        if others and (chance.happens(0.25) or chart.customer.id == BO):
            status = chance.spread({"draft": 3, "active": 4, "cancelled": 1, "stopped": 1})
            _Prescribing(rows, chance, chart).prescribe(MEDICATIONS[chance.pick(others)], status)


class _Prescribing:
    """Makes the prescriptions of one patient."""

    def __init__(self, rows: Rows, chance: Chance, chart: Charted) -> None:
        self._rows = rows
        self._chance = chance
        self._chart = chart

    def prescribe(self, medication: Medication, status: str) -> None:
        """Add a prescription in this status, with the fills that it must have had."""
        authored = min(self._chart.since + days(0.15), self._rows.now - days(0.3))
        if status == "draft":
            authored = self._rows.now - days(self._chance.number(0.1, 3))
        signed = status not in {"draft", "cancelled"}
        medication_id = next(
            row["id"] for row in self._rows.all(healthcare.medication) if row["code"] == medication.code
        )
        prescription = self._rows.add(
            healthcare.prescription,
            patient_id=self._chart.patient["id"],
            requester_id=self._chart.provider["id"],
            medication_id=medication_id,
            encounter_id=self._chart.encounters[0]["id"],
            contract_id=self._contract_id(),
            pharmacy_id=self._chart.patient["preferred_pharmacy_id"] if status != "draft" else None,
            status=status,
            status_reason=_REASONS.get(status),
            dosage_instruction=medication.dosage,
            dose_quantity=1,
            dose_unit=medication.quantity_unit,
            quantity=medication.quantity,
            quantity_unit=medication.quantity_unit,
            days_supply=medication.days_supply,
            refills_allowed=_REFILLS,
            refills_remaining=_REFILLS,
            authored_on=authored,
            signed_at=authored + days(0.05) if signed else None,
            valid_until=(authored + days(365)).date() if signed else None,
            created_at=authored,
        )
        if signed:
            self._fill(prescription)

    def _contract_id(self) -> object:
        contracts = [row for row in self._rows.all(public.contract) if row["customer_id"] == self._chart.customer.id]
        return contracts[-1]["id"] if contracts else None

    def _fill(self, prescription: Row) -> None:
        """The first fill at signing, one more whenever it has run out; the last may still be on its way."""
        status = prescription["status"]
        times: list[datetime.datetime] = []
        time = prescription["signed_at"]
        most = {"completed": _REFILLS + 1, "stopped": 2, "on_hold": 2}.get(status, _REFILLS + 1)
        while time < self._rows.now and len(times) < most:
            times.append(time)
            time += days(prescription["days_supply"] - 3)
        for number, queued in enumerate(times):
            last = number == len(times) - 1
            self._add_fill(prescription, number, queued, self._last_status(queued) if last else "delivered")
        used = len(times) - 1
        prescription["refills_remaining"] = 0 if status == "completed" else _REFILLS - used
        prescription["updated_at"] = min(times[-1], self._rows.now)
        if status == "active" and prescription["refills_remaining"]:
            due = (times[-1] + days(prescription["days_supply"] - 7)).date()
            prescription["refill_due_on"] = due
            if due <= self._rows.today and self._chance.happens(0.6):
                prescription["refill_requested_at"] = self._rows.now - days(self._chance.number(0.05, 0.9, 2))

    def _last_status(self, queued: datetime.datetime) -> str:
        """How far a fill has come by now, had it gone as usual; or rejected, now and then."""
        hours = (self._rows.now - queued) / datetime.timedelta(hours=1)
        if hours > 8 and self._chance.happens(0.08):
            return "rejected"
        # Some are slower than usual, so that every status is seen on any day.
        hours = min(hours, self._chance.pick((*[200.0] * 12, 0.05, 1.0, 10.0, 25.0, 50.0)))
        reached = [status for status, after in _STEPS.items() if after <= hours]
        return reached[-1] if reached else "queued"

    def _add_fill(self, prescription: Row, number: int, queued: datetime.datetime, status: str) -> None:
        reached = list(_STEPS)[: list(_STEPS).index(status) + 1] if status in _STEPS else []
        if status == "rejected":
            reached = ["sent"]
        times: dict[str, Any] = {
            f"{step}_at": min(queued + datetime.timedelta(hours=_STEPS[step]), self._rows.now) for step in reached
        }
        if status == "rejected":
            times["rejected_at"] = min(queued + datetime.timedelta(hours=6), self._rows.now)
        carrier, prefix, length = self._chance.pick(_CARRIERS)
        shipped = "shipped" in reached
        tracking = prefix + self._chance.digits(length) if shipped else None
        self._rows.add(
            healthcare.prescription_fill,
            prescription_id=prescription["id"],
            pharmacy_id=prescription["pharmacy_id"],
            fill_number=number,
            status=status,
            status_reason="Not in stock; expected next week." if status == "rejected" else None,
            pharmacy_order_id=f"RX-{self._chance.digits(9)}" if reached else None,
            quantity=prescription["quantity"],
            days_supply=prescription["days_supply"],
            carrier=carrier if shipped else None,
            tracking_number=tracking,
            tracking_url=f"https://tracking.example.com/{tracking}" if shipped else None,
            **times,
            created_at=queued,
            updated_at=max([queued, *times.values()]),
        )
