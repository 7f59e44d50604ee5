"""uvicorn's HTTP protocol with a short way to the GraphQL endpoint (`server.direct` says why and for which requests).

It overrides methods of uvicorn's that are not its public interface: tests/integration/server/test_protocol.py holds
both ways side by side, and would notice if a release of uvicorn changed them.
"""

from typing import TYPE_CHECKING, Any, Final, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from server.direct import DIRECT, DirectEndpoint, Headers

if TYPE_CHECKING:
    import asyncio

#: Above this size head and body are handed to the system side by side, below they are joined.
_COPIED_BYTES: Final = 16 * 1024
#: What a request's line and headers may take, roughly; uvicorn has no limit of its own here.
_LARGEST_HEAD: Final = 64 * 1024
#: What a client may take to send the rest of a request that it has begun; uvicorn would wait for ever.
_REQUEST_TIMEOUT_S: Final = 60.0
_SERVER_ERROR: Final = (
    b"HTTP/1.1 500 Internal Server Error\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 21\r\n"
    b"connection: close\r\n\r\nInternal Server Error"
)


class _NobodyWaits:
    """Stands where uvicorn wakes an application that waits for a message."""

    def set(self) -> None:
        """Nothing to do: the body is whole before the request is begun."""


class DirectCycle:
    """A request on the short way: what uvicorn asks of its own cycles, and no more."""

    __slots__ = ("body", "disconnected", "headers", "keep_alive", "response_complete", "task")

    message_event: Final = _NobodyWaits()

    def __init__(self, headers: Headers) -> None:
        self.headers = headers
        self.body = b""
        self.disconnected = False
        #: False once the server is stopping.
        self.keep_alive = True
        self.response_complete = False
        #: Answers it.
        self.task: asyncio.Task[None] | None = None


class GraphQLProtocol(HttpToolsProtocol):
    """What `uvicorn.run(http=…)` takes."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._address = ""
        #: The request that is being read on the short way.
        self._direct: DirectCycle | None = None
        #: The header lines that every response has, and the list that they were rendered from.
        self._common: tuple[object, bytes] = (None, b"")
        #: How many requests have begun; whether the last one's headers are still being read, and how much of them came
        #: since the piece that it began in.
        self._begun = 0
        self._is_head = False
        self._head_bytes = 0
        #: Runs while the rest of a request is waited for.
        self._rest_timer: asyncio.TimerHandle | None = None
        self._is_unfinished = False
        #: The event loop's time since which the connection waits for a request; 0 while it has one.
        self._idle_since = 0.0

    def connection_made(self, transport: "asyncio.Transport") -> None:  # type: ignore[override] # as uvicorn has it
        """Begin a connection."""
        super().connection_made(transport)
        self._address = self.client[0] if self.client else ""

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_rest_timer()
        if self.timeout_keep_alive_task is not None:
            self.timeout_keep_alive_task.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request, unless its head goes on without end."""
        begun = self._begun
        super().data_received(data)
        if self._is_unfinished and self._rest_timer is None:
            self._rest_timer = self.loop.call_later(_REQUEST_TIMEOUT_S, self._give_up)
        if self._is_head and begun == self._begun:
            self._head_bytes += len(data)
            if self._head_bytes > _LARGEST_HEAD and not self.transport.is_closing():
                self.send_400_response(f"The request's headers go over the limit of {_LARGEST_HEAD} bytes.")

    def _give_up(self) -> None:
        if self._is_unfinished and not self.transport.is_closing():
            self.transport.close()

    def _stop_rest_timer(self) -> None:
        if self._rest_timer is not None:
            self._rest_timer.cancel()
            self._rest_timer = None

    # Keeping the connection: its timer runs on while there are requests. One made anew for each takes 2 µs of 47.

    def _unset_keepalive_if_required(self) -> None:
        self._idle_since = 0.0

    def on_response_complete(self) -> None:
        """Begin what came meanwhile, or wait for another request, but not for ever."""
        if self.pipeline or self.transport.is_closing():
            super().on_response_complete()
            return
        self.server_state.total_requests += 1
        self.flow.resume_reading()
        self._idle_since = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._wait_for_request(self.timeout_keep_alive)

    def timeout_keep_alive_handler(self) -> None:
        """Close the connection if it was idle for long enough."""
        self.timeout_keep_alive_task = None
        if self._idle_since:
            left_s = self._idle_since + self.timeout_keep_alive - self.loop.time()
            if left_s > 0:
                self._wait_for_request(left_s)
            else:
                super().timeout_keep_alive_handler()

    def _wait_for_request(self, seconds: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    # What the parser calls

    def on_message_begin(self) -> None:
        """Begin a request. The scope, which only the long way needs, is left for later."""
        self._begun += 1
        self._is_head = self._is_unfinished = True
        self._head_bytes = 0
        self.url = b""
        self.headers = []
        self.expect_100_continue = False
        self._direct = None

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. Those behind a body are nobody's."""
        if self._is_head:
            name = name.lower()
            if name == b"expect" and value.lower() == b"100-continue":
                self.expect_100_continue = True
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Choose a way."""
        self._is_head = False
        direct: DirectEndpoint | None = self.app_state.get(DIRECT)
        if direct is not None and self.url == direct.path and self._is_plain():
            headers = direct.find_headers(self.headers)
            if headers is not None:
                self._direct = DirectCycle(headers)
                self.cycle = cast("RequestResponseCycle", self._direct)
                return
        read = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.headers, self.expect_100_continue = read
        self.scope["headers"] = self.headers
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        if self._direct is None:
            super().on_body(body)
        else:
            self._direct.body += body

    def on_message_complete(self) -> None:
        """Begin answering, now that the request is whole."""
        self._is_unfinished = False
        if self._rest_timer is not None:
            self._stop_rest_timer()
        cycle = self._direct
        if cycle is None:
            super().on_message_complete()
            return
        self._direct = None
        task = cycle.task = self.loop.create_task(self._respond(cycle))
        self.tasks.add(task)

    def _should_upgrade(self) -> bool:
        """A WebSocket begins with GET (RFC 6455, 4.1); with POST uvicorn would wait for ever for the rest of it."""
        return bool(self.parser.get_method() == b"GET" and super()._should_upgrade())

    def _is_plain(self) -> bool:
        """Whether it is a POST by HTTP/1.1 with nothing before it that still waits for its answer."""
        parser, earlier = self.parser, self.cycle
        return (
            parser.get_method() == b"POST"
            and (earlier is None or earlier.response_complete)
            and not self.expect_100_continue
            and parser.get_http_version() == "1.1"
            and parser.should_keep_alive()
            and not parser.should_upgrade()
            and self.limit_concurrency is None
        )

    # Answering

    async def _respond(self, cycle: DirectCycle) -> None:
        direct: DirectEndpoint = self.app_state[DIRECT]
        try:
            head, body = await direct.respond(cycle.headers, cycle.body, self._address)
            if self.flow.write_paused and not cycle.disconnected:
                await self.flow.drain()
        except Exception:
            self.logger.exception("Exception in the GraphQL endpoint")
            self._finish(cycle, _SERVER_ERROR)
            self.transport.close()
            return
        finally:
            # Not by a callback of the task, for which the event loop would go round once more.
            self.tasks.discard(cycle.task)
        head = b"HTTP/1.1 200 OK\r\n" + self._common_lines() + head
        # One write is one system call and one segment: a tenth of what a small request costs.
        if not cycle.keep_alive:
            self._finish(cycle, head + b"connection: close\r\n\r\n" + body)
            self.transport.close()
        elif len(body) <= _COPIED_BYTES:
            self._finish(cycle, head + b"\r\n" + body)
        else:
            self._finish(cycle, head + b"\r\n", body)

    def _finish(self, cycle: DirectCycle, *parts: bytes) -> None:
        if not cycle.disconnected:
            if len(parts) == 1:
                self.transport.write(parts[0])
            else:
                self.transport.writelines(parts)
        cycle.response_complete = True
        self.on_response_complete()

    def _common_lines(self) -> bytes:
        headers = self.server_state.default_headers
        if self._common[0] is not headers:
            # uvicorn makes a new list each second, for the date.
            self._common = headers, b"".join(b"%b: %b\r\n" % header for header in headers)
        return self._common[1]
