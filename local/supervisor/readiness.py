"""How the supervisor sees that a program is ready: a TCP connection, an HTTP answer, or a question of its own."""

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

#: A program that takes longer to answer isn't ready.
_TIMEOUT_S = 2.0


class Readiness(Protocol):
    """Something that can be asked whether the program with this process id is ready; it doesn't raise."""

    async def is_ready(self, pid: int) -> bool:
        """Whether the program takes requests now."""


@dataclass(frozen=True, slots=True)
class TcpReady:
    """Ready when the port accepts a connection."""

    host: str
    port: int

    async def is_ready(self, pid: int) -> bool:  # noqa: ARG002 - a port knows no process
        """Whether the port accepts a connection."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_TIMEOUT_S):
                _, writer = await asyncio.open_connection(self.host, self.port)
                writer.close()
                await writer.wait_closed()
                return True
        return False


@dataclass(frozen=True, slots=True)
class HttpReady:
    """Ready when `GET path` answers 200."""

    host: str
    port: int
    path: str = "/healthz"

    async def is_ready(self, pid: int) -> bool:  # noqa: ARG002 - a port knows no process
        """Whether the path answers 200. Written by hand, so that starting up costs no HTTP client."""
        with contextlib.suppress(OSError, TimeoutError, ValueError):
            async with asyncio.timeout(_TIMEOUT_S):
                reader, writer = await asyncio.open_connection(self.host, self.port)
                try:
                    host = f"{self.host}:{self.port}"
                    writer.write(f"GET {self.path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
                    status_line = await reader.readline()
                finally:
                    writer.close()
                return status_line.split(b" ")[1:2] == [b"200"]
        return False


@dataclass(frozen=True, slots=True)
class AskReady:
    """Ready when a function of the process id says so."""

    ask: Callable[[int], bool]

    async def is_ready(self, pid: int) -> bool:
        """What the function says."""
        return self.ask(pid)
