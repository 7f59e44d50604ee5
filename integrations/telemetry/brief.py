"""A request whose telemetry waits (`backlog`): little is done for it before it is answered."""

import time

from integrations.telemetry.context import RequestContext
from integrations.telemetry.tracing import TraceContext, draw_ids


class BriefRequest(RequestContext):
    """Has an id from the start, and a trace of its own once somebody asks for it, unless it came with one."""

    __slots__ = ("_digits", "_trace", "ended", "sent_bytes", "started", "status")

    def __init__(self, request_id: str, trace: TraceContext | None) -> None:
        # Not the dataclass's own: every request makes one of these.
        self.request_id = request_id
        self.fields = {}
        self._trace = trace
        self._digits = ""
        self.status = 0
        self.sent_bytes = 0
        #: By `time.perf_counter`.
        self.started = self.ended = time.perf_counter()

    def find_trace(self) -> TraceContext:
        """Its trace; the same each time."""
        if self._trace is None:
            digits = self.trace_digits()
            self._trace = TraceContext(digits[:32], digits[32:])
        return self._trace

    def find_traceparent(self) -> str:
        """The same trace, as it is sent on."""
        if self._trace is not None:
            return self._trace.traceparent
        digits = self.trace_digits()
        return f"00-{digits[:32]}-{digits[32:]}-00"

    def trace_digits(self) -> str:
        """The same trace's id and its span's, one behind the other: in half the time, where nobody needs more."""
        if not self._digits:
            trace = self._trace
            self._digits = draw_ids() if trace is None else trace.trace_id + trace.span_id
        return self._digits
