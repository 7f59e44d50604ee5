"""What all tests of a worker share, its process, put back after each: thousands run in one, in any order."""

import gc
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog

from integrations.telemetry.backlog import flush_backlogs
from integrations.telemetry.context import current_request
from integrations.telemetry.logging import _QUIET, _State
from integrations.telemetry.tracing import _current, shutdown_tracing

#: Loggers whose levels `configure_logging` sets.
_LOGGERS: Final = (*_QUIET, "uvicorn", "uvicorn.error")
#: pytest's own, which changes with every step of a test.
_STEP: Final = "PYTEST_CURRENT_TEST"


@contextmanager
def process_as_it_was() -> Iterator[None]:
    """Within the block anything may be configured; after it telemetry, environment and collector are as before."""
    environment, collects = dict(os.environ), gc.isenabled()
    with _telemetry_as_it_was():
        yield
    if collects and not gc.isenabled():
        gc.enable()
    environment[_STEP] = os.environ.get(_STEP, "")
    if dict(os.environ) != environment:
        os.environ.clear()
        os.environ.update(environment)


@contextmanager
def _telemetry_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    levels = [logging.getLogger(name).level for name in _LOGGERS]
    state = _State.service, _State.json, _State.level
    configured, config = structlog.is_configured(), structlog.get_config()
    yield
    # Access lines that wait are this test's, and are written as it configured.
    flush_backlogs()
    shutdown_tracing()
    current_request.set(None)
    _current.set(None)
    structlog.contextvars.clear_contextvars()
    if configured:
        structlog.configure(**config)
    else:
        structlog.reset_defaults()
    if (_State.service, _State.json, _State.level) != state:
        _State.service, _State.json, _State.level = state
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(False)
        for name, before in zip(_LOGGERS, levels, strict=True):
            logging.getLogger(name).setLevel(before)


def settle_collector() -> None:
    """Keep the collector from what stays to the end, imports and collected tests, and let it look less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 5)
