"""The server with its dispatcher and controls: for the program, and for tests in their own event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final

import uvicorn
from google.cloud.tasks_v2.types import CreateQueueRequest, Queue, RetryConfig
from starlette.types import ASGIApp, Receive, Scope, Send

from integrations.telemetry.http import RequestContextMiddleware
from local.pubsub.push.token import TokenSource
from local.tasks.control import LOOK, control_application
from local.tasks.dispatch import Dispatcher
from local.tasks.queues import Queues
from local.tasks.server import build_server
from local.tasks.settings import TasksSettings
from local.tasks.store import Store

_GRACE_S: Final = 2.0
#: Locally, nobody wants to wait an hour for what failed because an agent was restarted.
_RETRIES: Final = {"min_backoff": {"seconds": 1}, "max_backoff": {"seconds": 60}, "max_attempts": 100}


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """A Cloud Tasks that takes calls."""

    #: `host:port` of gRPC.
    address: str
    #: Base address of the controls.
    control_url: str
    queues: Queues
    store: Store


@contextlib.asynccontextmanager
async def running(settings: TasksSettings) -> AsyncIterator[Running]:
    """Serve meanwhile. Raises RuntimeError or OSError when a port is in use."""
    async with contextlib.AsyncExitStack() as stack:
        store = Store(settings.folder / "state.sqlite3")
        stack.callback(store.close)
        dispatcher = Dispatcher(store, TokenSource(settings.identity_url))
        queues = Queues(store, on_change=dispatcher.wake, run=dispatcher.run_now)
        if store.find_queue(settings.queue) is None:
            queue = Queue(name=settings.queue, retry_config=RetryConfig(_RETRIES))
            queues.create_queue(CreateQueueRequest(parent=settings.queue.partition("/queues/")[0], queue=queue))
        server, port = build_server(queues, f"{settings.host}:{settings.port}")
        control_url = await stack.enter_async_context(_controls(store, dispatcher, settings))
        sending = asyncio.create_task(dispatcher.run())
        stack.push_async_callback(_cancel, sending)
        await server.start()
        stack.push_async_callback(server.stop, _GRACE_S)
        yield Running(address=f"{settings.host}:{port}", control_url=control_url, queues=queues, store=store)


@contextlib.asynccontextmanager
async def _controls(store: Store, dispatcher: Dispatcher, settings: TasksSettings) -> AsyncIterator[str]:
    listener = socket.create_server((settings.host, settings.control_port))
    config = uvicorn.Config(
        _logged(control_application(store, dispatcher)),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://{settings.host}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


def _logged(controls: ASGIApp) -> ASGIApp:
    """The controls with a line in the log for each request, but for those that only look.

    The scheduler and cron ask for the time several times a second; their lines alone would be 200 MB a day.
    """
    logged = RequestContextMiddleware(controls)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        looks = scope["type"] == "http" and (scope["method"], scope["path"]) == ("GET", LOOK)
        await (controls if looks else logged)(scope, receive, send)

    return answer


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the program."""
        yield


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
