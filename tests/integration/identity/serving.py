"""ASGI applications on real sockets, inside the test's own event loop."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache

import httpx
import uvicorn
from starlette.types import ASGIApp

#: A first question makes a role's schema, which takes a busy machine seconds.
_TIMEOUT_S = 30.0


class _Server(uvicorn.Server):
    """uvicorn, telling when it takes requests, and stopping when told instead of looking ten times a second."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.stopping = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        await self.stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Without uvicorn's pauses for clients that are in the middle of something."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        for listener in sockets or ():
            listener.close()
        await self.lifespan.shutdown()


@cache
def _certificates() -> ssl.SSLContext:
    return ssl.create_default_context()


def http_client(base_url: str = "") -> httpx.AsyncClient:
    """A client without proxies; reading the certificates, which takes longest, is done once."""
    return httpx.AsyncClient(base_url=base_url, timeout=_TIMEOUT_S, trust_env=False, verify=_certificates())


def loopback_socket(port: int = 0) -> socket.socket:
    """A listening socket on this machine; port 0 takes a free one."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener


@asynccontextmanager
async def serve(app: ASGIApp, listener: socket.socket | None = None) -> AsyncIterator[str]:
    """The application's base URL, until the context ends."""
    listener = listener or loopback_socket()
    server = _Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=1))
    running = asyncio.create_task(server.serve(sockets=[listener]))
    ready = asyncio.create_task(server.ready.wait())
    try:
        await asyncio.wait({running, ready}, timeout=_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
        assert server.ready.is_set(), "the server did not start"
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        ready.cancel()
        server.stopping.set()
        await asyncio.wait_for(running, _TIMEOUT_S)
        listener.close()
