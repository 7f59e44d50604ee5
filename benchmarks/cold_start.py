"""How long `caregraph serve` takes from process start to its first answer.

    python -m benchmarks.cold_start [--runs 9] [--role user] [--imports]

A database with the demo data is needed: `DATABASE_URL`, else an embedded PostgreSQL is started and filled. Each run
starts the server as its users do, asks a small query over HTTP until it is answered, and ends it. Beside the wall clock
it shows the processor time that the server had used by then: on a busy machine that is the figure to compare.

`--role` other than `anonymous` asks by admin secret as that role, and so waits for that role's schema. `--imports`
shows which modules take longest to import, instead.
"""

import argparse
import asyncio
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import httpx
import psutil

from local.demo.loader import load
from local.postgres import temporary_postgres
from migrations.runner import upgrade

_PROGRAM: Final = Path(sys.executable).with_name("caregraph")
_QUERY: Final = {
    "anonymous": "{ treatment(limit: 1) { name } }",
    "user": "{ contract(limit: 1) { status } }",
    "provider": "{ contract(limit: 1) { status } }",
    "cct": "{ customer(limit: 1) { email } }",
    "service": "{ customer(limit: 1) { email } }",
    "admin": "{ customer(limit: 1) { email } }",
}
_SECRET: Final = "cold-start"  # noqa: S105 -- of a server that only this program asks
_PATIENCE_S: Final = 60.0
_PAUSE_S: Final = 0.005


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_start", description="Time from start to answer.")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--role", choices=sorted(_QUERY), default="anonymous")
    parser.add_argument("--imports", action="store_true", help="show what is imported, and how long that takes")
    options = parser.parse_args()
    with _database() as url:
        if options.imports:
            _show_imports(url)
            return
        runs = [measure(url, options.role) for _ in range(options.runs)]
    walls, processors = zip(*runs, strict=True)
    _say(f"{options.runs} starts, first answer to {options.role}:")
    for name, values in (("wall clock", walls), ("processor", processors)):
        _say(f"  {name:<11} {statistics.median(values):.2f} s median, {min(values):.2f} to {max(values):.2f}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")


def measure(database_url: str, role: str) -> tuple[float, float]:
    """Seconds of wall clock and of processor time until the first answer."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = time.perf_counter()
    server = subprocess.Popen(
        [_PROGRAM, "serve", "--port", str(port)],
        env=_environment(database_url),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _ask_until_answered(port, role)
        wall = time.perf_counter() - started
        times = psutil.Process(server.pid).cpu_times()
    finally:
        server.terminate()
        server.wait(timeout=15)
    return wall, times.user + times.system


def _ask_until_answered(port: int, role: str) -> None:
    headers = {} if role == "anonymous" else {"x-hasura-admin-secret": _SECRET, "x-hasura-role": role}
    # A made-up caller: what counts is that there is an answer.
    headers |= {"x-hasura-user-id": "00000000-0000-0000-0000-000000000000"} if headers else {}
    deadline = time.monotonic() + _PATIENCE_S
    url = f"http://127.0.0.1:{port}"
    with httpx.Client(base_url=url, trust_env=False, timeout=_PATIENCE_S, verify=False) as client:  # noqa: S501 -- no TLS here
        while True:
            try:
                body = client.post("/v1/graphql", json={"query": _QUERY[role]}, headers=headers).json()
            except httpx.ConnectError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_PAUSE_S)
                continue
            if "data" not in body:
                raise SystemExit(f"the server answered with an error: {body}")
            return


def _environment(database_url: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CAREGRAPH_", "HASURA_"))}
    return {
        **kept,
        "DATABASE_URL": database_url,
        "CAREGRAPH_ENVIRONMENT": "development",
        "CAREGRAPH_ADMIN_SECRET": _SECRET,
    }


@contextmanager
def _database() -> Iterator[str]:
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    with temporary_postgres() as server:
        asyncio.run(_fill(server.url))
        yield server.url


async def _fill(url: str) -> None:
    await upgrade(url)
    await load(url)


def _show_imports(database_url: str) -> None:
    """The modules that the server imports until it serves, each with what it imports in turn."""
    code = "import server.cli.main, server.application; server.application.application_from_environment()"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", code],
        env=_environment(database_url),
        stderr=subprocess.PIPE,
        text=True,
        check=True,
        timeout=_PATIENCE_S,
    )
    found: list[tuple[int, int, str]] = []
    for own, total, name in re.findall(r"import time:\s+(\d+) \|\s+(\d+) \| (\s*\S+)", done.stderr):
        found.append((int(total), int(own), name))
    _say(f"{len(found)} modules, {sum(own for _, own, _ in found) / 1e6:.2f} s (slower than without being watched)")
    for total, own, name in sorted(found, reverse=True)[:60]:
        _say(f"  {total / 1e3:8.1f} ms  own {own / 1e3:6.1f} ms  {name.strip()}")


if __name__ == "__main__":
    main()
