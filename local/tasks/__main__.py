"""`python -m local.tasks`: run the server until SIGTERM or SIGINT."""

import asyncio
import signal
import sys

import pydantic
import structlog

from integrations.telemetry import configure_telemetry, shutdown_telemetry
from local.layout import LayoutError
from local.tasks.run import running
from local.tasks.settings import TasksSettings, read_settings

_log = structlog.get_logger(__name__)


def main() -> int:
    """Serve; the exit status is 0 after a signal, 1 when it couldn't start."""
    try:
        configure_telemetry("tasks")
        asyncio.run(serve(read_settings()))
    except (LayoutError, OSError, RuntimeError, pydantic.ValidationError) as error:
        print(f"Cloud Tasks can't run: {error}", file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return 1
    finally:
        shutdown_telemetry()
    return 0


async def serve(settings: TasksSettings) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with running(settings) as server:
        _log.info("tasks.ready", address=server.address, control=server.control_url, state=str(settings.folder))
        await stop.wait()


if __name__ == "__main__":
    sys.exit(main())
