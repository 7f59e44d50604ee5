"""`change_subscription`: what may be asked for, by whom, and that asking twice is asking once."""

import asyncio
import datetime
import uuid
from typing import Any

import pytest

from local.demo.people import ADA, BO, MIRA, THEO
from tests.integration.operations.clinic import OTHER_TREATMENT, SUBSCRIPTION, TREATMENT, Clinic

CHANGE = """
mutation (
    $id: String!, $change: subscription_change_kind!, $effective: change_effective!,
    $plan: subscription_plan_input, $resume_on: date
) {
    change_subscription(
        subscription_id: $id, change: $change, effective: $effective, plan: $plan, resume_on: $resume_on
    ) { event_id subscription_id customer_id change effective effective_at status requested_at repeated }
}
"""
TERM_END = "2040-01-31T12:00:00+00:00"


async def ask(
    clinic: Clinic, change: str, effective: str = "now", *, role: str = "user", me: uuid.UUID = ADA, **more: Any
) -> Any:
    return await clinic.answer(CHANGE, role=role, me=me, id=SUBSCRIPTION, change=change, effective=effective, **more)


async def refusal(
    clinic: Clinic, change: str, effective: str = "now", *, role: str = "user", me: uuid.UUID = ADA, **more: Any
) -> str:
    return await clinic.refusal(CHANGE, role=role, me=me, id=SUBSCRIPTION, change=change, effective=effective, **more)


def plan(billing: str, treatment: uuid.UUID = TREATMENT) -> dict[str, str]:
    return {"treatment_id": str(treatment), "billing": billing}


async def changed(clinic: Clinic) -> list[Any]:
    return [event["data"] for event in await clinic.events("subscription.changed")]


async def test_a_customer_asks_for_another_plan_at_the_end_of_the_term(clinic: Clinic) -> None:
    contract = await clinic.contract()
    answer = await ask(clinic, "plan", "term_end", plan=plan("upfront"))
    assert (answer["change"], answer["effective_at"], answer["status"]) == ("plan", TERM_END, "active")
    assert answer["repeated"] is False
    (event,) = await clinic.events("subscription.changed")
    assert event["subject"] == str(ADA)
    assert event["data"] == {
        "customer_id": str(ADA),
        "subscription_id": SUBSCRIPTION,
        "contract_id": str(contract),
        "change": "plan",
        "effective": "term_end",
        "treatment_id": str(TREATMENT),
        "billing": "upfront",
        "item_price_id": "sleep-upfront",
        "resume_on": None,
        "status": "active",
        "resource_version": 1,
        "requested_by": "user",
    }


async def test_the_care_team_pauses_anyones_until_a_day(clinic: Clinic) -> None:
    answer = await ask(clinic, "pause", role="cct", me=THEO, resume_on="2040-03-01")
    assert answer["effective_at"] == answer["requested_at"]
    (data,) = await changed(clinic)
    assert (data["resume_on"], data["requested_by"]) == ("2040-03-01", "cct")


async def test_a_double_click_is_one_request(clinic: Clinic) -> None:
    answers = await asyncio.gather(ask(clinic, "cancel", "term_end"), ask(clinic, "cancel", "term_end"))
    first, second = sorted(answers, key=lambda answer: bool(answer["repeated"]))
    assert (first["repeated"], second["repeated"]) == (False, True)
    assert {**first, "repeated": None} == {**second, "repeated": None}
    assert len(await changed(clinic)) == 1


async def test_a_click_after_it_was_carried_out_is_answered_alike(clinic: Clinic) -> None:
    first = await ask(clinic, "pause")
    await clinic.set("chargebee.subscription", SUBSCRIPTION, status="paused", resource_version=2)
    assert await ask(clinic, "pause") == {**first, "repeated": True}
    assert len(await changed(clinic)) == 1


@pytest.mark.parametrize(
    ("change", "more", "scheduled"),
    [
        ("plan", {"plan": plan("upfront")}, {"has_scheduled_changes": True}),
        ("pause", {}, {"pause_date": datetime.datetime(2040, 1, 31, 12, tzinfo=datetime.UTC)}),
    ],
)
async def test_a_click_after_it_was_scheduled_is_answered_alike_until_that_is_taken_back(
    clinic: Clinic, change: str, more: dict[str, Any], scheduled: dict[str, Any]
) -> None:
    first = await ask(clinic, change, "term_end", **more)
    await clinic.set("chargebee.subscription", SUBSCRIPTION, resource_version=2, **scheduled)
    assert await ask(clinic, change, "term_end", **more) == {**first, "repeated": True}
    taken_back = {"has_scheduled_changes": False, "pause_date": None}
    await clinic.set("chargebee.subscription", SUBSCRIPTION, resource_version=3, **taken_back)
    assert (await ask(clinic, change, "term_end", **more))["repeated"] is False
    assert len(await changed(clinic)) == 2


SCHEDULED_PAUSE = {"pause_date": datetime.datetime(2040, 1, 31, 12, tzinfo=datetime.UTC)}


@pytest.mark.parametrize(
    ("change", "more", "waiting", "taken_back"),
    [
        ("plan", {"plan": plan("monthly")}, {"has_scheduled_changes": True}, {"has_scheduled_changes": False}),
        ("resume", {}, SCHEDULED_PAUSE, {"pause_date": None}),
        ("resume", {}, {"status": "non_renewing"}, {"status": "active"}),
    ],
)
async def test_what_waits_for_the_end_of_the_term_is_taken_back(
    clinic: Clinic, change: str, more: dict[str, Any], waiting: dict[str, Any], taken_back: dict[str, Any]
) -> None:
    await clinic.contract()
    assert await refusal(clinic, change, **more) == "nothing-to-change"
    await clinic.set("chargebee.subscription", SUBSCRIPTION, **waiting)
    first = await ask(clinic, change, **more)
    assert first["repeated"] is False
    assert await ask(clinic, change, **more) == {**first, "repeated": True}
    await clinic.set("chargebee.subscription", SUBSCRIPTION, resource_version=2, **taken_back)
    assert await ask(clinic, change, **more) == {**first, "repeated": True}
    assert len(await changed(clinic)) == 1


async def test_a_subscription_whose_contract_was_cancelled_ends(clinic: Clinic) -> None:
    await clinic.contract(status="cancelled")
    await clinic.set("chargebee.subscription", SUBSCRIPTION, status="non_renewing")
    assert await refusal(clinic, "resume") == "subscription-status"
    # Another contract has begun with it since.
    await clinic.contract()
    assert (await ask(clinic, "resume"))["repeated"] is False


async def test_a_second_thought_and_a_third_are_requests_of_their_own(clinic: Clinic) -> None:
    first, second, third = [await ask(clinic, "cancel", when) for when in ("now", "term_end", "now")]
    assert len({answer["event_id"] for answer in (first, second, third)}) == 3
    assert [data["effective"] for data in await changed(clinic)] == ["now", "term_end", "now"]


async def test_a_pause_after_a_pause_that_ended_is_another(clinic: Clinic) -> None:
    await ask(clinic, "pause")
    await clinic.set("chargebee.subscription", SUBSCRIPTION, resource_version=5)
    assert (await ask(clinic, "pause"))["repeated"] is False


@pytest.mark.parametrize(
    ("status", "change", "effective", "code"),
    [
        ("cancelled", "pause", "now", "subscription-status"),
        ("cancelled", "cancel", "now", "nothing-to-change"),
        ("non_renewing", "cancel", "term_end", "nothing-to-change"),
        ("active", "resume", "now", "nothing-to-change"),
        ("paused", "pause", "now", "nothing-to-change"),
        ("in_trial", "pause", "now", "subscription-status"),
        ("paused", "resume", "term_end", "validation-failed"),
    ],
)
async def test_the_status_must_allow_it(clinic: Clinic, status: str, change: str, effective: str, code: str) -> None:
    await clinic.set("chargebee.subscription", SUBSCRIPTION, status=status)
    assert await refusal(clinic, change, effective) == code
    assert await changed(clinic) == []


async def test_a_plan_must_be_offered_and_another(clinic: Clinic) -> None:
    assert await refusal(clinic, "plan", plan=plan("monthly")) == "nothing-to-change"
    assert await refusal(clinic, "plan", plan=plan("upfront", OTHER_TREATMENT)) == "plan-not-offered"
    assert await refusal(clinic, "plan", plan=plan("monthly", uuid.uuid4())) == "plan-not-offered"
    await clinic.set("public.treatment", TREATMENT, active=False)
    assert await refusal(clinic, "plan", plan=plan("upfront")) == "plan-not-offered"


async def test_the_treatment_changes_only_without_a_contract(clinic: Clinic) -> None:
    assert (await ask(clinic, "plan", plan=plan("monthly", OTHER_TREATMENT)))["change"] == "plan"
    await clinic.contract()
    assert await refusal(clinic, "plan", plan=plan("monthly", OTHER_TREATMENT)) == "treatment-differs"


async def test_arguments_must_go_together(clinic: Clinic) -> None:
    assert await refusal(clinic, "plan") == "validation-failed"
    assert await refusal(clinic, "cancel", plan=plan("upfront")) == "validation-failed"
    assert await refusal(clinic, "cancel", resume_on="2040-03-01") == "validation-failed"
    assert await refusal(clinic, "pause", resume_on="2001-03-01") == "validation-failed"
    assert await refusal(clinic, "pause", resume_on="soon") == "validation-failed"
    assert await refusal(clinic, "vanish") == "validation-failed"
    assert await refusal(clinic, "plan", plan={"treatment_id": str(TREATMENT)}) == "validation-failed"
    assert await refusal(clinic, "plan", plan=plan("weekly")) == "validation-failed"
    assert await refusal(clinic, "plan", plan={**plan("upfront"), "quantity": 2}) == "validation-failed"


async def test_nobody_changes_what_is_not_theirs(clinic: Clinic) -> None:
    assert await refusal(clinic, "pause", me=BO) == "not-found"
    assert await refusal(clinic, "pause", role="cct", me=BO) == "not-found"
    await clinic.set("public.staff", THEO, active=False)
    assert await refusal(clinic, "pause", role="cct", me=THEO) == "not-found"
    assert await refusal(clinic, "pause", role="provider", me=MIRA) == "validation-failed"
    await clinic.connection.execute("UPDATE public.customer SET deleted_at = now()")
    assert await refusal(clinic, "pause") == "not-found"
    assert await changed(clinic) == []
