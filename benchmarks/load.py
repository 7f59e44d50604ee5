"""The load generator: a process that keeps connections busy and counts.

It reads commands from standard input and answers each on standard output, one JSON object a line. It does as little as
it can for a response: find its length, wait for its end, look whether it begins as answers do. On one core it gets
through some 25,000 small ones a second, several times what any peer here serves.
"""

import asyncio
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import orjson
import uvloop

_HEAD_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"
_GOOD: Final = b'{"data":{'
#: What has to be there before a response is judged: the end of its head, and how its body begins.
_JUDGED_BYTES: Final = len(_HEAD_END) + len(_GOOD)
_CONNECT_TIMEOUT_S: Final = 10


class Connection(asyncio.Protocol):
    """Sends its requests in turn, the next when the last was answered."""

    def __init__(self, requests: list[bytes], window: "Window") -> None:
        self._requests = requests
        self._window = window
        self._next = 0
        #: Bytes that the response lacks; 0 between responses, -1 while its head is incomplete.
        self._missing = 0
        self._head = b""
        self._sent = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        # uvloop's transports share no class with asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def connection_lost(self, _: Exception | None) -> None:
        """Tell the window."""
        self._window.lose(self)

    def data_received(self, data: bytes) -> None:
        """Take a piece of a response; send the next request when it was the last."""
        if self._missing > 0:
            self._missing -= len(data)
        else:
            self._begin(data)
        if self._missing == 0:
            self._window.count(time.perf_counter() - self._sent)
            self._send()

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def _begin(self, data: bytes) -> None:
        data = self._head + data
        end = data.find(_HEAD_END)
        if end < 0 or len(data) < end + _JUDGED_BYTES:
            self._head, self._missing = data, -1
            return
        self._head = b""
        head = data[:end].lower()
        at = head.find(_LENGTH)
        if at < 0 or not data.startswith(b"HTTP/1.1 200") or not data.startswith(_GOOD, end + 4):
            self._window.fail(data[:2000].decode(errors="replace"))
            self.close()
            return
        length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0])
        self._missing = end + 4 + length - len(data)
        self._window.received += length

    def _send(self) -> None:
        if self._window.is_over:
            self.close()
            return
        assert self._transport is not None
        self._missing = -1
        request = self._requests[self._next]
        self._next = (self._next + 1) % len(self._requests)
        self._sent = time.perf_counter()
        self._transport.write(request)


class Window:
    """One measurement."""

    def __init__(self, command: dict[str, Any]) -> None:
        self._command = command
        self._latencies: list[float] = []
        self._all = 0
        self._failure = ""
        self._open: set[Connection] = set()
        self._ended = asyncio.Event()
        self.received = 0
        self.is_over = False

    async def run(self, requests: list[bytes]) -> dict[str, Any]:
        """Open the connections, wait, count."""
        command = self._command
        loop = asyncio.get_running_loop()
        number: int = command["connections"]
        for index in range(number):
            # A share of its own for each connection, so that no two change the same row at a time.
            own = requests[index::number] if len(requests) >= number else requests[index % len(requests) :] + requests
            connection = Connection(own, self)
            self._open.add(connection)
            await asyncio.wait_for(
                loop.create_connection(partial(_same, connection), command["host"], command["port"]),
                _CONNECT_TIMEOUT_S,
            )
        await self._wait(command["warm_up_s"])
        self._latencies = []
        self.received = 0
        began = time.perf_counter()
        await self._wait(command["window_s"])
        seconds = time.perf_counter() - began
        latencies, received = self._latencies, self.received
        # What is under way is answered, lest servers work on for nobody in the next peer's turn.
        self.is_over = True
        for _ in range(int(command["drain_s"] * 100)):
            if not self._open:
                break
            await asyncio.sleep(0.01)
        for connection in list(self._open):
            connection.close()
        return {
            "requests": len(latencies),
            "all": self._all,
            "seconds": seconds,
            "bytes": received,
            "latency_ms": _percentiles(latencies),
            "failure": self._failure,
        }

    def count(self, latency_s: float) -> None:
        """A response is whole."""
        self._all += 1
        self._latencies.append(latency_s)
        if self._all >= self._command["requests_at_most"]:
            self._end()

    def fail(self, text: str) -> None:
        """A response is not what it should be."""
        self._failure = self._failure or text
        self._end()

    def lose(self, connection: Connection) -> None:
        """A connection was closed, by whomever."""
        self._open.discard(connection)
        if not self.is_over:
            self.fail("the server closed a connection")

    def _end(self) -> None:
        self.is_over = True
        self._ended.set()

    async def _wait(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._ended.wait(), seconds)
        except TimeoutError:
            return


def _same(connection: Connection) -> Connection:
    return connection


def _percentiles(latencies: list[float]) -> dict[str, float]:
    if not latencies:
        return {}
    ordered = sorted(latencies)
    return {
        name: round(ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000, 4)
        for name, share in (("p50", 0.50), ("p95", 0.95), ("p99", 0.99))
    }


def _read(file: str) -> list[bytes]:
    return [text.encode() for text in orjson.loads(Path(file).read_bytes())]


async def _serve() -> None:
    requests: dict[str, list[bytes]] = {}
    while line := await asyncio.to_thread(sys.stdin.buffer.readline):
        command = orjson.loads(line)
        file = command["requests_file"]
        if file not in requests:
            requests[file] = _read(file)
        answer = await Window(command).run(requests[file])
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    uvloop.run(_serve())
