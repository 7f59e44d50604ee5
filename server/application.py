"""The API as one ASGI application: the GraphQL endpoint in front, operators' and developers' pages behind it."""

import gc
from collections.abc import AsyncIterator, MutableMapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import structlog
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from integrations.telemetry import configure_telemetry, shutdown_telemetry
from integrations.telemetry.http import ReadinessCheck, RequestContextMiddleware, operational_routes
from resolvers.live.queries import LiveQueries
from resolvers.pool import Pool
from server.access_log import AccessLog
from server.authentication.authenticator import open_authenticator
from server.authentication.settings import AuthenticationSettings, read_authentication_settings
from server.beside import load_beside
from server.direct import DIRECT, DirectEndpoint
from server.endpoint import GraphQLEndpoint
from server.graphiql import GraphiQLSettings, graphiql_routes
from server.limits import KnownOperations, RateLimiter, operation_limits
from server.settings import ServerSettings, read_server_settings
from server.source import Source, hasura_source, platform_source
from server.websocket import GraphQLSockets
from server.websocket_protocols import SocketLimits

_LOG = structlog.get_logger(__name__)

GRAPHQL_PATH: Final = "/v1/graphql"
#: New containers before the youngest are looked at, and how many of those looks before the older ones are.
_COLLECTOR_THRESHOLDS: Final = (20_000, 20, 50)


class Application:
    """Sends GraphQL to the endpoint and everything else to Starlette; opens and closes what both need."""

    def __init__(self, settings: ServerSettings, authentication: AuthenticationSettings) -> None:
        self._settings = settings
        self._authentication = authentication
        self._endpoint: GraphQLEndpoint | None = None
        self._sockets: GraphQLSockets | None = None
        #: What the server keeps for its protocols, when it keeps something.
        self._server_state: MutableMapping[str, Any] | None = None
        self._pool = Pool(
            settings.database_url.get_secret_value(),
            size=settings.pool_size,
            statement_timeout_s=settings.statement_timeout_s,
        )
        #: What runs beside adds its own.
        self._checks: dict[str, ReadinessCheck] = {"database": self._check_database}
        self._pages = Starlette(
            routes=[*operational_routes(self._checks), *graphiql_routes(GraphiQLSettings())],
            lifespan=self._lifespan,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan":
            self._server_state = scope.get("state")
        if scope["type"] == "http" and scope["path"] == GRAPHQL_PATH:
            assert self._endpoint is not None, "the server answers only after its lifespan began"
            await self._endpoint(scope, receive, send)
            return
        if scope["type"] == "websocket" and scope["path"] == GRAPHQL_PATH:
            assert self._sockets is not None, "the server answers only after its lifespan began"
            await self._sockets(scope, receive, send)
            return
        await self._pages(scope, receive, send)

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            authenticator = await stack.enter_async_context(open_authenticator(self._authentication))
            stack.push_async_callback(self._pool.close)
            stack.callback(shutdown_telemetry)
            source = await self._source()
            for problem in source.problems:
                _LOG.warning("metadata_not_honoured", where=problem.where, what=problem.what)
            access_log = None
            if source.has_access_log:
                access_log = AccessLog(self._settings.database_url.get_secret_value())
                stack.push_async_callback(access_log.close)
            engine = source.engine(
                self._pool,
                operation_limits(self._settings.limits),
                access_log,
                shares_reads=self._settings.shared_reads,
            )
            operations = KnownOperations(self._settings.limits, self._settings.allow_list)
            rate_limiter = RateLimiter(self._settings.limits, self._settings.rate_limit_storage)
            stack.push_async_callback(rate_limiter.close)
            self._endpoint = GraphQLEndpoint(
                engine=engine,
                authenticator=authenticator,
                max_request_bytes=self._settings.max_request_bytes,
                operations=operations,
                rate_limiter=rate_limiter,
            )
            if self._server_state is not None:
                self._server_state[DIRECT] = self._direct(self._endpoint)
            live = LiveQueries(
                self._settings.database_url.get_secret_value(), statement_timeout_s=self._settings.statement_timeout_s
            )
            stack.push_async_callback(live.close)
            self._sockets = GraphQLSockets(
                engine=engine,
                live=live,
                authenticator=authenticator,
                operations=operations,
                rate_limiter=rate_limiter,
                limits=SocketLimits(
                    operations=self._settings.max_socket_operations,
                    init_timeout=timedelta(seconds=self._settings.socket_init_timeout_s),
                    message_bytes=self._settings.max_request_bytes,
                ),
                allowed_origins=self._settings.cors_origins,
            )
            for name in self._settings.beside:
                self._checks |= await stack.enter_async_context(load_beside(name)())
            if not gc.isenabled():
                _settle_collector()
            yield

    def _direct(self, endpoint: GraphQLEndpoint) -> DirectEndpoint:
        detours = {b"origin"} if self._settings.cors_origins else set()
        if endpoint.limits_rates:
            # uvicorn finds the client behind trusted proxies.
            detours.add(b"x-forwarded-for")
        # What Starlette's CORS middleware says where the answer might be another for another origin.
        lines = b"vary: Origin\r\n" if self._settings.cors_origins else b""
        return DirectEndpoint(endpoint, path=GRAPHQL_PATH, detours=frozenset(detours), lines=lines)

    async def _source(self) -> Source:
        folder = self._settings.hasura_metadata
        if folder is None:
            return platform_source()
        return await hasura_source(self._settings.database_url.get_secret_value(), folder)

    async def _check_database(self) -> None:
        async with self._pool.connection() as connection:
            await connection.row("SELECT 1", ())


def _settle_collector() -> None:
    """Turn the collector on again in a process of this server's own (`application_from_environment` turned it off).

    Schemas live as long as such a process: the collector is kept from walking them again and again. What requests make
    is in cycles only where they fail, so it need not look as often as it does unasked. In a process that others share,
    and that outlives this application, all that was frozen so would never be freed.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)
    gc.enable()


def create_application(settings: ServerSettings, authentication: AuthenticationSettings) -> ASGIApp:
    """The whole API with its middleware."""
    application: ASGIApp = Application(settings, authentication)
    if settings.cors_origins:
        application = CORSMiddleware(
            application,
            allow_origins=settings.cors_origins,
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type", "traceparent", "x-hasura-role", "x-request-id"],
            max_age=600,
        )
    return RequestContextMiddleware(application, routes=(GRAPHQL_PATH,))


def application_from_environment() -> ASGIApp:
    """What a server process runs: settings read, telemetry set up, the application made."""
    # Nearly all that starting makes stays. The lifespan turns the collector on.
    gc.disable()
    settings, authentication = read_server_settings(), read_authentication_settings()
    configure_telemetry("api")
    return create_application(settings, authentication)
