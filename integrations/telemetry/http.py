"""What every service answers to operators, and the middleware that names, times and logs each request."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final

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


class RequestContextMiddleware:
    """Pure ASGI: gives each request an id and a trace, logs one line for it and feeds the latency histogram.

    Put it outermost. It takes `X-Request-Id` when sane (else makes one) and `traceparent`, answers with `x-request-id`,
    and writes `http.request` (`http.websocket` when a socket closes) with method, path, status, duration and what
    `context.annotate` added. The query string is never logged. An exception that escapes is logged by whoever catches
    it outside (uvicorn), still under this request's id, and raised on.

    `routes` are paths that become label values of the histogram although no Starlette route serves them (a fast path in
    front of the router); other unrouted paths count as `other`, so that strangers can't make labels.
    """

    def __init__(self, app: ASGIApp, *, routes: Collection[str] = ()) -> None:
        self._app = app
        self._routes = frozenset(routes) | OPERATIONAL_PATHS
        self._latency = histogram(
            "caregraph_http_request_duration_seconds",
            "Time from a request's first byte to its answer's last, in seconds.",
            ["method", "route", "status"],
        )
        self._sockets = gauge("caregraph_http_websockets_open", "WebSocket connections open now.")
        self._socket_total = counter("caregraph_http_websockets_total", "WebSocket connections ended.", ["code"])
        #: Histogram children by label values: looking one up here is five times faster than `labels()`.
        self._children: dict[tuple[str, str, int], Callable[[float], None]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; scopes other than `http` and `websocket` pass untouched."""
        kind = scope["type"]
        if kind not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        request_id = traceparent = None
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                request_id = value.decode("latin-1")
            elif name == b"traceparent":
                traceparent = value.decode("latin-1")
        request = RequestContext(request_id=accept_request_id(request_id))
        token = current_request.set(request)
        operational = scope["path"] in OPERATIONAL_PATHS
        with TraceScope(join_trace(traceparent)) if operational else enter_trace(traceparent, kind) as trace:
            if kind == "http":
                await self._http(scope, receive, send, request, trace)
            else:
                await self._websocket(scope, receive, send, request, trace)
        # Not reached when an exception escapes: the server logs it under this request, and its task ends with it.
        current_request.reset(token)

    async def _http(
        self, scope: Scope, receive: Receive, send: Send, request: RequestContext, trace: TraceScope
    ) -> None:
        status = 0
        sent_bytes = 0
        header = (b"x-request-id", request.request_id.encode("latin-1"))

        async def send_named(message: Message) -> None:
            nonlocal status, sent_bytes
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", ()), header]}
            elif message["type"] == "http.response.body":
                sent_bytes += len(message.get("body", b""))
            await send(message)

        started = time.perf_counter()
        try:
            await self._app(scope, receive, send_named)
        except Exception:
            # An answer that has begun keeps its status in the line; what never began is a 500 of the server's.
            status = status or 500
            raise
        except BaseException:
            # Cancelled: the client has left, or the server is stopping.
            status = status or 499
            raise
        finally:
            duration_s = time.perf_counter() - started
            status = status or 500
            self._observe(scope, status, duration_s)
            if trace.recorded:
                self._describe(trace, scope, scope["method"], status)
            write_access_line(
                self._level(scope["path"], status or 500),
                "http.request",
                {
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": status,
                    "duration_ms": round(duration_s * 1000, 3),
                    "bytes": sent_bytes,
                    **request.fields,
                },
            )

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
                self._describe(trace, scope, "WS", code)
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

    def _observe(self, scope: Scope, status: int, duration_s: float) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        key = (method, self._route(scope), status)
        observe = self._children.get(key)
        if observe is None:
            observe = self._children[key] = self._latency.labels(key[0], key[1], str(status)).observe
        observe(duration_s)

    def _route(self, scope: Scope) -> str:
        """The route's template, not the path: few values, and no ids in them."""
        path = scope["path"]
        if path in self._routes:
            return str(path)
        template = getattr(scope.get("route"), "path", None)
        return template if isinstance(template, str) and template else "other"

    def _describe(self, trace: TraceScope, scope: Scope, method: str, status: int) -> None:
        """Name the span by OpenTelemetry's HTTP conventions, now that the route is known."""
        route = self._route(scope)
        trace.rename(f"{method} {route}")
        trace.set(**{"http.request.method": method, "http.route": route, "http.response.status_code": status})

    @staticmethod
    def _level(path: str, status: int) -> LogLevel:
        # A failed readiness check has a line of its own.
        if path in OPERATIONAL_PATHS:
            return "debug"
        return "error" if status >= 500 else "info"
