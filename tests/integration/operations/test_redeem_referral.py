"""`redeem_referral`: one code, one friend, once."""

import asyncio
import datetime
import uuid
from typing import Any

import pytest

from local.demo.people import ADA, BO, THEO
from tests.integration.operations.clinic import Clinic

REDEEM = "mutation ($code: String!) { redeem_referral(code: $code) { id status repeated } }"
PAST = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


async def invite(clinic: Clinic, code: str = "SLEEPWELL1", referrer: uuid.UUID = ADA, **columns: Any) -> uuid.UUID:
    key: uuid.UUID = await clinic.connection.fetchval(
        "INSERT INTO public.referral (referrer_id, code) VALUES ($1, $2) RETURNING id", referrer, code
    )
    if columns:
        await clinic.set("public.referral", key, **columns)
    return key


async def redeem(clinic: Clinic, code: str = "SLEEPWELL1", me: uuid.UUID = BO) -> Any:
    return await clinic.answer(REDEEM, role="user", me=me, code=code)


async def refusal(clinic: Clinic, code: str = "SLEEPWELL1", me: uuid.UUID = BO) -> str:
    return await clinic.refusal(REDEEM, role="user", me=me, code=code)


async def test_a_friend_redeems_a_code(clinic: Clinic) -> None:
    referral = await invite(clinic)
    assert await redeem(clinic, " sleepwell1 ") == {"id": str(referral), "status": "signed_up", "repeated": False}
    assert await clinic.row("SELECT referred_id, status FROM public.referral") == {
        "referred_id": BO,
        "status": "signed_up",
    }


async def test_a_double_click_redeems_once(clinic: Clinic) -> None:
    await invite(clinic)
    answers = await asyncio.gather(redeem(clinic), redeem(clinic))
    assert sorted(answer["repeated"] for answer in answers) == [False, True]


async def test_of_two_codes_at_once_one_counts(clinic: Clinic) -> None:
    await invite(clinic)
    await invite(clinic, "SLEEPWELL2")
    answers = await asyncio.gather(
        *(clinic.endpoint.ask(REDEEM, role="user", me=str(BO), code=f"SLEEPWELL{number}") for number in (1, 2))
    )
    codes = [answer["errors"][0]["extensions"]["code"] for answer in answers if "errors" in answer]
    assert codes == ["already-referred"]


async def test_a_code_is_for_one_friend_and_not_for_oneself(clinic: Clinic) -> None:
    await invite(clinic)
    await redeem(clinic)
    carl = await clinic.connection.fetchval("INSERT INTO public.customer (email) VALUES ('c@example.com') RETURNING id")
    assert await refusal(clinic, me=carl) == "referral-used"
    assert await refusal(clinic, me=ADA) == "own-referral"
    assert await refusal(clinic, "NOBODYS") == "not-found"
    assert await refusal(clinic, me=uuid.uuid4()) == "not-found"
    assert await clinic.refusal(REDEEM, role="cct", me=THEO, code="SLEEPWELL1") == "validation-failed"


@pytest.mark.parametrize(
    "columns",
    [
        {"status": "cancelled"},
        {"status": "expired"},
        {"expires_at": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)},
    ],
)
async def test_a_code_has_its_time(clinic: Clinic, columns: dict[str, Any]) -> None:
    await invite(clinic, **columns)
    assert await refusal(clinic) == "referral-expired"


async def test_codes_are_for_new_customers(clinic: Clinic) -> None:
    await invite(clinic)
    contract = await clinic.contract(customer_id=BO, subscription_id=None)
    assert await refusal(clinic) == "not-a-new-customer"
    await clinic.set("public.contract", contract, status="future")
    assert (await redeem(clinic))["status"] == "signed_up"


async def test_the_code_of_somebody_who_was_deleted_is_gone(clinic: Clinic) -> None:
    await invite(clinic)
    await clinic.set("public.customer", ADA, deleted_at=PAST)
    assert await refusal(clinic) == "not-found"
