"""`approve_refill`: one refill used, one fill queued."""

import asyncio
import datetime
import uuid
from typing import Any

import pytest

from local.demo.people import ADA, MIRA
from tests.integration.operations.clinic import MEDICATION, OTHER_PROVIDER, PATIENT, PHARMACY, Clinic
from tests.integration.operations.test_request_refill import SIGNED, signed

APPROVE = """
mutation ($id: uuid!) {
    approve_refill(prescription_id: $id) {
        prescription_id patient_id refills_remaining fill_id fill_number fill_status pharmacy_id repeated
    }
}
"""


async def approve(clinic: Clinic, prescription: uuid.UUID, me: uuid.UUID = MIRA) -> Any:
    return await clinic.answer(APPROVE, role="provider", me=me, id=str(prescription))


async def refusal(clinic: Clinic, prescription: uuid.UUID, me: uuid.UUID = MIRA) -> str:
    return await clinic.refusal(APPROVE, role="provider", me=me, id=str(prescription))


async def requested(clinic: Clinic, **columns: Any) -> uuid.UUID:
    return await signed(clinic, **({"refill_requested_at": SIGNED} | columns))


async def fills(clinic: Clinic) -> list[tuple[Any, ...]]:
    rows = await clinic.connection.fetch(
        "SELECT id, fill_number, status, pharmacy_id FROM healthcare.prescription_fill"
    )
    return [tuple(row) for row in rows]


async def test_an_approval_uses_a_refill_and_queues_a_fill(clinic: Clinic) -> None:
    prescription = await requested(clinic)
    answer = await approve(clinic, prescription)
    assert (answer["refills_remaining"], answer["fill_number"], answer["fill_status"]) == (1, 1, "queued")
    assert await fills(clinic) == [(uuid.UUID(answer["fill_id"]), 1, "queued", PHARMACY)]
    row = await clinic.row("SELECT refill_requested_at, refills_remaining FROM healthcare.prescription")
    assert row == {"refill_requested_at": None, "refills_remaining": 1}
    (event,) = await clinic.events("prescription.updated")
    assert set(event["data"]["changed"]) == {"refill_requested_at", "refills_remaining"}


async def test_a_double_click_uses_one_refill(clinic: Clinic) -> None:
    prescription = await requested(clinic)
    answers = await asyncio.gather(approve(clinic, prescription), approve(clinic, prescription))
    assert sorted(answer.pop("repeated") for answer in answers) == [False, True]
    assert answers[0] == answers[1]
    assert len(await fills(clinic)) == 1
    assert len(await clinic.events("prescription.updated")) == 1


async def test_any_provider_of_the_care_team_approves_and_nobody_else(clinic: Clinic) -> None:
    prescription = await requested(clinic)
    assert await refusal(clinic, prescription, OTHER_PROVIDER) == "not-found"
    assert await clinic.refusal(APPROVE, role="user", me=ADA, id=str(prescription)) == "validation-failed"
    await clinic.connection.execute(
        "INSERT INTO healthcare.care_team (patient_id, staff_id, role) VALUES ($1, $2, 'covering')",
        PATIENT,
        OTHER_PROVIDER,
    )
    assert (await approve(clinic, prescription, OTHER_PROVIDER))["repeated"] is False


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"refill_requested_at": None}, "refill-not-requested"),
        ({"status": "stopped"}, "prescription-status"),
        ({"refills_remaining": 0}, "no-refills-left"),
        ({"valid_until": datetime.date(2026, 1, 3)}, "prescription-expired"),
    ],
)
async def test_there_must_be_something_to_approve(clinic: Clinic, columns: dict[str, Any], code: str) -> None:
    assert await refusal(clinic, await requested(clinic, **columns)) == code
    assert await fills(clinic) == []


async def test_what_was_withdrawn_is_not_refilled(clinic: Clinic) -> None:
    prescription = await requested(clinic)
    await clinic.set("healthcare.pharmacy", PHARMACY, active=False)
    assert await refusal(clinic, prescription) == "pharmacy-missing"
    await clinic.set("healthcare.medication", MEDICATION, status="inactive")
    assert await refusal(clinic, prescription) == "cannot-be-dispensed"
