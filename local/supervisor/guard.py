"""The guard: runs one program and ends its process group when whoever started the guard is gone.

Why a process of its own: a supervisor killed by SIGKILL cannot clean up, and its children would live on. The guard
holds one end of a socket whose other end only the supervisor has; the kernel closes that end however the supervisor
dies, and end-of-file is the order to stop. In the other direction the guard reports what it started.

Run as `python -I -S guard.py [--stop-signal N] [--grace SECONDS] [--user NAME] -- PROGRAM ARGUMENT…` with a Unix
stream socket as standard input. Lines on it: from the guard `pid N` once started, then `exit STATUS` (128 + signal
when killed by one) or `failed MESSAGE`; to the guard `stop`, or just end-of-file. Only the standard library is
imported, since this starts in front of every program (about 20 ms).
"""

import argparse
import contextlib
import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

#: `prctl` option of Linux: the signal this process gets when its parent dies (man 2 prctl).
_PR_SET_PDEATHSIG = 1


def main(arguments: Sequence[str]) -> int:
    """Run the program to its end and return its exit status."""
    options = _parse_options(arguments)
    with socket.socket(fileno=os.dup(0)) as control:
        wake, wake_up = os.pipe()
        os.set_blocking(wake_up, False)
        signal.set_wakeup_fd(wake_up, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: None)
        # Ctrl-C is the supervisor's business. A handler, not SIG_IGN, which the program would inherit.
        signal.signal(signal.SIGINT, lambda *_: None)
        try:
            user, group = _identity_of(options.user)
            program = subprocess.Popen(
                options.program,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_die_with_parent(options.stop_signal),  # noqa: PLW1509 - the guard has no threads
                user=user,
                group=group,
                extra_groups=None if user is None else [],
            )
        except (OSError, subprocess.SubprocessError, LookupError) as error:
            _tell(control, f"failed cannot start {options.program[0]}: {error}")
            return 127
        _tell(control, f"pid {program.pid}")
        _wait_for_exit_or_order(program, control, wake)
        if program.poll() is None:
            _stop_group(program, options.stop_signal, options.grace)
        # Whatever the program left in its group goes too: nothing may outlive the platform.
        _signal_group(program, signal.SIGKILL)
        status = program.wait()
        code: int = status if status >= 0 else 128 - status
        _tell(control, f"exit {code}")
        return code


def _parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="guard", allow_abbrev=False)
    parser.add_argument("--stop-signal", type=int, default=int(signal.SIGTERM))
    parser.add_argument("--grace", type=float, default=10.0, help="seconds between the stop signal and SIGKILL")
    parser.add_argument("--user", default=None, help="system user to run as (root only)")
    parser.add_argument("program", nargs="+")
    return parser.parse_args(arguments)


def _identity_of(user: str | None) -> tuple[int, int] | tuple[None, None]:
    if user is None:
        return None, None
    import pwd  # noqa: PLC0415 - only where a user is changed

    entry = pwd.getpwnam(user)
    return entry.pw_uid, entry.pw_gid


def _die_with_parent(stop_signal: int) -> Callable[[], None] | None:
    """A pre-exec hook that ties the program to the guard's life where the kernel can do that (Linux).

    It covers the guard itself being killed; elsewhere the guard's own clean-up is all there is. It runs after the
    change of user, which would clear the setting.
    """
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)

    def arm() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, stop_signal, 0, 0, 0)

    return arm


def _wait_for_exit_or_order(program: subprocess.Popen[bytes], control: socket.socket, wake: int) -> None:
    """Return when the program ended, or the other side said stop, hung up, or this process was told to end."""
    while program.poll() is None:
        ready, _, _ = select.select([control.fileno(), wake], [], [])
        if control.fileno() in ready:
            return
        if wake in ready and signal.SIGTERM in os.read(wake, 64):
            return


def _stop_group(program: subprocess.Popen[bytes], stop_signal: int, grace: float) -> None:
    """Ask the program to stop; the caller sends SIGKILL to the group after `grace` seconds or when it is gone."""
    with contextlib.suppress(ProcessLookupError):
        # The program itself, not the group: it decides how to end its own children (PostgreSQL, a web server).
        program.send_signal(stop_signal)
    deadline = time.monotonic() + grace
    with contextlib.suppress(subprocess.TimeoutExpired):
        program.wait(timeout=max(0.0, deadline - time.monotonic()))


def _signal_group(program: subprocess.Popen[bytes], number: signal.Signals) -> None:
    # ESRCH: nobody left. EPERM: macOS says so for a group of zombies.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program.pid, number)


def _tell(control: socket.socket, line: str) -> None:
    with contextlib.suppress(OSError):
        control.sendall(line.replace("\n", " ").encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
