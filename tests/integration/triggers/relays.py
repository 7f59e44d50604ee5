"""Relays for tests: in this process, or as processes that can be killed."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from tests.integration.pubsub.server import ROOT, free_port
from triggers.relay import run_relay
from triggers.settings import RelaySettings

TIMEOUT_S = 20.0


@asynccontextmanager
async def running_relay(settings: RelaySettings) -> AsyncIterator[None]:
    """A relay meanwhile, stopped gracefully at the end."""
    stop = asyncio.Event()
    task = asyncio.create_task(run_relay(settings, stop))
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(task, TIMEOUT_S)


async def eventually(check: Callable[[], Awaitable[bool]], *, within_s: float = TIMEOUT_S) -> None:
    """Return once the check, a question to PostgreSQL or another process, is true."""
    async with asyncio.timeout(within_s):
        while not await check():  # noqa: ASYNC110 - nothing over there could set an event of ours
            await asyncio.sleep(0.01)


async def all_published(connection: asyncpg.Connection, *, within_s: float = TIMEOUT_S) -> None:
    """Return once nothing waits in the outbox."""

    async def nothing_waits() -> bool:
        return not await connection.fetchval("SELECT count(*) FROM events.waiting")

    await eventually(nothing_waits, within_s=within_s)


async def asleep(connection: asyncpg.Connection, relays: int = 1) -> None:
    """Return once so many relays wait for notifications."""

    async def all_sleep() -> bool:
        return bool(
            await connection.fetchval(
                "SELECT count(*) FILTER (WHERE asleep) FROM events.relay HAVING count(*) = $1", relays
            )
            == relays
        )

    await eventually(all_sleep)
    # `asleep` is set a moment before the relay relies on it; two fast polls later it does.
    await asyncio.sleep(0.05)


async def owns_all_lanes(connection: asyncpg.Connection, *relays: int) -> None:
    """Return once the relays own so many lanes each."""

    async def shared() -> bool:
        rows = await connection.fetch("SELECT lanes FROM events.relay ORDER BY lanes")
        return [row["lanes"] for row in rows] == sorted(relays)

    await eventually(shared)


@dataclass(kw_only=True)
class RelayProcess:
    """`caregraph relay`."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @classmethod
    def start(cls, environment: dict[str, str], folder: Path) -> "RelayProcess":
        port = free_port()
        log = folder / f"relay-{port}.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                [Path(sys.executable).with_name("caregraph"), "relay"],
                cwd=ROOT,
                env={**os.environ, **environment, "PORT": str(port)},
                stdout=output,
                stderr=output,
            )
        return cls(process=process, port=port, log=log)

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()
        self.process.wait(timeout=TIMEOUT_S)

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=TIMEOUT_S)
