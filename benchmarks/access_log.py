"""What it costs reads that they are recorded: a server with its access log and one without, side by side.

    python -m benchmarks.access_log [--rounds 15] [--seconds 1]

Needs nothing but the environment: an embedded PostgreSQL is started and filled with the demo data. Both servers answer
the same reads of health information in turns. A ratio compares two windows that followed each other, and the median of
them is the figure. Beside it stands what a read takes of processor time, server and PostgreSQL together, which a busy
machine disturbs less; the entries of a window are written within it but for the last tenth of a second.
"""

import argparse
import asyncio
import os
import secrets
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

import asyncpg
import orjson
import psutil
import uvicorn

import server.application
from benchmarks.generator import Generator, load_generator
from local.demo.loader import load
from local.postgres import temporary_postgres
from migrations.runner import upgrade
from server.application import application_from_environment
from server.protocol import GraphQLProtocol
from server.source import Source, platform_source

_CASES: Final = {
    "a patient by key": "query Patient($id: uuid!) { healthcare_patient_by_pk(id: $id) { id birth_date language } }",
    "50 observations": "query Vitals($id: uuid!) { healthcare_observation(limit: 50, where: {patient_id: {_gt: $id}})"
    " { id code value_quantity value_unit issued } }",
    "a chart": "query Chart($id: uuid!) { healthcare_patient_by_pk(id: $id) { id prescriptions { id status fills"
    " { id status } } observations(limit: 20) { id code value_quantity } } }",
}
_CONNECTIONS: Final = 16
_PATIENTS: Final = 100
_SECRET: Final = secrets.token_hex(16)
_START_TIMEOUT_S: Final = 60.0


def main() -> None:
    """Measure and print; with `--serve`, be one of the servers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.access_log", description="The price of the record.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a window")
    parser.add_argument("--serve", choices=("with", "without"), help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is None:
        _measure(options.rounds, options.seconds)
    else:
        _serve(options.port, recorded=options.serve == "with")


def _serve(port: int, *, recorded: bool) -> None:
    def unrecorded() -> Source:
        return replace(platform_source(), has_access_log=False)

    if not recorded:
        # No setting turns it off.
        server.application.platform_source = unrecorded  # type: ignore[attr-defined] # a name that the module imports
    uvicorn.run(
        application_from_environment,
        factory=True,
        port=port,
        http=GraphQLProtocol,
        loop="uvloop",
        log_config=None,
        access_log=False,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    port: int
    process: psutil.Process


@dataclass(slots=True)
class _Series:
    rates: list[float] = field(default_factory=list)
    processor_us: list[float] = field(default_factory=list)


def _measure(rounds: int, seconds: float) -> None:
    with ExitStack() as stack:
        postgres = stack.enter_context(temporary_postgres())
        patients = asyncio.run(_fill(postgres.url))
        generator = stack.enter_context(load_generator())
        servers = {name: stack.enter_context(_running(name, postgres.url)) for name in ("without", "with")}
        for case, query in _CASES.items():
            series = {name: _Series() for name in servers}
            for number in range(rounds + 1):
                for name, one in servers.items():
                    rate, processor_us = _window(generator, one, query, patients, seconds)
                    if number:  # the first round warms up
                        series[name].rates.append(rate)
                        series[name].processor_us.append(processor_us)
            _report(case, series["without"], series["with"])


def _report(case: str, without: _Series, recorded: _Series) -> None:
    ratios = [mine / theirs for mine, theirs in zip(recorded.rates, without.rates, strict=True)]
    costs = statistics.median(without.processor_us), statistics.median(recorded.processor_us)
    sys.stdout.write(
        f"{case:<17} {statistics.median(without.rates):7.0f} reads/s without, {statistics.median(recorded.rates):7.0f}"
        f" recorded, ratio {statistics.median(ratios):.3f} ({min(ratios):.2f} to {max(ratios):.2f});"
        f" processor {costs[0]:.0f} and {costs[1]:.0f} us a read, ratio {costs[0] / costs[1]:.3f}\n"
    )


async def _fill(url: str) -> list[str]:
    await upgrade(url)
    await load(url)
    connection = await asyncpg.connect(url)
    try:
        found = await connection.fetch("SELECT id::text FROM healthcare.patient ORDER BY id LIMIT $1", _PATIENTS)
    finally:
        await connection.close()
    return [row["id"] for row in found]


@contextmanager
def _running(name: str, url: str) -> Iterator[_Server]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **{key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ},
        "DATABASE_URL": url,
        "CAREGRAPH_ADMIN_SECRET": _SECRET,
        "CAREGRAPH_LOG_FORMAT": "json",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.access_log", "--serve", name, "--port", str(port)],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if time.monotonic() > deadline or process.poll() is not None:
                raise SystemExit(f"the server {name} the access log did not start")
            time.sleep(0.1)
        yield _Server(port=port, process=psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(15)


def _window(
    generator: Generator, server: _Server, query: str, patients: list[str], seconds: float
) -> tuple[float, float]:
    """Reads a second, and processor time a read in microseconds."""
    bodies = (orjson.dumps({"query": query, "variables": {"id": patient}}) for patient in patients)
    head = (
        f"POST /v1/graphql HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\ncontent-type: application/json\r\n"
        f"x-hasura-admin-secret: {_SECRET}\r\ncontent-length: "
    )
    requests = [f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies]
    file = generator.write_requests("reads", requests)
    before = _processor_s(server)
    counted = generator.measure(
        file, port=server.port, connections=_CONNECTIONS, warm_up_s=seconds / 5, window_s=seconds
    )
    return counted.rate, (_processor_s(server) - before) * 1e6 / counted.all_requests


def _processor_s(server: _Server) -> float:
    """What the server and its database connections have used."""
    ports = {one.laddr.port for one in server.process.net_connections("tcp") if one.status == "ESTABLISHED"}
    used = sum(server.process.cpu_times()[:2])
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == "postgres":
            try:
                if any(one.raddr and one.raddr.port in ports for one in process.net_connections("tcp")):
                    used += sum(process.cpu_times()[:2])
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
    return used


if __name__ == "__main__":
    main()
