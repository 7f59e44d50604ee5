"""The relay as a program: the relay itself, and HTTP for those who operate it."""

import asyncio
import gc
import socket
from typing import Final

import structlog
from starlette.applications import Starlette

from integrations.telemetry.http import operational_routes
from triggers.program import ServerBeside, stop_by_signal
from triggers.publisher import open_publisher
from triggers.relay import Relay
from triggers.settings import RelaySettings, ServiceSettings

#: New containers before the youngest are looked at, and how many of those looks before the older ones are.
_COLLECTOR_THRESHOLDS: Final = (50_000, 20, 50)

_log = structlog.get_logger(__name__)


def settle_collector() -> None:
    """Let the garbage collector look less often, once a relay's process has loaded what it needs.

    A batch is thousands of tuples that go as they came, without cycles; by default each batch sets off looks at all.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)


async def serve_relay(settings: RelaySettings, service: ServiceSettings) -> None:
    """Run a relay with `/healthz`, `/readyz` and `/metrics` until SIGTERM or SIGINT.

    What is under way is finished first. Raises OSError when the port can't be had.
    """
    with stop_by_signal() as stop:
        async with open_publisher(settings) as publisher:
            relay = Relay(settings, publisher)
            server = ServerBeside(Starlette(routes=operational_routes(relay.readiness())))
            # Bound here, because uvicorn ends the process when it can't.
            listening = socket.create_server((service.host, service.port))
            settle_collector()
            _log.info("relay.listening", host=service.host, port=listening.getsockname()[1])
            async with asyncio.TaskGroup() as group:
                serving = group.create_task(server.serve(sockets=[listening]))
                relaying = group.create_task(relay.run(stop))
                await asyncio.wait((serving, relaying), return_when=asyncio.FIRST_COMPLETED)
                # Whichever ended first takes the other along.
                stop.set()
                await relaying
                server.should_exit = True
