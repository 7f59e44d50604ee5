"""A platform started for tests, and how tests talk to it.

>>> platform.graphql("{ contract { id } }", token=platform.token("user", "bo@example.com"))
{'data': {'contract': [{'id': '018c…'}]}}
"""

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx
import psutil

from local.layout import DEFAULT_PORTS, HOST, Layout, read_layout
from local.supervisor.ports import find_taken_ports

#: A first start makes a database and, in a fresh checkout, builds the front end.
START_WITHIN_S = 240.0
STOP_WITHIN_S = 60.0
CAREGRAPH = Path(sys.executable).with_name("caregraph")


@contextlib.contextmanager
def new_home() -> Iterator[Path]:
    """A folder for the state of one platform, removed with everything that belongs to it."""
    home = Path(tempfile.mkdtemp(prefix="caregraph-home-"))
    try:
        yield home
    finally:
        environment = {**os.environ, "CAREGRAPH_HOME": str(home)}
        subprocess.run([CAREGRAPH, "reset"], env=environment, check=True, capture_output=True, timeout=STOP_WITHIN_S)
        shutil.rmtree(home)


@dataclass(slots=True, kw_only=True)
class RunningPlatform:
    """A platform that is up, under a supervisor of its own."""

    layout: Layout
    #: The environment in which its commands find it.
    environ: Mapping[str, str]
    supervisor: subprocess.Popen[str]
    #: Everything that `caregraph up` has printed.
    output: Path

    @classmethod
    def start(cls, home: Path) -> Self:
        """Start `caregraph up` on free ports and return when every part is ready."""
        environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("CAREGRAPH_") and name != "DATABASE_URL"
        }
        environ |= {"CAREGRAPH_HOME": str(home), "CAREGRAPH_PORT_BASE": str(free_port_base())}
        output = home / "up.txt"
        with output.open("w") as file:
            supervisor = subprocess.Popen(
                [CAREGRAPH, "up"], env=environ, stdin=subprocess.DEVNULL, stdout=file, stderr=file, text=True
            )
        platform = cls(layout=read_layout(environ), environ=environ, supervisor=supervisor, output=output)
        try:
            platform.wait_until(lambda: "Ctrl-C stops everything" in output.read_text(), within_s=START_WITHIN_S)
        except BaseException:
            platform.stop()
            raise
        return platform

    @property
    def graphql_url(self) -> str:
        """The endpoint."""
        return self.layout.url("api") + "/v1/graphql"

    @property
    def database_url(self) -> str:
        """Its PostgreSQL."""
        return self.operator_environment["DATABASE_URL"]

    @property
    def operator_environment(self) -> dict[str, str]:
        """The settings that operators' commands get."""
        document: dict[str, str] = json.loads((self.layout.run / "environment.json").read_text())
        return document

    def status(self) -> dict[str, Any]:
        """What `caregraph status --json` prints."""
        document: dict[str, Any] = json.loads(self.caregraph("status", "--json"))
        return document

    def parts(self) -> dict[str, dict[str, Any]]:
        """The same parts by name, from the file that the platform keeps: fast enough to ask again and again."""
        document = json.loads((self.layout.run / "state.json").read_text())
        return {part["name"]: part for part in document["parts"]}

    def caregraph(self, *arguments: str) -> str:
        """What a command of `caregraph` prints; AssertionError when it fails."""
        done = subprocess.run(
            [CAREGRAPH, *arguments], env=self.environ, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"caregraph {' '.join(arguments)}: {done.stderr or done.stdout}"
        return done.stdout

    def token(self, role: str, user: str | None = None) -> str:
        """A bearer token for a role, of the first demo person who has it or of `user` (uid, e-mail address, id)."""
        who = ("--user", user) if user else ()
        return self.caregraph("token", "--role", role, *who).strip()

    def graphql(
        self, document: str, variables: Mapping[str, Any] | None = None, *, token: str | None = None, **headers: str
    ) -> dict[str, Any]:
        """The endpoint's answer, anonymous without a token."""
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        body = {"query": document, "variables": dict(variables or {})}
        answer: dict[str, Any] = httpx.post(
            self.graphql_url, json=body, headers=headers, timeout=10, trust_env=False
        ).json()
        return answer

    def processes(self) -> list[psutil.Process]:
        """The supervisor and everything below it: guards, programs, PostgreSQL's backends."""
        supervisor = psutil.Process(self.supervisor.pid)
        return [supervisor, *supervisor.children(recursive=True)]

    def wait_until(self, holds: Callable[[], bool], *, within_s: float = 30.0) -> None:
        """Ask until it holds; AssertionError with what was printed when it doesn't in time, or the platform ended."""
        deadline = time.monotonic() + within_s
        while not holds():
            printed = self.output.read_text()
            assert self.supervisor.poll() is None, f"the platform ended:\n{printed}"
            assert time.monotonic() < deadline, f"not within {within_s:g} s:\n{printed}"
            time.sleep(0.05)

    def stop(self) -> int:
        """Stop it as Ctrl-C does; the exit status of `caregraph up`."""
        if self.supervisor.poll() is None:
            self.supervisor.send_signal(signal.SIGINT)
        return self.supervisor.wait(timeout=STOP_WITHIN_S)


def free_port_base() -> int:
    """A base with enough free ports above it, below those that systems give to clients."""
    for _ in range(100):
        base = random.randrange(20_000, 30_000, 50)  # noqa: S311 - any will do
        ports = {name: base + offset for offset, name in enumerate(DEFAULT_PORTS)}
        if not find_taken_ports(ports, host=HOST):
            return base
    raise AssertionError("no free ports")
