"""The ASGI application of an agent: `/events`, `/tasks`, `/jobs/NAME` and `/webhooks/SOURCE`; health and metrics."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Final

import httpx
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agents.events.payload import MalformedEvent
from agents.graphql.client import GraphQLClient, open_graphql
from agents.runtime.handler import Handlers
from agents.runtime.jobs import JobRunner, Jobs
from agents.runtime.processing import Ending, Processor
from agents.runtime.push import NotAPush, NotOurEvent, parse_push
from agents.runtime.settings import RuntimeSettings
from agents.runtime.tasks import NotATask, parse_task
from agents.runtime.webhooks import Door, Stranger
from integrations.identity.errors import KeysUnavailableError, TokenError
from integrations.identity.id_tokens import IdTokenProvider
from integrations.identity.jwks import JwksCache
from integrations.identity.oidc import OidcVerifier
from integrations.telemetry.http import RequestContextMiddleware, operational_routes
from integrations.telemetry.metrics import counter

_log = structlog.get_logger(__name__)

#: Pub/Sub's limit of 10 MB, as base64 inside JSON, with room for attributes.
MAX_BODY_BYTES: Final = 16 * 1024 * 1024

#: Until when a sender is asked to come again, if nobody else said; Zendesk heeds it up to a minute.
_WEBHOOK_RETRY: Final = timedelta(seconds=5)

#: Opens an agent's clients and gives the handlers that use them; closes them at the end.
OpenHandlers = Callable[[GraphQLClient], AbstractAsyncContextManager[Handlers]]


@dataclass(slots=True, kw_only=True)
class _Opened:
    """What lives from start to stop."""

    verifier: OidcVerifier
    processor: Processor
    graphql: GraphQLClient
    #: For scheduled tasks; None when nobody is named who may send them.
    tasks: Processor | None
    tasks_verifier: OidcVerifier | None
    jobs: Jobs
    job_runner: JobRunner
    #: None when nobody is named who may call.
    jobs_verifier: OidcVerifier | None
    #: By source.
    doors: Mapping[str, Door]
    webhooks: Processor


class BodyTooLarge(Exception):
    """The body is larger than any push of Pub/Sub."""


def build_app(*, name: str, settings: RuntimeSettings, open_handlers: OpenHandlers) -> Starlette:
    """The application of agent `name`. Nothing is opened before its lifespan starts."""
    opened: list[_Opened] = []

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            opened.append(await _open(name, settings, open_handlers, stack))
            _log.info("agent.started", agent=name, endpoint=settings.graphql_url)
            try:
                yield
            finally:
                opened.clear()
                _log.info("agent.stopped", agent=name)

    async def events(request: Request) -> Response:
        return await _answer(request, opened[0])

    async def tasks(request: Request) -> Response:
        return await _answer_task(request, opened[0])

    async def jobs(request: Request) -> Response:
        return await _answer_job(request, opened[0])

    async def webhooks(request: Request) -> Response:
        return await _answer_webhook(request, opened[0])

    async def endpoint_answers() -> None:
        await opened[0].graphql.ready()

    return Starlette(
        routes=[
            Route("/events", events, methods=["POST"]),
            Route("/tasks", tasks, methods=["POST"]),
            Route("/jobs/{name}", jobs, methods=["POST"]),
            Route("/webhooks/{source}", webhooks, methods=["POST"]),
            *operational_routes({"endpoint": endpoint_answers}),
        ],
        middleware=[Middleware(RequestContextMiddleware)],
        lifespan=lifespan,
    )


async def _open(name: str, settings: RuntimeSettings, open_handlers: OpenHandlers, stack: AsyncExitStack) -> _Opened:
    # Reading the machine's certificates takes 20 ms, so it is done once.
    certificates = ssl.create_default_context()
    identity = await stack.enter_async_context(httpx.AsyncClient(timeout=5.0, verify=certificates))
    keys = JwksCache(settings.service_jwks_url, client=identity)

    def verifier(account: str) -> OidcVerifier:
        return OidcVerifier(
            audience=settings.push_audience,
            service_accounts=frozenset({account}),
            keys=keys,
            issuer=settings.service_issuer,
        )

    token = IdTokenProvider(audience=settings.endpoint_audience, client=identity, url=settings.id_token_url)
    graphql = await stack.enter_async_context(
        open_graphql(url=settings.graphql_url, token=token, certificates=certificates)
    )
    handlers = await stack.enter_async_context(open_handlers(graphql))
    processor = Processor(agent=name, handlers=handlers, graphql=graphql, settings=settings)
    account, jobs_account = settings.tasks_service_account, settings.jobs_service_account
    return _Opened(
        verifier=verifier(settings.push_service_account),
        processor=processor,
        graphql=graphql,
        tasks=Processor(agent=name, handlers=handlers.tasks, graphql=graphql, settings=settings) if account else None,
        tasks_verifier=verifier(account) if account else None,
        jobs=handlers.jobs,
        job_runner=JobRunner(agent=name, stop_grace=settings.stop_grace),
        jobs_verifier=verifier(jobs_account) if jobs_account else None,
        doors={door.source: door for door in handlers.doors},
        webhooks=Processor(
            agent=name,
            handlers=Handlers(door.handler for door in handlers.doors),
            graphql=graphql,
            settings=settings,
        ),
    )


async def _answer(request: Request, opened: _Opened) -> Response:
    """What Pub/Sub gets to hear; the table in the package's docstring."""
    refusal = await _stranger(request, opened.verifier)
    if refusal is not None:
        return refusal
    try:
        delivery = parse_push(await _read(request))
    except BodyTooLarge as error:
        _log.warning("push.too_large", reason=str(error))
        return _problem(413, str(error))
    except NotAPush as error:
        _log.warning("push.malformed", reason=str(error))
        return _problem(400, str(error))
    except NotOurEvent as error:
        ending = await opened.processor.refuse(error)
    else:
        ending = await opened.processor.process(delivery)
    return _ended(ending)


async def _answer_task(request: Request, opened: _Opened) -> Response:
    """What Cloud Tasks gets to hear: any 2xx ends the task there, anything else brings it again."""
    if opened.tasks is None or opened.tasks_verifier is None:
        return _problem(404, "this agent takes no tasks: CAREGRAPH_TASKS_SERVICE_ACCOUNT doesn't say from whom")
    refusal = await _stranger(request, opened.tasks_verifier)
    if refusal is not None:
        return refusal
    try:
        delivery = parse_task(await _read(request), request.headers)
    except BodyTooLarge as error:
        return _problem(413, str(error))
    except NotATask as error:
        _log.warning("task.malformed", reason=str(error))
        return _problem(400, str(error))
    ending = await opened.tasks.process(delivery)
    if ending.end == "ignored":
        # Not an end: a newer version of this agent may know the kind.
        _log.error("task.unknown_kind", kind=delivery.envelope.type, task=delivery.envelope.subject)
        return _problem(404, f"this agent has no handler for tasks of kind {delivery.envelope.type}")
    return _ended(ending)


async def _answer_job(request: Request, opened: _Opened) -> Response:
    """What the scheduler gets to hear: the run's result with 200, else why there is none (the package's docstring)."""
    if opened.jobs_verifier is None:
        return _problem(404, "this agent runs no jobs: CAREGRAPH_JOBS_SERVICE_ACCOUNT doesn't say who may ask for them")
    refusal = await _stranger(request, opened.jobs_verifier)
    if refusal is not None:
        return refusal
    name = request.path_params["name"]
    job = opened.jobs.find(name)
    if job is None:
        _log.error("job.unknown", job=name)
        return _problem(404, f"this agent has no job {name!r}; it has {', '.join(opened.jobs) or 'none'}")
    try:
        # Cloud Scheduler's header, which the scheduler passes on; someone who calls by hand means now.
        given = request.headers.get("x-cloudscheduler-scheduletime")
        due_at = datetime.fromisoformat(given) if given else datetime.now(UTC)
    except ValueError as error:
        return _problem(400, f"x-cloudscheduler-scheduletime: {error}")
    running = asyncio.ensure_future(
        opened.job_runner.run(job, due_at=due_at if due_at.tzinfo else due_at.replace(tzinfo=UTC))
    )
    left = asyncio.ensure_future(_caller_left(request))
    try:
        await asyncio.wait({running, left}, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            # The scheduler counts the run as over and may ask for the next one, here or at another instance.
            _log.warning("job.caller_left", job=name)
            return Response(status_code=499)
        ending = running.result()
    finally:
        for future in (running, left):
            future.cancel()
        await asyncio.gather(running, left, return_exceptions=True)
    if ending.status == 200:
        return JSONResponse(dict(ending.result))
    return _problem(ending.status, ending.reason or ending.end, _retry_after(ending.retry_after))


async def _answer_webhook(request: Request, opened: _Opened) -> Response:
    """What an outside system gets to hear: 200 ends it there, 503 brings it again, anything else is its fault."""
    source = request.path_params["source"]
    door = opened.doors.get(source)
    if door is None:
        return _problem(404, f"nobody sends webhooks as {source!r}; there are {', '.join(opened.doors) or 'none'}")
    try:
        delivery = door.open(await _read(request), request.headers)
    except Stranger as error:
        _count_refused_webhook(source, 401)
        _log.warning("webhook.refused", source=source, reason=str(error))
        return _problem(401, str(error))
    except MalformedEvent as error:
        _count_refused_webhook(source, 400)
        _log.warning("webhook.malformed", source=source, reason=str(error))
        return _problem(400, str(error))
    except BodyTooLarge as error:
        return _problem(413, str(error))
    ending = await opened.webhooks.process(delivery)
    if ending.status == 204:
        return JSONResponse({"end": ending.end})
    return _problem(503, ending.reason or ending.end, _retry_after(ending.retry_after or _WEBHOOK_RETRY))


def _count_refused_webhook(source: str, status: int) -> None:
    counter(
        "caregraph_webhooks_refused_total",
        "Webhooks that were not taken: 401 without their source's proof, 400 malformed.",
        ["source", "status"],
    ).labels(source, str(status)).inc()


async def _caller_left(request: Request) -> None:
    """Return when the connection of the request is closed; its body is thrown away."""
    while (await request.receive())["type"] != "http.disconnect":
        continue


async def _stranger(request: Request, verifier: OidcVerifier) -> Response | None:
    """The answer to someone who isn't the verifier's service account; None for that account."""
    try:
        await verifier.verify(request.headers.get("authorization"))
    except TokenError as error:
        _log.warning("push.refused", reason=str(error))
        return _problem(401, str(error), {"www-authenticate": "Bearer"})
    except KeysUnavailableError as error:
        _log.warning("push.keys_unavailable", reason=str(error))
        return _problem(503, str(error))
    return None


def _ended(ending: Ending) -> Response:
    if ending.status == 204:
        return Response(status_code=204)
    return _problem(ending.status, ending.reason or ending.end, _retry_after(ending.retry_after))


def _retry_after(wait: timedelta | None) -> dict[str, str]:
    return {} if wait is None else {"retry-after": str(ceil(wait.total_seconds()))}


async def _read(request: Request) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY_BYTES:
            raise BodyTooLarge(f"the body is larger than {MAX_BODY_BYTES} bytes, which no push of Pub/Sub is")
        chunks.append(chunk)
    return b"".join(chunks)


def _problem(status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"error": reason}, status_code=status, headers=headers)
