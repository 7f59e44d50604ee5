"""How a call to an outside system is made safely: time-out, retries with jitter and a budget, circuit breaker, metrics.

``Guard.call("create_ticket", attempt)`` runs ``attempt`` under all of it::

    budget and deadline ─ retry loop (tenacity) ─ circuit breaker (purgatory) ─ span, timer ─ attempt()

Every client owns one guard, so that one service's trouble never slows another's calls. An attempt must be safe to
repeat: it carries an idempotency key, or looks first whether its work is done already.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final, TypeVar

import structlog
from purgatory import AsyncCircuitBreakerFactory
from purgatory.domain.model import Context, OpenedState
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_base, wait_random, wait_random_exponential

from integrations.errors import (
    CircuitOpen,
    CredentialsRefused,
    IntegrationError,
    PermanentError,
    RateLimited,
    TemporaryError,
    TimedOut,
)
from integrations.settings import OutsideSettings
from integrations.telemetry.metrics import DELAY_BUCKETS_S, counter, gauge, histogram
from integrations.telemetry.tracing import SpanKind, span

Result = TypeVar("Result")

#: Calls by their end: ``done``, or the kind of error.
CALLS: Final = counter(
    "caregraph_integration_calls_total",
    "Calls of outside systems by their end: done, or the kind of error.",
    ["service", "operation", "outcome"],
)
RETRIES: Final = counter(
    "caregraph_integration_retries_total",
    "Attempts at outside systems that were repeated, by the kind of error before.",
    ["service", "operation", "reason"],
)
SECONDS: Final = histogram(
    "caregraph_integration_attempt_seconds",
    "Duration of single attempts at outside systems.",
    ["service", "operation"],
    buckets=DELAY_BUCKETS_S,
)
CIRCUIT: Final = gauge(
    "caregraph_integration_circuit_state",
    "1 for the state that the circuit breaker of a service is in.",
    ["service", "state"],
)
CIRCUIT_STATES: Final = ("closed", "half-opened", "opened")

# These say that the service is up: they must not open its circuit.
_HEALTHY: Final[list[Any]] = [PermanentError, RateLimited, CredentialsRefused]

_log: Final = structlog.get_logger(__name__)


class RetryBudget:
    """Bounds retries to a share of the calls, so that a struggling service is not asked four times as much.

    Each call adds ``share`` of a token and each retry takes one; ``reserve`` is the most that can be saved up. The
    reserve fills again within a minute, so that a client with few calls is never starved.
    """

    def __init__(self, *, share: float, reserve: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._reserve = float(reserve)
        self._balance = float(reserve)
        self._clock = clock
        self._seen_at = clock()

    def note_call(self) -> None:
        """Count one call; it earns a part of a retry."""
        now = self._clock()
        self._balance = min(self._reserve, self._balance + self._share + (now - self._seen_at) * self._reserve / 60)
        self._seen_at = now

    def take(self) -> bool:
        """Whether one more retry fits, and if so, spend it."""
        if self._balance < 1:
            return False
        self._balance -= 1
        return True


class _WaitAsTold(wait_base):
    """Random exponential back-off; where the service gave a Retry-After, that and a little of it by chance on top.

    Whoever was told the same moment would else come back at the same moment.
    """

    def __init__(self, settings: OutsideSettings) -> None:
        self._jitter = wait_random(0, settings.retry_wait.total_seconds())
        self._backoff = wait_random_exponential(
            multiplier=settings.retry_wait.total_seconds(), max=settings.retry_wait_max.total_seconds()
        )

    def __call__(self, retry_state: RetryCallState) -> float:
        error = retry_state.outcome.exception() if retry_state.outcome else None
        if isinstance(error, IntegrationError) and error.retry_after is not None:
            return error.retry_after.total_seconds() + self._jitter(retry_state)
        return self._backoff(retry_state)


class Guard:
    """Runs the calls of one client; ``service`` is its name in logs, metrics and errors."""

    def __init__(
        self,
        service: str,
        settings: OutsideSettings,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.service = service
        self._settings = settings
        self._sleep = sleep
        self._wait = _WaitAsTold(settings)
        self._budget = RetryBudget(share=settings.retry_share, reserve=settings.retry_reserve)
        self._breakers = AsyncCircuitBreakerFactory(
            default_threshold=settings.circuit_failures,
            default_ttl=settings.circuit_open_for.total_seconds(),
            exclude=_HEALTHY,
        )
        self._breakers.add_listener(self._on_circuit_event)
        self._show_circuit("closed")

    async def call(self, operation: str, attempt: Callable[[], Awaitable[Result]]) -> Result:
        """What ``attempt`` returns; raises IntegrationError when it can't be had.

        Attempts raise IntegrationError (the client's edge has translated everything else). Errors with ``retry_now``
        are repeated within attempts, budget and deadline; everything else passes through at once.
        """
        self._budget.note_call()
        give_up_at = time.monotonic() + self._settings.deadline.total_seconds()
        outcome = "failed"
        try:
            async for one in self._attempts(operation, give_up_at):
                with one:
                    result = await self._attempt(operation, attempt, give_up_at)
            outcome = "done"
            _log.debug("integration.done", outside=self.service, operation=operation)
        except IntegrationError as error:
            outcome = _name(error)
            # A refusal is often expected («not there yet») and the caller's to judge; trouble is an operator's.
            level = logging.INFO if isinstance(error, PermanentError) else logging.WARNING
            _log.log(
                level,
                "integration.failed",
                outside=self.service,
                operation=operation,
                error=outcome,
                code=error.code,
                status=error.status,
            )
            raise
        finally:
            CALLS.labels(self.service, operation, outcome).inc()
        return result

    def _attempts(self, operation: str, give_up_at: float) -> AsyncRetrying:
        def may_retry(error: BaseException) -> bool:
            if not isinstance(error, TemporaryError) or not error.retry_now:
                return False
            left_s = give_up_at - time.monotonic()
            wait_s = error.retry_after.total_seconds() if error.retry_after else 0.0
            return wait_s < left_s and self._budget.take()

        def note_retry(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            reason = _name(error)
            RETRIES.labels(self.service, operation, reason).inc()
            _log.info(
                "integration.retried",
                outside=self.service,
                operation=operation,
                attempt=state.attempt_number,
                error=reason,
                wait_s=round(state.upcoming_sleep, 3),
            )

        return AsyncRetrying(
            stop=stop_after_attempt(self._settings.attempts),
            wait=self._wait,
            retry=retry_if_exception(may_retry),
            before_sleep=note_retry,
            sleep=self._sleep,
            reraise=True,
        )

    async def _attempt(self, operation: str, attempt: Callable[[], Awaitable[Result]], give_up_at: float) -> Result:
        async with self._circuit(operation):
            started = time.perf_counter()
            try:
                with span(
                    f"{self.service}.{operation}", kind=SpanKind.CLIENT, attributes={"peer.service": self.service}
                ):
                    # httpx bounds each part of an answer; this bounds the whole of it.
                    async with asyncio.timeout(max(give_up_at - time.monotonic(), 0.001)):
                        return await attempt()
            except TimeoutError as error:
                raise TimedOut(service=self.service, operation=operation, code="deadline_exceeded") from error
            finally:
                SECONDS.labels(self.service, operation).observe(time.perf_counter() - started)

    @asynccontextmanager
    async def _circuit(self, operation: str) -> AsyncIterator[None]:
        breaker = await self._breakers.get_breaker(self.service)
        try:
            await breaker.__aenter__()
        except OpenedState as opened:
            # The breaker raises the same object again and again: without this its traceback would grow for ever.
            opened.__traceback__ = None
            left_s = max(opened.opened_at + self._settings.circuit_open_for.total_seconds() - time.time(), 0.0)
            raise CircuitOpen(
                service=self.service, operation=operation, code="circuit_open", retry_after=timedelta(seconds=left_s)
            ) from None
        try:
            yield
        except BaseException as error:
            await breaker.__aexit__(type(error), error, error.__traceback__)
            raise
        await breaker.__aexit__(None, None, None)

    async def circuit_state(self) -> str:
        """The breaker's state: ``closed``, ``half-opened`` or ``opened``."""
        breaker = await self._breakers.get_breaker(self.service)
        context: Context = breaker.context
        return str(context.state)

    def _on_circuit_event(self, _circuit: str, kind: str, event: Any) -> None:
        if kind != "state_changed":
            return
        self._show_circuit(event.state)
        _log.warning("integration.circuit_changed", outside=self.service, state=event.state)

    def _show_circuit(self, current: str) -> None:
        for state in CIRCUIT_STATES:
            CIRCUIT.labels(self.service, state).set(1 if state == current else 0)


def _name(error: BaseException | None) -> str:
    return type(error).__name__ if error is not None else "unknown"
