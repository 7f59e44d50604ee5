"""`python -m local.pubsub`: run the server until SIGTERM or SIGINT."""

import asyncio
import contextlib
import gc
import signal
import sys
from typing import Final

import pydantic
import structlog
import uvloop

from integrations.telemetry import configure_telemetry, shutdown_telemetry
from local.layout import LayoutError
from local.pubsub.broker import Broker
from local.pubsub.errors import JournalError
from local.pubsub.housekeeping import housekeeping
from local.pubsub.journal import Journal
from local.pubsub.push.delivery import Pushers
from local.pubsub.push.token import TokenSource
from local.pubsub.server import build_server
from local.pubsub.settings import PubSubSettings, read_settings
from local.pubsub.status import status_server

#: How long requests under way get to finish when the server stops.
_GRACE_S: Final = 3.0
#: New containers before the youngest are looked at, and how many of those looks before the older ones are.
_COLLECTOR_THRESHOLDS: Final = (20_000, 20, 50)

_log = structlog.get_logger(__name__)


def main() -> int:
    """Serve; the exit status is 0 after a signal, 1 when it couldn't start."""
    try:
        configure_telemetry("pubsub")
        settings = read_settings()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except (JournalError, LayoutError, pydantic.ValidationError) as error:
        print(f"Pub/Sub can't run: {error}", file=sys.stderr)  # noqa: T201 - for the person at the terminal
        return 1
    except RuntimeError as error:
        # grpcio's only way to say it.
        if "bind" not in str(error):
            raise
        print(  # noqa: T201 - as above
            f"Pub/Sub can't run: its port is in use. Stop what listens there, or set PORT. ({error})", file=sys.stderr
        )
        return 1
    finally:
        shutdown_telemetry()
    return 0


async def serve(settings: PubSubSettings) -> None:
    """Run the server until SIGTERM or SIGINT; then finish what is under way and close the journal.

    Raises JournalError when the state can't be opened or written any more, RuntimeError when the port is in use.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    broker = Broker(Journal(settings.folder))
    pushers = Pushers(TokenSource(settings.identity_url))
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(housekeeping(broker))
        server, port = build_server(broker, f"{settings.host}:{settings.port}")
        if settings.status_port is not None:
            await stack.enter_async_context(status_server(broker, settings.host, settings.status_port))
        broker.on_change = pushers.update
        await server.start()
        for subscription in broker.subscriptions.values():
            pushers.update(subscription)
        # Nearly all that was made until now stays, and what messages make is in no cycles: the collector need not look
        # for them every few hundred messages.
        gc.freeze()
        gc.set_threshold(*_COLLECTOR_THRESHOLDS)
        _log.info(
            "pubsub.ready",
            port=port,
            state=str(settings.folder),
            topics=len(broker.topics),
            subscriptions=len(broker.subscriptions),
        )
        await _first(stop, broker.journal.broken)
        if broker.journal.broken.is_set():
            # What is in memory isn't in the file. Whoever starts us again gets the state of the last good commit.
            raise JournalError(f"{broker.journal.path} can't be written; the log says why.")
        _log.info("pubsub.stopping")
        await pushers.close(grace_s=_GRACE_S)
        broker.stop_delivering()
        await server.stop(_GRACE_S)


async def _first(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()


if __name__ == "__main__":
    sys.exit(main())
