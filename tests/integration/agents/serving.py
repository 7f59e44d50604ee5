"""Programs served inside the tests' process: on free ports, over real HTTP, in a loop of their own or the test's."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from typing import TypeVar

import uvicorn
from starlette.types import ASGIApp

T = TypeVar("T")
HOST = "127.0.0.1"


@asynccontextmanager
async def serving(build: Callable[[str], ASGIApp]) -> AsyncIterator[str]:
    """The base URL of an application that knows its own; ended at the end without waiting for requests."""
    listener = socket.create_server((HOST, 0))
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    server = _Server(uvicorn.Config(build(url), log_config=None, access_log=False, lifespan="on"))
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
        server.should_exit = True
        server.force_exit = True
        with suppress(asyncio.CancelledError):
            await task
        listener.close()


@contextmanager
def in_thread(open_it: Callable[[], AbstractAsyncContextManager[T]]) -> Iterator[T]:
    """What an async context manager gives, kept open in a thread with a loop of its own: for fixtures of a session."""
    opened: Future[T] = Future()
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()

    async def keep() -> None:
        async with open_it() as value:
            opened.set_result(value)
            await stop.wait()

    def run() -> None:
        try:
            loop.run_until_complete(keep())
        except BaseException as error:
            if opened.done():
                raise
            opened.set_exception(error)
        finally:
            loop.close()

    thread = threading.Thread(target=run, name="served", daemon=True)
    thread.start()
    try:
        yield opened.result(timeout=60)
    finally:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(stop.set)
        thread.join(timeout=30)


class _Server(uvicorn.Server):
    """Tells when it serves, and leaves signals to pytest."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.started_serving = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.started_serving.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
