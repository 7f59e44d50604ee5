"""One pipeline for every log line, ours and the libraries': JSON for machines, colour for a terminal.

Log with structlog and a constant event name plus fields (`log.info("relay.published", event_id=…, count=…)`). Lines go
to standard error, so that a command's output on standard output stays clean. A JSON line has

    timestamp   RFC 3339 in UTC with microseconds
    level       debug | info | warning | error | critical; `severity` is the same in Google Cloud Logging's spelling
    event       the constant name; for lines of the standard library's loggers the message
    service     the program
    request_id  trace_id  span_id    of the request being served, null outside one
    logger      for lines of the standard library's loggers, which one
    exception   the traceback, when there is one

and then the fields given. `redaction` sees every one of them. uvicorn must be started with `log_config=None` (it would
put its own handlers back) and `access_log=False` (`http.RequestContextMiddleware` writes the access line).
"""

import logging
import sys
import time
from collections.abc import Iterable, MutableMapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

import orjson
import structlog

from integrations.telemetry.brief import BriefRequest
from integrations.telemetry.context import RequestContext, current_request
from integrations.telemetry.redaction import redact
from integrations.telemetry.tracing import TraceContext, current_trace

LogFormat = Literal["json", "console"]
LogLevel = Literal["debug", "info", "warning", "error", "critical"]

_LEVELS: Final[dict[str, int]] = {name: getattr(logging, name.upper()) for name in get_args(LogLevel)}
_SEVERITY: Final[dict[str, str]] = {name: name.upper() for name in _LEVELS}

#: Fields that a line has from the pipeline only.
_FIXED: Final = frozenset({"timestamp", "level", "event", "service"})

#: The libraries whose information lines say nothing to an operator.
_QUIET: Final[dict[str, int]] = {
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "asyncio": logging.WARNING,
    "urllib3": logging.WARNING,
    "google": logging.WARNING,
    "grpc": logging.WARNING,
    "alembic.runtime.plugins": logging.WARNING,
    # One access line a request is ours.
    "uvicorn.access": logging.CRITICAL,
}


class _State:
    """What this process configured; `service` empty until then."""

    service: str = ""
    json: bool = True
    level: int = logging.INFO


class _StandardError:
    """Writes lines to whatever `sys.stderr` is at that moment; a closed terminal is no reason to fail a request."""

    def msg(self, line: str) -> None:
        try:
            stream = sys.stderr
            stream.write(line + "\n")
            # Python's own standard error writes each line when it ends; what stands in for it may not.
            if not getattr(stream, "line_buffering", False):
                stream.flush()
        except (OSError, ValueError):
            pass

    log = debug = info = warning = warn = error = critical = fatal = exception = failure = msg


class _StandardErrorHandler(logging.Handler):
    """The standard library's records, formatted by the pipeline, to the same place."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            _output.msg(self.format(record))
        except Exception:
            self.handleError(record)


_output: Final = _StandardError()


def configure_logging(service: str, format: LogFormat | None = None, level: str = "info") -> None:  # noqa: A002 - the setting's name
    """Route structlog and the standard library's loggers of this process through the pipeline above.

    `service` names the program in every line. `format` is `json` or `console`; None means console when standard error
    is a terminal, else JSON. `level` is a `LogLevel`, case aside. Calling again replaces what was configured. An
    unknown level or format raises ValueError, naming those there are.
    """
    level = level.lower()
    if level not in _LEVELS:
        raise ValueError(f"log level {level!r} is unknown; choose one of {', '.join(_LEVELS)}")
    if format not in {None, *get_args(LogFormat)}:
        raise ValueError(f"log format {format!r} is unknown; choose one of {', '.join(get_args(LogFormat))}")
    as_json = format == "json" or (format is None and not sys.stderr.isatty())
    _State.service, _State.json, _State.level = service, as_json, _LEVELS[level]

    renderer = _render_json if as_json else _console_renderer()
    common: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        _complete,
    ]
    structlog.configure(
        processors=[*common, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: _output,
        # Loggers are made at import and configured later, and by tests more than once.
        cache_logger_on_first_use=False,
    )

    handler = _StandardErrorHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *common, renderer],
        )
    )
    root = logging.getLogger()
    for old in list(root.handlers):
        # Not those of other kinds: a test's capture, or an exporter that somebody added on purpose.
        if isinstance(old, _StandardErrorHandler) or type(old) is logging.StreamHandler:
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(_LEVELS[level])
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.NOTSET)
    for name, floor in _QUIET.items():
        logging.getLogger(name).setLevel(max(floor, _LEVELS[level]))
    logging.captureWarnings(True)


def write_access_line(level: LogLevel, event: str, fields: dict[str, Any]) -> None:
    """Write the one line that every request gets, by a short way past the pipeline (microseconds count there).

    The fields are taken as they are: identifiers, counts and durations only. A process that did not configure logging
    writes nothing.
    """
    if not _State.service or _LEVELS[level] < _State.level:
        return
    if not _State.json:
        structlog.get_logger().log(_LEVELS[level], event, **fields)
        return
    _output.msg(_access_line(level, event, fields, current_request.get(), current_trace(), time.time()))


class AccessLines:
    """The JSON lines of requests that have level and some fields in common: what differs goes between what doesn't.

    Method, path and status, say; duration and size differ. A sixth of what a line costs that is put together anew.
    """

    __slots__ = ("_event", "_fields", "_form", "_level", "is_wanted")

    def __init__(self, level: LogLevel, event: str, fields: dict[str, Any]) -> None:
        """`fields` are taken as they are, as by `write_access_line`."""
        #: Whether this process writes such lines.
        self.is_wanted = bool(_State.service) and _LEVELS[level] >= _State.level
        self._level, self._event, self._fields = level, event, fields
        start = _inside({"level": level, "event": event, "service": _State.service}).replace("%", "%%")
        middle = _inside(fields).replace("%", "%%")
        # Ids are letters, digits and `._:-` (`accept_request_id`), so that there is nothing to escape.
        self._form = (
            f'{{"timestamp":"%s.%06dZ",{start},"request_id":"%s","trace_id":"%s","span_id":"%s",{middle},'
            f'"duration_ms":%.3f,"bytes":%d,"severity":"{_SEVERITY[level]}"}}'
        )

    def lines(self, requests: Iterable[BriefRequest], clock_s: float) -> list[str]:
        """The lines of requests that have ended, those of many in one text; what was annotated stands in one alone.

        `clock_s` is the Unix time at which `time.perf_counter` was 0.
        """
        found = []
        #: What the forms of the others take, which are filled in at once.
        values: list[object] = []
        count = 0
        second, text = -1, ""
        for request in requests:
            at = clock_s + request.ended
            duration_ms = (request.ended - request.started) * 1000
            if request.fields:
                fields = {
                    **self._fields,
                    "duration_ms": round(duration_ms, 3),
                    "bytes": request.sent_bytes,
                    **request.fields,
                }
                found.append(_access_line(self._level, self._event, fields, request, request.find_trace(), at))
                continue
            if int(at) != second:
                second = int(at)
                text = _second(second)
            digits = request.trace_digits()
            trace_id, span_id = digits[:32], digits[32:]
            micros = (at - second) * 1_000_000
            values += (text, micros, request.request_id, trace_id, span_id, duration_ms, request.sent_bytes)
            count += 1
        if count:
            found.append("\n".join([self._form] * count) % tuple(values))
        return found


def _inside(fields: dict[str, Any]) -> str:
    """The fields as JSON without the braces."""
    return orjson.dumps(fields, default=str).decode()[1:-1]


def write_access_lines(lines: Sequence[str]) -> None:
    """Write what `AccessLines` made, at once."""
    if lines:
        _output.msg("\n".join(lines))


def writes_json() -> bool:
    """Whether this process writes JSON lines, which can be put off: they need nothing of the context."""
    return _State.json


def _access_line(
    level: LogLevel,
    event: str,
    fields: dict[str, Any],
    request: RequestContext | None,
    trace: TraceContext | None,
    at: float,
) -> str:
    # What `_identify` and `_render_json` do, in one go.
    line = {
        "timestamp": _timestamp(at),
        "level": level,
        "event": event,
        "service": _State.service,
        "request_id": None if request is None else request.request_id,
        "trace_id": None if trace is None else trace.trace_id,
        "span_id": None if trace is None else trace.span_id,
    }
    if _FIXED.isdisjoint(fields):
        line.update(fields)
    else:
        line.update({f"{name}_" if name in _FIXED else name: value for name, value in fields.items()})
    line["severity"] = _SEVERITY[level]
    return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _complete(_: Any, __: str, fields: MutableMapping[str, Any]) -> dict[str, Any]:
    """The line with its fixed fields first and nothing in it that must not be logged."""
    # uvicorn's message once more, with escape codes.
    fields.pop("color_message", None)
    return _identify(redact(fields))


def _identify(fields: dict[str, Any]) -> dict[str, Any]:
    request = current_request.get()
    trace = current_trace()
    line = {
        "timestamp": _timestamp(time.time()),
        "level": fields.pop("level", "info"),
        "event": fields.pop("event", ""),
        "service": _State.service,
        "request_id": None if request is None else request.request_id,
        "trace_id": None if trace is None else trace.trace_id,
        "span_id": None if trace is None else trace.span_id,
    }
    for name, value in fields.items():
        # A line about another request or trace may name that one; the other fixed fields are not for replacing.
        line[f"{name}_" if name in _FIXED else name] = value
    return line


def _timestamp(at: float) -> str:
    # Three times as fast as datetime.isoformat, and this runs for every request.
    seconds = int(at)
    return f"{_second(seconds)}.{int((at - seconds) * 1_000_000):06d}Z"


_last_second: tuple[int, str] = (0, "1970-01-01T00:00:00")


def _second(seconds: int) -> str:
    global _last_second  # noqa: PLW0603 - a cache of one entry, replaced whole
    known, text = _last_second
    if known != seconds:
        text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        _last_second = (seconds, text)
    return text


def _render_json(_: Any, __: str, line: MutableMapping[str, Any]) -> str:
    line["severity"] = _SEVERITY.get(str(line.get("level")), "DEFAULT")
    return orjson.dumps(line, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _console_renderer() -> structlog.typing.Processor:
    """Colours, and only what is known: a null trace id helps nobody who reads along."""
    render = structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, sort_keys=False, pad_event_to=28
    )

    def renderer(logger: Any, name: str, line: MutableMapping[str, Any]) -> str:
        known = {key: value for key, value in line.items() if value is not None}
        # The day is known at a terminal, and a short id is enough to tell requests apart.
        known["timestamp"] = str(known.get("timestamp", ""))[11:23]
        if "trace_id" in known:
            known["trace_id"] = str(known["trace_id"])[:8]
        known.pop("span_id", None)
        text = render(logger, name, known)
        return text if isinstance(text, str) else text.decode()

    return renderer
