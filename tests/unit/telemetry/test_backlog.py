import asyncio
import re
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from integrations.telemetry.backlog import Backlog, flush_backlogs
from integrations.telemetry.http import HttpTelemetry
from integrations.telemetry.logging import configure_logging
from integrations.telemetry.metrics import render_metrics
from integrations.telemetry.tracing import (
    configure_tracing,
    continue_trace,
    current_trace,
    current_traceparent,
    propagation_headers,
    shutdown_tracing,
)

Lines = Callable[[], list[dict[str, Any]]]
TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE_ID}-b7ad6b7169203331-01"


@pytest.fixture
def backlog() -> Backlog:
    configure_logging("api", "json")
    return HttpTelemetry().backlog(method="POST", path="/backlog")


async def in_a_task(work: Coroutine[Any, Any, None]) -> None:
    """As the protocol answers: in a task of its own, with a context of its own."""
    await asyncio.create_task(work, context=copy_context())


async def test_all_that_is_said_of_a_request_names_one_id_and_one_trace(backlog: Backlog, lines: Lines) -> None:
    async def answer() -> None:
        request = backlog.begin(b"mine-1", None)
        assert request is not None
        structlog.get_logger().info("inside", sent=propagation_headers())
        backlog.conclude(request, 200, 17)

    await in_a_task(answer())
    backlog.flush()
    inside, access = lines()
    assert re.fullmatch(r"[0-9a-f]{32}", access["trace_id"])
    assert {name: inside[name] for name in ("request_id", "trace_id", "span_id")} == {
        name: access[name] for name in ("request_id", "trace_id", "span_id")
    }
    assert inside["sent"]["traceparent"].split("-")[1:3] == [access["trace_id"], access["span_id"]]
    assert (access["request_id"], access["bytes"], access["status"]) == ("mine-1", 17, 200)
    assert current_trace() is None


async def test_requests_without_a_trace_each_get_one_in_their_line(backlog: Backlog, lines: Lines) -> None:
    async def answer() -> None:
        request = backlog.begin(None, None)
        assert request is not None
        backlog.conclude(request, 200, 0)

    for _ in range(3):
        await in_a_task(answer())
    backlog.flush()
    written = lines()
    assert len({line["trace_id"] for line in written} | {line["span_id"] for line in written}) == 6
    assert len({line["request_id"] for line in written}) == 3


@pytest.mark.parametrize("traceparent", [None, TRACEPARENT.encode()])
async def test_who_asks_for_the_trace_after_the_line_was_written_is_told_the_same(
    backlog: Backlog, lines: Lines, traceparent: bytes | None
) -> None:
    async def answer() -> None:
        request = backlog.begin(None, traceparent)
        assert request is not None
        backlog.conclude(request, 200, 0)
        backlog.flush()
        trace = request.find_trace()
        (line,) = lines()
        assert (trace.trace_id, trace.span_id) == (line["trace_id"], line["span_id"])

    await in_a_task(answer())


async def test_a_trace_that_came_with_the_request_goes_on_and_one_around_it_does_not(backlog: Backlog) -> None:
    seen: list[str] = []

    async def answer(traceparent: bytes | None) -> None:
        backlog.begin(None, traceparent)
        seen.append(current_traceparent() or "")
        seen.append(current_traceparent() or "")

    with continue_trace("00-ffffffffffffffffffffffffffffffff-b7ad6b7169203331-01"):
        await in_a_task(answer(TRACEPARENT.encode()))
        await in_a_task(answer(None))
    came, again, own, own_again = seen
    assert came == again != TRACEPARENT
    assert came.split("-")[1] == TRACE_ID
    assert own == own_again
    assert own.split("-")[1] not in {TRACE_ID, "f" * 32}


async def test_many_are_written_while_requests_go_on_and_few_after_a_moment(backlog: Backlog, lines: Lines) -> None:
    async def answer() -> None:
        request = backlog.begin(None, None)
        assert request is not None
        backlog.conclude(request, 200, 0)

    for _ in range(64):
        await in_a_task(answer())
    await asyncio.sleep(0)
    assert len(lines()) == 64
    await in_a_task(answer())
    late: list[dict[str, Any]] = []
    async with asyncio.timeout(5):
        while not late:
            await asyncio.sleep(0.005)
            late = lines()
    assert len(late) == 1


async def test_each_status_is_counted_and_failures_are_lines_of_level_error(lines: Lines) -> None:
    configure_logging("api", "json")
    backlog = HttpTelemetry().backlog(method="POST", path="/counted")

    async def answer(status: int) -> None:
        request = backlog.begin(None, None)
        assert request is not None
        backlog.conclude(request, status, 0)

    for status in (200, 500, 200):
        await in_a_task(answer(status))
    flush_backlogs()
    assert sorted((line["status"], line["level"]) for line in lines()) == [
        (200, "info"),
        (200, "info"),
        (500, "error"),
    ]
    text = render_metrics()[0].decode()
    for status, number in ((200, 2), (500, 1)):
        name = "caregraph_http_request_duration_seconds_count"
        assert re.search(rf'{name}\{{method="POST",route="/counted",status="{status}"\}} {number}', text)


async def test_where_spans_are_made_or_people_read_along_nothing_waits(backlog: Backlog) -> None:
    configure_tracing("api", endpoint=None, exporter=InMemorySpanExporter())
    assert backlog.begin(None, None) is None
    shutdown_tracing()
    configure_logging("api", "console")
    assert backlog.begin(None, None) is None
