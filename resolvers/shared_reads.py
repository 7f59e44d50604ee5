"""The same slow read, asked for by many at the same time, runs once for all who wait.

A dashboard that fifty people look at asks the same aggregate fifty times, and PostgreSQL would add up the same rows
fifty times side by side. Here two of them run; whoever asks for the same meanwhile waits until one of these has ended,
and is answered, together with all others who wait then, by a run that begins after they asked. So nobody gets an answer
older than the question: what a caller has written before asking is in it, as if each had run alone.

"The same" is the statement with all its arguments. Role, session variables and filters are in them; two that differ in
anything that can change the answer are not the same (`resolvers.shape` tells why). Fast statements don't come here.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, Final

from resolvers import metrics
from resolvers.statement import Statement

#: From which mean time on, in seconds, a statement is slow, and below which it is no longer.
_SLOW_S: Final = 0.005
_FAST_S: Final = 0.001
#: How much the last run counts in that mean.
_WEIGHT: Final = 0.2
#: Statements whose times are kept.
_STATEMENTS: Final = 1_000
#: Runs of the same at a time. With one, a second caller would wait even while the database has nothing else to do.
_AT_ONCE: Final = 2

Row = Sequence[Any]
Run = Callable[[], Awaitable[Row]]


class SharedReads:
    """Knows which statements are slow, and shares their runs."""

    def __init__(self) -> None:
        #: Mean seconds of a run by statement, of those that took long at some time.
        self._mean_s: OrderedDict[str, float] = OrderedDict()
        self._slow: set[str] = set()
        self._reads: dict[Hashable, _Read] = {}

    def is_slow(self, sql: str) -> bool:
        """Whether runs of the statement are worth sharing."""
        return sql in self._slow

    def took(self, sql: str, seconds: float) -> None:
        """A run has taken so long."""
        known = self._mean_s.get(sql, 0.0)
        if not known and seconds < _SLOW_S:
            return
        self._mean_s[sql] = mean = known + (seconds - known) * _WEIGHT
        self._mean_s.move_to_end(sql)
        if mean >= _SLOW_S:
            self._slow.add(sql)
        elif mean < _FAST_S:
            # Not sooner: sharing makes runs shorter, by leaving the database less to do.
            self._forget(sql)
        if len(self._mean_s) > _STATEMENTS:
            self._forget(next(iter(self._mean_s)))

    def _forget(self, sql: str) -> None:
        del self._mean_s[sql]
        self._slow.discard(sql)

    async def run(self, statement: Statement, arguments: Sequence[Any], run: Run) -> Row:
        """The row of `run()`, or of one that somebody else began after this call. Raises what that raises."""
        key = (statement.sql, *(tuple(item) if isinstance(item, list) else item for item in arguments))
        read = self._reads.get(key)
        if read is None:
            read = self._reads[key] = _Read(lambda: self._reads.pop(key, None))
        return await read.answer(run)


class _Read:
    """One statement with one set of arguments, while anybody asks for it."""

    def __init__(self, forget: Callable[[], object]) -> None:
        self._forget = forget
        self._running = 0
        self._waiting: list[asyncio.Future[Row]] = []
        #: What answers those who wait: the first one's.
        self._next: Run | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, run: Run) -> Row:
        if self._running < _AT_ONCE:
            self._running += 1
            try:
                return await run()
            finally:
                self._ended()
        if self._next is None:
            self._next = run
        answered: asyncio.Future[Row] = asyncio.get_running_loop().create_future()
        self._waiting.append(answered)
        return await answered

    def _ended(self) -> None:
        """A run has ended: those who waited for that get theirs."""
        self._running -= 1
        waiting = [each for each in self._waiting if not each.done()]
        run, self._next = self._next, None
        self._waiting = []
        if waiting and run is not None:
            self._running += 1
            task = asyncio.get_running_loop().create_task(_run_for(run, waiting))
            self._tasks.add(task)
            task.add_done_callback(self._task_ended)
            for each in waiting:
                each.add_done_callback(lambda _: _stop_unless_awaited(task, waiting))
        elif not self._running:
            self._forget()

    def _task_ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._ended()


async def _run_for(run: Run, waiting: Sequence["asyncio.Future[Row]"]) -> None:
    """Run, and tell everybody who still waits."""
    try:
        row = await run()
    except asyncio.CancelledError:
        for each in waiting:
            each.cancel()
        raise
    except Exception as error:
        for each in waiting:
            if not each.done():
                each.set_exception(error)
    else:
        metrics.SHARED_READS.inc(len(waiting) - 1)
        for each in waiting:
            if not each.done():
                each.set_result(row)


def _stop_unless_awaited(task: "asyncio.Task[None]", waiting: Sequence["asyncio.Future[Row]"]) -> None:
    # An answer makes them done as well, and then the task is at its end.
    if all(each.cancelled() for each in waiting):
        task.cancel()
