"""What a test configured is gone for the next one."""

import gc
import logging
import os

import pytest
import structlog

from integrations.telemetry.context import RequestContext, current_request
from integrations.telemetry.logging import _State, configure_logging
from integrations.telemetry.tracing import current_trace, enter_trace
from tests.process import process_as_it_was


def test_logging_is_as_it_was_and_debug_lines_are_seen_again() -> None:
    log, root, handler = structlog.get_logger(), logging.getLogger(), logging.NullHandler()
    before = structlog.get_config(), root.level, _State.service, logging.getLogger("httpx").level
    with process_as_it_was():
        configure_logging("api", "json", "error")
        root.addHandler(handler)
        with structlog.testing.capture_logs() as lost:
            log.debug("something")

    with structlog.testing.capture_logs() as seen:
        log.debug("something")

    assert (len(lost), len(seen)) == (0, 1)
    assert (structlog.get_config(), root.level, _State.service, logging.getLogger("httpx").level) == before
    assert handler not in root.handlers


def test_a_request_and_a_trace_that_were_left_open_are_over() -> None:
    with process_as_it_was():
        current_request.set(RequestContext(request_id="left"))
        enter_trace(None, "left").__enter__()
        structlog.contextvars.bind_contextvars(left=True)

    assert (current_request.get(), current_trace(), structlog.contextvars.get_contextvars()) == (None, None, {})


def test_the_environment_and_the_collector_are_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEPT", "before")
    with process_as_it_was():
        os.environ["KEPT"] = "during"
        os.environ["NEW"] = "left"
        gc.disable()

    assert (os.environ["KEPT"], "NEW" in os.environ, gc.isenabled()) == ("before", False, True)
