"""What the relay and the scheduler share as programs: an end by signal, and HTTP beside their own work."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.applications import Starlette

from integrations.telemetry.http import RequestContextMiddleware

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stop_by_signal() -> Iterator[asyncio.Event]:
    """An event that SIGTERM or SIGINT sets, for the length of the block."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


class ServerBeside(uvicorn.Server):
    """uvicorn, which here neither handles signals nor ends the process."""

    def __init__(self, application: Starlette) -> None:
        super().__init__(
            uvicorn.Config(
                RequestContextMiddleware(application),
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                ws="none",
                timeout_graceful_shutdown=2,
            )
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `stop_by_signal`."""
        yield
