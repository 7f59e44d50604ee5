"""The program around a stand-in: ``main`` for ``python -m local.NAME``, ``running`` for tests."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.types import ASGIApp

from integrations.telemetry import configure_telemetry
from integrations.telemetry.http import RequestContextMiddleware
from local.layout import HOST, read_layout
from local.standin.control import Control, seed_once
from local.standin.faults import Faults
from local.standin.gate import Gate, keep_transport
from local.standin.service import Service
from local.standin.store import Store

Build = Callable[[Store], Service]


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A stand-in that takes requests."""

    #: Base address, ``http://127.0.0.1:PORT``.
    url: str
    port: int
    service: Service


def application(service: Service) -> ASGIApp:
    """The whole ASGI application of a stand-in."""
    faults = Faults()

    def next_arrival() -> asyncio.Event:
        return gate.next_arrival()

    gate = Gate(service, faults, Control(service, faults, next_arrival).application())
    return keep_transport(RequestContextMiddleware(gate))


@asynccontextmanager
async def running(build: Build, folder: Path, *, port: int = 0) -> AsyncIterator[Running]:
    """A stand-in with its state in ``folder``, served in this event loop on a free port (or the given one)."""
    store = Store(folder / "state.sqlite3")
    service = build(store)
    seed_once(service)
    listener = _listen(port)
    bound = listener.getsockname()[1]
    config = uvicorn.Config(
        application(service), log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=1
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    ready = asyncio.create_task(server.ready.wait())
    try:
        await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
        if serving.done():
            await serving
        yield Running(url=f"http://{HOST}:{bound}", port=bound, service=service)
    finally:
        ready.cancel()
        server.stop.set()
        with suppress(asyncio.CancelledError):
            await serving
        store.close()


def main(name: str, build: Build) -> None:
    """Serve until told to stop, on ``PORT`` of the loopback interface, with the state under ``CAREGRAPH_HOME``."""
    layout = read_layout()
    configure_telemetry(name)
    store = Store(layout.home / "standins" / name / "state.sqlite3")
    try:
        service = build(store)
        seed_once(service)
        uvicorn.run(
            application(service),
            host=HOST,
            port=int(os.environ.get("PORT") or layout.ports[name]),
            log_config=None,
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=2,
        )
    finally:
        store.close()


def _listen(port: int) -> socket.socket:
    # With the protocol spelt out, asyncio knows it for TCP and sets TCP_NODELAY on what it accepts; without, each
    # answer of two writes waits 40 ms for the other side's delayed acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    return listener


class _Server(uvicorn.Server):
    """A server inside another program: leaves signals to it, tells when it is ready, ends without the usual waits."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.stop = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        while not self.stop.is_set():
            # Once a second it has the Date header renewed.
            await self.on_tick(0)
            with suppress(TimeoutError):
                await asyncio.wait_for(self.stop.wait(), 1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        # Requests under way are those that a fault makes slow.
        tasks = list(self.server_state.tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.lifespan.shutdown()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
