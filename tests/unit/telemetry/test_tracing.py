import asyncio
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from opentelemetry import trace as otel
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from integrations.telemetry.context import request_context
from integrations.telemetry.tracing import (
    SpanKind,
    configure_tracing,
    continue_trace,
    current_trace,
    current_traceparent,
    enter_trace,
    join_trace,
    parse_traceparent,
    propagation_headers,
    shutdown_tracing,
    span,
)

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
SPAN_ID = "b7ad6b7169203331"
SAMPLED = f"00-{TRACE_ID}-{SPAN_ID}-01"
NOT_SAMPLED = f"00-{TRACE_ID}-{SPAN_ID}-00"


def test_a_traceparent_is_read_and_written_back_unchanged() -> None:
    for text in (SAMPLED, NOT_SAMPLED):
        trace = parse_traceparent(text)
        assert trace is not None
        assert trace.traceparent == text


def test_a_later_version_with_more_parts_is_read_as_far_as_we_know_it() -> None:
    trace = parse_traceparent(f"01-{TRACE_ID}-{SPAN_ID}-03-what-the-future-brings")
    assert trace is not None
    assert trace.sampled


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "nonsense",
        f"00-{TRACE_ID}-{SPAN_ID}",
        f"00-{TRACE_ID}-{SPAN_ID}-01-more",
        f"ff-{TRACE_ID}-{SPAN_ID}-01",
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID.upper()}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{SPAN_ID}-01\n",
        f" 00-{TRACE_ID}-{SPAN_ID}-01",
    ],
)
def test_anything_else_starts_a_new_trace(text: str | None) -> None:
    assert parse_traceparent(text) is None
    one, other = join_trace(text), join_trace(text)
    assert parse_traceparent(one.traceparent) == one
    assert TRACE_ID != one.trace_id != other.trace_id


def test_joining_keeps_the_trace_and_the_sampling_with_a_position_of_its_own() -> None:
    joined = join_trace(SAMPLED)
    assert (joined.trace_id, joined.sampled) == (TRACE_ID, True)
    assert joined.span_id != SPAN_ID
    assert current_trace() is None, "joining sets nothing"


def test_a_continued_trace_is_current_inside_and_gone_outside() -> None:
    assert current_traceparent() is None
    assert propagation_headers() == {}
    with continue_trace(NOT_SAMPLED) as trace, request_context("req-1"):
        assert current_traceparent() == f"00-{TRACE_ID}-{trace.span_id}-00"
        assert propagation_headers() == {"traceparent": trace.traceparent, "x-request-id": "req-1"}
        with span("step"):
            assert current_trace() == trace
    assert current_traceparent() is None


async def test_concurrent_tasks_each_keep_their_own_trace() -> None:
    entered = asyncio.Barrier(2)

    async def work(traceparent: str) -> str | None:
        with continue_trace(traceparent):
            await entered.wait()
            trace = current_trace()
            return None if trace is None else trace.trace_id

    other = "1" * 32
    async with asyncio.timeout(5):
        found = await asyncio.gather(work(SAMPLED), work(f"00-{other}-{SPAN_ID}-01"))
    assert list(found) == [TRACE_ID, other]


def test_exported_spans_hang_together_across_a_hand_over() -> None:
    exporter = InMemorySpanExporter()
    configure_tracing("api", endpoint=None, exporter=exporter)
    with enter_trace(None, "POST /v1/graphql"), span("insert", kind=SpanKind.CLIENT) as step:
        handed_over = current_traceparent()
        assert handed_over == step.trace.traceparent
    with continue_trace(handed_over, "contract.inserted") as consumer:
        assert otel.get_current_span().get_span_context().span_id == int(consumer.span_id, 16)
    shutdown_tracing()
    insert, request, consume = exporter.get_finished_spans()
    assert [insert.name, request.name, consume.name] == ["insert", "POST /v1/graphql", "contract.inserted"]
    assert insert.parent is not None
    assert consume.parent is not None
    assert insert.parent.span_id == request.context.span_id
    assert consume.parent.span_id == insert.context.span_id
    assert {one.context.trace_id for one in (insert, request, consume)} == {request.context.trace_id}
    assert (request.kind, insert.kind, consume.kind) == (
        otel.SpanKind.SERVER,
        otel.SpanKind.CLIENT,
        otel.SpanKind.CONSUMER,
    )
    assert not otel.get_current_span().get_span_context().is_valid


def test_a_trace_that_its_caller_does_not_sample_is_carried_but_not_exported() -> None:
    exporter = InMemorySpanExporter()
    configure_tracing("api", endpoint=None, exporter=exporter)
    with continue_trace(NOT_SAMPLED, "quiet") as trace:
        assert trace.trace_id == TRACE_ID
        assert not trace.sampled
    shutdown_tracing()
    assert exporter.get_finished_spans() == ()


def test_a_failed_span_names_the_kind_of_error_and_none_of_its_words() -> None:
    exporter = InMemorySpanExporter()
    configure_tracing("api", endpoint=None, exporter=exporter)
    attributes = {"event_id": "e-1", "email": "ada@example.org", "count": 2}

    def insert() -> None:
        with span("insert", attributes=attributes) as scope:
            scope.set(password="hunter2", missing=None)
            raise ValueError("Key (email)=(ada@example.org) exists")

    with pytest.raises(ValueError, match="ada"):
        insert()
    shutdown_tracing()
    (failed,) = exporter.get_finished_spans()
    assert failed.status.status_code is otel.StatusCode.ERROR
    assert failed.status.description == "ValueError"
    assert failed.events == ()
    assert failed.attributes == {"event_id": "e-1", "email": "[redacted]", "count": 2, "password": "[redacted]"}


def test_spans_reach_a_collector_by_otlp_over_http() -> None:
    received: list[tuple[str, ExportTraceServiceRequest]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            received.append((self.path, ExportTraceServiceRequest.FromString(body)))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing on standard error."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            endpoint = f"http://127.0.0.1:{server.server_port}/"
            configure_tracing("relay", endpoint=endpoint, environment="staging")
            with continue_trace(SAMPLED, "publish", kind=SpanKind.PRODUCER):
                pass
            shutdown_tracing()
        finally:
            server.shutdown()
            thread.join(5)
    ((path, request),) = received
    assert path == "/v1/traces"
    (resource_spans,) = request.resource_spans
    resource = {one.key: one.value.string_value for one in resource_spans.resource.attributes}
    assert resource["service.name"] == "relay"
    assert resource["deployment.environment.name"] == "staging"
    (sent,) = resource_spans.scope_spans[0].spans
    assert (sent.name, sent.trace_id.hex(), sent.parent_span_id.hex()) == ("publish", TRACE_ID, SPAN_ID)
