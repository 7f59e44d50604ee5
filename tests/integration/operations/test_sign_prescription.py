"""`sign_prescription`: who may sign what, and what becomes of the draft."""

import asyncio
import datetime
import uuid
from typing import Any

from local.demo.people import ADA, MIRA
from tests.integration.operations.clinic import CONTROLLED, MEDICATION, OTHER_PROVIDER, PATIENT, PHARMACY, Clinic

SIGN = """
mutation ($id: uuid!) {
    sign_prescription(id: $id) {
        id patient_id requester_id pharmacy_id status signed_at valid_until refills_remaining repeated
    }
}
"""


async def sign(clinic: Clinic, prescription: uuid.UUID, me: uuid.UUID = MIRA) -> Any:
    return await clinic.answer(SIGN, role="provider", me=me, id=str(prescription))


async def refusal(clinic: Clinic, prescription: uuid.UUID, me: uuid.UUID = MIRA) -> str:
    return await clinic.refusal(SIGN, role="provider", me=me, id=str(prescription))


async def today(clinic: Clinic) -> datetime.date:
    day: datetime.date = await clinic.connection.fetchval("SELECT (now() AT TIME ZONE 'UTC')::date")
    return day


async def test_a_draft_becomes_active_for_a_year_with_all_its_refills(clinic: Clinic) -> None:
    prescription = await clinic.prescription()
    answer = await sign(clinic, prescription)
    assert (answer["status"], answer["refills_remaining"], answer["pharmacy_id"]) == ("active", 3, str(PHARMACY))
    row = await clinic.row("SELECT status, signed_at, valid_until, refills_remaining FROM healthcare.prescription")
    assert (row["status"], row["refills_remaining"]) == ("active", 3)
    assert row["signed_at"] == datetime.datetime.fromisoformat(answer["signed_at"])
    assert 365 <= (row["valid_until"] - await today(clinic)).days <= 366
    (event,) = await clinic.events("prescription.signed")
    assert event["subject"] == str(prescription)
    assert event["data"] == {
        "prescription_id": str(prescription),
        "customer_id": str(ADA),
        "patient_id": str(PATIENT),
        "requester_id": str(MIRA),
        "pharmacy_id": str(PHARMACY),
        "contract_id": None,
        "signed_at": answer["signed_at"],
    }


async def test_a_double_click_signs_once(clinic: Clinic) -> None:
    prescription = await clinic.prescription()
    answers = await asyncio.gather(sign(clinic, prescription), sign(clinic, prescription))
    assert sorted(answer.pop("repeated") for answer in answers) == [False, True]
    assert answers[0] == answers[1]
    assert len(await clinic.events("prescription.signed")) == 1


async def test_the_drafts_own_last_day_stays(clinic: Clinic) -> None:
    day = await today(clinic) + datetime.timedelta(days=20)
    assert (await sign(clinic, await clinic.prescription(valid_until=day)))["valid_until"] == day.isoformat()


async def test_a_controlled_substance_has_five_refills_in_six_months(clinic: Clinic) -> None:
    day = await today(clinic)
    answer = await sign(clinic, await clinic.prescription(medication_id=CONTROLLED, refills_allowed=5))
    assert 180 <= (datetime.date.fromisoformat(answer["valid_until"]) - day).days <= 184
    six = await clinic.prescription(medication_id=CONTROLLED, refills_allowed=6)
    assert await refusal(clinic, six) == "controlled-substance"
    long = await clinic.prescription(medication_id=CONTROLLED, valid_until=day + datetime.timedelta(days=200))
    assert await refusal(clinic, long) == "controlled-substance"


async def test_only_the_author_signs_and_only_on_the_care_team(clinic: Clinic) -> None:
    prescription = await clinic.prescription()
    assert await refusal(clinic, prescription, OTHER_PROVIDER) == "not-found"
    await clinic.connection.execute(
        "INSERT INTO healthcare.care_team (patient_id, staff_id) VALUES ($1, $2)", PATIENT, OTHER_PROVIDER
    )
    assert await refusal(clinic, prescription, OTHER_PROVIDER) == "not-found"
    await clinic.connection.execute("UPDATE healthcare.care_team SET status = 'inactive'")
    assert await refusal(clinic, prescription) == "not-found"
    assert await clinic.events("prescription.signed") == []
    assert await clinic.refusal(SIGN, role="user", me=ADA, id=str(prescription)) == "validation-failed"


async def test_who_leaves_the_care_team_while_signing_waits_does_not_sign(clinic: Clinic) -> None:
    prescription = await clinic.prescription()
    async with clinic.connection.transaction():
        await clinic.connection.execute("UPDATE healthcare.care_team SET status = 'inactive'")
        signing = asyncio.create_task(refusal(clinic, prescription))
        async with asyncio.timeout(10):
            while not await clinic.connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
                assert not signing.done()
    assert await signing == "not-found"


async def test_the_provider_needs_a_number_and_a_licence(clinic: Clinic) -> None:
    prescription = await clinic.prescription()
    await clinic.set("public.staff", MIRA, license_states=["OR"])
    assert await refusal(clinic, prescription) == "not-licensed"
    await clinic.set("public.staff", MIRA, npi=None)
    assert await refusal(clinic, prescription) == "npi-missing"


async def test_what_was_withdrawn_is_not_signed(clinic: Clinic) -> None:
    prescription = await clinic.prescription(pharmacy_id=PHARMACY)
    await clinic.set("healthcare.pharmacy", PHARMACY, active=False)
    assert await refusal(clinic, prescription) == "cannot-be-dispensed"
    assert await refusal(clinic, await clinic.prescription()) == "pharmacy-missing"
    await clinic.set("healthcare.pharmacy", PHARMACY, active=True)
    await clinic.set("healthcare.medication", MEDICATION, status="inactive")
    assert await refusal(clinic, prescription) == "cannot-be-dispensed"


async def test_only_drafts_that_are_still_valid_are_signed(clinic: Clinic) -> None:
    assert await refusal(clinic, await clinic.prescription(status="cancelled")) == "prescription-status"
    yesterday = await today(clinic) - datetime.timedelta(days=1)
    assert await refusal(clinic, await clinic.prescription(valid_until=yesterday)) == "prescription-expired"
