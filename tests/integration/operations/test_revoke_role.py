"""`revoke_role`: access ends, rows stay."""

import asyncio
import uuid
from typing import Any

import pytest

from local.demo.people import ADA, INES, THEO
from tests.integration.operations.clinic import SUBSCRIPTION, Clinic
from tests.integration.operations.test_change_subscription import CHANGE

REVOKE = "mutation ($id: uuid!) { revoke_role(staff_id: $id) { staff_id role active repeated } }"


async def revoke(clinic: Clinic, staff: uuid.UUID) -> Any:
    return await clinic.answer(REVOKE, role="admin", me=INES, id=str(staff))


async def test_access_ends_at_once_whatever_the_token_says(clinic: Clinic) -> None:
    assert await revoke(clinic, THEO) == {"staff_id": str(THEO), "role": "cct", "active": False, "repeated": False}
    (event,) = await clinic.events("customer.role_changed")
    assert (event["subject"], event["data"]["active"], event["data"]["role"]) == (str(THEO), False, "cct")
    code = await clinic.refusal(CHANGE, role="cct", me=THEO, id=SUBSCRIPTION, change="pause", effective="now")
    assert code == "not-found"


async def test_a_double_click_is_one_change(clinic: Clinic) -> None:
    answers = await asyncio.gather(revoke(clinic, THEO), revoke(clinic, THEO))
    assert sorted(answer["repeated"] for answer in answers) == [False, True]
    assert len(await clinic.events("customer.role_changed")) == 1


async def test_nobody_locks_everyone_out(clinic: Clinic) -> None:
    assert await clinic.refusal(REVOKE, role="admin", me=INES, id=str(INES)) == "last-admin"
    assert await clinic.refusal(REVOKE, role="admin", me=INES, id=str(ADA)) == "not-found"


@pytest.mark.parametrize("role", ["service", "cct", "provider", "user", "anonymous"])
async def test_only_admin_has_the_operation(clinic: Clinic, role: str) -> None:
    assert await clinic.refusal(REVOKE, role=role, me=INES, id=str(THEO)) == "validation-failed"
