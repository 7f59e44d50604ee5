"""`request_refill`: a customer's wish, which waits for a provider."""

import asyncio
import datetime
import uuid
from typing import Any

import pytest

from local.demo.people import ADA, BO, MIRA
from tests.integration.operations.clinic import PHARMACY, Clinic

REQUEST = """
mutation ($id: uuid!) {
    request_refill(prescription_id: $id) { prescription_id refill_requested_at refills_remaining repeated }
}
"""
SIGNED = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)


async def request(clinic: Clinic, prescription: uuid.UUID) -> Any:
    return await clinic.answer(REQUEST, role="user", me=ADA, id=str(prescription))


async def refusal(clinic: Clinic, prescription: uuid.UUID, me: uuid.UUID = ADA) -> str:
    return await clinic.refusal(REQUEST, role="user", me=me, id=str(prescription))


async def signed(clinic: Clinic, **columns: Any) -> uuid.UUID:
    values = {"status": "active", "signed_at": SIGNED, "refills_remaining": 2, "pharmacy_id": PHARMACY}
    return await clinic.prescription(**(values | columns))


async def test_a_request_waits_for_a_provider(clinic: Clinic) -> None:
    prescription = await signed(clinic)
    answer = await request(clinic, prescription)
    assert (answer["refills_remaining"], answer["repeated"]) == (2, False)
    row = await clinic.row("SELECT refill_requested_at, refills_remaining FROM healthcare.prescription")
    assert row["refill_requested_at"] == datetime.datetime.fromisoformat(answer["refill_requested_at"])
    assert row["refills_remaining"] == 2
    (event,) = await clinic.events("prescription.updated")
    assert event["data"]["changed"] == ["refill_requested_at"]


async def test_a_double_click_is_one_request(clinic: Clinic) -> None:
    prescription = await signed(clinic)
    answers = await asyncio.gather(request(clinic, prescription), request(clinic, prescription))
    assert sorted(answer["repeated"] for answer in answers) == [False, True]
    assert len({answer["refill_requested_at"] for answer in answers}) == 1
    assert len(await clinic.events("prescription.updated")) == 1


@pytest.mark.parametrize(
    ("columns", "code"),
    [
        ({"status": "on_hold"}, "prescription-status"),
        ({"refills_remaining": 0}, "no-refills-left"),
        ({"valid_until": datetime.date(2026, 1, 3)}, "prescription-expired"),
        ({"refill_due_on": datetime.date(2100, 1, 3)}, "refill-too-soon"),
        ({"status": "draft", "signed_at": None}, "not-found"),
    ],
)
async def test_there_must_be_a_refill_to_ask_for(clinic: Clinic, columns: dict[str, Any], code: str) -> None:
    assert await refusal(clinic, await signed(clinic, **columns)) == code


@pytest.mark.parametrize(("status", "code"), [("accepted", "fill-under-way"), ("delivered", None), ("rejected", None)])
async def test_one_fill_at_a_time(clinic: Clinic, status: str, code: str | None) -> None:
    prescription = await signed(clinic)
    await clinic.connection.execute(
        "INSERT INTO healthcare.prescription_fill"
        " (prescription_id, pharmacy_id, fill_number, quantity, days_supply, status) VALUES ($1, $2, 0, 30, 30, $3)",
        prescription,
        PHARMACY,
        status,
    )
    if code is None:
        assert (await request(clinic, prescription))["repeated"] is False
    else:
        assert await refusal(clinic, prescription) == code


@pytest.mark.parametrize("status", ["shipped", "delivered"])
@pytest.mark.parametrize(("days_ago", "code"), [(0, "refill-too-soon"), (22, "refill-too-soon"), (23, None)])
async def test_nobody_is_given_two_fills_at_once_whatever_is_known_of_the_first(
    clinic: Clinic, status: str, days_ago: int, code: str | None
) -> None:
    # The agent's day is that of an earlier fill, or there is none yet: it comes with the news of the delivery.
    prescription = await signed(clinic, refill_due_on=datetime.date(2026, 1, 30))
    await clinic.connection.execute(
        "INSERT INTO healthcare.prescription_fill (prescription_id, pharmacy_id, fill_number, quantity, days_supply,"
        " status, shipped_at, delivered_at) VALUES ($1, $2, 1, 30, 30, $3, $4, $5)",
        prescription,
        PHARMACY,
        status,
        (sent_at := datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days_ago)),
        sent_at if status == "delivered" else None,
    )
    if code is None:
        assert (await request(clinic, prescription))["repeated"] is False
    else:
        assert await refusal(clinic, prescription) == code


async def test_nobody_asks_for_anothers(clinic: Clinic) -> None:
    prescription = await signed(clinic)
    assert await refusal(clinic, prescription, BO) == "not-found"
    assert await clinic.refusal(REQUEST, role="provider", me=MIRA, id=str(prescription)) == "validation-failed"
    await clinic.set("public.customer", ADA, deleted_at=SIGNED)
    assert await refusal(clinic, prescription) == "not-found"
