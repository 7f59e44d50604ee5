import logging
import re
import sys
import warnings
from collections.abc import Callable
from typing import Any

import pytest
import structlog

from integrations.telemetry.brief import BriefRequest
from integrations.telemetry.context import annotate, request_context
from integrations.telemetry.logging import AccessLines, configure_logging, write_access_line, write_access_lines
from integrations.telemetry.settings import TelemetrySettings, configure_telemetry
from integrations.telemetry.tracing import continue_trace

Lines = Callable[[], list[dict[str, Any]]]
TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def test_a_line_names_time_level_event_service_and_the_given_fields(lines: Lines) -> None:
    configure_logging("relay", "json")
    structlog.get_logger().info("relay.published", event_id="01J", count=3)
    (line,) = lines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("timestamp"))
    assert line == {
        "level": "info",
        "severity": "INFO",
        "event": "relay.published",
        "service": "relay",
        "request_id": None,
        "trace_id": None,
        "span_id": None,
        "event_id": "01J",
        "count": 3,
    }


def test_a_line_inside_a_request_and_a_trace_carries_their_ids(lines: Lines) -> None:
    configure_logging("api", "json")
    with request_context("req-1"), continue_trace(TRACEPARENT) as trace:
        structlog.get_logger().warning("something.odd")
    (line,) = lines()
    assert line["request_id"] == "req-1"
    assert line["trace_id"] == "0af7651916cd43dd8448eb211c80319c"
    assert line["span_id"] == trace.span_id != "b7ad6b7169203331"


def test_loggers_of_the_standard_library_and_uvicorn_go_through_the_same_pipeline(lines: Lines) -> None:
    configure_logging("api", "json")
    with request_context("req-2"):
        coloured = {"color_message": "Uvicorn running on \x1b[1m%s"}
        logging.getLogger("uvicorn.error").info("Uvicorn running on %s", "http://127.0.0.1:1", extra=coloured)
        logging.getLogger("some.library").warning("careful", extra={"attempt": 2, "api_key": "k-123"})
    running, careful = lines()
    assert (running["event"], running["logger"]) == ("Uvicorn running on http://127.0.0.1:1", "uvicorn.error")
    assert "color_message" not in running
    assert (careful["level"], careful["attempt"], careful["request_id"]) == ("warning", 2, "req-2")
    assert careful["api_key"] == "[redacted]"


def test_uvicorns_own_access_line_is_silent_because_the_middleware_writes_one(lines: Lines) -> None:
    configure_logging("api", "json")
    logging.getLogger("uvicorn.access").info("GET / 200")
    assert lines() == []


def test_context_variables_of_structlog_join_each_line(lines: Lines) -> None:
    configure_logging("contract-agent", "json")
    with structlog.contextvars.bound_contextvars(event_id="e-1"):
        structlog.get_logger().info("agent.done")
        logging.getLogger("library").warning("seen")
    assert [line["event_id"] for line in lines()] == ["e-1", "e-1"]


def test_an_exception_is_logged_with_its_traceback_and_without_the_row_it_quotes(lines: Lines) -> None:
    configure_logging("api", "json")

    def insert() -> None:
        raise ValueError("duplicate key\nDETAIL:  Key (email, phone)=(ada@example.org, 555-0100) already exists.")

    try:
        insert()
    except ValueError:
        structlog.get_logger().exception("insert.failed")
        logging.getLogger("library").exception("insert failed")
    ours, theirs = lines()
    for line in (ours, theirs):
        assert "Traceback" in line["exception"]
        assert "ValueError: duplicate key" in line["exception"]
        assert "ada@" not in line["exception"]
        assert "555" not in line["exception"]
    assert ours["level"] == "error"


def test_lines_below_the_level_are_not_written(lines: Lines) -> None:
    configure_logging("api", "json", "WARNING")
    structlog.get_logger().info("quiet")
    logging.getLogger("library").info("quiet")
    write_access_line("info", "http.request", {})
    structlog.get_logger().error("loud")
    assert [line["event"] for line in lines()] == ["loud"]


def test_a_field_cannot_replace_a_fixed_one_but_a_line_may_be_about_another_request(lines: Lines) -> None:
    configure_logging("api", "json")
    with request_context("req-1"):
        structlog.get_logger().info("job.started", service="chargebee", timestamp="now", request_id="from-afar")
    (line,) = lines()
    assert (line["service"], line["service_"], line["timestamp_"]) == ("api", "chargebee", "now")
    assert line["request_id"] == "from-afar"


@pytest.mark.parametrize("annotated", [{}, {"role": "user", "level": "seven"}])
def test_lines_that_are_put_together_say_what_each_alone_would(annotated: dict[str, Any], lines: Lines) -> None:
    configure_logging("api", "json")
    common = {"method": "POST", "path": '/odd"%path', "status": 500}
    with continue_trace(TRACEPARENT) as trace:
        request = BriefRequest("req-1", trace)
        request.fields |= annotated
        request.ended, request.started, request.sent_bytes = 0.25, 0.249583, 93
        write_access_lines(AccessLines("error", "http.request", common).lines([request], 1_700_000_000))
        with request_context("req-1"):
            write_access_line("error", "http.request", {**common, "duration_ms": 0.417, "bytes": 93, **annotated})
    together, alone = lines()
    assert together.pop("timestamp") == "2023-11-14T22:13:20.250000Z"
    del alone["timestamp"]
    assert list(together.items()) == list(alone.items())


def test_values_that_json_lacks_are_logged_as_text(lines: Lines) -> None:
    configure_logging("api", "json")
    structlog.get_logger().info("odd", kind=ValueError, keys={1: {2}}, ratio=float("inf"))
    (line,) = lines()
    assert line["kind"] == "<class 'ValueError'>"
    assert line["keys"] == {"1": [2]}


def test_configuring_twice_writes_each_line_once(lines: Lines) -> None:
    configure_logging("api", "json")
    log = structlog.get_logger("made.before")
    configure_logging("relay", "json")
    log.info("once")
    logging.getLogger("library").warning("once")
    assert [line["service"] for line in lines()] == ["relay", "relay"]


def test_warnings_of_python_become_lines(lines: Lines) -> None:
    configure_logging("api", "json")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(False)
        logging.captureWarnings(True)
        warnings.warn("old way", DeprecationWarning, stacklevel=1)
    (line,) = lines()
    assert line["logger"] == "py.warnings"
    assert "old way" in line["event"]


def test_the_console_form_is_one_readable_line_without_what_is_unknown(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging("api", "console")
    structlog.get_logger().info("http.request", path="/v1/graphql", password="hunter2")
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert "http.request" in text
    assert "path=/v1/graphql" in text
    assert "service=api" in text
    assert "trace_id" not in text
    assert "hunter2" not in text


def test_without_a_format_json_is_written_unless_standard_error_is_a_terminal(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging("api")
    structlog.get_logger().info("to.a.pipe")
    assert lines()[0]["event"] == "to.a.pipe"
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    configure_logging("api")
    structlog.get_logger().info("to.a.terminal")
    assert not capsys.readouterr().err.startswith("{")


def test_production_writes_json_even_at_a_terminal(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("CAREGRAPH_ENVIRONMENT", "production")
    monkeypatch.setenv("CAREGRAPH_LOG_FORMAT", "")
    monkeypatch.setenv("CAREGRAPH_LOG_LEVEL", "Debug")
    settings = configure_telemetry("api")
    structlog.get_logger().debug("here")
    assert settings.log_level == "debug"
    assert lines()[0]["event"] == "here"


def test_unknown_levels_and_formats_are_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"'loud' is unknown; choose one of debug, info"):
        configure_logging("api", "json", "loud")
    with pytest.raises(ValueError, match=r"'xml' is unknown; choose one of json, console"):
        configure_logging("api", "xml")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="log_format"):
        TelemetrySettings.model_validate({"log_format": "xml"})


def test_a_closed_standard_error_fails_no_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    configure_logging("api", "json")

    class Closed:
        def write(self, _: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Closed())
    structlog.get_logger().info("lost")
    logging.getLogger("library").warning("lost")


def test_annotations_outside_a_request_go_nowhere() -> None:
    annotate(role="user")
    with request_context() as request:
        annotate(role="user")
        assert request.fields == {"role": "user"}
