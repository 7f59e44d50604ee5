"""The peers: how each is started, and how its requests look on the wire."""

import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import orjson

from benchmarks.cases import CAREGRAPH, HANDWRITTEN, LIMIT, POSTGRAPHILE, Call, Case
from benchmarks.database import Database
from benchmarks.node import Installation
from local.supervisor.process import Command, GuardedProcess

_ROOT: Final = Path(__file__).parent.parent
_HOST: Final = "127.0.0.1"
_START_TIMEOUT_S: Final = 60.0
_REQUEST_TIMEOUT_S: Final = 30.0
#: Database connections of every peer's process.
POOL_SIZE: Final = 16
_SECRET: Final = secrets.token_hex(16)

_UVICORN: Final = ("--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning", "--factory")


class PeerError(Exception):
    """A peer did not start, or did not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A kind of server."""

    #: LIMIT, CAREGRAPH …: the name of its documents.
    name: str
    #: Program and arguments, given a port.
    argv: Callable[[int], Sequence[str]]
    env: Mapping[str, str] = field(repr=False)
    cwd: Path = _ROOT
    #: Where requests for a case go.
    path: Callable[[Case], str]
    #: Sent by the administrator.
    admin_headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    #: Of what makes it up, where the environment's packages don't say.
    version: str = ""


class RunningPeer:
    """A server process."""

    def __init__(self, peer: Peer, port: int, process: GuardedProcess) -> None:
        self.peer = peer
        self.port = port
        self._process = process

    @property
    def pid(self) -> int:
        """Of the server; its children are its workers."""
        return self._process.pid

    def requests(self, case: Case, calls: Sequence[Call]) -> list[bytes]:
        """The calls as HTTP/1.1 requests."""
        return [self._request(case, call) for call in calls]

    def ask(self, case: Case, call: Call) -> Any:
        """The answer to one call. Raises PeerError."""
        try:
            response = httpx.post(
                f"http://{_HOST}:{self.port}{self.peer.path(case)}",
                content=self._body(case, call),
                headers=self._headers(call),
                timeout=_REQUEST_TIMEOUT_S,
                trust_env=False,
            )
        except httpx.HTTPError as error:
            raise PeerError(f"{self.peer.name} does not answer {case.name}: {error!r}; {self.last_words()}") from error
        if response.status_code != 200 or "errors" in response.text[:20]:
            raise PeerError(f"{self.peer.name} answers {case.name} with {response.text[:500]}; {self.last_words()}")
        return case.find_answer(self.peer.name, orjson.loads(response.content)["data"])

    def forget_log(self) -> None:
        """Empty its log, which grows by megabytes a second where every request is logged."""
        os.truncate(self._process.command.log, 0)

    def last_words(self) -> str:
        """The end of its log."""
        return "its log ends with: " + self._process.command.log.read_text(errors="replace")[-1500:]

    def wait_until_ready(self) -> None:
        """Return when it listens. Raises PeerError."""
        deadline = time.monotonic() + _START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self._process.wait(timedelta(milliseconds=50)) is not None:
                break
            with socket.socket() as probe:
                if probe.connect_ex((_HOST, self.port)) == 0:
                    return
        raise PeerError(f"{self.peer.name} did not start; {self.last_words()}")

    def _request(self, case: Case, call: Call) -> bytes:
        body = self._body(case, call)
        headers = {"host": f"{_HOST}:{self.port}", **self._headers(call), "content-length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"POST {self.peer.path(case)} HTTP/1.1\r\n{head}\r\n".encode() + body

    def _body(self, case: Case, call: Call) -> bytes:
        name = self.peer.name
        return orjson.dumps({"query": case.document(name), "variables": case.variables(name, call)})

    def _headers(self, call: Call) -> dict[str, str]:
        headers = {"content-type": "application/json", "accept": "application/json"}
        if call.caller is None:
            return {**headers, **self.peer.admin_headers}
        return {**headers, "authorization": call.caller.authorization}


@contextmanager
def running(peers: Sequence[Peer], folder: Path) -> Iterator[dict[str, RunningPeer]]:
    """All of them, started at once, by name. Logs go to `folder`."""
    with ExitStack() as stack:
        started = {}
        for peer in peers:
            port = _free_port()
            command = Command(
                argv=tuple(peer.argv(port)),
                env={**_inherited(), **peer.env, "PORT": str(port)},
                cwd=peer.cwd,
                log=folder / f"{peer.name}-{port}.log",
                grace=timedelta(seconds=5),
            )
            process = GuardedProcess.start(command)
            stack.callback(process.stop)
            started[peer.name] = RunningPeer(peer, port, process)
        for one in started.values():
            one.wait_until_ready()
        yield started


def limit(database: Database, folder: Path) -> Peer:
    """The bare ASGI function."""
    sessions = folder / "sessions.json"
    sessions.write_bytes(database.material.sessions())
    return Peer(
        name=LIMIT,
        argv=lambda port: _uvicorn("benchmarks.limit.app:app", port),
        env={"DATABASE_URL": database.url, "POOL_SIZE": str(POOL_SIZE), "SESSIONS": str(sessions)},
        path=lambda case: f"/{case.name}",
    )


def caregraph(database: Database, *, workers: int = 1, shares_reads: bool = False) -> Peer:
    """Ours, as `caregraph serve` runs it, in production settings.

    Reads aren't shared unless that is what is measured: as with the other peers, each request is a statement.
    """
    token_rules = {"type": "RS256", "key": database.material.public_key, "audience": "caregraph"}
    return Peer(
        name=CAREGRAPH,
        argv=lambda port: [
            str(Path(sys.executable).parent / "caregraph"),
            *("serve", "--port", str(port), "--workers", str(workers)),
        ],
        env={
            "DATABASE_URL": database.url,
            "CAREGRAPH_POOL_SIZE": str(POOL_SIZE),
            "CAREGRAPH_SHARED_READS": str(shares_reads).lower(),
            "CAREGRAPH_ENVIRONMENT": "production",
            "CAREGRAPH_LOG_FORMAT": "json",
            "CAREGRAPH_ADMIN_SECRET": _SECRET,
            "HASURA_GRAPHQL_JWT_SECRET": orjson.dumps(token_rules).decode(),
        },
        path=lambda _: "/v1/graphql",
        admin_headers={"x-hasura-admin-secret": _SECRET},
    )


def handwritten(database: Database) -> Peer:
    """Strawberry, SQLAlchemy and DataLoaders."""
    return Peer(
        name=HANDWRITTEN,
        argv=lambda port: _uvicorn("benchmarks.handwritten.app:app", port),
        env={
            "DATABASE_URL": database.url,
            "POOL_SIZE": str(POOL_SIZE),
            "ADMIN_SECRET": _SECRET,
            "JWT_KEY": database.material.public_key,
        },
        path=lambda _: "/graphql",
        admin_headers={"x-admin-secret": _SECRET},
    )


def postgraphile(database: Database, installation: Installation) -> Peer:
    """PostGraphile 5."""
    return Peer(
        name=POSTGRAPHILE,
        argv=lambda _: [str(installation.node), "server.mjs"],
        env={
            "DATABASE_URL": database.url,
            "POOL_SIZE": str(POOL_SIZE),
            "JWT_KEY": database.material.public_key,
            "NODE_ENV": "production",
            "GRAPHILE_ENV": "production",
        },
        cwd=installation.folder,
        path=lambda _: "/graphql",
        version=f"{installation.version} on Node.js {installation.node_version}",
    )


def _uvicorn(application: str, port: int) -> list[str]:
    return [sys.executable, "-m", "uvicorn", application, *_UVICORN, "--host", _HOST, "--port", str(port)]


def _inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        port: int = probe.getsockname()[1]
        return port
