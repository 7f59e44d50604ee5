"""How the cron jobs fare, for the command line."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from triggers.connection import Connection
from triggers.scheduler.cron import CRON_JOBS
from triggers.statements import load_statement

_STYLE = {"done": "green", "running": "cyan", "failed": "red", "abandoned": "yellow"}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStatus:
    """A job and its last run; None where it has never run."""

    job: str
    schedule: str
    purpose: str
    #: The time that the last run was for.
    due_at: datetime | None = None
    #: running, done, failed or abandoned.
    outcome: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: str | None = None
    result: dict[str, Any] | None = None
    #: When a run was done last.
    done_at: datetime | None = None
    #: Runs of the last day that failed, or whose program was killed.
    failed_in_a_day: int = 0


async def read_job_statuses(connection: Connection) -> list[JobStatus]:
    """Every declared job, in the order of the declarations."""
    rows = {row["job"]: dict(row) for row in await connection.fetch(load_statement("scheduler/last_runs"))}
    statuses = []
    for job in CRON_JOBS:
        found = rows.get(job.name, {"job": job.name})
        result = found.pop("result", None)
        statuses.append(
            JobStatus(
                schedule=job.schedule, purpose=job.purpose, result=json.loads(result) if result else None, **found
            )
        )
    return statuses


def render_jobs(statuses: list[JobStatus]) -> Table:
    """A table of jobs."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("job", "schedule (UTC)", "last run", "outcome", "took", "failed in a day", "result"):
        table.add_column(heading, overflow="fold" if heading == "result" else "ellipsis")
    for status in statuses:
        took = ""
        if status.started_at is not None and status.finished_at is not None:
            took = f"{(status.finished_at - status.started_at).total_seconds():.1f} s"
        result = ", ".join(f"{name} {value}" for name, value in (status.result or {}).items())
        table.add_row(
            status.job,
            status.schedule,
            f"{status.due_at:%Y-%m-%d %H:%M}" if status.due_at else "never",
            f"[{_STYLE[status.outcome]}]{status.outcome}[/]" if status.outcome else "",
            took,
            str(status.failed_in_a_day),
            escape(status.error or result),
        )
    return table
