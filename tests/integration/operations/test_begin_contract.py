"""A contract begins by an insert, and however often somebody clicks it begins once."""

import asyncio
from typing import Any

from local.demo.people import ADA, BO, INES
from tests.integration.operations.clinic import OTHER_TREATMENT, TREATMENT, Clinic

BEGIN = """
mutation ($treatment: uuid!, $start: date) {
    insert_contract_one(object: {treatment_id: $treatment, start_date: $start}) { id }
}
"""


async def begin(clinic: Clinic, me: Any = ADA, treatment: Any = TREATMENT, start: str = "2030-01-01") -> Any:
    return await clinic.endpoint.ask(BEGIN, role="user", me=str(me), treatment=str(treatment), start=start)


async def contracts(clinic: Clinic) -> int:
    count: int = await clinic.connection.fetchval("SELECT count(*) FROM public.contract")
    return count


async def test_five_clicks_at_once_begin_one_contract(clinic: Clinic) -> None:
    answers = await asyncio.gather(*(begin(clinic) for _ in range(5)))
    assert await contracts(clinic) == 1
    refused = [answer["errors"][0] for answer in answers if "errors" in answer]
    assert len(refused) == 4
    for error in refused:
        assert error["extensions"]["code"] == "constraint-violation"
        assert "a contract for this treatment from this day was begun a moment ago" in error["message"]


async def test_another_treatment_another_time_and_another_person_are_another_contract(clinic: Clinic) -> None:
    for answer in (
        await begin(clinic),
        await begin(clinic, treatment=OTHER_TREATMENT),
        await begin(clinic, me=BO),
        await begin(clinic, start="2030-01-02"),
    ):
        assert "errors" not in answer, answer
    assert await contracts(clinic) == 4


async def test_after_a_moment_it_was_no_double_click(clinic: Clinic) -> None:
    await begin(clinic)
    assert "errors" in await begin(clinic)
    await clinic.connection.execute("UPDATE public.contract SET created_at = now() - interval '11 seconds'")
    assert "errors" not in await begin(clinic)
    assert await contracts(clinic) == 2


async def test_what_was_cancelled_may_be_begun_again(clinic: Clinic) -> None:
    await begin(clinic)
    await clinic.connection.execute("UPDATE public.contract SET status = 'cancelled', cancelled_at = now()")
    assert "errors" not in await begin(clinic)
    assert await contracts(clinic) == 2


async def test_operators_may_write_what_they_have_to(clinic: Clinic) -> None:
    await begin(clinic)
    document = "mutation ($c: contract_insert_input!) { insert_contract_one(object: $c) { id } }"
    values = {"customer_id": str(ADA), "treatment_id": str(TREATMENT), "start_date": "2030-01-01"}
    assert "errors" not in await clinic.endpoint.ask(document, role="admin", me=str(INES), c=values)
    assert await contracts(clinic) == 2
