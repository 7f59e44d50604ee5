"""`confirm_contract`: of a contract that was asked for twice at once, one counts."""

import asyncio
import uuid
from datetime import date
from typing import Any

import asyncpg
import pytest

from tests.integration.operations.conftest import Endpoint
from tests.integration.triggers.records import Records

CONFIRM = "mutation ($id: uuid!) { confirm_contract(id: $id) { id status double_of } }"


async def confirm(endpoint: Endpoint, contract_id: uuid.UUID, *, agent: str = "chargebee") -> tuple[str, str | None]:
    answer = await endpoint.ask(CONFIRM, role="service", me=agent, id=str(contract_id))
    assert "errors" not in answer, answer["errors"]
    confirmed = answer["data"]["confirm_contract"]
    assert confirmed["id"] == str(contract_id)
    return confirmed["status"], confirmed["double_of"]


async def contract(records: Records, *, seconds: float = 0, **columns: Any) -> uuid.UUID:
    """A contract of the same customer, for the same treatment, from the same day, written so many seconds later."""
    given = {"customer_id": records.customer_id, "treatment_id": records.treatment_id} | columns
    names = ", ".join(given)
    places = ", ".join(f"${number}" for number in range(1, len(given) + 1))
    contract_id: uuid.UUID = await records.connection.fetchval(
        # Columns are this file's own, values are binds.
        f"INSERT INTO public.contract ({names}, created_at)"  # noqa: S608
        f" VALUES ({places}, '2026-01-31T12:00:00Z'::timestamptz + {seconds} * interval '1 second') RETURNING id",
        *given.values(),
    )
    return contract_id


async def state(records: Records, contract_id: uuid.UUID) -> tuple[str, bool, str | None]:
    """Its status, whether it has a moment of being cancelled, and why it was."""
    row = await records.connection.fetchrow("SELECT * FROM contract WHERE id = $1", contract_id)
    assert row is not None
    return row["status"], row["cancelled_at"] is not None, row["cancel_reason"]


@pytest.mark.parametrize("later_first", [False, True])
async def test_of_two_at_once_the_earlier_one_counts_whichever_is_asked_about_first(
    endpoint: Endpoint, records: Records, later_first: bool
) -> None:
    earlier, later = await contract(records), await contract(records, seconds=0.2)
    answers = {one: await confirm(endpoint, one) for one in ((later, earlier) if later_first else (earlier, later))}

    assert answers == {earlier: ("future", None), later: ("cancelled", str(earlier))}
    assert await state(records, earlier) == ("future", False, None)
    assert await state(records, later) == ("cancelled", True, "asked for twice at once")
    # The customer isn't told of a cancellation.
    assert {row["type"] for row in await records.outbox()} == {"contract.inserted", "contract.updated"}
    assert [row["subject"] for row in await records.outbox() if row["type"] == "contract.updated"] == [str(later)]


async def test_what_is_asked_again_is_as_it_was_decided(endpoint: Endpoint, records: Records) -> None:
    earlier, later = await contract(records), await contract(records, seconds=1)
    for agent in ("chargebee", "contract"):
        assert (await confirm(endpoint, earlier, agent=agent)) == ("future", None)
        assert (await confirm(endpoint, later, agent=agent))[0] == "cancelled"
    # Whatever becomes of the one that counts.
    await records.connection.execute("UPDATE contract SET status = 'cancelled' WHERE id = $1", earlier)
    assert await confirm(endpoint, later) == ("cancelled", None)


async def test_what_becomes_visible_after_the_decision_does_not_undo_it(
    endpoint: Endpoint, records: Records, database_url: str
) -> None:
    slow = await asyncpg.connect(database_url)
    async with slow.transaction():
        # Its time is that of the beginning of its transaction.
        earlier = await records.insert_contract(slow)
        later = await records.insert_contract()
        assert await confirm(endpoint, later) == ("future", None)
    await slow.close()

    assert await confirm(endpoint, earlier) == ("cancelled", str(later))
    assert await confirm(endpoint, later) == ("future", None)


async def test_asked_about_all_at_once_by_several_one_counts(endpoint: Endpoint, records: Records) -> None:
    async with records.connection.transaction():
        # All of one moment.
        clicks = [await records.insert_contract() for _ in range(5)]
    asked = [(one, agent) for one in reversed(clicks) for agent in ("chargebee", "contract")]
    answers = await asyncio.gather(*(confirm(endpoint, one, agent=agent) for one, agent in asked))

    assert {one for (one, _), (status, _) in zip(asked, answers, strict=True) if status == "future"} == {min(clicks)}
    left = await records.connection.fetch("SELECT id FROM contract WHERE status = 'future'")
    assert [row["id"] for row in left] == [min(clicks)]


@pytest.mark.parametrize(
    "other",
    [
        {"start_date": date(2030, 1, 1)},
        {"subscription_id": "given"},
        {"status": "cancelled"},
        {"status": "completed"},
        {"seconds": -61},
    ],
    ids=str,
)
async def test_a_contract_counts_beside_one_that_is_no_double_of_it(
    endpoint: Endpoint, records: Records, other: dict[str, Any]
) -> None:
    one = await contract(records, seconds=1)
    beside = await contract(records, **({"seconds": 0} | other))
    before = await state(records, beside)

    assert await confirm(endpoint, one) == ("future", None)
    assert (await confirm(endpoint, beside))[1] is None
    assert await state(records, beside) == before


async def test_another_treatment_and_another_customer_have_contracts_of_their_own(
    endpoint: Endpoint, records: Records
) -> None:
    one = await contract(records)
    treatment_id = await records.connection.fetchval(
        "INSERT INTO treatment (name, monthly_item_price_id, monthly_price) VALUES ('Skin', 'm', 1) RETURNING id"
    )
    customer_id = await records.connection.fetchval("INSERT INTO customer (first_name) VALUES ('Bo') RETURNING id")
    others = [
        await contract(records, treatment_id=treatment_id, seconds=1),
        await contract(records, customer_id=customer_id, seconds=1),
        await contract(records, renewed_from_id=one, seconds=1),
        await contract(records, subscription_id="given", seconds=1),
    ]
    assert [await confirm(endpoint, id_) for id_ in (one, *others)] == [("future", None)] * 5


async def test_the_one_that_has_a_subscription_made_for_it_counts_though_it_is_the_later_one(
    endpoint: Endpoint, records: Records
) -> None:
    earlier, later = await contract(records), await contract(records, seconds=1)
    await records.connection.execute("UPDATE contract SET subscription_id = id::text WHERE id = $1", later)
    assert await confirm(endpoint, earlier) == ("cancelled", str(later))


async def test_when_the_earlier_one_was_cancelled_before_the_later_one_counts(
    endpoint: Endpoint, records: Records
) -> None:
    earlier, later = await contract(records), await contract(records, seconds=1)
    assert await confirm(endpoint, earlier) == ("future", None)
    await records.connection.execute("UPDATE contract SET status = 'cancelled' WHERE id = $1", earlier)
    assert await confirm(endpoint, later) == ("future", None)
    assert (await confirm(endpoint, earlier))[0] == "cancelled"


async def test_what_is_not_there_is_not_found(endpoint: Endpoint) -> None:
    answer = await endpoint.ask(CONFIRM, role="service", me="chargebee", id=str(uuid.uuid4()))
    assert answer["errors"][0]["extensions"]["code"] == "not-found"


@pytest.mark.parametrize("role", ["cct", "provider", "user", "anonymous"])
async def test_people_have_no_part_in_it(endpoint: Endpoint, role: str) -> None:
    answer = await endpoint.ask(CONFIRM, role=role, me=str(uuid.uuid4()), id=str(uuid.uuid4()))
    assert answer["errors"][0]["extensions"]["code"] == "validation-failed"
