"""What every service answers to operators, and the middleware that names, times and logs each request."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextvars import Token
from types import TracebackType
from typing import Any, Final, Self

import structlog
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from integrations.telemetry.context import RequestContext, accept_request_id, current_request
from integrations.telemetry.logging import LogLevel, write_access_line
from integrations.telemetry.metrics import counter, gauge, histogram, render_metrics
from integrations.telemetry.tracing import TraceScope, enter_trace, join_trace

#: How long one readiness check may take before it counts as failed.
READINESS_TIMEOUT_S: Final = 2.0

#: Asked every few seconds by machines; logged at debug level, and no spans are exported for them.
OPERATIONAL_PATHS: Final = frozenset({"/healthz", "/readyz", "/metrics"})

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
        self._children: dict[tuple[str, str, int], Callable[[float], None]] = {}

    def exchange(self, scope: Mapping[str, Any], headers: Iterable[tuple[bytes, bytes]]) -> "Exchange":
        """A context manager for one request and its answer. Of `scope` it reads type, method, path and route."""
        return Exchange(self, scope, headers)

    def observe(self, scope: Mapping[str, Any], status: int, duration_s: float) -> None:
        """Count one answer."""
        method = scope["method"] if scope["method"] in _METHODS else "other"
        key = (method, self.route(scope), status)
        observe = self._children.get(key)
        if observe is None:
            observe = self._children[key] = self._latency.labels(key[0], key[1], str(status)).observe
        observe(duration_s)

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

    Whoever answers sets `status` and adds to `sent_bytes`. An exception that passes through an exchange without an
    answer makes it a 500, a cancellation a 499.
    """

    __slots__ = ("_headers", "_scope", "_started", "_telemetry", "_token", "_trace", "request", "sent_bytes", "status")

    def __init__(
        self, telemetry: HttpTelemetry, scope: Mapping[str, Any], headers: Iterable[tuple[bytes, bytes]]
    ) -> None:
        self._telemetry = telemetry
        self._scope = scope
        self._headers = headers
        self.status = 0
        self.sent_bytes = 0

    def __enter__(self) -> Self:
        self.request, self._token, self._trace = _begin(self._scope, self._headers)
        self._trace.__enter__()
        self._started = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        duration_s = time.perf_counter() - self._started
        # An answer that has begun keeps its status in the line. What never began is a 500 of the server's, unless it
        # was cancelled: the client has left, or the server is stopping.
        status = self.status or (500 if error is None or isinstance(error, Exception) else 499)
        scope, request, trace = self._scope, self.request, self._trace
        method, path = scope["method"], scope["path"]
        self._telemetry.observe(scope, status, duration_s)
        if trace.recorded:
            self._telemetry.describe(trace, scope, method, status)
        write_access_line(
            _level(path, status),
            "http.request",
            {
                "method": method,
                "path": path,
                "status": status,
                "duration_ms": round(duration_s * 1000, 3),
                "bytes": self.sent_bytes,
                **request.fields,
            },
        )
        trace.__exit__(kind, error, traceback)
        if error is None:
            # Else the server logs it under this request, and its task ends with it.
            current_request.reset(self._token)


def _begin(
    scope: Mapping[str, Any], headers: Iterable[tuple[bytes, bytes]]
) -> tuple[RequestContext, Token[RequestContext | None], TraceScope]:
    """The request's context, already current, and its trace, not yet entered."""
    request_id = traceparent = None
    for name, value in headers:
        if name == b"x-request-id":
            request_id = value.decode("latin-1")
        elif name == b"traceparent":
            traceparent = value.decode("latin-1")
    request = RequestContext(request_id=accept_request_id(request_id))
    token = current_request.set(request)
    if scope["path"] in OPERATIONAL_PATHS:
        return request, token, TraceScope(join_trace(traceparent))
    return request, token, enter_trace(traceparent, scope["type"])


def _level(path: str, status: int) -> LogLevel:
    # A failed readiness check has a line of its own.
    if path in OPERATIONAL_PATHS:
        return "debug"
    return "error" if status >= 500 else "info"


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
            request, token, trace = _begin(scope, scope["headers"])
            with trace:
                await self._websocket(scope, receive, send, request, trace)
            # Not reached when an exception escapes: the server logs it under this request, and its task ends with it.
            current_request.reset(token)
        else:
            await self._app(scope, receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._telemetry.exchange(scope, scope["headers"]) as exchange:
            header = (b"x-request-id", exchange.request.request_id.encode("latin-1"))

            async def send_named(message: Message) -> None:
                if message["type"] == "http.response.start":
                    exchange.status = message["status"]
                    message = {**message, "headers": [*message.get("headers", ()), header]}
                elif message["type"] == "http.response.body":
                    exchange.sent_bytes += len(message.get("body", b""))
                await send(message)

            await self._app(scope, receive, send_named)

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
