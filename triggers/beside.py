"""A relay inside another program: `caregraph serve --relay`, for installations that are content with one process."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import structlog

from integrations.telemetry.http import ReadinessCheck
from triggers.publisher import open_publisher
from triggers.relay import Relay
from triggers.settings import RelaySettings

_log = structlog.get_logger(__name__)


@asynccontextmanager
async def relay_beside() -> AsyncIterator[Mapping[str, ReadinessCheck]]:
    """A relay in the caller's event loop meanwhile, and its readiness checks; its settings come from the environment.

    At the end it finishes what is under way. Raises pydantic.ValidationError when a setting is missing or wrong.
    """
    settings = RelaySettings()
    stop = asyncio.Event()
    async with open_publisher(settings) as publisher:
        relay = Relay(settings, publisher)
        relaying = asyncio.create_task(relay.run(stop))
        relaying.add_done_callback(_tell)
        checks = {f"relay_{name}": _while_alive(relaying, check) for name, check in relay.readiness().items()}
        try:
            yield checks
        finally:
            stop.set()
            await asyncio.wait({relaying})


def _tell(relaying: "asyncio.Task[None]") -> None:
    if not relaying.cancelled() and (error := relaying.exception()) is not None:
        _log.error("relay.failed", exc_info=error)


def _while_alive(relaying: "asyncio.Task[None]", check: ReadinessCheck) -> ReadinessCheck:
    async def checked() -> None:
        if relaying.done():
            raise RuntimeError("the relay has ended by a fault of ours; restart the program")
        await check()

    return checked
