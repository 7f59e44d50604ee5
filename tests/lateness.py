"""How late this machine wakes who sleeps: what bounds of waits allow for, so that they hold on a busy machine, too."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

_STEP_S: Final = 0.005
#: A wait that is tested passes through so many hands: timer, server, socket, client, test.
_HANDS: Final = 4


@dataclass(slots=True)
class Lateness:
    """The worst meanwhile."""

    worst_s: float = 0.0

    def at_most(self, bound_s: float) -> float:
        """The bound of a wait that takes less than `bound_s` on a machine with nothing else to do."""
        return bound_s + _HANDS * self.worst_s


@contextmanager
def lateness() -> Iterator[Lateness]:
    """Watch the machine while the block runs."""
    seen, stop = Lateness(), threading.Event()

    def watch() -> None:
        before = time.monotonic()
        while not stop.wait(_STEP_S):
            now = time.monotonic()
            seen.worst_s = max(seen.worst_s, now - before - _STEP_S)
            before = now

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield seen
    finally:
        stop.set()
        watcher.join()
