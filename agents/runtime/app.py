"""The ASGI application of an agent: `POST /events`, `/healthz`, `/readyz`, `/metrics`."""

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from math import ceil
from typing import Final

import httpx
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from agents.graphql.client import GraphQLClient, open_graphql
from agents.runtime.handler import Handlers
from agents.runtime.processing import Processor
from agents.runtime.push import NotAPush, NotOurEvent, parse_push
from agents.runtime.settings import RuntimeSettings
from integrations.identity.errors import KeysUnavailableError, TokenError
from integrations.identity.id_tokens import IdTokenProvider
from integrations.identity.jwks import JwksCache
from integrations.identity.oidc import OidcVerifier
from integrations.telemetry.http import RequestContextMiddleware, operational_routes

_log = structlog.get_logger(__name__)

#: Pub/Sub's limit of 10 MB, as base64 inside JSON, with room for attributes.
MAX_BODY_BYTES: Final = 16 * 1024 * 1024

#: Opens an agent's clients and gives the handlers that use them; closes them at the end.
OpenHandlers = Callable[[GraphQLClient], AbstractAsyncContextManager[Handlers]]


@dataclass(slots=True, kw_only=True)
class _Opened:
    """What lives from start to stop."""

    verifier: OidcVerifier
    processor: Processor
    graphql: GraphQLClient


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

    async def endpoint_answers() -> None:
        await opened[0].graphql.ready()

    return Starlette(
        routes=[Route("/events", events, methods=["POST"]), *operational_routes({"endpoint": endpoint_answers})],
        middleware=[Middleware(RequestContextMiddleware)],
        lifespan=lifespan,
    )


async def _open(name: str, settings: RuntimeSettings, open_handlers: OpenHandlers, stack: AsyncExitStack) -> _Opened:
    # Reading the machine's certificates takes 20 ms, so it is done once.
    certificates = ssl.create_default_context()
    identity = await stack.enter_async_context(httpx.AsyncClient(timeout=5.0, verify=certificates))
    verifier = OidcVerifier(
        audience=settings.push_audience,
        service_accounts=frozenset({settings.push_service_account}),
        keys=JwksCache(settings.service_jwks_url, client=identity),
        issuer=settings.service_issuer,
    )
    token = IdTokenProvider(audience=settings.endpoint_audience, client=identity, url=settings.id_token_url)
    graphql = await stack.enter_async_context(
        open_graphql(
            url=settings.graphql_url,
            token=token,
            max_connections=2 * settings.concurrency,
            certificates=certificates,
        )
    )
    handlers = await stack.enter_async_context(open_handlers(graphql))
    processor = Processor(agent=name, handlers=handlers, graphql=graphql, settings=settings)
    return _Opened(verifier=verifier, processor=processor, graphql=graphql)


async def _answer(request: Request, opened: _Opened) -> Response:
    """What Pub/Sub gets to hear; the table in the package's docstring."""
    try:
        await opened.verifier.verify(request.headers.get("authorization"))
    except TokenError as error:
        _log.warning("push.refused", reason=str(error))
        return _problem(401, str(error), {"www-authenticate": "Bearer"})
    except KeysUnavailableError as error:
        _log.warning("push.keys_unavailable", reason=str(error))
        return _problem(503, str(error))
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
    if ending.status == 204:
        return Response(status_code=204)
    headers = {} if ending.retry_after is None else {"retry-after": str(ceil(ending.retry_after.total_seconds()))}
    return _problem(ending.status, ending.reason or ending.end, headers)


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
