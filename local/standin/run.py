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

    async def wait_for_arrival() -> None:
        await gate.wait_for_arrival()

    gate = Gate(service, faults, Control(service, faults, wait_for_arrival).application())
    return keep_transport(RequestContextMiddleware(gate))


@asynccontextmanager
async def running(build: Build, folder: Path, *, port: int = 0) -> AsyncIterator[Running]:
    """A stand-in with its state in ``folder``, served in this event loop on a free port (or the given one)."""
    store = Store(folder / "state.sqlite3")
    service = build(store)
    seed_once(service)
    listener = socket.create_server((HOST, port))
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
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await serving
        listener.close()
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


class _Server(uvicorn.Server):
    """Tells when it is ready, and leaves signals to the program around it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.ready.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
