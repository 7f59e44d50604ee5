"""What every client of an outside system is: a guard that its calls run under, and connections that it closes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from integrations.guard import Guard


class OutsideClient:
    """Open one once per program: ``async with ChargebeeClient(settings) as chargebee``."""

    def __init__(self, guard: Guard, close: Callable[[], Awaitable[None]]) -> None:
        self.guard = guard
        self._close = close

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections; calling twice is safe."""
        await self._close()
