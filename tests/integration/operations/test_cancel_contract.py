"""`cancel_contract`: the contract, its event and its subscription's end are one."""

import asyncio
import datetime
import uuid
from typing import Any

import pytest

from local.demo.people import ADA, BO, INES, THEO
from tests.integration.operations.clinic import SUBSCRIPTION, TREATMENT, Clinic

CANCEL = """
mutation ($id: uuid!, $reason: String, $ends: change_effective! = term_end) {
    cancel_contract(id: $id, reason: $reason, subscription_ends: $ends) {
        id customer_id treatment_id subscription_id status cancelled_at cancel_reason repeated
    }
}
"""


async def cancel(clinic: Clinic, contract: uuid.UUID, *, role: str = "user", me: uuid.UUID = ADA, **more: Any) -> Any:
    return await clinic.answer(CANCEL, role=role, me=me, id=str(contract), **more)


async def events(clinic: Clinic) -> list[Any]:
    return [event["data"] for event in await clinic.events("contract.cancelled", "subscription.changed")]


async def test_a_customer_cancels_and_the_subscription_is_asked_to_end(clinic: Clinic) -> None:
    contract = await clinic.contract()
    answer = await cancel(clinic, contract, reason=" I sleep well now. ")
    assert (answer["status"], answer["cancel_reason"], answer["repeated"]) == ("cancelled", "I sleep well now.", False)
    row = await clinic.row("SELECT status, cancelled_at FROM public.contract")
    assert row["status"] == "cancelled"
    assert row["cancelled_at"] == datetime.datetime.fromisoformat(answer["cancelled_at"])
    cancelled, changed = await events(clinic)
    assert cancelled["contract_id"] == str(contract)
    assert (cancelled["status"], cancelled["treatment_id"]) == ("cancelled", str(TREATMENT))
    assert "sleep well" not in str(cancelled)
    assert (changed["subscription_id"], changed["change"], changed["effective"]) == (SUBSCRIPTION, "cancel", "term_end")
    assert changed["contract_id"] == str(contract)


async def test_a_double_click_is_one_cancellation(clinic: Clinic) -> None:
    contract = await clinic.contract()
    answers = await asyncio.gather(cancel(clinic, contract), cancel(clinic, contract, reason="again"))
    assert sorted(answer["repeated"] for answer in answers) == [False, True]
    assert len({(answer["cancelled_at"], answer["cancel_reason"]) for answer in answers}) == 1
    assert len(await events(clinic)) == 2


@pytest.mark.parametrize(("status", "effective"), [("active", "now"), ("paused", "now"), ("non_renewing", "now")])
async def test_the_subscription_ends_at_once_when_asked_to(clinic: Clinic, status: str, effective: str) -> None:
    await clinic.set("chargebee.subscription", SUBSCRIPTION, status=status)
    await cancel(clinic, await clinic.contract(), role="cct", me=THEO, ends="now")
    assert (await events(clinic))[1]["effective"] == effective


async def test_a_paused_subscription_ends_at_once_since_it_has_no_term(clinic: Clinic) -> None:
    await clinic.set("chargebee.subscription", SUBSCRIPTION, status="paused")
    await cancel(clinic, await clinic.contract())
    assert (await events(clinic))[1]["effective"] == "now"


async def test_a_subscription_that_pays_for_another_contract_goes_on(clinic: Clinic) -> None:
    contract = await clinic.contract()
    await clinic.contract(status="future")
    await cancel(clinic, contract)
    assert len(await events(clinic)) == 1


async def test_a_contract_without_a_subscription_is_cancelled_alone(clinic: Clinic) -> None:
    await cancel(clinic, await clinic.contract(subscription_id=None, status="future"))
    assert len(await events(clinic)) == 1


@pytest.mark.parametrize("status", ["completed", "renewed"])
async def test_a_contract_that_has_ended_is_not_cancelled(clinic: Clinic, status: str) -> None:
    contract = await clinic.contract(status=status)
    assert await clinic.refusal(CANCEL, role="user", me=ADA, id=str(contract)) == "contract-ended"


async def test_nobody_cancels_what_is_not_theirs(clinic: Clinic) -> None:
    contract = str(await clinic.contract())
    assert await clinic.refusal(CANCEL, role="user", me=BO, id=contract) == "not-found"
    assert await clinic.refusal(CANCEL, role="cct", me=BO, id=contract) == "not-found"
    assert await clinic.refusal(CANCEL, role="cct", me=THEO, id=str(uuid.uuid4())) == "not-found"
    assert await clinic.refusal(CANCEL, role="cct", me=THEO, id=contract, reason="x" * 1001) == "validation-failed"
    assert await clinic.refusal(CANCEL, role="provider", me=INES, id=contract) == "validation-failed"
    assert await clinic.row("SELECT status FROM public.contract") == {"status": "active"}


async def test_a_later_error_in_the_mutation_undoes_it(clinic: Clinic) -> None:
    contract = await clinic.contract()
    document = """mutation ($id: uuid!, $other: uuid!) {
        cancel_contract(id: $id) { id }
        again: cancel_contract(id: $other) { id }
    }"""
    code = await clinic.refusal(document, role="user", me=ADA, id=str(contract), other=str(uuid.uuid4()))
    assert code == "not-found"
    assert await clinic.row("SELECT status FROM public.contract") == {"status": "active"}
    assert await events(clinic) == []


@pytest.mark.parametrize("contract", [[], {}, True, 5, ["1"]])
async def test_a_value_that_is_no_text_is_refused_as_in_generated_fields(clinic: Clinic, contract: Any) -> None:
    answer = await clinic.endpoint.ask(CANCEL, role="user", me=str(ADA), id=contract)
    (error,) = answer["errors"]
    assert error["message"] == "an argument's value does not fit its type"
    assert error["extensions"] == {"code": "parse-failed", "path": "$.selectionSet.cancel_contract.args"}
    assert await clinic.refusal(CANCEL, role="user", me=ADA, id="no key") == "data-exception"
