"""From `events.scheduled_task` to Cloud Tasks and back.

Each pass reads what is to do and does it in an order that may stop anywhere: a task is created at Cloud Tasks by name
first and marked after, so that a crash in between leads to a second creation, which Cloud Tasks refuses by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import orjson
import structlog

from integrations.telemetry.tracing import SpanKind, enter_trace
from triggers.connection import Connection
from triggers.scheduler.cloud_tasks import CloudTasks, TaskRefused
from triggers.statements import load_statement

#: Tasks of one pass and one kind of work.
_BATCH: Final = 100
#: How often a task that Cloud Tasks lost or gave up is handed over again before it has failed.
_LOST: Final = 3

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What one pass did."""

    handed_over: int
    removed: int
    again: int

    @property
    def is_full(self) -> bool:
        """Whether there may be more to do at once."""
        return _BATCH in {self.handed_over, self.removed, self.again}


class HandOver:
    """Hands over, removes what is out of date, looks after what is overdue. Any number may run at once."""

    def __init__(
        self, cloud_tasks: CloudTasks, *, agent_urls: Mapping[str, str], horizon: timedelta, overdue: timedelta
    ) -> None:
        self._cloud_tasks = cloud_tasks
        self._agent_urls = agent_urls
        self._horizon = horizon
        self._overdue = overdue

    async def run_once(self, connection: Connection, *, now: datetime) -> Pass:
        """One pass. Raises CONNECTION_ERRORS and CLOUD_TASKS_ERRORS; what was done until then stays done."""
        removed = await self._remove_outdated(connection)
        again = await self._look_after_overdue(connection, now)
        return Pass(handed_over=await self._hand_over(connection, now), removed=removed, again=again)

    async def _hand_over(self, connection: Connection, now: datetime) -> int:
        rows = await connection.fetch(
            load_statement("scheduler/due_soon"), now + self._horizon, list(self._agent_urls), _BATCH
        )
        handed_over = 0
        for row in rows:
            try:
                await self._create(row, now)
            except TaskRefused as error:
                # It may be the task's fault or the settings'; either way, those behind it don't wait for it.
                if await connection.fetchval(
                    load_statement("scheduler/refused"),
                    row["id"],
                    row["generation"],
                    f"Cloud Tasks refuses it: {error}",
                ):
                    _log.error("scheduler.refused", task=row["name"], kind=row["kind"], error=str(error))
                continue
            handed_over += 1
            marked = await connection.fetchval(
                load_statement("scheduler/mark_handed_over"), row["id"], row["generation"], row["cloud_task"], now
            )
            if marked is None:
                # Cancelled or planned anew a moment ago.
                await self._cloud_tasks.delete(row["cloud_task"])
            _log.info("scheduler.handed_over", task=row["name"], kind=row["kind"], due_at=row["due_at"].isoformat())
        return handed_over

    async def _create(self, row: Any, now: datetime) -> None:
        url = self._agent_urls[row["target"]]
        with enter_trace(
            row["traceparent"], "hand over", kind=SpanKind.PRODUCER, attributes={"task": row["name"]}
        ) as scope:
            # As in the relay: the agent's span hangs below this one only where this one is recorded.
            trace = scope.trace.traceparent if scope.recorded else row["traceparent"]
            await self._cloud_tasks.create(
                row["cloud_task"],
                url=f"{url}/tasks",
                audience=url,
                body=_body(row, trace),
                due_at=max(row["due_at"], now),
                traceparent=trace,
            )

    async def _remove_outdated(self, connection: Connection) -> int:
        rows = await connection.fetch(load_statement("scheduler/outdated"), _BATCH)
        for row in rows:
            await self._cloud_tasks.delete(row["cloud_task"])
            await connection.execute(load_statement("scheduler/forget_cloud_task"), row["id"], row["cloud_task"])
        return len(rows)

    async def _look_after_overdue(self, connection: Connection, now: datetime) -> int:
        rows = await connection.fetch(load_statement("scheduler/overdue"), now - self._overdue, _BATCH)
        again = 0
        for row in rows:
            if await self._cloud_tasks.has(row["cloud_task"]):
                continue
            status = await connection.fetchval(
                load_statement("scheduler/lost"), row["id"], row["generation"], _LOST, "Cloud Tasks no longer has it"
            )
            again += 1
            _log.warning("scheduler.lost", task=row["name"], generation=row["generation"], status=status)
        return again


def _body(row: Any, traceparent: str | None) -> bytes:
    """What the agent gets (`agents/runtime/tasks.py`)."""
    return orjson.dumps(
        {
            "id": str(row["id"]),
            "generation": row["generation"],
            "name": row["name"],
            "kind": row["kind"],
            "due_at": row["due_at"].isoformat(),
            "payload": orjson.loads(row["payload"]),
            # In the header, too; but what stands between may put its own position there.
            "traceparent": traceparent,
        }
    )
