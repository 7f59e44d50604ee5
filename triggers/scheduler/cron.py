"""The jobs that run by the clock, as data: for Cloud Scheduler in production, for `local.scheduler` here."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class CronJob:
    """One job; either a statement of ours or an agent does it."""

    name: str
    #: Five fields, UTC (https://cloud.google.com/scheduler/docs/configuring/cron-job-schedules).
    schedule: str
    #: What operators read.
    purpose: str
    #: A file of `triggers/sql/scheduler`, which gives numbers as one JSON object; with `more`: true in it, it is run
    #: again and the numbers are added up.
    statement: str | None = None
    #: The agent that does it.
    agent: str | None = None
    #: What the agent calls it (`Job.name` in its `app.py`); by default our name.
    agent_job: str | None = None
    timeout: timedelta = timedelta(minutes=5)

    def address(self, agent_url: str) -> str:
        """Where the agent at that base URL is asked to do it."""
        return f"{agent_url}/jobs/{self.agent_job or self.name}"


CRON_JOBS: Final[tuple[CronJob, ...]] = (
    CronJob(
        name="chargebee-etl",
        schedule="* * * * *",
        purpose="Brings the mirror of Chargebee up to date.",
        agent="chargebee",
        agent_job="etl",
    ),
    CronJob(
        name="contract-activation",
        schedule="5 0 * * *",
        purpose="Makes contracts active whose first day has come.",
        agent="contract",
        agent_job="activation",
    ),
    CronJob(
        name="renewal-check",
        schedule="15 2 * * *",
        purpose="Plans the renewals of contracts that end soon and have none to come.",
        statement="renewal_check",
    ),
    CronJob(
        name="prescription-check",
        schedule="20 * * * *",
        purpose="Asks the pharmacy about fills without news, orders what waits, cancels what is over.",
        agent="prescription",
        agent_job="check",
    ),
    CronJob(
        name="payment-recovery-check",
        schedule="40 * * * *",
        purpose="Plans attempts to collect anew that should have been made and were not.",
        agent="invoice",
        agent_job="recovery-check",
    ),
    CronJob(
        name="data-cleanup",
        schedule="45 3 * * 0",
        purpose="Archives old events, and removes what its time of keeping is over for: runs, deliveries, access logs, "
        "records of customers who were deleted ten years ago.",
        statement="data_cleanup",
        # In pieces, each committed: what is left after this is for the next time.
        timeout=timedelta(minutes=25),
    ),
)


def find_job(name: str) -> CronJob | None:
    """The job of that name."""
    return next((job for job in CRON_JOBS if job.name == name), None)
