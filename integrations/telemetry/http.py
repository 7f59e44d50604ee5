"""What every service answers to operators, and the middleware that names, times and logs each request."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from types import TracebackType
from typing import Any, Final, Self

import structlog
from prometheus_client import Histogram
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integrations.telemetry.backlog import Backlog, flush_backlogs, level_of
from integrations.telemetry.context import RequestContext, accept_request_id, current_request
from integrations.telemetry.logging import LogLevel, write_access_line
from integrations.telemetry.metrics import counter, gauge, histogram, render_metrics
from integrations.telemetry.tracing import TraceScope, enter_trace, join_trace

#: How long one readiness check may take before it counts as failed.
READINESS_TIMEOUT_S: Final = 2.0

#: Asked every few seconds by machines; logged at debug level, and no spans are exported for them.
OPERATIONAL_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics"})

_EVENT: Final = "http.request"

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

_log: Final = structlog.get_logger(__name__)

#: A check returns when its part works and raises when it doesn't.
ReadinessCheck = Callable[[], Awaitable[None]]


def operational_routes(
    readiness: Mapping[str, ReadinessCheck], *, timeout_s: float = READINESS_TIMEOUT_S
) -> list[Route]:
    """`/healthz`, `/readyz` and `/metrics` for any service.

    - `/healthz`: 200 `{"status": "alive"}` as long as the process answers. A restart is the cure when it doesn't.
    - `/readyz`: runs the named checks at once. 200 `{"status": "ready", "checks": {"database": "ok"}}`, or 503
      `{"status": "not ready", "checks": {"database": "failed: ConnectionRefusedError"}, "not_ready": ["database"]}`.
      Only the kind of error is shown; the log has the rest. No traffic should come while it answers 503.
    - `/metrics`: Prometheus' text, or OpenMetrics when asked for.
    """
    ready = gauge(
        "caregraph_ready", "Whether a readiness check passed when it was asked last (1) or not (0).", ["check"]
    )

    async def run(name: str, check: ReadinessCheck) -> str:
        try:
            async with asyncio.timeout(timeout_s):
                await check()
        except TimeoutError:
            outcome = f"no answer within {timeout_s:g} s"
            _log.warning("readiness.timed_out", check=name, timeout_s=timeout_s)
        except Exception as error:
            outcome = f"failed: {type(error).__name__}"
            _log.warning("readiness.failed", check=name, error=str(error), error_type=type(error).__name__)
        else:
            outcome = "ok"
        ready.labels(name).set(outcome == "ok")
        return outcome

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive"}, headers={"cache-control": "no-store"})

    async def readyz(_: Request) -> Response:
        outcomes = await asyncio.gather(*(run(name, check) for name, check in readiness.items()))
        checks = dict(zip(readiness, outcomes, strict=True))
        not_ready = [name for name, outcome in checks.items() if outcome != "ok"]
        body: dict[str, Any] = {"status": "not ready" if not_ready else "ready", "checks": checks}
        if not_ready:
            body["not_ready"] = not_ready
        return JSONResponse(body, status_code=503 if not_ready else 200, headers={"cache-control": "no-store"})

    async def metrics(request: Request) -> Response:
        flush_backlogs()
        body, content_type = render_metrics(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type, "cache-control": "no-store"})

    return [
        Route("/healthz", healthz, name="healthz"),
        Route("/readyz", readyz, name="readyz"),
        Route("/metrics", metrics, name="metrics"),
    ]


class HttpTelemetry:
    """Names, times and logs HTTP exchanges.

    `routes` are paths that become label values of the histogram although no Starlette route serves them (a fast path in
    front of the router); other unrouted paths count as `other`, so that strangers can't make labels.
    """

    def __init__(self, *, routes: Collection[str] = ()) -> None:
        self._routes = frozenset(routes) | OPERATIONAL_PATHS
        self._latency = histogram(
            "caregraph_http_request_duration_seconds",
            "Time from a request's first byte to its answer's last, in seconds.",
            ["method", "route", "status"],
        )
        #: Histogram children by label values: looking one up here is five times faster than `labels()`.
        self._children: dict[tuple[str, str, int], Histogram] = {}

    def exchange(self, scope: Mapping[str, Any], *, request_id: bytes | None, traceparent: bytes | None) -> "Exchange":
        """A context manager for one request and its answer. Of `scope` it reads type, method, path and route.

        `request_id` and `traceparent` are the headers' values.
        """
        return Exchange(self, scope, request_id, traceparent)

    def backlog(self, *, method: str, path: str) -> Backlog:
        """Where requests of a route can be counted and logged many at once, in less time for each."""
        return Backlog(method=method, path=path, event=_EVENT, durations=self._latency)

    def observe(self, scope: Mapping[str, Any], status: int, duration_s: float) -> None:
        """Count one answer."""
        method = scope["method"]
        key = (method if method in _METHODS else "other", self.route(scope), status)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = self._latency.labels(key[0], key[1], str(status))
        child.observe(duration_s)

    def route(self, scope: Mapping[str, Any]) -> str:
        """The route's template, not the path: few values, and no ids in them."""
        path = scope["path"]
        if path in self._routes:
            return str(path)
        template = getattr(scope.get("route"), "path", None)
        return template if isinstance(template, str) and template else "other"

    def describe(self, trace: TraceScope, scope: Mapping[str, Any], method: str, status: int) -> None:
        """Name the span by OpenTelemetry's HTTP conventions, now that the route is known."""
        route = self.route(scope)
        trace.rename(f"{method} {route}")
        trace.set(**{"http.request.method": method, "http.route": route, "http.response.status_code": status})


class Exchange:
    """One request and its answer: has an id and a trace from entering on, is counted and logged on leaving.

    Whoever answers sets `status` and adds to `sent_bytes`, and sets `client_left` when there is nobody to answer. An
    exception that passes through an exchange without an answer makes it a 500, a cancellation a 499.
    """

    __slots__ = (
        "_scope",
        "_started",
        "_telemetry",
        "_token",
        "_trace",
        "client_left",
        "request",
        "sent_bytes",
        "status",
    )

    def __init__(
        self,
        telemetry: HttpTelemetry,
        scope: Mapping[str, Any],
        request_id: bytes | None,
        traceparent: bytes | None,
    ) -> None:
        self._telemetry = telemetry
        self._scope = scope
        self.status = 0
        self.sent_bytes = 0
        self.client_left = False
        self.request = RequestContext(request_id=_request_id(request_id))
        self._trace = _trace(scope, traceparent)

    def __enter__(self) -> Self:
        self._token = current_request.set(self.request)
        self._trace.__enter__()
        self._started = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        duration_s = time.perf_counter() - self._started
        # An answer that has begun keeps its status in the line. What never began is a 500 of the server's, unless it
        # was cancelled: the client has left, or the server is stopping.
        is_ours = isinstance(error, Exception) or (error is None and not self.client_left)
        status = self.status or (500 if is_ours else 499)
        trace = self._trace
        if trace.recorded:
            self._telemetry.describe(trace, self._scope, self._scope["method"], status)
        self._telemetry.observe(self._scope, status, duration_s)
        fields = {
            "method": self._scope["method"],
            "path": self._scope["path"],
            "status": status,
            "duration_ms": round(duration_s * 1000, 3),
            "bytes": self.sent_bytes,
            **self.request.fields,
        }
        write_access_line(_level(self._scope["path"], status), _EVENT, fields)
        trace.__exit__(kind, error, traceback)
        if error is None:
            # Else the server logs it under this request, and its task ends with it.
            current_request.reset(self._token)


def _request_id(header: bytes | None) -> str:
    return accept_request_id(None if header is None else header.decode("latin-1"))


def _trace(scope: Mapping[str, Any], traceparent: bytes | None) -> TraceScope:
    text = None if traceparent is None else traceparent.decode("latin-1")
    return TraceScope(join_trace(text)) if scope["path"] in OPERATIONAL_PATHS else enter_trace(text, scope["type"])


def _level(path: str, status: int) -> LogLevel:
    # A failed readiness check has a line of its own.
    if path in OPERATIONAL_PATHS:
        return "debug"
    return level_of(status)


class RequestContextMiddleware:
    """Pure ASGI: gives each request an id and a trace, logs one line for it and feeds the latency histogram.

    Put it outermost. It takes `X-Request-Id` when sane (else makes one) and `traceparent`, answers with `x-request-id`,
    and writes `http.request` (`http.websocket` when a socket closes) with method, path, status, duration and what
    `context.annotate` added. The query string is never logged. An exception that escapes is logged by whoever catches
    it outside (uvicorn), still under this request's id, and raised on. `routes` are HttpTelemetry's.
    """

    def __init__(self, app: ASGIApp, *, routes: Collection[str] = ()) -> None:
        self._app = app
        self._telemetry = HttpTelemetry(routes=routes)
        self._sockets = gauge("caregraph_http_websockets_open", "WebSocket connections open now.")
        self._socket_total = counter("caregraph_http_websockets_total", "WebSocket connections ended.", ["code"])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; scopes other than `http` and `websocket` pass untouched."""
        kind = scope["type"]
        if kind == "http":
            await self._http(scope, receive, send)
        elif kind == "websocket":
            request_id, traceparent = _find(scope["headers"])
            request = RequestContext(request_id=_request_id(request_id))
            token = current_request.set(request)
            with _trace(scope, traceparent) as trace:
                await self._websocket(scope, receive, send, request, trace)
            # Not reached when an exception escapes: the server logs it under this request, and its task ends with it.
            current_request.reset(token)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id, traceparent = _find(scope["headers"])
        with self._telemetry.exchange(scope, request_id=request_id, traceparent=traceparent) as exchange:
            header = (b"x-request-id", exchange.request.request_id.encode("latin-1"))

            async def send_named(message: Message) -> None:
                if message["type"] == "http.response.start":
                    exchange.status = message["status"]
                    message = {**message, "headers": [*message.get("headers", ()), header]}
                elif message["type"] == "http.response.body":
                    exchange.sent_bytes += len(message.get("body", b""))
                await send(message)

            async def receive_watched() -> Message:
                message = await receive()
                exchange.client_left = message["type"] == "http.disconnect"
                return message

            await self._app(scope, receive_watched, send_named)

    async def _websocket(
        self, scope: Scope, receive: Receive, send: Send, request: RequestContext, trace: TraceScope
    ) -> None:
        code = 0
        header = (b"x-request-id", request.request_id.encode("latin-1"))

        async def receive_watched() -> Message:
            nonlocal code
            message = await receive()
            if message["type"] == "websocket.disconnect":
                code = message.get("code") or 1005
            return message

        async def send_named(message: Message) -> None:
            nonlocal code
            if message["type"] == "websocket.accept":
                message = {**message, "headers": [*message.get("headers", ()), header]}
            elif message["type"] == "websocket.close":
                code = message.get("code") or 1000
            await send(message)

        started = time.perf_counter()
        self._sockets.inc()
        try:
            await self._app(scope, receive_watched, send_named)
        except Exception:
            code = 1011
            raise
        finally:
            self._sockets.dec()
            if trace.recorded:
                self._telemetry.describe(trace, scope, "WS", code)
            # Codes from 3000 on are the applications'; 4000 and up come from clients as they like.
            self._socket_total.labels(str(code) if code < 3000 or 4400 <= code <= 4500 else "other").inc()
            write_access_line(
                "info",
                "http.websocket",
                {
                    "path": scope["path"],
                    "code": code,
                    "duration_ms": round((time.perf_counter() - started) * 1000, 3),
                    **request.fields,
                },
            )


def _find(headers: Iterable[tuple[bytes, bytes]]) -> tuple[bytes | None, bytes | None]:
    """The values of `x-request-id` and `traceparent`."""
    request_id = traceparent = None
    for name, value in headers:
        if name == b"x-request-id":
            request_id = value
        elif name == b"traceparent":
            traceparent = value
    return request_id, traceparent
