import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog

from integrations.telemetry.logging import _State
from integrations.telemetry.tracing import shutdown_tracing


@pytest.fixture(autouse=True)
def telemetry_as_it_was() -> Iterator[None]:
    """Put the process's logging and tracing back, so that no test configures another one's."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    state = _State.service, _State.json, _State.level
    config = structlog.get_config()
    configured = structlog.is_configured()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    _State.service, _State.json, _State.level = state
    if configured:
        structlog.configure(**config)
    else:
        structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    shutdown_tracing()


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    """The JSON lines written to standard error since the last call."""

    def read() -> list[dict[str, Any]]:
        captured = capsys.readouterr()
        assert captured.out == "", "a log line went to standard output"
        return [json.loads(line) for line in captured.err.splitlines()]

    return read
