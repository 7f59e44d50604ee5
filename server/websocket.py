"""GraphQL over WebSocket at `/v1/graphql`: `graphql-transport-ws`, and the older `graphql-ws` (HASURA_DIALECT §11).

Strawberry's view speaks both protocols. We tell it who is calling, hand its operations to the engine and to the live
queries, and send JSON as it came from PostgreSQL. A socket belongs to one session, from `connection_init` to the end of
the token.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types.unset import UNSET, UnsetType

from resolvers.engine import Engine
from resolvers.errors import GraphQLRequestError
from resolvers.live.queries import LiveQueries
from server.authentication.authenticator import Authenticator
from server.authentication.errors import AuthenticationError
from server.limits import KnownOperations, RateLimiter
from server.websocket_operations import SocketOperations
from server.websocket_protocols import (
    FORBIDDEN,
    Connection,
    OlderHandler,
    SocketAdapter,
    SocketLimits,
    TransportHandler,
    close_socket,
)


class GraphQLSockets(GraphQL[Connection, None]):
    """The ASGI application for WebSockets at `/v1/graphql`."""

    websocket_adapter_class = SocketAdapter
    graphql_transport_ws_handler_class = TransportHandler
    graphql_ws_handler_class = OlderHandler

    def __init__(
        self,
        *,
        engine: Engine,
        live: LiveQueries,
        authenticator: Authenticator,
        operations: KnownOperations,
        rate_limiter: RateLimiter,
        limits: SocketLimits | None = None,
        allowed_origins: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`allowed_origins` are other origins whose pages may connect; `clock` tells Unix time in seconds."""
        self.limits = limits or SocketLimits()
        schema: Any = SocketOperations(engine, live, operations, None if rate_limiter.is_idle else rate_limiter)
        super().__init__(
            schema,
            graphql_ide=None,
            keep_alive=True,
            keep_alive_interval=self.limits.keep_alive.total_seconds(),
            connection_init_wait_timeout=self.limits.init_timeout,
            # Ours says which limit it was.
            max_subscriptions_per_connection=None,
            allowed_origins=allowed_origins,
        )
        self._authenticator = authenticator
        self._clock = clock

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Connection:  # noqa: ARG002 -- Strawberry's signature
        """The connection that operations of this socket share."""
        assert isinstance(request, WebSocket)
        return Connection(socket=request)

    async def on_ws_connect(self, context: Connection) -> UnsetType | dict[str, object] | None:
        """Authenticate by the headers in the payload, or by the upgrade request's where the payload has none."""
        given = (context.connection_params or {}).get("headers")
        if given is not None and not isinstance(given, dict):
            problem = "expected an object for 'headers' in the payload of connection_init"
            await self._refuse(context, GraphQLRequestError("parse-failed", problem))
        try:
            session = await self._authenticator.authenticate(given or context.socket.scope["headers"])
        except AuthenticationError as error:
            await self._refuse(context, GraphQLRequestError(error.code.value, error.message))
        context.session = session
        if session.expires_at is not None:
            self._end_with_token(context, session.expires_at)
        nothing: UnsetType = UNSET
        return nothing

    async def _refuse(self, context: Connection, error: GraphQLRequestError) -> NoReturn:
        if await self.pick_websocket_subprotocol(context.socket) == GRAPHQL_TRANSPORT_WS_PROTOCOL:
            # Strawberry's own reason is just "Forbidden"; the adapter leaves alone what is closed already.
            await close_socket(context.socket, FORBIDDEN, f"{error.code}: {error.message}")
        raise ConnectionRejectionError({"message": error.message, "extensions": {"code": error.code, "path": "$"}})

    def _end_with_token(self, context: Connection, expires_at: float) -> None:
        def end() -> None:
            task = asyncio.get_running_loop().create_task(
                close_socket(context.socket, FORBIDDEN, "the token has expired; connect again with a new one")
            )
            context.tasks.add(task)
            task.add_done_callback(context.tasks.discard)

        delay_s = max(0.0, expires_at - self._clock())
        context.expiry = asyncio.get_running_loop().call_later(delay_s, end)
