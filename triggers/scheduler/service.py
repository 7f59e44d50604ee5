"""The scheduler as a program: the hand-over loop, and HTTP for Cloud Scheduler and operators."""

import asyncio
import socket
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Final

import httpx
import orjson
import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.identity.errors import IdTokenUnavailableError, KeysUnavailableError, TokenError
from integrations.identity.id_tokens import IdTokenProvider
from integrations.identity.jwks import JwksCache
from integrations.identity.oidc import OidcVerifier
from integrations.telemetry.http import operational_routes
from integrations.telemetry.tracing import SpanKind, propagation_headers, span
from triggers.connection import CONNECTION_ERRORS, connect
from triggers.program import ServerBeside, stop_by_signal
from triggers.scheduler.cloud_tasks import CLOUD_TASKS_ERRORS, open_cloud_tasks
from triggers.scheduler.cron import CronJob, find_job
from triggers.scheduler.gauges import measure
from triggers.scheduler.handover import HandOver
from triggers.scheduler.jobs import JobFailed, RunOutcome, run_job
from triggers.scheduler.settings import SchedulerSettings
from triggers.settings import ServiceSettings

_STATUS: Final = {RunOutcome.DONE: 200, RunOutcome.REPEATED: 200, RunOutcome.BUSY: 409, RunOutcome.FAILED: 500}
_PAUSE_S: Final = 1.0
_MEASURE_EVERY_S: Final = 10.0

_log = structlog.get_logger(__name__)


async def serve_scheduler(settings: SchedulerSettings, service: ServiceSettings) -> None:
    """Run until SIGTERM or SIGINT. Raises OSError when the port can't be had."""
    with stop_by_signal() as stop:
        async with running(settings, socket.create_server((service.host, service.port))):
            await stop.wait()


@asynccontextmanager
async def running(settings: SchedulerSettings, listening: socket.socket) -> AsyncIterator[None]:
    """The scheduler, meanwhile, answering on that socket."""
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(
            httpx.AsyncClient(timeout=5.0, trust_env=False, verify=ssl.create_default_context())
        )
        scheduler = Scheduler(settings, client)
        server = ServerBeside(scheduler.application())
        _log.info("scheduler.listening", port=listening.getsockname()[1], queue=settings.queue)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        handing_over = asyncio.create_task(scheduler.hand_over())
        try:
            yield
        finally:
            handing_over.cancel()
            server.should_exit = True
            await asyncio.gather(handing_over, serving, return_exceptions=True)
            listening.close()


class Scheduler:
    """The loop and the answers."""

    def __init__(self, settings: SchedulerSettings, client: httpx.AsyncClient) -> None:
        self._settings = settings
        self._client = client
        self._verifier = OidcVerifier(
            audience=settings.audience,
            service_accounts=frozenset({settings.cron_service_account}),
            keys=JwksCache(settings.service_jwks_url, client=client),
            issuer=settings.service_issuer,
        )
        self._problem: str | None = "the first pass isn't over"

    def application(self) -> Starlette:
        """`POST /jobs/NAME`, health and metrics."""
        return Starlette(
            routes=[
                Route("/jobs/{name}", self._job, methods=["POST"]),
                *operational_routes({"hand_over": self._ready}),
            ]
        )

    async def hand_over(self) -> None:
        """Pass after pass, until cancelled; what fails is tried again."""
        settings = self._settings
        async with open_cloud_tasks(settings) as cloud_tasks:
            work = HandOver(
                cloud_tasks, agent_urls=settings.agent_urls, horizon=settings.horizon, overdue=settings.overdue
            )
            while True:
                try:
                    async with connect(
                        settings.database_url.get_secret_value(), application_name="caregraph-scheduler"
                    ) as connection:
                        measure_at = 0.0
                        while True:
                            now = await self._now()
                            done = await work.run_once(connection, now=now)
                            if time.monotonic() >= measure_at:
                                measure_at = time.monotonic() + _MEASURE_EVERY_S
                                await measure(connection, now=now)
                            self._problem = None
                            await asyncio.sleep(0 if done.is_full else settings.poll.total_seconds())
                except (*CONNECTION_ERRORS, *CLOUD_TASKS_ERRORS) as error:
                    self._problem = f"{type(error).__name__}: {error}"
                    _log.warning("scheduler.pass_failed", error=self._problem)
                    await asyncio.sleep(_PAUSE_S)

    async def _now(self) -> datetime:
        if self._settings.clock_url is None:
            return datetime.now(UTC)
        try:
            answer = await self._client.get(self._settings.clock_url)
            return datetime.fromisoformat(answer.raise_for_status().json()["now"])
        except (httpx.HTTPError, ValueError, KeyError) as error:
            raise TimeoutError(f"{self._settings.clock_url} doesn't tell the time: {error}") from error

    async def _ready(self) -> None:
        if self._problem is not None:
            raise RuntimeError(self._problem)

    async def _job(self, request: Request) -> Response:
        try:
            await self._verifier.verify(request.headers.get("authorization"))
        except TokenError as error:
            return JSONResponse({"error": str(error)}, 401, {"www-authenticate": "Bearer"})
        except KeysUnavailableError as error:
            return JSONResponse({"error": str(error)}, 503)
        job = find_job(request.path_params["name"])
        if job is None:
            return JSONResponse({"error": f"there is no job {request.path_params['name']!r}"}, 404)
        try:
            # Cloud Scheduler's header; someone who calls by hand means now.
            given = request.headers.get("x-cloudscheduler-scheduletime")
            due_at = datetime.fromisoformat(given) if given else datetime.now(UTC)
        except ValueError as error:
            return JSONResponse({"error": f"x-cloudscheduler-scheduletime: {error}"}, 400)
        try:
            outcome = await run_job(
                job,
                due_at=due_at if due_at.tzinfo else due_at.replace(tzinfo=UTC),
                database_url=self._settings.database_url.get_secret_value(),
                ask_agent=self.ask_agent,
            )
        except CONNECTION_ERRORS as error:
            return JSONResponse({"error": f"{type(error).__name__}: {error}"}, 503)
        return JSONResponse({"outcome": outcome}, _STATUS[outcome])

    async def ask_agent(self, job: CronJob, due_at: datetime) -> str | None:
        """The result of an agent's run, as JSON text; raises JobFailed."""
        url = self._settings.agent_urls.get(job.agent or "")
        if url is None:
            raise JobFailed(f"CAREGRAPH_AGENT_URLS doesn't say where the agent {job.agent!r} is")
        address = job.address(url)
        tokens = IdTokenProvider(audience=url, client=self._client, url=self._settings.id_token_url)
        try:
            with span(f"job {job.name}", kind=SpanKind.CLIENT):
                answer = await self._client.post(
                    address,
                    headers={
                        "authorization": f"Bearer {await tokens.get_token()}",
                        "x-cloudscheduler-scheduletime": due_at.isoformat(),
                        **propagation_headers(),
                    },
                    timeout=job.timeout.total_seconds(),
                )
        except (httpx.HTTPError, IdTokenUnavailableError) as error:
            raise JobFailed(f"{address}: {type(error).__name__}: {error}") from error
        said = _read_object(answer)
        if not answer.is_success:
            reason = (said or {}).get("error")
            raise JobFailed(f"{address} answered {answer.status_code}{f': {reason}' if reason else ''}")
        return orjson.dumps(said).decode() if said is not None else None


def _read_object(answer: httpx.Response) -> dict[str, Any] | None:
    """The JSON object in an answer. None for anything else: what stands between may answer, too."""
    try:
        said = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        return None
    return said if isinstance(said, dict) else None
