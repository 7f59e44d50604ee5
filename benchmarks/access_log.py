"""What it costs reads that they are recorded: one server, whose record is switched on and off from window to window.

    python -m benchmarks.access_log [--rounds 15] [--seconds 1] [--case "a chart"]

Needs nothing but the environment: an embedded PostgreSQL is started and filled with the demo data. It is one process
and not two, since two of the same program differ by more than an entry costs. A ratio compares two windows that
followed each other, now one first and now the other, and the median of them is the figure. Beside it stands what a read
takes of processor time, server and PostgreSQL together, which a busy machine disturbs less; each window is waited for
until its entries are written.
"""

import argparse
import asyncio
import os
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import asyncpg
import orjson
import psutil
import uvicorn

import server.application
from benchmarks.generator import Generator, load_generator
from local.demo.loader import load
from local.postgres import temporary_postgres
from migrations.runner import upgrade
from resolvers.engine import Engine
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
#: After a switch, and until the last entries are written.
_SETTLE_S: Final = 0.15


def main() -> None:
    """Measure and print; with `--serve`, be one of the servers."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.access_log", description="The price of the record.")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a window")
    parser.add_argument("--case", choices=(*_CASES,), action="append", help="only this one; may be repeated")
    parser.add_argument("--serve", type=int, metavar="PORT", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve is None:
        _measure(options.case or [*_CASES], options.rounds, options.seconds)
    else:
        _serve(options.serve)


class _SwitchedSource(Source):
    """The platform with an engine that forgets its recorder on SIGUSR1, and has it again on SIGUSR2."""

    def engine(self, *arguments: Any, **options: Any) -> Engine:
        """As the source's own."""
        engine = super().engine(*arguments, **options)
        recorder = engine._recorder  # noqa: SLF001 -- no setting turns it off

        def switch(number: int, _: object) -> None:
            engine._recorder = recorder if number == signal.SIGUSR2 else None  # noqa: SLF001

        signal.signal(signal.SIGUSR1, switch)
        signal.signal(signal.SIGUSR2, switch)
        return engine


def _serve(port: int) -> None:
    def switched() -> Source:
        source = platform_source()
        return _SwitchedSource(**{one.name: getattr(source, one.name) for one in fields(source)})

    server.application.platform_source = switched  # type: ignore[attr-defined] # a name that the module imports
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


def _measure(cases: list[str], rounds: int, seconds: float) -> None:
    with ExitStack() as stack:
        postgres = stack.enter_context(temporary_postgres())
        patients = asyncio.run(_fill(postgres.url))
        generator = stack.enter_context(load_generator())
        one = stack.enter_context(_running(postgres.url))
        for case in cases:
            file = _write_requests(generator, case, one.port, patients)
            series = {False: _Series(), True: _Series()}
            backends: list[psutil.Process] = []
            for number in range(rounds + 1):
                for recorded in (number % 2 == 0, number % 2 == 1):
                    one.process.send_signal(signal.SIGUSR2 if recorded else signal.SIGUSR1)
                    time.sleep(_SETTLE_S)
                    processes = [one.process, *backends]
                    rate, processor_us = _window(generator, one, processes, file, seconds)
                    if number:  # the first round warms up, and opens connections
                        series[recorded].rates.append(rate)
                        series[recorded].processor_us.append(processor_us)
                backends = backends or _find_backends(one)
            _report(case, series[False], series[True])


def _report(case: str, without: _Series, recorded: _Series) -> None:
    ratios = [mine / theirs for mine, theirs in zip(recorded.rates, without.rates, strict=True)]
    less = [theirs / mine for mine, theirs in zip(recorded.processor_us, without.processor_us, strict=True)]
    costs = statistics.median(without.processor_us), statistics.median(recorded.processor_us)
    sys.stdout.write(
        f"{case:<17} {statistics.median(without.rates):7.0f} reads/s without, {statistics.median(recorded.rates):7.0f}"
        f" recorded, ratio {statistics.median(ratios):.3f} ({_middle_half(ratios)});"
        f" processor {costs[0]:.1f} and {costs[1]:.1f} us a read, ratio {statistics.median(less):.3f}"
        f" ({_middle_half(less)})\n"
    )
    sys.stdout.flush()


def _middle_half(values: list[float]) -> str:
    low, _, high = statistics.quantiles(values, n=4)
    return f"{low:.2f} to {high:.2f}"


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
def _running(url: str) -> Iterator[_Server]:
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
        [sys.executable, "-m", "benchmarks.access_log", "--serve", str(port)],
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
                raise SystemExit("the server did not start")
            time.sleep(0.1)
        yield _Server(port=port, process=psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(15)


def _write_requests(generator: Generator, case: str, port: int, patients: list[str]) -> Path:
    bodies = (orjson.dumps({"query": _CASES[case], "variables": {"id": patient}}) for patient in patients)
    head = (
        f"POST /v1/graphql HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\ncontent-type: application/json\r\n"
        f"x-hasura-admin-secret: {_SECRET}\r\ncontent-length: "
    )
    return generator.write_requests(case, [f"{head}{len(body)}\r\n\r\n".encode() + body for body in bodies])


def _window(
    generator: Generator, server: _Server, processes: list[psutil.Process], file: Path, seconds: float
) -> tuple[float, float]:
    """Reads a second, and processor time a read in microseconds."""
    before = sum(map(_used_s, processes))
    counted = generator.measure(
        file, port=server.port, connections=_CONNECTIONS, warm_up_s=seconds / 5, window_s=seconds
    )
    # The last entries are written within a tenth of a second.
    time.sleep(_SETTLE_S)
    return counted.rate, (sum(map(_used_s, processes)) - before) * 1e6 / counted.all_requests


def _find_backends(server: _Server) -> list[psutil.Process]:
    """The database connections of the server."""
    ports = {one.laddr.port for one in server.process.net_connections("tcp") if one.status == "ESTABLISHED"}
    found = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] == "postgres":
            try:
                if any(one.raddr and one.raddr.port in ports for one in process.net_connections("tcp")):
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
    return found


def _used_s(process: psutil.Process) -> float:
    """Processor time of a process's main thread; to the nanosecond where the kernel tells, else to the hundredth."""
    exact = Path(f"/proc/{process.pid}/schedstat")
    if exact.exists():
        return int(exact.read_text().split()[0]) / 1e9
    return float(sum(process.cpu_times()[:2]))


if __name__ == "__main__":
    main()
