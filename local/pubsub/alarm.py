"""One timer for many deadlines."""

import asyncio
from collections.abc import Callable


class Alarm:
    """Calls back once, at the earliest of the times it was set to since it last rang."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._handle: asyncio.TimerHandle | None = None
        self._due = 0.0

    def set(self, due: float) -> None:
        """Ring at `due` (the event loop's time) or before."""
        if self._handle is not None:
            if self._due <= due:
                return
            self._handle.cancel()
        self._due = due
        self._handle = asyncio.get_running_loop().call_at(due, self._ring)

    def cancel(self) -> None:
        """Don't ring."""
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _ring(self) -> None:
        self._handle = None
        self._callback()
