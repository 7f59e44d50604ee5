"""Thousands of subscribers in one process: a WebSocket client as small as can be.

It reads text frames, answers pings, and stamps each `next` with the time at which it came. Everything else of RFC 6455
is left out, since only our own server is at the other end.
"""

import asyncio
import base64
import os
import struct
import time
from collections.abc import Callable
from typing import Any, Final

import orjson

_TEXT: Final = 0x1
_CLOSE: Final = 0x8
_PING: Final = 0x9
_PONG: Final = 0xA
#: A mask of zeros changes nothing, and is a mask.
_MASK: Final = b"\0\0\0\0"


class Subscriber(asyncio.Protocol):
    """One socket with any number of subscriptions. `on_next` gets the operation's id, its payload and the time."""

    def __init__(self, host: str, headers: dict[str, str], on_next: Callable[[str, bytes, float], None]) -> None:
        self._host = host
        self._headers = headers
        self._on_next = on_next
        self._buffer = b""
        self._is_open = False
        self._transport: Any = None
        self.acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: str | None = None

    def connection_made(self, transport: Any) -> None:
        """The TCP connection is there: ask for the upgrade."""
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET /v1/graphql HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        """Bytes of the handshake's answer, or of frames."""
        now = time.perf_counter()
        self._buffer += data
        if not self._is_open:
            head, found, rest = self._buffer.partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.partition(b"\r\n")[0]:
                self._fail(head.decode(errors="replace"))
                return
            self._is_open, self._buffer = True, rest
            self.send({"type": "connection_init", "payload": {"headers": self._headers}})
        while (frame := self._frame()) is not None:
            self._handle(*frame, now)

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._fail(str(exc))

    def send(self, message: Any) -> None:
        """Send a message."""
        self._write(_TEXT, orjson.dumps(message))

    def close(self) -> None:
        """End the connection."""
        self._transport.abort()

    def _handle(self, opcode: int, payload: bytes, now: float) -> None:
        if opcode == _PING:
            self._write(_PONG, payload)
        elif opcode == _CLOSE:
            self._fail(payload[2:].decode())
        elif opcode == _TEXT:
            message = orjson.loads(payload)
            if message["type"] == "connection_ack":
                self.acknowledged.set_result(None)
            elif message["type"] == "next":
                self._on_next(message["id"], payload, now)
            else:
                self._fail(payload.decode())

    def _frame(self) -> tuple[int, bytes] | None:
        """The next whole frame of the buffer."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        start, length = 2, buffer[1] & 0x7F
        if length == 126:
            start, length = 4, int.from_bytes(buffer[2:4])
        elif length == 127:
            start, length = 10, int.from_bytes(buffer[2:10])
        if len(buffer) < start + length:
            return None
        self._buffer = buffer[start + length :]
        return buffer[0] & 0xF, buffer[start : start + length]

    def _write(self, opcode: int, payload: bytes) -> None:
        length = len(payload)
        size = bytes([0x80 | length]) if length < 126 else struct.pack("!BH", 0x80 | 126, length)
        self._transport.write(bytes([0x80 | opcode]) + size + _MASK + payload)

    def _fail(self, why: str) -> None:
        self.closed = self.closed or why
        if not self.acknowledged.done():
            self.acknowledged.set_exception(ConnectionError(why))
