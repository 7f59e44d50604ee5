"""The supervisor: starts parts as soon as what they depend on is ready, watches them, stops them in reverse.

Every part has one task. It waits for the parts it depends on, starts the program under a guard, asks until it is
ready, and then waits for its end, which for a program means starting it again, later each time. Stopping cancels the
tasks, those that nobody depends on first, and each task ends its own program.

A program that never becomes ready is given up after a few attempts, and so is the platform's start, since something
is wrong that another attempt won't cure. A program that has been ready once is started again for ever, also when the
machine refuses to start it for a while (no memory, a full disk).
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from local.supervisor.part import Part, State
from local.supervisor.process import GuardedProcess, ProcessError
from local.supervisor.state import PartStatus

_POLL_S = 0.1
#: A program that ended is started again after this time, doubled each time up to the most.
_FIRST_PAUSE = timedelta(milliseconds=500)
_LONGEST_PAUSE = timedelta(seconds=30)
#: After this long in good health the next pause is the first again.
_HEALTHY_AFTER = timedelta(minutes=1)
#: How often a program may end before it was ever ready.
_START_ATTEMPTS = 3
_LOG_LINES = 12

_T = TypeVar("_T")


class PartFailedError(Exception):
    """A part was given up, so the platform can't start; the message names it, why, and the end of its log."""


@dataclass(slots=True)
class _Running:
    """The changing side of a part."""

    status: PartStatus
    settled: asyncio.Event
    task: asyncio.Task[None] | None = None


class Supervisor:
    """Runs the given parts. `on_change` is called with a part's new status, on the event loop."""

    def __init__(self, parts: Sequence[Part], *, on_change: Callable[[PartStatus], None]) -> None:
        self._parts = {part.name: part for part in parts}
        self._on_change = on_change
        self._running = {
            part.name: _Running(
                status=PartStatus(name=part.name, url=part.url, state=State.WAITING, pid=None), settled=asyncio.Event()
            )
            for part in parts
        }
        #: Set to the error of the first part that is given up.
        self._failure: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def statuses(self) -> tuple[PartStatus, ...]:
        """Every part's status, in the order in which the parts were given."""
        return tuple(running.status for running in self._running.values())

    async def start(self) -> None:
        """Start all parts and return when each is ready or done.

        PartFailedError as soon as a required one is given up.
        """
        for name, running in self._running.items():
            running.task = asyncio.create_task(self._keep(self._parts[name]), name=name)
        everything = asyncio.create_task(self._wait_for(self._parts))
        try:
            await asyncio.wait({everything, self._failure}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            everything.cancel()
        if self._failure.done():
            self._failure.result()

    async def stop(self) -> None:
        """Stop everything, each part before those it depends on; harmless when called again."""
        left = {name for name, running in self._running.items() if running.task is not None}
        while left:
            needed = {other for name in left for other in self._parts[name].depends_on}
            # Parts that nobody left depends on; all of them if the declaration has a circle.
            last = (left - needed) or left
            await asyncio.gather(*(self._stop_part(name) for name in last))
            left -= last
        if self._failure.done():
            # Seen or not by `start`, it has been told by the part's status.
            self._failure.exception()

    async def _stop_part(self, name: str) -> None:
        running = self._running[name]
        task, running.task = running.task, None
        if task is None:
            return
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError, ProcessError):
            await task
        if running.status.state not in {State.FAILED, State.DONE}:
            self._change(name, state=State.STOPPED, pid=None)

    async def _wait_for(self, names: Mapping[str, object] | Sequence[str]) -> None:
        for name in names:
            await self._running[name].settled.wait()

    async def _keep(self, part: Part) -> None:
        """Bring one part up and keep it so, until cancelled."""
        await self._wait_for(part.depends_on)
        try:
            await (self._run_step(part) if part.is_step else self._run_program(part))
        except (ProcessError, OSError) as error:
            self._give_up(part, str(error))

    async def _run_step(self, part: Part) -> None:
        async def work(process: GuardedProcess) -> int | None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(part.start_timeout.total_seconds()):
                    return await process.wait_async()
            return None

        status = await self._with_process(part, work)
        if status == 0:
            self._change(part.name, state=State.DONE, pid=None)
            self._running[part.name].settled.set()
        else:
            self._give_up(part, _ending(part, status))

    async def _run_program(self, part: Part) -> None:
        was_ready = False
        attempts = 0
        pause = _FIRST_PAUSE
        while True:
            attempts += 1
            started = time.monotonic()
            try:
                became_ready, ending = await self._with_process(part, lambda process: self._watch(part, process))
            except (ProcessError, OSError) as error:
                if not was_ready or _is_cancelled():
                    raise
                became_ready, ending = False, str(error)
            was_ready = was_ready or became_ready
            if not was_ready and attempts >= _START_ATTEMPTS:
                self._give_up(part, ending)
                return
            if time.monotonic() - started > _HEALTHY_AFTER.total_seconds():
                pause = _FIRST_PAUSE
            detail = f"{ending} (log: {part.command.log}); starting again in {pause.total_seconds():g} s"
            restarts = self._running[part.name].status.restarts + 1
            self._change(part.name, state=State.RESTARTING, pid=None, restarts=restarts, detail=detail)
            await asyncio.sleep(pause.total_seconds())
            pause = min(pause * 2, _LONGEST_PAUSE)

    async def _watch(self, part: Part, process: GuardedProcess) -> tuple[bool, str]:
        """Wait for the program to be ready, then for its end. Returns whether it was ready, and how it ended."""
        assert part.readiness is not None
        ended = asyncio.create_task(process.wait_async())
        try:
            deadline = time.monotonic() + part.start_timeout.total_seconds()
            while not ended.done() and not await part.readiness.is_ready(process.pid):
                if time.monotonic() > deadline:
                    return False, f"not ready after {part.start_timeout.total_seconds():g} s"
                await asyncio.wait({ended}, timeout=_POLL_S)
            if ended.done():
                # Whoever answered on its port, it wasn't this program.
                return False, _ending(part, await ended)
            self._change(part.name, state=State.READY, detail="")
            self._running[part.name].settled.set()
            return True, _ending(part, await ended)
        finally:
            ended.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await ended

    async def _with_process(self, part: Part, work: Callable[[GuardedProcess], Awaitable[_T]]) -> _T:
        """Start the program, run `work` with it, and see that it has ended afterwards."""
        self._change(part.name, state=State.STARTING, pid=None)
        start = asyncio.create_task(asyncio.to_thread(GuardedProcess.start, part.command))
        try:
            process = await asyncio.shield(start)
        except asyncio.CancelledError:
            # A thread can't be cancelled: take the program that it is starting, to end it.
            await (await start).stop_async()
            raise
        try:
            self._change(part.name, pid=process.pid)
            return await work(process)
        finally:
            if process.running:
                self._change(part.name, state=State.STOPPING)
            await process.stop_async()

    def _change(self, name: str, **changes: object) -> None:
        running = self._running[name]
        running.status = replace(running.status, **changes)  # type: ignore[arg-type] # the names are PartStatus's
        self._on_change(running.status)

    def _give_up(self, part: Part, reason: str) -> None:
        detail = reason if part.required else f"{reason}; the rest works without it (log: {part.command.log})"
        self._change(part.name, state=State.FAILED, pid=None, detail=detail)
        if not part.required:
            self._running[part.name].settled.set()
        elif not self._failure.done():
            message = f"{part.name} did not start: {reason}. Its log ({part.command.log}) ends with:\n{_log_tail(part)}"
            self._failure.set_exception(PartFailedError(message))


def _is_cancelled() -> bool:
    """Whether this task was told to end; what its program does on the way is then no reason to start it again."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _ending(part: Part, status: int | None) -> str:
    match status:
        case None:
            return f"not done after {part.start_timeout.total_seconds():g} s"
        case int() if status > 128:
            return f"ended by signal {status - 128}"
        case _:
            return f"ended with status {status}"


def _log_tail(part: Part) -> str:
    try:
        text = part.command.log.read_text(errors="replace")
    except OSError:
        return "  (it is empty)"
    lines = text.splitlines()[-_LOG_LINES:]
    return "\n".join(f"  {line}" for line in lines) or "  (it is empty)"
