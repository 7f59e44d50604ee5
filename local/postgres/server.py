"""Running a server: `start_postgres` blocks, `postgres` is for an event loop, `temporary_postgres` for tests."""

import asyncio
import contextlib
import socket
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path

from local.postgres.cluster import Cluster, PostgresError, prepare_cluster, remove_cluster
from local.supervisor.process import GuardedProcess

#: A server that must replay its log after a crash needs longer than the usual half second.
_START_TIMEOUT_S = 60.0
_POLL = timedelta(milliseconds=20)
#: With `port=None` another program may take the free port before PostgreSQL does.
_ATTEMPTS = 3


class PostgresServer:
    """A running server. `stop` ends it; if this process dies first, its guard does."""

    def __init__(self, cluster: Cluster, process: GuardedProcess) -> None:
        self.cluster = cluster
        self._process = process

    @property
    def url(self) -> str:
        """Address of its database: postgresql://user[:password]@127.0.0.1:port/caregraph."""
        return self.cluster.url

    @property
    def port(self) -> int:
        """TCP port on 127.0.0.1."""
        return self.cluster.port

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the postmaster lives."""
        return self._process.running

    def stop(self) -> None:
        """End all sessions, write everything and stop; calling it again is harmless."""
        self._process.stop()


def start_postgres(
    data_dir: Path, *, port: int | None = None, durable: bool = True, log: Path | None = None
) -> PostgresServer:
    """Start a server on `data_dir` (made when absent) and return when it accepts connections; PostgresError else."""
    for attempt in range(1, _ATTEMPTS + 1):
        cluster = prepare_cluster(data_dir, port=port, durable=durable, log=log)
        process = GuardedProcess.start(cluster.command)
        try:
            _wait_until_ready(cluster, process)
        except PostgresError:
            process.stop()
            if port is not None or attempt == _ATTEMPTS or not _is_taken(cluster.port):
                raise
            continue
        except BaseException:
            process.stop()
            raise
        return PostgresServer(cluster, process)
    raise AssertionError  # the last attempt returns or raises


@contextlib.asynccontextmanager
async def postgres(
    data_dir: Path, *, port: int | None = None, durable: bool = True, log: Path | None = None
) -> AsyncIterator[PostgresServer]:
    """A running server for the length of the block; the event loop isn't blocked meanwhile."""
    server = await asyncio.to_thread(start_postgres, data_dir, port=port, durable=durable, log=log)
    try:
        yield server
    finally:
        await asyncio.to_thread(server.stop)


@contextlib.contextmanager
def temporary_postgres(parent: Path | None = None) -> Iterator[PostgresServer]:
    """A fast throw-away server on a free port, for a test session: no password, nothing flushed, data removed after.

    Its folder is made in `parent`, or where temporary files go.
    """
    with tempfile.TemporaryDirectory(prefix="caregraph-postgres-", dir=parent) as folder:
        # Others may walk in, since root's server runs as another user; the data directory itself stays closed.
        Path(folder).chmod(0o711)
        data_dir = Path(folder) / "data"
        server = start_postgres(data_dir, durable=False)
        try:
            yield server
        finally:
            server.stop()
            remove_cluster(data_dir)


def _wait_until_ready(cluster: Cluster, process: GuardedProcess) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while not cluster.is_ready(process.pid):
        status = process.wait(_POLL)
        if status is None and time.monotonic() < deadline:
            continue
        reason = "did not become ready in time" if status is None else f"ended with status {status}"
        raise PostgresError(f"PostgreSQL {reason}. Its log ({cluster.command.log}) ends with:\n{_tail(cluster)}")


def _tail(cluster: Cluster) -> str:
    with contextlib.suppress(OSError):
        return "\n".join(cluster.command.log.read_text(errors="replace").splitlines()[-10:])
    return "(no log)"


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0
