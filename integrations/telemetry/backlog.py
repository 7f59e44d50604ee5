"""Requests that were answered and are not counted and logged yet, since for many at once it takes less time each.

Between two requests the processor's caches forget how a line is made; after hundreds they have forgotten the requests.
So it is done every few dozen, or after a moment. What a request needs before that is little: an id, and a trace only if
somebody asks for it (`tracing.current_trace`).
"""

import asyncio
import atexit
import time
from collections.abc import Sequence
from typing import Final

from prometheus_client import Histogram

from integrations.telemetry.brief import BriefRequest
from integrations.telemetry.context import accept_request_id, current_request, new_request_id
from integrations.telemetry.logging import AccessLines, LogLevel, write_access_lines, writes_json
from integrations.telemetry.metrics import observe_all
from integrations.telemetry.tracing import join_trace, records_spans, stand_outside_traces

#: How many requests are counted and logged at a time, and after how long if there are fewer.
_AT_ONCE: Final = 64
_LATER_S: Final = 0.02


class Backlog:
    """The requests of one route that wait. Use it from one event loop at a time."""

    def __init__(self, *, method: str, path: str, event: str, durations: Histogram) -> None:
        """`durations` is the histogram of the route's answers, labelled by method, route and status."""
        self._method, self._path, self._event = method, path, event
        self._durations = durations
        self._ended: list[BriefRequest] = []
        #: Will look after a moment.
        self._loop: asyncio.AbstractEventLoop | None = None

    def begin(self, request_id: bytes | None, traceparent: bytes | None) -> BriefRequest | None:
        """Make a request current, in a task that ends with it. The arguments are the headers' values.

        None where telemetry doesn't wait: spans are made as they happen, and people read along at a terminal.
        """
        if records_spans() or not writes_json():
            return None
        request = BriefRequest(
            new_request_id() if request_id is None else accept_request_id(request_id.decode("latin-1")),
            None if traceparent is None else join_trace(traceparent.decode("latin-1")),
        )
        current_request.set(request)
        stand_outside_traces()
        return request

    def conclude(self, request: BriefRequest, status: int, sent_bytes: int) -> None:
        """It was answered: count and log it soon, or when the process ends, or when somebody looks."""
        request.ended = time.perf_counter()
        request.status = status
        request.sent_bytes = sent_bytes
        self._ended.append(request)
        # Not "is it the one that runs", which is a system call.
        if self._loop is None or not self._loop.is_running():
            self._loop = asyncio.get_running_loop()
            self._loop.call_later(_LATER_S, self._flush_late)
            _backlogs.add(self)
        elif len(self._ended) == _AT_ONCE:
            # Not now: the last one's answer goes out first.
            self._loop.call_soon(self.flush)

    def _flush_late(self) -> None:
        self._loop = None
        self.flush()
        _backlogs.discard(self)

    def flush(self) -> None:
        """Count and log now what waits."""
        ended = [*self._ended]
        self._ended.clear()
        for status in {request.status for request in ended}:
            self._count_and_log(status, [request for request in ended if request.status == status])

    def _count_and_log(self, status: int, requests: Sequence[BriefRequest]) -> None:
        observe_all(
            self._durations.labels(self._method, self._path, str(status)),
            [request.ended - request.started for request in requests],
        )
        fields = {"method": self._method, "path": self._path, "status": status}
        lines = AccessLines(level_of(status), self._event, fields)
        if lines.is_wanted:
            write_access_lines(lines.lines(requests, time.time() - time.perf_counter()))


#: Those in which something may wait.
_backlogs: Final[set[Backlog]] = set()


@atexit.register
def flush_backlogs() -> None:
    """Count and log now what waits anywhere."""
    for backlog in [*_backlogs]:
        backlog.flush()


def level_of(status: int) -> LogLevel:
    """How much a line of such an answer matters."""
    return "error" if status >= 500 else "info"
