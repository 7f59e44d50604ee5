"""Applications served inside a test: on a free port, over real HTTP, in the test's own event loop."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, contextmanager

import uvicorn
from starlette.types import ASGIApp

HOST = "127.0.0.1"
_GRACE_S = 1
#: For clients: everything here is plain HTTP, and reading the machine's certificates takes 20 ms a client.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@asynccontextmanager
async def serving(build: Callable[[str], ASGIApp]) -> AsyncIterator[str]:
    """The base URL of an application that knows its own; requests at hand have a second to end."""
    # With its protocol named, or asyncio doesn't see that it is TCP and leaves Nagle's algorithm on: 40 ms an answer.
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)) as listener:
        listener.bind((HOST, 0))
        url = f"http://{HOST}:{listener.getsockname()[1]}"
        config = uvicorn.Config(build(url), log_config=None, access_log=False, lifespan="on")
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        started = asyncio.create_task(server.started_serving.wait())
        try:
            await asyncio.wait({task, started}, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                await task
                raise RuntimeError("the application did not start")
            yield url
        finally:
            started.cancel()
            server.stopping.set()
            await task


class _Server(uvicorn.Server):
    """Tells when it serves, stops at once when told to, and leaves signals to pytest."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.started_serving = asyncio.Event()
        self.stopping = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.started_serving.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        # uvicorn looks ten times a second whether to stop; tests start and stop a hundred servers.
        await self.stopping.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # As uvicorn does it, but without its tenth of a second for good measure.
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        if self.server_state.tasks:
            _, left = await asyncio.wait(self.server_state.tasks, timeout=_GRACE_S)
            for task in left:
                task.cancel()
        await self.lifespan.shutdown()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
