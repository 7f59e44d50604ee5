"""Jobs that an agent does by the clock: `caregraph scheduler` calls `POST /jobs/NAME` when one is due.

A job's `run` is a function of the run and the clients it uses; an agent's `app.py` binds the clients, as for handlers::

    async def run_etl(run: JobRun, *, graphql, chargebee) -> Mapping[str, int]:
        ...
        return {"invoices": 12}

What it returns is the run's result in `events.cron_run`. It may be called again for the same `due_at`, after a failure
or when its program was killed: it goes on where it was, or does again what does no harm twice.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final, Literal

import structlog

from agents.runtime.errors import Judgement, Verdict, judge
from agents.runtime.hard_end import HardEnd
from integrations.telemetry.context import annotate
from integrations.telemetry.metrics import counter, histogram
from integrations.telemetry.tracing import span

_log = structlog.get_logger(__name__)

#: What a job tells about its run: counts and short words, no personal data.
JobResult = Mapping[str, int | float | str | bool | None]

#: A run takes from a tenth of a second to minutes.
_BUCKETS_S: Final = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0)

JobEnd = Literal["done", "failed", "refused", "timed_out", "busy"]


@dataclass(frozen=True, kw_only=True, slots=True)
class JobRun:
    """One run of a job."""

    job: str
    #: The time that the schedule names, not when the run began; the same when the run is tried again.
    due_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """Work that comes by the clock."""

    #: As in the address: `POST /jobs/NAME`.
    name: str
    run: Callable[[JobRun], Awaitable[JobResult]]
    #: At least what `triggers/scheduler/cron.py` allows the run; the caller gives up first.
    time_out: timedelta = timedelta(minutes=6)


class Jobs:
    """The jobs of one agent, by name."""

    def __init__(self, jobs: Iterable[Job] = ()) -> None:
        """Raises ValueError when two jobs have one name."""
        self._by_name: dict[str, Job] = {}
        for job in jobs:
            if job.name in self._by_name:
                raise ValueError(f"two jobs are called {job.name}")
            self._by_name[job.name] = job

    def find(self, name: str) -> Job | None:
        """The job of that name, or None."""
        return self._by_name.get(name)

    def __iter__(self) -> Iterator[str]:
        """Their names."""
        return iter(self._by_name)


@dataclass(frozen=True, kw_only=True, slots=True)
class JobEnding:
    """How a request to run a job ended, and what its caller is told."""

    end: JobEnd
    #: HTTP status.
    status: int
    result: JobResult = field(default_factory=dict)
    reason: str | None = None
    retry_after: timedelta | None = None


class JobRunner:
    """Runs jobs, each one at a time in this process; never raises for what a job does."""

    def __init__(self, *, agent: str, stop_grace: timedelta) -> None:
        self._agent = agent
        self._hard_end = HardEnd(agent=agent, grace_s=stop_grace.total_seconds())
        self._running: set[str] = set()
        self._endings = counter(
            "caregraph_agent_job_runs_total", "Runs of an agent's jobs by how they ended.", ["agent", "job", "end"]
        )
        self._duration = histogram(
            "caregraph_agent_job_duration_seconds",
            "Time of a run of an agent's job, in seconds.",
            ["agent", "job"],
            buckets=_BUCKETS_S,
        )

    async def run(self, job: Job, *, due_at: datetime) -> JobEnding:
        """Run the job, unless a run of it is under way here. Cancelling this cancels the run."""
        annotate(job=job.name)
        if job.name in self._running:
            ending = JobEnding(end="busy", status=409, reason=f"a run of {job.name} is under way")
        else:
            self._running.add(job.name)
            try:
                with self._duration.labels(self._agent, job.name).time(), span(f"{self._agent} job {job.name}"):
                    ending = await self._attempt(job, JobRun(job=job.name, due_at=due_at))
            finally:
                self._running.discard(job.name)
        annotate(end=ending.end)
        self._endings.labels(self._agent, job.name, ending.end).inc()
        return ending

    async def _attempt(self, job: Job, run: JobRun) -> JobEnding:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(job.time_out.total_seconds()):
                result = await self._hard_end.run(
                    _result_of(job, run), on_abandoned=partial(_log.error, "job.abandoned", job=job.name)
                )
        except TimeoutError:
            ending = JobEnding(
                end="timed_out", status=504, reason=f"{job.name}: no end within {job.time_out.total_seconds():g} s"
            )
        except Exception as error:
            # Whatever it is, the caller must get an answer.
            ending = _failure(judge(error))
            if ending.status == 500:
                _log.exception("job.fault", job=job.name)
        else:
            ending = JobEnding(end="done", status=200, result=result)
        _log.log(
            20 if ending.end == "done" else 30,
            f"job.{ending.end}",
            job=job.name,
            due_at=run.due_at.isoformat(),
            reason=ending.reason,
            result=dict(ending.result) or None,
            duration_ms=round((time.perf_counter() - started) * 1000, 1),
        )
        return ending


async def _result_of(job: Job, run: JobRun) -> JobResult:
    return await job.run(run)


def _failure(judgement: Judgement) -> JobEnding:
    """503: an outside system or the endpoint is down. 422: refused for good. 500: our own fault."""
    if judgement.verdict is Verdict.LATER:
        return JobEnding(end="failed", status=503, reason=judgement.reason, retry_after=judgement.after)
    if judgement.verdict is Verdict.NEVER:
        return JobEnding(end="refused", status=422, reason=judgement.reason)
    return JobEnding(end="failed", status=500, reason=judgement.reason)
