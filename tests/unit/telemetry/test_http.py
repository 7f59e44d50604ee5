import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import structlog
import uvicorn
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from integrations.telemetry.context import annotate, current_request
from integrations.telemetry.http import RequestContextMiddleware, operational_routes
from integrations.telemetry.logging import configure_logging
from integrations.telemetry.metrics import render_metrics
from integrations.telemetry.tracing import configure_tracing, current_trace, current_traceparent, shutdown_tracing

Lines = Callable[[], list[dict[str, Any]]]
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"


async def working() -> None:
    """A check that passes."""


async def refusing() -> None:
    raise ConnectionRefusedError("postgresql://app:hunter2@db/x is not there")


async def hanging() -> None:
    await asyncio.Event().wait()


async def show(request: Request) -> Response:
    annotate(role="user", operation="Contracts")
    return PlainTextResponse(current_traceparent() or "", headers={"x-seen": request.path_params.get("id", "")})


async def fail(_: Request) -> Response:
    raise RuntimeError("broken inside")


async def sock(websocket: WebSocket) -> None:
    await websocket.accept()
    trace = current_trace()
    await websocket.send_text(trace.trace_id if trace else "")
    await websocket.close(4401)


def application(**options: Any) -> ASGIApp:
    return RequestContextMiddleware(
        Starlette(
            routes=[
                *operational_routes({"database": working}),
                Route("/things/{id}", show),
                Mount("/under", routes=[Route("/{id}", show)]),
                Route("/fail", fail),
                WebSocketRoute("/sock", sock),
            ]
        ),
        **options,
    )


@asynccontextmanager
async def client(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as opened:
        yield opened


async def test_healthz_answers_as_long_as_the_process_does() -> None:
    async with client(Starlette(routes=operational_routes({"database": refusing}))) as http:
        answer = await http.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})
    assert answer.headers["cache-control"] == "no-store"


async def test_readyz_names_each_part_when_all_are_ready() -> None:
    async with client(Starlette(routes=operational_routes({"database": working, "relay": working}))) as http:
        answer = await http.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "checks": {"database": "ok", "relay": "ok"}}


async def test_readyz_says_what_is_not_ready_without_saying_secrets(lines: Lines) -> None:
    configure_logging("api", "json")
    checks = {"database": refusing, "pubsub": hanging, "jwks": working}
    async with client(Starlette(routes=operational_routes(checks, timeout_s=0.05))) as http:
        answer = await http.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "not ready",
        "checks": {"database": "failed: ConnectionRefusedError", "pubsub": "no answer within 0.05 s", "jwks": "ok"},
        "not_ready": ["database", "pubsub"],
    }
    logged = {line["check"]: line for line in lines()}
    assert logged["database"]["event"] == "readiness.failed"
    assert "is not there" in logged["database"]["error"]
    assert "hunter2" not in logged["database"]["error"]
    assert logged["pubsub"]["event"] == "readiness.timed_out"
    text = render_metrics()[0].decode()
    assert 'caregraph_ready{check="pubsub"} 0.0' in text
    assert 'caregraph_ready{check="jwks"} 1.0' in text


async def test_metrics_are_served_as_prometheus_text() -> None:
    async with client(application()) as http:
        await http.get("/things/7")
        answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert (
        'caregraph_http_request_duration_seconds_count{method="GET",route="/things/{id}",status="200"}' in answer.text
    )


async def test_a_sane_request_id_is_kept_and_returned() -> None:
    async with client(application()) as http:
        answer = await http.get("/things/7", headers={"X-Request-Id": "portal:42.a"})
    assert answer.headers["x-request-id"] == "portal:42.a"
    assert answer.headers["x-seen"] == "7"


@pytest.mark.parametrize("sent", [None, "", "x" * 129, 'a"b', "a b", "-x", "ü"])
async def test_without_a_sane_request_id_a_new_one_is_made(sent: str | None) -> None:
    headers = [] if sent is None else [(b"x-request-id", sent.encode())]
    async with client(application()) as http:
        first = (await http.get("/things/7", headers=headers)).headers["x-request-id"]
        second = (await http.get("/things/7", headers=headers)).headers["x-request-id"]
    assert len(first) == 36
    assert first != second


async def test_an_incoming_trace_is_continued_and_a_malformed_one_replaced() -> None:
    async with client(application()) as http:
        continued = (await http.get("/things/7", headers={"traceparent": TRACEPARENT})).text
        replaced = (await http.get("/things/7", headers={"traceparent": "rubbish"})).text
    assert continued.split("-")[1] == TRACE_ID
    assert continued != TRACEPARENT
    assert len(replaced) == 55
    assert TRACE_ID not in replaced


async def test_each_request_writes_one_access_line_with_what_was_annotated(lines: Lines) -> None:
    configure_logging("api", "json")
    async with client(application()) as http:
        await http.get("/things/7?email=ada@example.org", headers={"x-request-id": "r1", "traceparent": TRACEPARENT})
    (line,) = lines()
    assert line["duration_ms"] > 0
    assert {name: line[name] for name in line if name not in {"timestamp", "duration_ms", "span_id"}} == {
        "level": "info",
        "severity": "INFO",
        "event": "http.request",
        "service": "api",
        "request_id": "r1",
        "trace_id": TRACE_ID,
        "method": "GET",
        "path": "/things/7",
        "status": 200,
        "bytes": 55,
        "role": "user",
        "operation": "Contracts",
    }
    assert current_request.get() is None
    assert current_trace() is None


async def test_health_checks_are_logged_at_debug_level_only(lines: Lines) -> None:
    configure_logging("api", "json")
    async with client(application()) as http:
        await http.get("/healthz")
        assert lines() == []
        configure_logging("api", "json", "debug")
        await http.get("/healthz")
    assert [line["path"] for line in lines() if line["event"] == "http.request"] == ["/healthz"]


async def test_an_exception_is_a_500_in_the_line_and_travels_on(lines: Lines) -> None:
    configure_logging("api", "json")
    transport = httpx.ASGITransport(application())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
        with pytest.raises(RuntimeError, match="broken inside"):
            await http.get("/fail", headers={"x-request-id": "r2"})
    structlog.get_logger().error("logged by whoever caught it")
    access, outside = lines()
    assert (access["status"], access["level"]) == (500, "error")
    assert outside["request_id"] == "r2"
    current_request.set(None)


async def test_a_request_that_is_cancelled_before_its_answer_counts_as_499(lines: Lines) -> None:
    configure_logging("api", "json")
    entered = asyncio.Event()

    async def wait_forever(_: Request) -> Response:
        entered.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    app = RequestContextMiddleware(Starlette(routes=[Route("/wait", wait_forever)]))
    async with client(app) as http:
        request = asyncio.create_task(http.get("/wait"))
        async with asyncio.timeout(5):
            await entered.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
    (line,) = lines()
    assert (line["status"], line["path"]) == (499, "/wait")


async def test_a_request_whose_client_leaves_before_it_is_whole_counts_as_499(lines: Lines) -> None:
    configure_logging("api", "json")

    async def give_up(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    messages: list[Message] = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    async def send(message: Message) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": "/things", "headers": []}
    await RequestContextMiddleware(give_up)(scope, receive, send)
    (line,) = lines()
    assert (line["status"], line["level"]) == (499, "info")


async def test_strangers_cannot_make_labels() -> None:
    async with client(application(routes=["/v1/graphql"])) as http:
        await http.get("/wp-admin.php")
        await http.request("BREW", "/things/8")
        await http.get("/v1/graphql")
        await http.get("/under/secret-id")
    text = render_metrics()[0].decode()
    assert 'method="GET",route="other",status="404"' in text
    assert 'method="GET",route="/v1/graphql",status="404"' in text
    assert 'method="other"' in text
    for never in ("wp-admin", "BREW", "secret-id", "things/8"):
        assert never not in text


async def test_a_websocket_gets_an_id_a_trace_and_one_line_when_it_ends(lines: Lines) -> None:
    configure_logging("api", "json")
    server = uvicorn.Server(
        uvicorn.Config(application(), port=0, log_config=None, access_log=False, ws="websockets-sansio")
    )
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(10):
        while not server.started:  # noqa: ASYNC110 - uvicorn offers no event for it
            await asyncio.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        headers = {"traceparent": TRACEPARENT, "x-request-id": "w1"}
        async with connect(f"ws://127.0.0.1:{port}/sock", additional_headers=headers, proxy=None) as websocket:
            assert websocket.response is not None
            assert websocket.response.headers["x-request-id"] == "w1"
            assert await websocket.recv() == TRACE_ID
            with pytest.raises(ConnectionClosedError) as closed:
                await websocket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
        server.should_exit = True
        await serving
    (line,) = [one for one in lines() if one["event"] == "http.websocket"]
    assert (line["path"], line["code"], line["request_id"], line["trace_id"]) == ("/sock", 4401, "w1", TRACE_ID)
    text = render_metrics()[0].decode()
    assert "caregraph_http_websockets_open 0.0" in text
    assert 'caregraph_http_websockets_total{code="4401"}' in text


async def test_exported_each_request_is_a_server_span_named_by_its_route_and_health_checks_are_none() -> None:
    exporter = InMemorySpanExporter()
    configure_tracing("api", endpoint=None, exporter=exporter)
    async with client(application()) as http:
        body = (await http.get("/things/7", headers={"traceparent": TRACEPARENT})).text
        await http.get("/healthz")
        await http.get("/fail")
    shutdown_tracing()
    shown, failed = exporter.get_finished_spans()
    assert shown.name == "GET /things/{id}"
    assert shown.attributes == {
        "http.request.method": "GET",
        "http.route": "/things/{id}",
        "http.response.status_code": 200,
    }
    assert body == f"00-{TRACE_ID}-{shown.context.span_id:016x}-01"
    assert failed.status.description == "RuntimeError"
