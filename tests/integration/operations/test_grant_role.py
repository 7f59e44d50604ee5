"""`grant_role`: who may do what among staff, and the event that carries it to their tokens."""

import asyncio
import uuid
from typing import Any

import pytest

from local.demo.people import ADA, INES, MIRA, THEO
from tests.integration.operations.clinic import Clinic

GRANT = """
mutation ($id: uuid!, $to: staff_role!) { grant_role(staff_id: $id, role: $to) { staff_id role active repeated } }
"""


async def ask(clinic: Clinic, staff: uuid.UUID, role: str) -> Any:
    return await clinic.endpoint.ask(GRANT, me=str(INES), id=str(staff), to=role)


async def give(clinic: Clinic, staff: uuid.UUID, role: str) -> Any:
    answer = await ask(clinic, staff, role)
    assert "errors" not in answer, answer
    return answer["data"]["grant_role"]


async def refused(clinic: Clinic, staff: uuid.UUID, role: str) -> str:
    answer = await ask(clinic, staff, role)
    code: str = answer["errors"][0]["extensions"]["code"]
    return code


async def test_a_role_replaces_the_one_before(clinic: Clinic) -> None:
    answer = await give(clinic, MIRA, "admin")
    assert answer == {"staff_id": str(MIRA), "role": "admin", "active": True, "repeated": False}
    (event,) = await clinic.events("customer.role_changed")
    assert event["subject"] == str(MIRA)
    assert event["data"] == {
        "staff_id": str(MIRA),
        "role": "admin",
        "active": True,
        "previous_role": "provider",
        "previously_active": True,
    }


async def test_access_that_was_taken_comes_back(clinic: Clinic) -> None:
    await clinic.set("public.staff", THEO, active=False)
    assert (await give(clinic, THEO, "cct"))["active"] is True
    assert len(await clinic.events("customer.role_changed")) == 1


async def test_a_double_click_is_one_change(clinic: Clinic) -> None:
    answers = await asyncio.gather(give(clinic, MIRA, "cct"), give(clinic, MIRA, "cct"))
    assert sorted(answer["repeated"] for answer in answers) == [False, True]
    assert len(await clinic.events("customer.role_changed")) == 1


async def test_there_and_back_again_are_three_events(clinic: Clinic) -> None:
    for role in ("cct", "provider", "cct"):
        assert (await give(clinic, MIRA, role))["repeated"] is False
    assert len(await clinic.events("customer.role_changed")) == 3


async def test_the_last_admin_stays_one(clinic: Clinic) -> None:
    assert await refused(clinic, INES, "cct") == "last-admin"
    await give(clinic, THEO, "admin")
    assert (await give(clinic, INES, "cct"))["role"] == "cct"


async def test_two_admins_cannot_take_the_role_from_each_other(clinic: Clinic) -> None:
    await give(clinic, THEO, "admin")
    answers = await asyncio.gather(*(ask(clinic, staff, "cct") for staff in (THEO, INES)))
    assert ["errors" in answer for answer in answers].count(True) == 1
    assert await clinic.connection.fetchval("SELECT count(*) FROM public.staff WHERE role = 'admin'") == 1


async def test_a_provider_needs_an_npi(clinic: Clinic) -> None:
    assert await refused(clinic, THEO, "provider") == "npi-missing"
    assert await refused(clinic, ADA, "cct") == "not-found"


@pytest.mark.parametrize("role", ["service", "cct", "provider", "user", "anonymous"])
async def test_only_admin_has_the_operation(clinic: Clinic, role: str) -> None:
    answer = await clinic.endpoint.ask(GRANT, role=role, me=str(INES), id=str(THEO), to="admin")
    assert answer["errors"][0]["extensions"]["code"] == "validation-failed"


@pytest.mark.parametrize("role", ["king", 1, True, ["cct"], {"role": "cct"}])
async def test_a_role_that_there_is_not_is_named_in_the_refusal(clinic: Clinic, role: Any) -> None:
    answer = await ask(clinic, MIRA, role)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "validation-failed"
    assert "$to" in error["message"]
    assert await clinic.events("customer.role_changed") == []
