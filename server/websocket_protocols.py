"""The two protocols on a socket: what Strawberry's handlers leave open.

They are held to limits that say what they are, take nothing from a client on trust, send errors that come late as
`error` messages, too, and text instead of bytes.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import NonJsonMessageReceived, NonTextMessageReceived, WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.subscriptions.protocols.graphql_ws.handlers import BaseGraphQLWSHandler
from strawberry.types.execution import PreExecutionError

from permissions.session import Session
from resolvers.errors import ValidationFailed
from resolvers.exact_numbers import read_json

#: Close codes of the protocol (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md).
FORBIDDEN: Final = 4403
_BAD_REQUEST: Final = 4400
_INIT_TIMEOUT: Final = 4408
_TOO_MANY_INITS: Final = 4429
_TOO_BIG: Final = 1009
#: A close frame's reason has 123 bytes at most (RFC 6455, 5.5).
_MAX_REASON_BYTES: Final = 123


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketLimits:
    """What one socket may do."""

    #: Operations that run at the same time.
    operations: int = 100
    #: From the upgrade to `connection_init`.
    init_timeout: timedelta = timedelta(seconds=15)
    #: One message from the client.
    message_bytes: int = 1024 * 1024
    #: Between two `ka` messages of the older protocol, whose clients reconnect when they hear none for 30 s. The newer
    #: one has no such message: the server's WebSocket pings keep it open.
    keep_alive: timedelta = timedelta(seconds=20)


@dataclass(slots=True, kw_only=True)
class Connection:
    """One socket and whose it is; Strawberry's context."""

    socket: WebSocket
    session: Session | None = None
    #: `connection_init.payload`, set by Strawberry.
    connection_params: Mapping[str, Any] | None = None
    expiry: asyncio.TimerHandle | None = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class NamedDocument:
    """The payload of an operation whose document may be named by its hash (Apollo's automatic persisted queries)."""

    payload: Mapping[str, Any]


async def close_socket(socket: WebSocket, code: int, reason: str) -> None:
    """Close the socket unless it is closed."""
    if socket.application_state is WebSocketState.DISCONNECTED or socket.client_state is WebSocketState.DISCONNECTED:
        return
    text = reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore")
    try:
        await socket.close(code=code, reason=text)
    except (RuntimeError, WebSocketDisconnect, OSError):
        # The client was faster.
        return


def _too_many(limit: int) -> dict[str, Any]:
    message = f"the socket goes over the limit of {limit} operations at a time: this is one more"
    return ValidationFailed(message).as_json()


class SocketAdapter(ASGIWebSocketAdapter):
    """Messages in and out of one socket."""

    def __init__(self, view: Any, request: WebSocket, response: WebSocket) -> None:
        super().__init__(view, request, response)
        self._limits: SocketLimits = view.limits

    async def iter_json(self, *, ignore_parsing_errors: bool = False) -> AsyncGenerator[object, None]:
        """The client's messages, as far as they have the shape that handlers rely on."""
        while self.ws.application_state is not WebSocketState.DISCONNECTED:
            try:
                text = await self.ws.receive_text()
            except KeyError:
                raise NonTextMessageReceived from None
            except WebSocketDisconnect:
                return
            limit = self._limits.message_bytes
            if len(text) > limit:
                await self.close(_TOO_BIG, f"the message is larger than the limit of {limit} bytes: it has {len(text)}")
                return
            try:
                message = read_json(text)
            except orjson.JSONDecodeError:
                if ignore_parsing_errors:
                    continue
                raise NonJsonMessageReceived from None
            problem = _problem_of(message)
            if problem is not None:
                await self.close(_BAD_REQUEST, f"Invalid message: {problem}")
                return
            yield _with_named_document(message)

    async def send_json(self, message: Mapping[str, object]) -> None:
        """Send a message. Raises WebSocketDisconnected when nobody is there."""
        try:
            await self.ws.send_text(orjson.dumps(message).decode())
        except (WebSocketDisconnect, RuntimeError) as error:
            # The second is Starlette's, after we closed the socket.
            raise WebSocketDisconnected from error

    async def close(self, code: int, reason: str) -> None:
        """Close the socket, unless that was done."""
        await close_socket(self.ws, code, reason)


def _problem_of(message: Any) -> str | None:
    """What is wrong with a message's shape."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return "expected an object with a `type`"
    kind = message["type"]
    if kind in ("subscribe", "start"):
        payload = message.get("payload")
        if not isinstance(payload, dict) or payload.keys().isdisjoint(("query", "extensions")):
            return f"`{kind}` needs a payload with a query"
    if kind in ("subscribe", "start", "complete", "stop") and not isinstance(message.get("id"), str):
        return f"`{kind}` needs a string as its id"
    if message.get("payload", ...) is None:
        # As good as none.
        del message["payload"]
    return None


def _with_named_document(message: Any) -> Any:
    """The message; where a document may come by its hash, with something in its place that knows both."""
    payload = message.get("payload")
    if message["type"] not in ("subscribe", "start") or "extensions" not in payload:
        return message
    return {**message, "payload": {**payload, "query": NamedDocument(payload)}}


class TransportHandler(BaseGraphQLTransportWSHandler[Connection, None]):
    """`graphql-transport-ws`."""

    view: Any

    async def handle(self) -> None:
        """Serve the socket."""
        try:
            await super().handle()
        finally:
            _release(self.context)

    async def handle_subscribe(self, message: Any) -> None:
        """Start an operation."""
        limit = self.view.limits.operations
        if self.connection_acknowledged and len(self.operations) >= limit and message["id"] not in self.operations:
            error: Any = {"id": message["id"], "type": "error", "payload": [_too_many(limit)]}
            await self.send_message(error)
            return
        await super().handle_subscribe(message)

    async def run_operation(self, operation: Operation[Connection, None]) -> None:
        """Answer an operation. Other than Strawberry's this sends errors that come later as `error`, too."""
        schema: Any = self.schema
        results = schema.stream(operation.query, operation.variables, operation.operation_name, self.context)
        try:
            async with aclosing(results):
                async for result in results:
                    if isinstance(result, PreExecutionError):
                        await operation.send_initial_errors(result.errors or [])
                        return
                    await operation.send_next(result)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except WebSocketDisconnected:
            self.operations.pop(operation.id, None)


class OlderHandler(BaseGraphQLWSHandler[Connection, None]):
    """`graphql-ws`, as Apollo's subscriptions-transport-ws speaks it."""

    view: Any

    async def handle(self) -> None:
        """Serve the socket; Strawberry knows no time-out of `connection_init` here."""
        waiting = asyncio.create_task(self._await_init())
        try:
            await super().handle()
        finally:
            waiting.cancel()
            _release(self.context)

    async def _await_init(self) -> None:
        await asyncio.sleep(self.view.limits.init_timeout.total_seconds())
        if not self.connection_acknowledged:
            await self.websocket.close(_INIT_TIMEOUT, "Connection initialisation timeout")

    async def handle_connection_init(self, message: Any) -> None:
        """Authenticate, once."""
        if self.connection_acknowledged:
            await self.websocket.close(_TOO_MANY_INITS, "Too many initialisation requests")
            return
        await super().handle_connection_init(message)

    async def handle_start(self, message: Any) -> None:
        """Start an operation."""
        limit = self.view.limits.operations
        if self.connection_acknowledged and len(self.tasks) >= limit and message["id"] not in self.tasks:
            error: Any = {"id": message["id"], "type": "error", "payload": _too_many(limit)}
            await self.send_message(error)
            return
        await super().handle_start(message)

    async def handle_async_results(
        self, operation_id: str, query: str, operation_name: str | None, variables: dict[str, object] | None
    ) -> None:
        """Answer an operation."""
        schema: Any = self.schema
        results = schema.stream(query, variables, operation_name, self.context)
        try:
            async with aclosing(results):
                async for result in results:
                    if isinstance(result, PreExecutionError):
                        payload: Any = (result.errors or [])[0].formatted
                        await self.send_message({"type": "error", "id": operation_id, "payload": payload})
                        return
                    await self.send_data_message(result, operation_id)
            await self.send_message({"type": "complete", "id": operation_id})
        except WebSocketDisconnected:
            return
        finally:
            self.tasks.pop(operation_id, None)

    async def handle_stop(self, message: Any) -> None:
        """End an operation; the client is told so."""
        known = message["id"] in self.tasks
        await super().handle_stop(message)
        if known:
            await self.send_message({"type": "complete", "id": message["id"]})


def _release(connection: Connection) -> None:
    """The socket has ended."""
    if connection.expiry is not None:
        connection.expiry.cancel()
