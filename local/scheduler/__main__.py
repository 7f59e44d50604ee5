"""`python -m local.scheduler`: call cron jobs until SIGTERM or SIGINT."""

import asyncio
import contextlib
import signal
import ssl
import sys
from collections.abc import Iterator

import httpx
import pydantic
import uvicorn
from starlette.applications import Starlette

from integrations.telemetry import configure_telemetry, shutdown_telemetry
from integrations.telemetry.http import RequestContextMiddleware, operational_routes
from local.layout import LayoutError
from local.pubsub.push.token import TokenSource
from local.scheduler.cron import Cron
from local.scheduler.settings import CronSettings, read_settings
from triggers.scheduler.cron import CRON_JOBS


def main() -> int:
    """Run; the exit status is 0 after a signal, 1 when it couldn't start."""
    try:
        configure_telemetry("cron")
        asyncio.run(serve(read_settings()))
    except (LayoutError, OSError, pydantic.ValidationError) as error:
        print(f"The local scheduler can't run: {error}", file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return 1
    finally:
        shutdown_telemetry()
    return 0


async def serve(settings: CronSettings) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    application = RequestContextMiddleware(Starlette(routes=operational_routes({})))
    config = uvicorn.Config(
        application, host=settings.host, port=settings.port, log_config=None, access_log=False, lifespan="off"
    )
    server = _Server(config)
    async with httpx.AsyncClient(timeout=5.0, trust_env=False, verify=ssl.create_default_context()) as client:
        cron = Cron(CRON_JOBS, settings, TokenSource(settings.identity_url), client)
        working = asyncio.create_task(cron.run())
        serving = asyncio.create_task(server.serve())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({working, serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
        server.should_exit = True
        for task in (working, stopping):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working
        await serving


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`."""
        yield


if __name__ == "__main__":
    sys.exit(main())
