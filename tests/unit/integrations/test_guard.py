"""The guard around calls, with attempts made of values: no network."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from integrations.errors import (
    CircuitOpen,
    IntegrationError,
    NotFound,
    RateLimited,
    ServerFault,
    TimedOut,
)
from integrations.guard import CALLS, CIRCUIT, RETRIES, Guard, RetryBudget
from integrations.settings import OutsideSettings


class Waits:
    """Stands in for asyncio.sleep: remembers, does not wait."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


def failing(kind: type[IntegrationError], times: int, **more: Any) -> Callable[[], Any]:
    """An attempt that fails so many times and then gives how often it was called."""
    calls = 0

    async def attempt() -> int:
        nonlocal calls
        calls += 1
        if calls <= times:
            raise kind(service="s", operation="o", code="c", **more)
        return calls

    return attempt


def make_guard(service: str, waits: Waits | None = None, **settings: Any) -> Guard:
    return Guard(service, OutsideSettings(**settings), sleep=waits or Waits())


async def test_a_passing_fault_is_tried_again_with_growing_random_waits() -> None:
    waits = Waits()
    guard = make_guard("growing", waits, retry_wait=timedelta(seconds=1), attempts=4)
    assert await guard.call("o", failing(ServerFault, 3)) == 4
    assert len(waits.seconds) == 3
    assert all(0 <= wait <= bound for wait, bound in zip(waits.seconds, (1, 2, 4), strict=True))


async def test_attempts_are_bounded_and_the_last_error_is_raised() -> None:
    guard = make_guard("bounded", attempts=3)
    with pytest.raises(ServerFault):
        await guard.call("o", failing(ServerFault, 3))


async def test_a_refusal_is_not_tried_again() -> None:
    attempt = failing(NotFound, 1)
    guard = make_guard("refusal")
    with pytest.raises(NotFound):
        await guard.call("o", attempt)
    assert await attempt() == 2


async def test_the_service_says_how_long_to_wait_and_not_all_come_back_at_once() -> None:
    waits = Waits()
    guard = make_guard("told", waits, retry_wait=timedelta(seconds=1), retry_reserve=100)
    for _ in range(20):
        await guard.call("o", failing(RateLimited, 1, retry_after=timedelta(seconds=7)))
    assert all(7 <= wait <= 8 for wait in waits.seconds)
    assert len(set(waits.seconds)) > 10


async def test_a_wait_beyond_the_deadline_is_the_callers_to_make() -> None:
    waits = Waits()
    guard = make_guard("beyond", waits, deadline=timedelta(seconds=5))
    with pytest.raises(RateLimited) as raised:
        await guard.call("o", failing(RateLimited, 1, retry_after=timedelta(seconds=60)))
    assert raised.value.retry_after == timedelta(seconds=60)
    assert waits.seconds == []


async def test_an_attempt_that_hangs_ends_at_the_deadline() -> None:
    guard = make_guard("hangs", deadline=timedelta(milliseconds=20), attempts=1)
    with pytest.raises(TimedOut) as raised:
        await guard.call("o", lambda: asyncio.sleep(60))
    assert raised.value.code == "deadline_exceeded"


async def test_retries_stop_when_the_budget_is_spent() -> None:
    guard = make_guard("spent", retry_reserve=3, retry_share=0, attempts=10, circuit_failures=100)
    attempt = failing(ServerFault, 100)
    with pytest.raises(ServerFault):
        await guard.call("o", attempt)
    # One call and three retries, although ten attempts were allowed.
    with pytest.raises(ServerFault):
        await attempt()
    with pytest.raises(ServerFault):
        await guard.call("o", attempt)
    assert RETRIES.labels("spent", "o", "ServerFault")._value.get() == 3


def test_calls_earn_retries_and_time_does_too() -> None:
    now = 0.0
    budget = RetryBudget(share=0.5, reserve=2, clock=lambda: now)
    assert [budget.take(), budget.take(), budget.take()] == [True, True, False]
    budget.note_call()
    assert not budget.take()
    budget.note_call()
    assert budget.take()
    now = 60.0
    budget.note_call()
    assert [budget.take(), budget.take(), budget.take()] == [True, True, False]


async def test_the_circuit_opens_after_failures_in_a_row_and_says_when_to_come_back() -> None:
    guard = make_guard("opens", attempts=1, circuit_failures=3, circuit_open_for=timedelta(seconds=30))
    for _ in range(3):
        with pytest.raises(ServerFault):
            await guard.call("o", failing(ServerFault, 1))
    attempt = failing(ServerFault, 0)
    with pytest.raises(CircuitOpen) as raised:
        await guard.call("o", attempt)
    assert await attempt() == 1, "the open circuit must not have called"
    assert raised.value.retry_after is not None
    assert timedelta() < raised.value.retry_after <= timedelta(seconds=30)
    assert await guard.circuit_state() == "opened"
    assert CIRCUIT.labels("opens", "opened")._value.get() == 1
    assert CIRCUIT.labels("opens", "closed")._value.get() == 0


async def test_the_circuit_closes_when_a_trial_succeeds_and_opens_again_when_it_fails() -> None:
    guard = make_guard("trial", attempts=1, circuit_failures=1, circuit_open_for=timedelta(milliseconds=1))
    with pytest.raises(ServerFault):
        await guard.call("o", failing(ServerFault, 1))
    await asyncio.sleep(0.005)
    with pytest.raises(ServerFault):
        await guard.call("o", failing(ServerFault, 1))
    assert await guard.circuit_state() == "opened"
    await asyncio.sleep(0.005)
    await guard.call("o", failing(ServerFault, 0))
    assert await guard.circuit_state() == "closed"
    assert CIRCUIT.labels("trial", "closed")._value.get() == 1


@pytest.mark.parametrize("kind", [NotFound, RateLimited])
async def test_refusals_and_rate_limits_leave_the_circuit_closed(kind: type[IntegrationError]) -> None:
    guard = make_guard("healthy", attempts=1, circuit_failures=1)
    for _ in range(3):
        with pytest.raises(kind):
            await guard.call("o", failing(kind, 1))
    assert await guard.circuit_state() == "closed"


async def test_an_open_circuit_does_not_pile_up_tracebacks() -> None:
    guard = make_guard("tracebacks", attempts=1, circuit_failures=1)
    with pytest.raises(ServerFault):
        await guard.call("o", failing(ServerFault, 1))
    depths = []
    for _ in range(3):
        with pytest.raises(CircuitOpen) as raised:
            await guard.call("o", failing(ServerFault, 0))
        depths.append(len(raised.traceback))
    assert depths[0] == depths[1] == depths[2]
    assert raised.value.__cause__ is None


async def test_every_end_is_counted() -> None:
    guard = make_guard("counted", attempts=1)
    await guard.call("o", failing(ServerFault, 0))
    with pytest.raises(NotFound):
        await guard.call("o", failing(NotFound, 1))
    assert CALLS.labels("counted", "o", "done")._value.get() == 1
    assert CALLS.labels("counted", "o", "NotFound")._value.get() == 1
