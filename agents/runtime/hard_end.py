"""An end for work that is told to stop and goes on."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import structlog

from integrations.telemetry.metrics import gauge

Result = TypeVar("Result")

_log = structlog.get_logger(__name__)


class CancelledItself(Exception):
    """The work ended as cancelled although nobody had asked it to: a fault in it."""


class HardEnd:
    """Runs an agent's work in tasks of their own, so that whoever waits for it can go without it.

    Python cancels work by an exception, which a careless `except` swallows. Work that goes on `grace_s` after it was
    cancelled is left behind: what comes of it is thrown away, the gauge counts it as long as it lives. Only work that
    never waits for anything (a loop without `await`) can't be left; then `/healthz` goes silent, too.
    """

    def __init__(self, *, agent: str, grace_s: float) -> None:
        self._agent = agent
        self._grace_s = grace_s
        #: The event loop alone would let them be collected.
        self._abandoned: set[asyncio.Task[Any]] = set()
        self._living = gauge(
            "caregraph_agent_abandoned", "Handlers and jobs that go on although they were told to stop.", ["agent"]
        )

    async def run(self, work: Coroutine[Any, Any, Result], *, on_abandoned: Callable[[], None]) -> Result:
        """What `work` gives or raises. Cancelled, it passes that on, and waits a moment for the work to heed it.

        `on_abandoned` is called when it doesn't.
        """
        task = asyncio.create_task(work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.done():
                task.cancel()
                await asyncio.wait({task}, timeout=self._grace_s)
                if not task.done():
                    self._abandon(task)
                    on_abandoned()
            elif not _is_cancelled():
                raise CancelledItself from None
            raise

    def _abandon(self, task: asyncio.Task[Any]) -> None:
        self._abandoned.add(task)
        self._living.labels(self._agent).inc()
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._abandoned.discard(task)
        self._living.labels(self._agent).dec()
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.warning("abandoned.failed", agent=self._agent, error_type=type(error).__name__)


def _is_cancelled() -> bool:
    current = asyncio.current_task()
    return current is not None and current.cancelling() > 0
