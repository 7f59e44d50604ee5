"""One program under its guard, as its starter sees it.

`GuardedProcess.start(command)` returns once the program runs. `wait`, `stop` and `poll` block for at most the time
they are given; `wait_async` and `stop_async` do the same on an event loop. When the starter dies, however it dies,
the guard ends the program and everything in its process group.
"""

import asyncio
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

_GUARD = Path(__file__).with_name("guard.py")
#: Time the guard may take to start and report the program's pid.
_START_TIMEOUT_S = 15.0
#: Time the guard may take to clean up after the grace given to its program.
_GUARD_MARGIN_S = 5.0


class ProcessError(Exception):
    """A program could not be started, or did not end when it was told to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run and how to end it."""

    argv: tuple[str, ...]
    #: The whole environment of the program; nothing is inherited.
    env: Mapping[str, str]
    cwd: Path
    #: Standard output and standard error are appended here.
    log: Path
    #: System user to become (needs root); None: the starter's own.
    user: str | None = None
    #: Signal that asks the program to end.
    stop_signal: signal.Signals = signal.SIGTERM
    #: Time between that signal and SIGKILL to its process group.
    grace: timedelta = timedelta(seconds=10)


class GuardedProcess:
    """A running program, its guard, and the socket between the guard and this process."""

    def __init__(self, command: Command, guard: subprocess.Popen[bytes], control: socket.socket) -> None:
        self.command = command
        #: Process id of the program (not of its guard); 0 until it has started.
        self.pid = 0
        self._guard = guard
        self._control = control
        self._received = b""
        self._status: int | None = None

    @classmethod
    def start(cls, command: Command) -> Self:
        """Start the program and return when it runs; ProcessError when it can't be executed."""
        ours, theirs = socket.socketpair()
        command.log.parent.mkdir(parents=True, exist_ok=True)
        with command.log.open("ab") as log, theirs:
            guard = subprocess.Popen(
                _guard_argv(command),
                stdin=theirs.fileno(),
                stdout=log,
                stderr=log,
                cwd=command.cwd,
                env=dict(command.env),
                start_new_session=True,
            )
        ours.setblocking(False)
        process = cls(command, guard, ours)
        try:
            process._await_start()
        except BaseException:
            process.close()
            raise
        return process

    @property
    def running(self) -> bool:
        """Whether the program still runs, as far as its guard has told."""
        return self.poll() is None

    def poll(self) -> int | None:
        """Exit status of the program (128 + signal when a signal ended it), or None while it runs."""
        return self.wait(timedelta(0))

    def wait(self, timeout: timedelta) -> int | None:
        """Exit status of the program, or None when it still runs after `timeout`."""
        deadline = time.monotonic() + timeout.total_seconds()
        while self._status is None:
            left = max(0.0, deadline - time.monotonic())
            readable, _, _ = select.select([self._control], [], [], left)
            if not readable:
                return None
            self._take(self._control.recv(4096))
        return self._status

    async def wait_async(self) -> int:
        """Exit status of the program, once it has ended (cancel to stop waiting)."""
        loop = asyncio.get_running_loop()
        while self._status is None:
            self._take(await loop.sock_recv(self._control, 4096))
        return self._status

    def stop(self) -> int:
        """End the program and its process group, and return its exit status; calling it again is harmless."""
        self._order_stop()
        status = self.wait(self.command.grace + timedelta(seconds=_GUARD_MARGIN_S))
        self.close()
        return self._ended(status)

    async def stop_async(self) -> int:
        """The same on an event loop; nobody else may be waiting in `wait_async`."""
        self._order_stop()
        status: int | None = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.command.grace.total_seconds() + _GUARD_MARGIN_S):
                status = await self.wait_async()
        await asyncio.to_thread(self.close)
        return self._ended(status)

    def close(self) -> None:
        """Hang up, which ends the program if it still runs, and collect the guard."""
        self._control.close()
        try:
            self._guard.wait(timeout=self.command.grace.total_seconds() + _GUARD_MARGIN_S)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()

    def _await_start(self) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while self.pid == 0 and self._status is None:
            readable, _, _ = select.select([self._control], [], [], max(0.0, deadline - time.monotonic()))
            if not readable:
                msg = f"{self.command.argv[0]} did not start within {_START_TIMEOUT_S:.0f} s; see {self.command.log}"
                raise ProcessError(msg)
            self._take(self._control.recv(4096))
        if self.pid == 0:
            msg = f"{self.command.argv[0]} could not be started; see {self.command.log}"
            raise ProcessError(msg)

    def _order_stop(self) -> None:
        if self._status is None:
            with contextlib.suppress(OSError):
                self._control.send(b"stop\n")

    def _take(self, data: bytes) -> None:
        """Read the guard's lines; the end of its socket is the end of the program too."""
        if not data:
            # The guard reports before it hangs up; without a report it was killed itself.
            self._status = 128 + signal.SIGKILL
            return
        *lines, self._received = (self._received + data).split(b"\n")
        for line in lines:
            word, _, rest = line.decode().partition(" ")
            match word:
                case "pid":
                    self.pid = int(rest)
                case "exit":
                    self._status = int(rest)
                case "failed":
                    raise ProcessError(rest)
                case _:
                    msg = f"the guard of {self.command.argv[0]} said something unknown: {line!r}"
                    raise ProcessError(msg)

    def _ended(self, status: int | None) -> int:
        if status is None:
            msg = f"{self.command.argv[0]} (pid {self.pid}) did not end when told to"
            raise ProcessError(msg)
        return status


def _guard_argv(command: Command) -> list[str]:
    argv = [sys.executable, "-I", "-S", os.fspath(_GUARD)]
    argv += ["--stop-signal", str(int(command.stop_signal)), "--grace", str(command.grace.total_seconds())]
    if command.user is not None:
        argv += ["--user", command.user]
    return [*argv, "--", *command.argv]
