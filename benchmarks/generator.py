"""The load generator's handle."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson

#: Nothing is measured for longer.
_REQUESTS_AT_MOST: Final = 1_000_000
#: How long answers that are under way at the end of a window are waited for.
_DRAIN_S: Final = 3.0
_STOP_TIMEOUT_S: Final = 5


class LoadError(Exception):
    """A peer answered with something else than data, or hung up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """What was counted in one window."""

    requests: int
    #: With those of the warm-up.
    all_requests: int
    seconds: float
    response_bytes: float
    median_ms: float
    p99_ms: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


class Generator:
    """A running load generator."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self._process = process
        self._folder = folder

    def write_requests(self, name: str, requests: Sequence[bytes]) -> Path:
        """Keep requests for `measure`, which reads them once. Raises ValueError for others of the same name."""
        file = self._folder / f"{name}.json"
        content = orjson.dumps([request.decode() for request in requests])
        if not file.exists():
            file.write_bytes(content)
        elif file.read_bytes() != content:
            raise ValueError(f"there are other requests called {name!r} already")
        return file

    def measure(self, requests: Path, *, port: int, connections: int, warm_up_s: float, window_s: float) -> Counted:
        """Send the requests over and over on 127.0.0.1:`port` for that long. Raises LoadError."""
        command = {
            "host": "127.0.0.1",
            "port": port,
            "requests_file": str(requests),
            "connections": connections,
            "warm_up_s": warm_up_s,
            "window_s": window_s,
            "drain_s": _DRAIN_S,
            "requests_at_most": _REQUESTS_AT_MOST,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(orjson.dumps(command) + b"\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise LoadError("the load generator ended")
        answer = orjson.loads(line)
        if answer["failure"]:
            raise LoadError(answer["failure"])
        if not answer["requests"]:
            raise LoadError("nothing was answered in time; make the window longer (--seconds)")
        return Counted(
            requests=answer["requests"],
            all_requests=answer["all"],
            seconds=answer["seconds"],
            response_bytes=answer["bytes"] / answer["requests"],
            median_ms=answer["latency_ms"]["p50"],
            p99_ms=answer["latency_ms"]["p99"],
        )


@contextmanager
def load_generator() -> Iterator[Generator]:
    """A load generator for the length of the block."""
    with tempfile.TemporaryDirectory(prefix="caregraph-load-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.load"],
            cwd=Path(__file__).parent.parent,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            yield Generator(process, Path(folder))
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(_STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
