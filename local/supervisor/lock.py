"""One platform per folder: an advisory lock that the kernel takes back however its holder ends."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path


class AlreadyRunningError(Exception):
    """Another process holds the lock."""

    def __init__(self, pid: int | None) -> None:
        #: The holder, where it has written its id already.
        self.pid = pid
        super().__init__("already running" + (f" (process {pid})" if pid else ""))


@contextlib.contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold the lock for the block; AlreadyRunningError at once when someone else does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunningError(_read_pid(path)) from None
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        # The file stays: removing it would let a third process lock a file of the same name.
        os.close(descriptor)


def find_holder(path: Path) -> int | None:
    """Process id of whoever holds the lock now, None when nobody does. PermissionError where one may not look."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read_pid(path)
    else:
        return None
    finally:
        os.close(descriptor)


def _read_pid(path: Path) -> int | None:
    with contextlib.suppress(OSError, ValueError):
        return int(path.read_text())
    return None
