"""The parts of the runtime that need no wire: judgement, attempts, turns, work."""

import asyncio
import uuid
from datetime import timedelta

import pytest

from agents.events.contract import ContractActivated
from agents.events.envelope import derived_id
from agents.events.payload import MalformedEvent
from agents.graphql.errors import (
    AnswerMismatch,
    CredentialsRefused,
    EndpointUnavailable,
    GraphQLError,
    error_from_answer,
)
from agents.runtime.attempts import Attempts
from agents.runtime.errors import Rejected, RetryLater, Verdict, judge
from agents.runtime.handler import Handler, Handlers, Work, WriteBack
from agents.runtime.turns import Busy, Turns
from integrations.errors import CircuitOpen, NotFound, RateLimited
from integrations.identity.errors import IdTokenUnavailableError

EVENT = uuid.UUID("0190a6a0-0000-7000-8000-00000000000a")


def refusal(code: str, message: str = "no", path: str = "$") -> GraphQLError:
    return error_from_answer("Op", [{"message": message, "extensions": {"code": code, "path": path}}])


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (RetryLater("not yet"), Verdict.LATER),
        (Rejected("never"), Verdict.NEVER),
        (MalformedEvent("contract.inserted: data"), Verdict.NEVER),
        (RateLimited(service="s", operation="o", code="rate_limited"), Verdict.LATER),
        (CircuitOpen(service="s", operation="o", code="circuit_open"), Verdict.LATER),
        (NotFound(service="s", operation="o", code="not_found"), Verdict.NEVER),
        (EndpointUnavailable("no answer"), Verdict.LATER),
        (CredentialsRefused("no"), Verdict.LATER),
        (IdTokenUnavailableError("none"), Verdict.LATER),
        (refusal("unexpected"), Verdict.LATER),
        (refusal("validation-failed"), Verdict.FAULT),
        (refusal("constraint-violation"), Verdict.FAULT),
        (refusal("permission-error"), Verdict.FAULT),
        (refusal("invalid-jwt"), Verdict.LATER),
        (AnswerMismatch("Op"), Verdict.FAULT),
        (KeyError("x"), Verdict.FAULT),
    ],
)
def test_each_kind_of_error_has_its_verdict(error: Exception, verdict: Verdict) -> None:
    assert judge(error).verdict is verdict


def test_the_wait_that_an_outside_system_asks_for_is_kept() -> None:
    wait = timedelta(seconds=90)

    assert judge(RetryLater("later", after=wait)).after == wait
    assert judge(RateLimited(service="s", operation="o", code="rate_limited", retry_after=wait)).after == wait


def test_reasons_repeat_neither_row_values_nor_the_text_of_unknown_errors() -> None:
    violation = refusal(
        "constraint-violation",
        'Uniqueness violation. duplicate key value violates unique constraint "customer_email_key" (ada@example.com)',
        "$.selectionSet.update_customer_by_pk",
    )

    assert judge(violation).reason == "Op: constraint-violation at $.selectionSet.update_customer_by_pk"
    assert judge(RuntimeError("ada@example.com")).reason == "unexpected RuntimeError"


def test_an_attempt_is_counted_by_pubsub_or_by_us_whichever_is_higher() -> None:
    attempts = Attempts()

    assert [attempts.begin(EVENT, count) for count in (None, None, 7, None, 3)] == [1, 2, 7, 8, 9]
    attempts.forget(EVENT)
    assert attempts.begin(EVENT, None) == 1


def test_a_postponed_event_waits_until_its_time() -> None:
    now = 100.0
    attempts = Attempts(clock=lambda: now)
    attempts.begin(EVENT, None)
    attempts.postpone(EVENT, timedelta(seconds=30))

    now = 120.0
    assert attempts.wait(EVENT) == timedelta(seconds=10)
    now = 130.0
    assert attempts.wait(EVENT) is None
    assert attempts.begin(EVENT, None) == 2


def test_only_so_many_events_are_remembered() -> None:
    attempts = Attempts(capacity=2)
    events = [uuid.uuid4() for _ in range(3)]
    for event in events:
        attempts.begin(event, None)

    assert attempts.begin(events[2], None) == 2
    assert attempts.begin(events[0], None) == 1


async def test_two_deliveries_of_one_event_take_turns() -> None:
    turns = Turns(at_once=10, time_out=timedelta(seconds=5))
    inside = 0
    most = 0

    async def deliver() -> None:
        nonlocal inside, most
        async with turns.take(EVENT):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(deliver() for _ in range(5)))

    assert most == 1


async def test_different_events_go_side_by_side_up_to_the_limit() -> None:
    turns = Turns(at_once=3, time_out=timedelta(seconds=5))
    inside = 0
    most = 0
    full = asyncio.Event()

    async def deliver() -> None:
        nonlocal inside, most
        async with turns.take(uuid.uuid4()):
            inside += 1
            most = max(most, inside)
            if inside == 3:
                full.set()
            await full.wait()
            inside -= 1

    await asyncio.wait_for(asyncio.gather(*(deliver() for _ in range(9))), 5)

    assert most == 3


async def test_who_waits_too_long_for_a_turn_is_told_so_and_leaves_nothing_behind() -> None:
    turns = Turns(at_once=1, time_out=timedelta(milliseconds=20))
    other = uuid.uuid4()

    async with turns.take(EVENT):
        for waiting in (EVENT, other):
            with pytest.raises(Busy):
                async with turns.take(waiting):
                    pytest.fail("there was no turn to have")
    for free in (EVENT, other):
        async with turns.take(free):
            assert turns.at_hand == 1

    assert turns.at_hand == 0


async def test_a_step_has_the_same_key_in_every_attempt_and_is_recorded() -> None:
    keys = []
    for attempt in (1, 2):
        work = Work(event_id=EVENT, attempt=attempt)
        async with work.step("link", system="chargebee", action="update") as step:
            keys.append(step.idempotency_key)
            step.id = "sub-1"

    assert keys == [f"{EVENT}:link"] * 2
    (effect,) = work.effects
    assert {name: effect[name] for name in ("system", "action", "id")} == {
        "system": "chargebee",
        "action": "update",
        "id": "sub-1",
    }
    assert effect["ms"] >= 0
    assert effect["at"].endswith("+00:00")
    assert "error" not in effect


async def test_a_step_that_fails_is_recorded_with_the_kind_of_error_only() -> None:
    work = Work(event_id=EVENT, attempt=1)

    with pytest.raises(RuntimeError):
        async with work.step("link", system="chargebee", action="update"):
            raise RuntimeError("ada@example.com")

    assert work.effects[0]["error"] == "RuntimeError"
    assert "ada" not in str(work.effects)


def test_publishing_twice_for_one_event_is_publishing_the_same_event() -> None:
    event = ContractActivated.model_validate(
        {
            "contract_id": str(EVENT),
            "customer_id": str(EVENT),
            "subscription_id": None,
            "treatment_id": str(EVENT),
            "status": "active",
            "start_date": "2024-02-29",
            "end_date": "2024-08-29",
        }
    )
    first, second = (Work(event_id=EVENT, attempt=attempt).publish(event) for attempt in (1, 2))

    assert first == second
    assert first.variables["id"] == derived_id(EVENT, "contract.activated")
    assert first.variables["subject"] == str(EVENT)
    assert first.variables["data"]["start_date"] == "2024-02-29"


def test_one_type_has_one_handler() -> None:
    async def handle(_event: ContractActivated, _work: Work) -> WriteBack:
        return WriteBack()

    handler = Handler(event=ContractActivated, handle=handle)

    assert Handlers([handler]).find("contract.activated") is handler
    assert Handlers([handler]).find("contract.created") is None
    with pytest.raises(ValueError, match=r"two handlers for contract\.activated"):
        Handlers([handler, handler])
