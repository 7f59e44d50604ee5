"""What `caregraph up` shows: a live line for each part in a terminal, plain lines everywhere else."""

import time
from typing import Protocol

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from local.supervisor.part import State
from local.supervisor.state import PartStatus

_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_LOOKS: dict[State, tuple[str, str]] = {
    State.WAITING: ("·", "dim"),
    State.STARTING: ("", "cyan"),
    State.READY: ("✓", "green"),
    State.DONE: ("✓", "green"),
    State.RESTARTING: ("↻", "yellow"),
    State.FAILED: ("✗", "red"),
    State.STOPPING: ("", "dim"),
    State.STOPPED: ("·", "dim"),
}


class Display(Protocol):
    """Where progress goes."""

    def show(self, status: PartStatus, purpose: str) -> None:
        """A part has changed."""

    def close(self) -> None:
        """No more changes come for now; what is shown stays."""


def make_display(console: Console) -> Display:
    """The display that suits the console."""
    return LiveDisplay(console) if console.is_terminal else PlainDisplay(console)


class PlainDisplay:
    """One line for each change that matters."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._since: dict[str, tuple[State, float]] = {}

    def show(self, status: PartStatus, purpose: str) -> None:
        """Print the part's new state; repeated and passing states are left out."""
        now = time.monotonic()
        previous, started = self._since.get(status.name, (State.WAITING, now))
        if status.state in {previous, State.WAITING}:
            return
        self._since[status.name] = (status.state, now if status.state is State.STARTING else started)
        match status.state:
            case State.READY | State.DONE:
                line = f"{status.name}: {status.state} after {now - started:.1f} s ({purpose})"
            case State.RESTARTING | State.FAILED:
                line = f"{status.name}: {status.state}: {status.detail}"
            case State.STARTING:
                line = f"{status.name}: starting"
            case State.STOPPED if previous is not State.WAITING:
                line = f"{status.name}: stopped"
            case _:
                return
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """Nothing is held back, so there is nothing to do."""


class LiveDisplay:
    """A table that is drawn anew a few times a second, a line for each part."""

    def __init__(self, console: Console) -> None:
        self._statuses: dict[str, tuple[PartStatus, str]] = {}
        self._clocks: dict[str, tuple[float, float | None]] = {}
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=10, transient=False)
        self._open = False

    def show(self, status: PartStatus, purpose: str) -> None:
        """Draw the part's new state from the next frame on."""
        now = time.monotonic()
        started, _ = self._clocks.get(status.name, (now, None))
        if status.state is State.STARTING and status.pid is None:
            started = now
        self._clocks[status.name] = (started, None if status.state in {State.STARTING, State.STOPPING} else now)
        self._statuses[status.name] = (status, purpose)
        if not self._open:
            self._live.start()
            self._open = True

    def close(self) -> None:
        """Draw the last frame and leave it on the screen; later changes open a new table."""
        if self._open:
            self._live.stop()
            self._open = False
        self._statuses.clear()

    def _render(self) -> Table:
        now = time.monotonic()
        frame = _SPINNER[int(now * 10) % len(_SPINNER)]
        table = Table.grid(padding=(0, 2))
        for status, purpose in self._statuses.values():
            mark, style = _LOOKS[status.state]
            started, ended = self._clocks[status.name]
            elapsed = (
                ""
                if status.state in {State.WAITING, State.STOPPING, State.STOPPED}
                else f"{(ended or now) - started:.1f} s"
            )
            table.add_row(
                Text(mark or frame, style=style),
                Text(status.name, style="bold" if status.state is not State.WAITING else "dim"),
                Text(str(status.state), style=style),
                Text(elapsed, style="dim"),
                Text(status.detail or purpose, style="" if status.detail else "dim"),
            )
        return table
