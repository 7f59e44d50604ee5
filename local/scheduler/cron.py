"""The loop: look at the clock each second, call what is due."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import httpx
import structlog

from local.pubsub.push.http import BrokenConnectionError, Endpoint, UnreachableError
from local.pubsub.push.token import NoTokenError, TokenSource
from local.scheduler.clockwork import Called, last_due
from local.scheduler.settings import CronSettings
from triggers.scheduler.cron import CronJob

_LOOK_S: Final = 1.0
#: Between attempts at a run that failed, until the next one is due.
_AGAIN_S: Final = 10.0

_log = structlog.get_logger(__name__)


class Cron:
    """Calls jobs until `run` is cancelled."""

    def __init__(
        self, jobs: Sequence[CronJob], settings: CronSettings, tokens: TokenSource, client: httpx.AsyncClient
    ) -> None:
        self._jobs = [job for job in jobs if job.agent is None or job.agent in settings.agent_urls]
        self._settings = settings
        self._tokens = tokens
        self._client = client
        self._called = Called(settings.file)
        self._endpoints = {job.name: Endpoint(f"{settings.scheduler_url}/jobs/{job.name}") for job in self._jobs}

    async def run(self) -> None:
        """A loop a job: the next run begins when the last one has ended."""
        try:
            async with asyncio.TaskGroup() as group:
                for job in self._jobs:
                    group.create_task(self._keep(job))
        finally:
            self._tokens.close()
            for endpoint in self._endpoints.values():
                endpoint.close()

    async def _keep(self, job: CronJob) -> None:
        while True:
            due_at = await self._due(job)
            if due_at is None:
                await asyncio.sleep(_LOOK_S)
            elif await self._call(job, due_at):
                self._called.note(job.name, due_at)
            else:
                await asyncio.sleep(_AGAIN_S)

    async def _due(self, job: CronJob) -> datetime | None:
        """The time to call now; however many were missed, only the latest."""
        due_at = last_due(job.schedule, now=await self._now())
        last = self._called.last(job.name)
        if last is None or last > due_at:
            # New here, or the clock was set back, past what was called already: it begins with its next time.
            self._called.note(job.name, due_at)
            return None
        return due_at if due_at > last else None

    async def _call(self, job: CronJob, due_at: datetime) -> bool:
        """Whether this run needs no other attempt."""
        settings = self._settings
        try:
            token = await self._tokens.get(settings.service_account, settings.scheduler_url)
            headers = {
                "User-Agent": "Google-Cloud-Scheduler",
                "Authorization": f"Bearer {token}",
                "X-CloudScheduler": "true",
                "X-CloudScheduler-JobName": job.name,
                "X-CloudScheduler-ScheduleTime": due_at.isoformat(),
            }
            answer = await self._endpoints[job.name].post(b"", headers, timeout_s=job.timeout.total_seconds() + 10)
        except (NoTokenError, UnreachableError, BrokenConnectionError, TimeoutError) as error:
            _log.warning("cron.not_called", job=job.name, error=f"{type(error).__name__}: {error}")
            return False
        _log.info("cron.called", job=job.name, due_at=due_at.isoformat(), status=answer.status)
        return 200 <= answer.status < 300

    async def _now(self) -> datetime:
        if self._settings.clock_url is None:
            return datetime.now(UTC)
        try:
            answer = await self._client.get(self._settings.clock_url)
            return datetime.fromisoformat(answer.raise_for_status().json()["now"])
        except (httpx.HTTPError, ValueError, KeyError):
            # It is started or stopped: the machine's time will do.
            return datetime.now(UTC)
