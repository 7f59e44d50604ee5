"""One trace from a mutation through outbox, relay and agents: W3C trace context, exported when asked.

Two modes, decided once by `configure_tracing`:

- **carried** (no OTLP endpoint): a trace is 48 hex digits in a context variable. Joining one costs about a microsecond,
  so every request has a trace id for its log lines and for the events it causes.
- **exported**: the same functions make OpenTelemetry spans, which a background thread sends to the collector by OTLP
  over HTTP. `OTEL_EXPORTER_OTLP_HEADERS`, `OTEL_TRACES_SAMPLER` and the other standard variables apply.

Callers can't tell the modes apart: `join_trace`, `continue_trace`, `span`, `current_traceparent`.

Format: https://www.w3.org/TR/trace-context/#traceparent-header (`00-<trace id>-<parent span id>-<flags>`).
"""

import os
import random
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, Token
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Self

from integrations.telemetry.context import current_request
from integrations.telemetry.redaction import redact

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span, Tracer

_TRACEPARENT: Final = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.DOTALL)
_NO_TRACE: Final = "0" * 32
_NO_SPAN: Final = "0" * 16
_DRAWN_AT_ONCE: Final = 64
_NEITHER_IS_ZERO: Final = sum((1 << 64 | 1) << 192 * number for number in range(_DRAWN_AT_ONCE))


class SpanKind(Enum):
    """Which side of a hand-over a span is; the values are OpenTelemetry's names."""

    #: Work inside one program.
    INTERNAL = "INTERNAL"
    #: Answering a request.
    SERVER = "SERVER"
    #: Calling an outside system and waiting for it.
    CLIENT = "CLIENT"
    #: Handing a message over (relay to Pub/Sub).
    PRODUCER = "PRODUCER"
    #: Handling a message (an agent and its event).
    CONSUMER = "CONSUMER"


class TraceContext(NamedTuple):
    """Where in which trace we are. A tuple, since every request makes one."""

    #: 32 lower-case hex digits, never all zero.
    trace_id: str
    #: 16 lower-case hex digits, never all zero.
    span_id: str
    #: Whether the spans of this trace are being recorded.
    sampled: bool = False

    @property
    def traceparent(self) -> str:
        """The header value that hands this trace on."""
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}"


_current: Final[ContextVar[TraceContext | None]] = ContextVar("caregraph_trace", default=None)


class _Export:
    """The process's exporter, if any."""

    tracer: "Tracer | None" = None
    provider: "TracerProvider | None" = None


def parse_traceparent(text: str | None) -> TraceContext | None:
    """The trace that a `traceparent` value names, or None when it names none (absent, malformed, all zero)."""
    if not text:
        return None
    match = _TRACEPARENT.fullmatch(text)
    if match is None:
        return None
    version, trace_id, span_id, flags, rest = match.groups()
    # Version 00 has exactly four parts, later ones may append; ff is forbidden (section 3.2.2.1).
    if version == "ff" or (version == "00" and rest) or trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return TraceContext(trace_id=trace_id, span_id=span_id, sampled=bool(int(flags, 16) & 1))


def join_trace(traceparent: str | None) -> TraceContext:
    """A new position in the trace that `traceparent` names, or in a new trace: no span is made and nothing is set.

    This is the light form for hot paths; anything malformed starts a new trace.
    """
    parent = parse_traceparent(traceparent)
    if parent is None:
        # Both ids from one draw.
        digits = draw_ids()
        return TraceContext(digits[:32], digits[32:])
    span_id = f"{random.getrandbits(64) or 1:016x}"
    return TraceContext(trace_id=parent.trace_id, span_id=span_id, sampled=parent.sampled)


#: Ids drawn ahead, 48 digits for a trace and its first span: many at once take less time each. A fork draws its own.
_new_ids: Final[list[str]] = []
os.register_at_fork(after_in_child=_new_ids.clear)


def draw_ids() -> str:
    """The ids of a new trace and of its first span, one behind the other."""
    return _new_ids.pop() if _new_ids else _draw_ahead()


def _draw_ahead() -> str:
    # A bit of each id is set, so that neither is zero.
    drawn = f"{random.getrandbits(192 * _DRAWN_AT_ONCE) | _NEITHER_IS_ZERO:0{48 * _DRAWN_AT_ONCE}x}"
    _new_ids.extend(drawn[start : start + 48] for start in range(0, len(drawn) - 48, 48))
    return drawn[-48:]


def current_trace() -> TraceContext | None:
    """Where we are, or None outside any trace."""
    trace = _current.get()
    if trace is None and (request := current_request.get()) is not None:
        return request.find_trace()
    return trace


def entered_trace() -> TraceContext | None:
    """The trace that was entered; None where the current request's own counts (`RequestContext.find_trace`)."""
    return _current.get()


def stand_outside_traces() -> None:
    """Let the current request's own trace count, whatever was current around it."""
    if _current.get() is not None:
        _current.set(None)


def current_traceparent() -> str | None:
    """The `traceparent` value to send on (header, event attribute, `app.traceparent`), or None outside any trace."""
    trace = _current.get()
    if trace is None and (request := current_request.get()) is not None:
        return request.find_traceparent()
    return None if trace is None else trace.traceparent


def propagation_headers() -> dict[str, str]:
    """The headers that carry this request on to another HTTP service: `traceparent` and `x-request-id`, as known."""
    headers: dict[str, str] = {}
    if (trace := current_trace()) is not None:
        headers["traceparent"] = trace.traceparent
    if (request := current_request.get()) is not None:
        headers["x-request-id"] = request.request_id
    return headers


def records_spans() -> bool:
    """Whether spans are exported. When not, work on many messages may leave out their scopes: nothing would be seen."""
    return _Export.tracer is not None


class TraceScope:
    """A context manager in which a trace is current. Made by `enter_trace`, `continue_trace` and `span`.

    A plain class, because entering one is on the path of every request.
    """

    __slots__ = ("_context_token", "_span", "_token", "trace")

    def __init__(self, trace: TraceContext, span: "Span | None" = None) -> None:
        self.trace = trace
        self._span = span
        self._token: Token[TraceContext | None] | None = None
        self._context_token: Token[Context] | None = None

    def set(self, **attributes: Any) -> None:
        """Add attributes to the span, when one is recorded. Secrets and PHI are redacted by name, as in logs."""
        if self._span is not None:
            for name, value in redact(attributes).items():
                if value is not None:
                    self._span.set_attribute(name, value if isinstance(value, bool | int | float) else str(value))

    @property
    def recorded(self) -> bool:
        """Whether there is a span to name and describe; False when the trace is only carried."""
        return self._span is not None

    def rename(self, name: str) -> None:
        """Give the span its final name, once the route is known."""
        if self._span is not None:
            self._span.update_name(name)

    def __enter__(self) -> Self:
        self._token = _current.set(self.trace)
        if self._span is not None:
            from opentelemetry import context, trace  # noqa: PLC0415 - loaded only when spans are exported

            self._context_token = context.attach(trace.set_span_in_context(self._span))
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: object) -> None:
        if self._token is not None:
            _current.reset(self._token)
        if self._span is not None:
            from opentelemetry import context, trace  # noqa: PLC0415 - as above

            if self._context_token is not None:
                context.detach(self._context_token)
            if isinstance(error, Exception):
                # The type only: messages of database errors quote values of the row.
                self._span.set_status(trace.StatusCode.ERROR, type(error).__name__)
            self._span.end()


def enter_trace(
    traceparent: str | None,
    name: str,
    *,
    kind: SpanKind = SpanKind.SERVER,
    attributes: Mapping[str, Any] | None = None,
) -> TraceScope:
    """A scope for work that somebody handed over with `traceparent`; without one, a new trace begins.

    `with enter_trace(header, "POST /events") as scope:`. Exported, it is a span of that name; carried, just a position.
    """
    tracer = _Export.tracer
    if tracer is None:
        return TraceScope(join_trace(traceparent))
    return _recorded(tracer, name, kind, attributes, _remote_parent(parse_traceparent(traceparent)))


@contextmanager
def continue_trace(
    traceparent: str | None,
    name: str = "continue",
    *,
    kind: SpanKind = SpanKind.CONSUMER,
    attributes: Mapping[str, Any] | None = None,
) -> Iterator[TraceContext]:
    """A position in the trace that a message or a stored event carries.

    `with continue_trace(row.traceparent, "publish"): …`
    """
    with enter_trace(traceparent, name, kind=kind, attributes=attributes) as scope:
        yield scope.trace


@contextmanager
def span(
    name: str, *, kind: SpanKind = SpanKind.INTERNAL, attributes: Mapping[str, Any] | None = None
) -> Iterator[TraceScope]:
    """A step inside the current trace (a new trace when there is none). Carried, its position is the enclosing one's.

    Outside calls pass `kind=SpanKind.CLIENT` and send `current_traceparent()` from within.
    """
    tracer = _Export.tracer
    here = current_trace()
    if tracer is None:
        with TraceScope(here or join_trace(None)) as scope:
            yield scope
        return
    # The parent is our own position, never whatever OpenTelemetry holds current: the two can't drift apart then.
    with _recorded(tracer, name, kind, attributes, _remote_parent(here)) as scope:
        yield scope


def _recorded(
    tracer: "Tracer", name: str, kind: SpanKind, attributes: Mapping[str, Any] | None, parent: "Context"
) -> TraceScope:
    """A scope whose span OpenTelemetry records under `parent`."""
    from opentelemetry import trace  # noqa: PLC0415 - loaded only when spans are exported

    started = tracer.start_span(
        name,
        parent,
        kind=trace.SpanKind[kind.value],
        record_exception=False,
        set_status_on_exception=False,
    )
    position = started.get_span_context()
    scope = TraceScope(
        TraceContext(
            trace_id=f"{position.trace_id:032x}",
            span_id=f"{position.span_id:016x}",
            sampled=position.trace_flags.sampled,
        ),
        started,
    )
    if attributes:
        scope.set(**attributes)
    return scope


def _remote_parent(parent: TraceContext | None) -> "Context":
    """An OpenTelemetry context whose current span is `parent`; an empty one without."""
    from opentelemetry import trace  # noqa: PLC0415 - loaded only when spans are exported
    from opentelemetry.context import Context  # noqa: PLC0415 - as above

    if parent is None:
        return Context()
    position = trace.SpanContext(
        trace_id=int(parent.trace_id, 16),
        span_id=int(parent.span_id, 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED if parent.sampled else trace.TraceFlags.DEFAULT),
    )
    return trace.set_span_in_context(trace.NonRecordingSpan(position), Context())


def configure_tracing(
    service: str, *, endpoint: str | None, environment: str = "development", exporter: "SpanExporter | None" = None
) -> None:
    """Export spans to the collector at `endpoint` (base URL; `/v1/traces` is appended), or only carry traces on.

    `exporter` replaces the OTLP one (a test's, or another protocol's). Calling again replaces what was configured.
    """
    shutdown_tracing()
    if not endpoint and exporter is None:
        return
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - a quarter second that most runs don't need
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - as above
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - as above

    if exporter is None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - as above

        exporter = OTLPSpanExporter(endpoint=f"{(endpoint or '').rstrip('/')}/v1/traces", timeout=10)
    provider = TracerProvider(
        resource=Resource.create(
            {"service.name": service, "service.namespace": "caregraph", "deployment.environment.name": environment}
        ),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _Export.provider = provider
    _Export.tracer = provider.get_tracer("caregraph")


def shutdown_tracing() -> None:
    """Send what is waiting and stop the exporter; traces are only carried from then on. Harmless when not exporting."""
    provider = _Export.provider
    _Export.tracer = None
    _Export.provider = None
    if provider is not None:
        provider.shutdown()
