"""An OpenTelemetry collector: takes OTLP over HTTP (`POST /v1/traces`, protobuf) and keeps the spans.

https://opentelemetry.io/docs/specs/otlp/#otlphttp-request
"""

import gzip
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span as ProtoSpan


@dataclass(frozen=True, kw_only=True)
class Span:
    """One span as a program sent it."""

    #: `service.name` of the program.
    service: str
    name: str
    #: SERVER, CLIENT, PRODUCER, CONSUMER or INTERNAL.
    kind: str
    trace_id: str
    span_id: str
    #: Empty for the root of a trace.
    parent_id: str
    attributes: dict[str, Any]


class Collector:
    """Listens on a free port while it is entered."""

    def __init__(self) -> None:
        self._spans: list[Span] = []
        self._changed = threading.Condition()
        collector = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                known = (self.path, self.headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
                if known:
                    collector._take(ExportTraceServiceRequest.FromString(body))
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200 if known else 400)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                """The tests say what went wrong."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    @property
    def endpoint(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def spans(self, trace_id: str) -> list[Span]:
        """The spans of a trace that have come so far."""
        with self._changed:
            return [span for span in self._spans if span.trace_id == trace_id]

    def wait_for(self, trace_id: str, complete: Callable[[list[Span]], bool], *, within_s: float = 30) -> list[Span]:
        """The spans of a trace once they are complete; fails when they aren't in time, and shows what came."""

        def is_complete() -> bool:
            return complete([span for span in self._spans if span.trace_id == trace_id])

        with self._changed:
            came = self._changed.wait_for(is_complete, timeout=within_s)
        spans = self.spans(trace_id)
        assert came, "\n".join(f"{span.service}: {span.kind} {span.name}" for span in spans)
        return spans

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=5)

    def _take(self, request: ExportTraceServiceRequest) -> None:
        spans = [
            Span(
                service=_attributes(resource.resource)["service.name"],
                name=span.name,
                kind=ProtoSpan.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
                trace_id=span.trace_id.hex(),
                span_id=span.span_id.hex(),
                parent_id=span.parent_span_id.hex(),
                attributes=_attributes(span),
            )
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]
        with self._changed:
            self._spans += spans
            self._changed.notify_all()


def _attributes(holder: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in holder.attributes}
