"""The Pub/Sub under test: ours as a process of its own, or whatever `CAREGRAPH_TEST_PUBSUB_HOST` names."""

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import httpx

READY_TIMEOUT_S = 30.0
ROOT = Path(__file__).resolve().parents[3]


def free_port() -> int:
    """A port nobody listens on now, and that no connection gets for its own end.

    The kernel gives connections ports from 32768 on (Linux) or 49152 on (macOS). A client that keeps trying to reach a
    server there while it restarts ends up connected to itself, and the server finds its port taken.
    """
    while True:
        port = random.randint(10_000, 32_000)  # noqa: S311 - not a secret
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


def insecure_channel(address: str) -> grpc.Channel:
    """A channel without limits on message sizes, as Google's clients make them, that is quick to connect again."""
    return grpc.insecure_channel(
        address,
        options=[
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_send_message_length", -1),
            ("grpc.initial_reconnect_backoff_ms", 50),
            ("grpc.min_reconnect_backoff_ms", 50),
            ("grpc.max_reconnect_backoff_ms", 200),
        ],
    )


@dataclass(kw_only=True)
class Server:
    """`python -m local.pubsub` in a folder of its own; it can be killed and started again on the same port."""

    home: Path
    environment: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.home.mkdir(parents=True, exist_ok=True)
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "local.pubsub"],
                cwd=ROOT,
                env={
                    **os.environ,
                    "PORT": str(self.port),
                    "CAREGRAPH_HOME": str(self.home),
                    "CAREGRAPH_LOG_FORMAT": "json",
                    **self.environment,
                },
                stdout=log,
                stderr=log,
            )
        with insecure_channel(self.address) as channel:
            try:
                grpc.channel_ready_future(channel).result(timeout=READY_TIMEOUT_S)
            except grpc.FutureTimeoutError:
                self.kill()
                raise AssertionError((self.home / "log").read_text()) from None

    def kill(self) -> None:
        """SIGKILL: no chance to tidy up."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        return self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        status = self.process.wait(timeout=20)
        self.process = None
        return status


@contextlib.contextmanager
def running_identity(home: Path, *, port: int = 0) -> Iterator[str]:
    """The identity stand-in, as a process of its own, meanwhile; its base URL."""
    port = port or free_port()
    home.mkdir(parents=True, exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", "local.identity"],
        cwd=ROOT,
        env={**os.environ, "PORT": str(port), "CAREGRAPH_HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not _answers(f"{url}/oauth2/v3/certs"):
            assert time.monotonic() < deadline, "the identity stand-in doesn't answer"
            assert process.poll() is None, "the identity stand-in doesn't start"
            time.sleep(0.05)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=20)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.TransportError:
        return False
