"""HTTP/1.1 as far as pushing needs it: POST with a body, on connections that stay open.

Pub/Sub takes `102 Processing` for an acknowledgement, an interim answer that general clients pass over. And a general
client costs up to a millisecond of Python a request (httpx 0.28, measured), which would be most of what the local
platform does for an event. Parsing is llhttp's (httptools).
"""

import asyncio
import re
import ssl
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, cast
from urllib.parse import urlsplit

import httptools

_CONNECT_TIMEOUT_S: Final = 5.0
#: Most answers are short; an endpoint that sends more than this is broken.
_MAX_ANSWER_BYTES: Final = 1024 * 1024
#: Less than what servers keep idle connections for (uvicorn: 5 s), so that we rarely write into a closing one.
_IDLE_S: Final = 4.0
_LINE_BREAK: Final = re.compile(r"[\r\n\0]")


class UnreachableError(Exception):
    """No connection could be made: the request was not sent."""


class BrokenConnectionError(Exception):
    """The connection ended, or the answer made no sense, after the request was sent."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the endpoint said."""

    status: int
    body: bytes


class Endpoint:
    """One URL and the connections to it."""

    def __init__(
        self, url: str, *, certificates: ssl.SSLContext | None = None, max_answer_bytes: int = _MAX_ANSWER_BYTES
    ) -> None:
        """Nothing is opened yet. `certificates` are for https, by default the machine's."""
        parts = urlsplit(url)
        self.url = url
        self._host = parts.hostname or ""
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        self._tls = (certificates or ssl.create_default_context()) if parts.scheme == "https" else None
        self._max_answer_bytes = max_answer_bytes
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._head = f"POST {path} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n".encode("ascii")
        self._idle: deque[_Connection] = deque()

    async def post(self, body: bytes, headers: Mapping[str, str], *, timeout_s: float) -> Answer:
        """Send a request and wait for its answer.

        Raises UnreachableError when it can't have arrived, TimeoutError and BrokenConnectionError when it may have;
        ValueError for a header with a line break.
        """
        lines = [_header(name, value) for name, value in headers.items()]
        lines.append(f"Content-Length: {len(body)}\r\n\r\n")
        request = b"".join((self._head, "".join(lines).encode("latin-1", "replace"), body))
        async with asyncio.timeout(timeout_s):
            connection = self._pop_idle()
            if connection is not None:
                try:
                    return await self._exchange(connection, request)
                except BrokenConnectionError:
                    # It was closed at the other end while idle, or so it seems: only then nothing came back at all.
                    if connection.has_received:
                        raise
            return await self._exchange(await self._connect(), request)

    def close(self) -> None:
        """Close the idle connections; those in use close when their exchange ends."""
        while self._idle:
            self._idle.pop().close()

    async def _exchange(self, connection: "_Connection", request: bytes) -> Answer:
        try:
            answer = await connection.exchange(request)
        except BaseException:
            connection.close()
            raise
        if connection.is_reusable:
            connection.idle_since = asyncio.get_running_loop().time()
            self._idle.append(connection)
        else:
            connection.close()
        return answer

    def _pop_idle(self) -> "_Connection | None":
        oldest_useful = asyncio.get_running_loop().time() - _IDLE_S
        while self._idle:
            # The one used last is the least likely to be closing.
            connection = self._idle.pop()
            if connection.is_reusable and connection.idle_since > oldest_useful:
                return connection
            connection.close()
        return None

    async def _connect(self) -> "_Connection":
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                _, connection = await loop.create_connection(
                    lambda: _Connection(self._max_answer_bytes), self._host, self._port, ssl=self._tls
                )
        except (OSError, TimeoutError) as error:
            raise UnreachableError(f"{self.url} can't be reached: {str(error) or type(error).__name__}") from error
        return connection


def _header(name: str, value: str) -> str:
    if _LINE_BREAK.search(name) or _LINE_BREAK.search(value):
        raise ValueError(f"the header {name!r} has a line break in it")
    return f"{name}: {value}\r\n"


class _Connection(asyncio.Protocol):
    """One connection: an asyncio protocol, and the callbacks of its response parser."""

    def __init__(self, max_answer_bytes: int) -> None:
        self._max_answer_bytes = max_answer_bytes
        self.idle_since = 0.0
        self.has_received = False
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._has_status = False
        self._keep_alive = True

    @property
    def is_reusable(self) -> bool:
        return self._keep_alive and self._transport is not None and not self._transport.is_closing()

    async def exchange(self, request: bytes) -> Answer:
        if self._transport is None or self._transport.is_closing():
            raise BrokenConnectionError("the connection is closed")
        self.has_received = False
        self._has_status = False
        self._body.clear()
        self._parser = httptools.HttpResponseParser(self)
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # A stream, so it's one that can be written to; uvloop's isn't a subclass that one could check.
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._keep_alive = False
        if self._has_status:
            # A body without a length ends with the connection.
            self._complete()
        self._fail(f"the connection was closed before the answer ({exc or 'end of stream'})")

    def data_received(self, data: bytes) -> None:
        self.has_received = True
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._fail(f"the answer isn't HTTP: {error}")

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > self._max_answer_bytes:
            self._fail(f"the answer is longer than {self._max_answer_bytes} bytes")

    def on_headers_complete(self) -> None:
        # "102 Processing" is an acknowledgement to Pub/Sub; whatever follows it isn't waited for.
        status = self._parser.get_status_code()
        self._has_status = status >= 200
        if status == 102:
            self._keep_alive = False
            self._complete()

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() >= 200:
            self._keep_alive = self._keep_alive and self._parser.should_keep_alive()
            self._complete()

    def _complete(self) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Answer(self._parser.get_status_code(), bytes(self._body)))

    def _fail(self, reason: str) -> None:
        self._keep_alive = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(BrokenConnectionError(reason))
