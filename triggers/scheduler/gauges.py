"""What operators see of scheduled work, and of dead letters, at the scheduler's `/metrics`."""

from datetime import datetime, timedelta
from typing import Final

import orjson

from integrations.telemetry.metrics import gauge
from triggers.connection import Connection
from triggers.scheduler.cron import CRON_JOBS
from triggers.statements import load_statement

#: A task that is not done so long after its time is late.
_LATE: Final = timedelta(minutes=1)

_DEAD_LETTERS: Final = gauge(
    "caregraph_dead_letters_open",
    "Events that were given up, by relay or agent, and that nobody has settled.",
    ["agent"],
)
_LATE_TASKS: Final = gauge("caregraph_tasks_late", "Scheduled tasks that are not done a minute after their time.")
_FAILED_TASKS: Final = gauge("caregraph_tasks_failed", "Scheduled tasks that have failed for good.")
_LAST_DONE: Final = gauge(
    "caregraph_cron_last_done_seconds", "When a cron job was last done, as Unix time; 0: never.", ["job"]
)


async def measure(connection: Connection, *, now: datetime) -> None:
    """Set the gauges to what the database holds. Raises CONNECTION_ERRORS."""
    found = orjson.loads(await connection.fetchval(load_statement("scheduler/measure"), now - _LATE))
    # An agent whose last dead letter was settled is at nought, not at what it was.
    _DEAD_LETTERS.clear()
    for agent, number in found["dead_letters"].items():
        _DEAD_LETTERS.labels(agent).set(number)
    _LATE_TASKS.set(found["late_tasks"])
    _FAILED_TASKS.set(found["failed_tasks"])
    for job in CRON_JOBS:
        _LAST_DONE.labels(job.name).set(found["last_done"].get(job.name, 0))
