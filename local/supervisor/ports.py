"""Which of our ports someone else holds, and who."""

import errno
import socket
from collections.abc import Mapping
from dataclasses import dataclass

import psutil


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenPort:
    """A port that can't be listened on."""

    name: str
    port: int
    #: Process id and program name of the holder; None where the system doesn't tell.
    pid: int | None
    program: str | None
    #: Why, when it isn't that somebody listens there (no permission for a low port).
    reason: str | None = None

    def __str__(self) -> str:
        if self.reason:
            return f"port {self.port} for {self.name}: {self.reason}"
        holder = f"{self.program} (process {self.pid})" if self.pid else "another program (of another user)"
        return f"port {self.port} for {self.name} is held by {holder}"


def find_taken_ports(ports: Mapping[str, int], *, host: str) -> tuple[TakenPort, ...]:
    """The ports that can't be bound now."""
    reasons = {name: reason for name, port in ports.items() if (reason := _why_not(host, port)) is not None}
    if not reasons:
        return ()
    holders = _listeners()
    taken = []
    for name, reason in reasons.items():
        pid = holders.get(ports[name])
        in_use = reason == errno.EADDRINUSE
        taken.append(
            TakenPort(
                name=name,
                port=ports[name],
                pid=pid,
                program=_program(pid),
                reason=None if in_use else f"cannot be listened on (error {errno.errorcode.get(reason, reason)})",
            )
        )
    return tuple(taken)


def _why_not(host: str, port: int) -> int | None:
    """The error number of binding to the port, or None when it is free."""
    with socket.socket() as probe:
        # As servers do: connections of an earlier run that are still closing don't count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno or -1
        return None


def _listeners() -> dict[int, int]:
    """Port to process id of what listens on this machine, as far as this user may see."""
    found: dict[int, int] = {}
    for process in psutil.process_iter():
        try:
            for connection in process.net_connections(kind="tcp"):
                if connection.status == psutil.CONN_LISTEN:
                    found[connection.laddr.port] = process.pid
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return found


def _program(pid: int | None) -> str | None:
    if pid is None:
        return None
    try:
        return psutil.Process(pid).name()
    except psutil.Error:
        return "a program"
