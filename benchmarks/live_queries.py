"""Live queries of thousands of subscribers in one server process: what they cost idle, and how soon changes arrive.

`python -m benchmarks.live_queries` starts PostgreSQL and one server, and opens a socket a subscriber, each with a token
and an id of its own. It waits until everyone has the first result, looks at the server's processor time while nothing
happens, and then changes one subscriber's row at a time, at a steady rate. A delivery is timed from before the UPDATE
is sent to the arrival of its result, in one process and by one clock.
"""

import asyncio
import os
import resource
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import asyncpg
import jwt
import psutil
import typer
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.live_sockets import Subscriber
from local.postgres import temporary_postgres
from migrations.runner import upgrade

_ROOT: Final = Path(__file__).parent.parent
_HOST: Final = "127.0.0.1"
_SECRET: Final = secrets.token_hex(32)
_ROWS: Final = """
    INSERT INTO public.treatment (name, monthly_item_price_id, monthly_price, currency_code)
    VALUES ('Bench', 'bench', 9900, 'USD');
    INSERT INTO healthcare.pharmacy (name, ncpdp_id) VALUES ('Bench', '1234567');
    INSERT INTO healthcare.medication (code_system, code, code_display, form, strength)
    VALUES ('x', 'x', 'x', 'x', 'x');
    INSERT INTO public.staff (email, first_name, last_name, role) VALUES ('b@example.com', 'B', 'B', 'provider');
    INSERT INTO public.customer (email, first_name, city)
    SELECT 'person' || n || '@example.com', 'Person ' || n, 'Here' FROM generate_series(1, {count}) AS n;
    INSERT INTO public.contract (customer_id, treatment_id)
    SELECT c.id, t.id FROM public.customer AS c, public.treatment AS t, generate_series(1, 2);
    INSERT INTO healthcare.patient (customer_id) SELECT id FROM public.customer;
    INSERT INTO healthcare.prescription (
        patient_id, requester_id, medication_id, dosage_instruction, quantity, quantity_unit, days_supply, status,
        signed_at
    )
    SELECT p.id, s.id, m.id, 'one', 30, 'x', 30, 'active', now()
    FROM healthcare.patient AS p, public.staff AS s, healthcare.medication AS m;
    INSERT INTO healthcare.prescription_fill (prescription_id, pharmacy_id, fill_number, quantity, days_supply, status)
    SELECT r.id, p.id, 1, 30, 30, 'shipped' FROM healthcare.prescription AS r, healthcare.pharmacy AS p;
    VACUUM ANALYZE
"""


class Case(StrEnum):
    """What everyone follows, and what is changed."""

    #: One's own row by its key, with related rows.
    PROFILE = "profile"
    #: What a role's filter finds through three other tables, and the row three levels below that changes.
    SHIPMENTS = "shipments"


_DOCUMENTS: Final = {
    Case.PROFILE: """
        subscription Profile($id: uuid!) {
          customer_by_pk(id: $id) {
            id first_name city
            contracts(order_by: {created_at: desc}) { id status start_date end_date treatment { name } }
          }
        }
    """,
    Case.SHIPMENTS: """
        subscription Shipments {
          healthcare_prescription(order_by: {id: asc}) {
            id status medication { code_display } fills(order_by: {id: asc}) { status carrier tracking_number }
          }
        }
    """,
}
_CHANGES: Final = {
    Case.PROFILE: "UPDATE public.customer SET city = $2 WHERE id = $1::text::uuid",
    Case.SHIPMENTS: """
        UPDATE healthcare.prescription_fill SET tracking_number = $2
        WHERE prescription_id IN (
            SELECT r.id FROM healthcare.prescription AS r JOIN healthcare.patient AS p ON p.id = r.patient_id
            WHERE p.customer_id = $1::text::uuid
        )
    """,
}
_IDLE_TARGET: Final = 0.03
_MEDIAN_TARGET_MS: Final = 100.0
_P99_TARGET_MS: Final = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Processor time as a share of one core, and memory."""

    server: float
    database: float
    memory_mb: float


def main(
    subscribers: Annotated[int, typer.Option(help="Each with a token and variables of its own.", min=1)] = 10_000,
    case: Annotated[Case, typer.Option(help="What everyone follows.")] = Case.PROFILE,
    sockets: Annotated[int | None, typer.Option(help="Sockets that share them; default: one each.", min=1)] = None,
    rate: Annotated[float, typer.Option(help="Changes a second.", min=0.1)] = 50,
    seconds: Annotated[float, typer.Option(help="How long changes are made.", min=1)] = 30,
    idle: Annotated[float, typer.Option(help="How long nothing happens.", min=1)] = 60,
    profile: Annotated[Path | None, typer.Option(help="Write a profile of the server here (needs py-spy).")] = None,
) -> None:
    """Measure live queries against their targets; two minutes."""
    _raise_file_limit()
    with temporary_postgres() as postgres, _server(postgres.url) as (server, port):
        uvloop.run(
            _bench(
                postgres.url,
                postgres.pid,
                server,
                port,
                case=case,
                subscribers=subscribers,
                sockets=sockets or subscribers,
                rate=rate,
                seconds=seconds,
                idle_s=idle,
                profile=profile,
            )
        )


async def _bench(
    database_url: str,
    postmaster: int,
    server: int,
    port: int,
    *,
    case: Case,
    subscribers: int,
    sockets: int,
    rate: float,
    seconds: float,
    idle_s: float,
    profile: Path | None,
) -> None:
    console = Console()
    connection = await asyncpg.connect(database_url, timeout=10, command_timeout=300)
    for statement in _ROWS.format(count=subscribers).split(";"):
        await connection.execute(statement)
    people = [str(row[0]) for row in await connection.fetch("SELECT id FROM public.customer ORDER BY id")]
    await _await_server(port)

    audience = _Audience(people, case)
    began = time.perf_counter()
    opened = await audience.open(port, sockets)
    await audience.all_answered.wait()
    console.print(
        f"{subscribers} subscribers on {len(opened)} sockets have their first result after "
        f"{time.perf_counter() - began:.1f} s"
    )
    await asyncio.sleep(3)

    quiet = await _load(server, postmaster, idle_s)
    sampler = _start_profile(server, profile, seconds)
    watching = asyncio.create_task(_load(server, postmaster, seconds))
    delays_ms = await audience.change(connection, rate, seconds)
    busy = await watching
    if sampler is not None:
        sampler.wait(timeout=30)
    await connection.close(timeout=10)
    lost = [item.closed for item in opened if item.closed]
    for item in opened:
        item.close()

    _print(console, quiet, busy, delays_ms, rate, missing=audience.missing, lost=lost, stray=audience.stray)


class _Audience:
    """All subscribers, and what they are waiting for."""

    def __init__(self, people: list[str], case: Case) -> None:
        self._people = people
        self._case = case
        self._answered: set[str] = set()
        self.all_answered = asyncio.Event()
        #: By person: when the change was begun, and a text that its result holds.
        self._expected: dict[str, tuple[float, bytes]] = {}
        self._delays_ms: list[float] = []
        self.stray = 0

    @property
    def missing(self) -> int:
        """Changes whose result has not come."""
        return len(self._expected)

    async def open(self, port: int, sockets: int) -> list[Subscriber]:
        """Connect everyone, some hundred at a time."""
        gate = asyncio.Semaphore(200)
        loop = asyncio.get_running_loop()

        async def connect(people: list[str]) -> Subscriber:
            async with gate:
                _, client = await loop.create_connection(
                    lambda: Subscriber(f"{_HOST}:{port}", _credentials(people[0]), self.take), _HOST, port
                )
                await client.acknowledged
                for person in people:
                    variables = {"id": person} if self._case is Case.PROFILE else {}
                    payload = {"query": _DOCUMENTS[self._case], "variables": variables}
                    client.send({"id": person, "type": "subscribe", "payload": payload})
                return client

        shares = [self._people[number::sockets] for number in range(sockets)]
        return list(await asyncio.gather(*map(connect, shares)))

    def take(self, person: str, payload: bytes, now: float) -> None:
        """A result has come."""
        if person not in self._answered:
            self._answered.add(person)
            if len(self._answered) == len(self._people):
                self.all_answered.set()
            return
        began, text = self._expected.get(person, (0.0, b""))
        if not began or text not in payload:
            self.stray += 1
            return
        del self._expected[person]
        self._delays_ms.append((now - began) * 1000)

    async def change(self, connection: Any, rate: float, seconds: float) -> list[float]:
        """Change one person's row after the other; how long each result took to arrive, in milliseconds."""
        began = time.perf_counter()
        count = int(rate * seconds)
        for number in range(count):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            # A step that is no divisor of the number of people takes them in no order of theirs.
            person = self._people[number * 7919 % len(self._people)]
            city = f"City {number}"
            self._expected[person] = (time.perf_counter(), f'"{city}"'.encode())
            await connection.execute(_CHANGES[self._case], person, city)
        await asyncio.sleep(1)
        return self._delays_ms


def _credentials(person: str) -> dict[str, str]:
    claims = {"x-hasura-allowed-roles": ["user"], "x-hasura-default-role": "user", "x-hasura-user-id": person}
    token = jwt.encode({"exp": time.time() + 3600, "https://hasura.io/jwt/claims": claims}, _SECRET, "HS256")
    return {"authorization": f"Bearer {token}"}


async def _load(server: int, postmaster: int, seconds: float) -> Load:
    """What the server and PostgreSQL take for so long."""
    process, database = psutil.Process(server), psutil.Process(postmaster)
    before = _busy_s(process), sum(map(_busy_s, [database, *database.children(recursive=True)]))
    await asyncio.sleep(seconds)
    after = _busy_s(process), sum(map(_busy_s, [database, *database.children(recursive=True)]))
    return Load(
        server=(after[0] - before[0]) / seconds,
        database=(after[1] - before[1]) / seconds,
        memory_mb=process.memory_info().rss / 2**20,
    )


def _busy_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _print(
    console: Console,
    quiet: Load,
    busy: Load,
    delays_ms: list[float],
    rate: float,
    *,
    missing: int,
    lost: list[str],
    stray: int,
) -> None:
    median = statistics.median(delays_ms)
    p99 = statistics.quantiles(delays_ms, n=100)[98] if len(delays_ms) > 1 else median
    table = Table("", "measured", "target", "")
    for name, measured, target, met in (
        ("idle, share of a core", f"{quiet.server:.1%}", f"< {_IDLE_TARGET:.0%}", quiet.server < _IDLE_TARGET),
        ("delivery, median", f"{median:.1f} ms", f"≤ {_MEDIAN_TARGET_MS:.0f} ms", median <= _MEDIAN_TARGET_MS),
        ("delivery, 99th percentile", f"{p99:.1f} ms", f"≤ {_P99_TARGET_MS:.0f} ms", p99 <= _P99_TARGET_MS),
        ("results that never came", str(missing), "0", missing == 0),
        ("sockets that were lost", str(len(lost)), "0", not lost),
    ):
        table.add_row(name, measured, target, "met" if met else "MISSED")
    table.add_row("delivery, longest", f"{max(delays_ms):.1f} ms", "", "")
    table.add_row(f"server at {rate:g} changes/s", f"{busy.server:.1%} of a core", "", "")
    table.add_row("PostgreSQL, idle and then", f"{quiet.database:.1%}, {busy.database:.1%} of a core", "", "")
    table.add_row("server's memory", f"{busy.memory_mb:.0f} MB", "", "")
    table.add_row("results nobody waited for", str(stray), "", "")
    console.print(table)
    for why in sorted(set(lost))[:3]:
        console.print(f"lost: {why}")


def _start_profile(server: int, path: Path | None, seconds: float) -> "subprocess.Popen[bytes] | None":
    if path is None:
        return None
    argv = [
        "py-spy",
        "record",
        "--pid",
        str(server),
        "--duration",
        str(int(seconds)),
        "--format",
        "raw",
        "-o",
        str(path),
    ]
    return subprocess.Popen(argv)


@contextmanager
def _server(database_url: str) -> Iterator[tuple[int, int]]:
    """One server process: its process id and port."""
    asyncio.run(upgrade(database_url))
    port = _free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "HASURA_GRAPHQL_JWT_SECRET": f'{{"type": "HS256", "key": "{_SECRET}"}}',
        "CAREGRAPH_ENVIRONMENT": "production",
        "CAREGRAPH_LOG_LEVEL": "warning",
    }
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [str(Path(sys.executable).with_name("caregraph")), "serve", "--port", str(port)],
            cwd=_ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
        try:
            yield process.pid, port
        finally:
            process.terminate()
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
            log.seek(0)
            sys.stderr.write(log.read().decode(errors="replace")[-3000:])


async def _await_server(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection(_HOST, port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def _free_port() -> int:

    with socket.socket() as probe:
        probe.bind((_HOST, 0))
        return int(probe.getsockname()[1])


def _raise_file_limit() -> None:
    """A socket is a file, here and in the server, which inherits the limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    typer.run(main)
