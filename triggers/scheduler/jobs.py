"""Running a cron job: one run at a time, each recorded with its outcome."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from enum import StrEnum
from typing import Final

import asyncpg
import orjson
import structlog

from integrations.telemetry.metrics import counter
from triggers.connection import Connection, connect
from triggers.scheduler.cron import CronJob
from triggers.statements import load_statement

#: First key of the advisory locks of jobs; the second is the hash of the job's name.
_LOCKS: Final = 0x63726F6E

_RUNS: Final = counter("caregraph_cron_runs_total", "Runs of cron jobs, by how they ended.", ["job", "outcome"])
_log = structlog.get_logger(__name__)

#: Asks an agent to do a job that was due then; gives its result as JSON text, raises JobFailed.
AskAgent = Callable[[CronJob, datetime], Awaitable[str | None]]


class JobFailed(Exception):
    """An agent could not do a job; the message says what it answered."""


class RunOutcome(StrEnum):
    """What became of a request to run a job."""

    DONE = "done"
    FAILED = "failed"
    #: Another run of the job is under way.
    BUSY = "busy"
    #: This run was done before.
    REPEATED = "repeated"


async def run_job(job: CronJob, *, due_at: datetime, database_url: str, ask_agent: AskAgent) -> RunOutcome:
    """Run `job` as it was due at that time, unless it was done before or runs now. Raises CONNECTION_ERRORS."""
    timeout_ms = str(int(job.timeout.total_seconds() * 1000))
    async with (
        connect(database_url, application_name=f"caregraph-job-{job.name}", statement_timeout=timeout_ms) as connection,
        _alone(connection, job) as alone,
    ):
        if not alone:
            return RunOutcome.BUSY
        await connection.execute(load_statement("scheduler/abandon_runs"), job.name, due_at)
        run = await connection.fetchval(load_statement("scheduler/begin_run"), job.name, due_at)
        if run is None:
            return RunOutcome.REPEATED
        result, problem = await _do(job, due_at, connection, ask_agent)
        outcome = RunOutcome.FAILED if problem else RunOutcome.DONE
        await connection.execute(load_statement("scheduler/end_run"), run, outcome.value, problem, result)
    _RUNS.labels(job.name, outcome.value).inc()
    _log.log(30 if problem else 20, f"cron.{outcome}", job=job.name, due_at=due_at.isoformat(), error=problem)
    return outcome


async def _do(
    job: CronJob, due_at: datetime, connection: Connection, ask_agent: AskAgent
) -> tuple[str | None, str | None]:
    """Result and problem."""
    try:
        async with asyncio.timeout(job.timeout.total_seconds()):
            if job.statement is not None:
                return await _repeat(load_statement(f"scheduler/{job.statement}"), connection, job), None
            return await ask_agent(job, due_at), None
    except JobFailed as error:
        return None, str(error)
    except (asyncpg.PostgresError, TimeoutError) as error:
        return None, f"{type(error).__name__}: {error}"


async def _repeat(statement: str, connection: Connection, job: CronJob) -> str:
    """Run the statement until it says that there is no `more`: pieces that lock little, for work that can be much."""
    sums: Counter[str] = Counter()
    more = True
    while more:
        numbers = orjson.loads(await connection.fetchval(statement, timeout=job.timeout.total_seconds()))
        more = numbers.pop("more", False)
        sums.update(numbers)
    return orjson.dumps(sums).decode()


@asynccontextmanager
async def _alone(connection: Connection, job: CronJob) -> AsyncIterator[bool]:
    """Whether this session has the job's lock meanwhile; it ends with the session, however that ends."""
    locked = await connection.fetchval("SELECT pg_try_advisory_lock($1, hashtext($2))", _LOCKS, job.name)
    try:
        yield bool(locked)
    finally:
        if locked and not connection.is_closed():
            await connection.execute("SELECT pg_advisory_unlock($1, hashtext($2))", _LOCKS, job.name)
