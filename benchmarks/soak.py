"""Whether the API's memory stays where it is: what a process takes, and what becomes of it over many requests.

    python -m benchmarks.soak [--minutes 10] [--connections 16] [--rate 0]

A database with the demo data is needed: `DATABASE_URL` (its rows are read, and one is written again and again), else an
embedded PostgreSQL is started and filled. One `caregraph serve` is started and asked

1. by five roles, so that five schemas are built;
2. for 1,000 different documents, so that as many plans are kept;
3. for 10,000 more on all connections, so that everything is kept that has a bound;
4. for so many minutes by `--connections` clients, at most `--rate` requests a second (0: as fast as it goes). Most of
   the documents are known; one in twenty-five is new, so that plans come and go, some are wrong, some are mutations,
   some come by their hash, and all the while sockets open, follow something, and leave.

The resident set is shown after each step and every few seconds; in the end, what it grew by a million requests, by a
line through the second half of the samples. Fails above 250 MB after step 2, and when the line rises by more than
`--growth` MB a million requests.
"""

import argparse
import asyncio
import hashlib
import itertools
import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

import psutil
import uvloop
from websockets.asyncio.client import connect

from benchmarks.cold_start import _PROGRAM, _SECRET, _database, _environment

_ROLES: Final = ("anonymous", "user", "provider", "cct", "service")
_DOCUMENTS: Final = 1_000
_FILLING_DOCUMENTS: Final = 10_000
_TARGET_MB: Final = 250
_MB: Final = 1024 * 1024
_SAMPLE_EVERY_S: Final = 5.0
_START_TIMEOUT_S: Final = 60.0
_ANSWER_TIMEOUT_S: Final = 30.0
_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
_FIELDS: Final = {
    "anonymous": ("treatment", ("id", "name", "description", "monthly_price", "currency_code")),
    "user": ("contract", ("id", "status", "start_date", "end_date", "auto_renew", "treatment { name }")),
    "provider": ("healthcare_patient", ("id", "customer_id", "customer { first_name }")),
    "cct": (
        "customer",
        ("id", "email", "first_name", "last_name", "phone", "timezone", "contracts(limit: 3) { status }"),
    ),
    "service": ("customer", ("id", "email", "timezone", "chargebee_customer_id")),
}
_MUTATION: Final = 'mutation { update_customer(where: {id: {_eq: "%s"}}, _set: {phone: "%s"}) { affected_rows } }'
_FOLLOWED: Final = "subscription { treatment(order_by: {name: asc}) { name monthly_price } }"


@dataclass(slots=True)
class Count:
    """What has been asked so far."""

    requests: int = 0
    errors: int = 0
    sockets: int = 0
    #: (requests so far, resident bytes).
    samples: list[tuple[int, int]] = field(default_factory=list)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description="Memory over many requests.")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--rate", type=float, default=0.0, help="requests a second at most (0: no limit)")
    parser.add_argument("--growth", type=float, default=10.0, help="MB a million requests that are taken for flat")
    options = parser.parse_args()
    with _database() as url, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        free.close()
        command = [str(_PROGRAM), "serve", "--port", str(port)]
        server = subprocess.Popen(command, env=_environment(url), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            return uvloop.run(soak(psutil.Process(server.pid), port, options))
        finally:
            server.terminate()
            server.wait(timeout=15)


async def soak(server: psutil.Process, port: int, options: argparse.Namespace) -> int:
    """All steps; the exit status."""
    await _await_start(port)
    client = await Client.open(port)
    _tell("started", server)
    for role in _ROLES:
        await client.ask(role, _document(role, 0))
    _tell(f"{len(_ROLES)} role schemas", server)
    for number in range(_DOCUMENTS):
        role = _ROLES[number % len(_ROLES)]
        await client.ask(role, _document(role, 1 + number // len(_ROLES)))
    settled = _tell(f"{len(_ROLES)} role schemas, {_DOCUMENTS:,} plans", server)
    client.close()
    share = _FILLING_DOCUMENTS // options.connections
    await asyncio.gather(*(_fill(port, 10_000 + number * share, share) for number in range(options.connections)))
    _tell("everything kept that has a bound", server)

    count = Count()
    until = time.monotonic() + options.minutes * 60
    pace = Pace(options.rate)
    await asyncio.gather(
        *(_ask_on(port, number, until, pace, count) for number in range(options.connections)),
        _follow(port, until, count),
        _sample(server, until, count),
    )
    grown = _growth(count.samples[len(count.samples) // 2 :])
    _say(
        f"{count.requests:,} requests ({count.errors:,} answered with an error, as meant), {count.sockets:,} sockets: "
        f"{grown / _MB:+.1f} MB a million requests in the second half"
    )
    fits, flat = settled <= _TARGET_MB * _MB, grown <= options.growth * _MB
    _say(f"at most {_TARGET_MB} MB with schemas and plans: {'yes' if fits else 'NO'}; flat: {'yes' if flat else 'NO'}")
    return 0 if fits and flat else 1


# What is asked


def _document(role: str, number: int) -> str:
    """A document like no other of the role's."""
    root, columns = _FIELDS[role]
    chosen = [column for place, column in enumerate(columns) if place == 0 or (number >> (place - 1)) & 1]
    return f"query Number{number} {{ {root}(limit: {1 + number % 20}) {{ {' '.join(chosen)} }} }}"


def _requests(number: int) -> Iterator[tuple[str, dict[str, object]]]:
    """Role and payload, without end."""
    chance = random.Random(number)  # noqa: S311 -- not a secret
    fresh = itertools.count(1_000_000 * (number + 1))
    while True:
        role = chance.choice(_ROLES)
        kind = chance.random()
        if kind < 0.04:
            yield role, {"query": _document(role, next(fresh))}
        elif kind < 0.06:
            yield role, {"query": f"{{ nothing{chance.randrange(50)} {{ id }} }}"}
        elif kind < 0.08:
            yield role, {"query": "{ treatment(limit: ", "variables": {"a": 1}}
        elif kind < 0.12:
            yield "admin", {"query": _MUTATION % (_NOBODY, chance.randrange(10**9))}
        elif kind < 0.2:
            query = _document(role, chance.randrange(20))
            digest = hashlib.sha256(query.encode()).hexdigest()
            yield role, {"query": query, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
        else:
            yield role, {"query": _document(role, chance.randrange(200))}


class Client:
    """One connection that asks and waits."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "Client":
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

    async def ask(self, role: str, query: str) -> bytes:
        """The body of an answer that has data."""
        body = await self.send(role, {"query": query})
        if not body.startswith(b'{"data"'):
            raise SystemExit(f"role {role} asked {query} and got {body[:500].decode()}")
        return body

    async def send(self, role: str, payload: dict[str, object]) -> bytes:
        """The body of the answer."""
        body = json.dumps(payload).encode()
        head = (
            f"POST /v1/graphql HTTP/1.1\r\nHost: soak\r\nContent-Type: application/json\r\n"
            f"X-Hasura-Admin-Secret: {_SECRET}\r\nX-Hasura-Role: {role}\r\nX-Hasura-User-Id: {_NOBODY}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        async with asyncio.timeout(_ANSWER_TIMEOUT_S):
            lines = (await self._reader.readuntil(b"\r\n\r\n")).lower()
            if not lines.startswith(b"http/1.1 200"):
                raise SystemExit(f"the server answered {lines.decode()}")
            length = lines[lines.index(b"content-length:") + 15 :].split(b"\r\n", 1)[0]
            return await self._reader.readexactly(int(length))


@dataclass(slots=True)
class Pace:
    """At most so many requests a second, by all clients together."""

    rate: float
    _due: float = 0.0

    async def wait(self) -> None:
        """Until the next one may go."""
        if self.rate <= 0:
            return
        now = time.monotonic()
        self._due = max(self._due + 1 / self.rate, now)
        await asyncio.sleep(self._due - now)


async def _fill(port: int, first: int, number: int) -> None:
    client = await Client.open(port)
    for document in range(first, first + number):
        role = _ROLES[document % len(_ROLES)]
        query = _document(role, document)
        digest = hashlib.sha256(query.encode()).hexdigest()
        await client.send(
            role, {"query": query, "extensions": {"persistedQuery": {"version": 1, "sha256Hash": digest}}}
        )
    client.close()


async def _ask_on(port: int, number: int, until: float, pace: Pace, count: Count) -> None:
    client = await Client.open(port)
    for role, payload in _requests(number):
        if time.monotonic() > until:
            break
        await pace.wait()
        body = await client.send(role, payload)
        count.requests += 1
        count.errors += body.startswith(b'{"errors"')
    client.close()


async def _follow(port: int, until: float, count: Count) -> None:
    """Sockets that come, get a first result, and go."""
    hello = {"type": "connection_init", "payload": {"headers": {"x-hasura-admin-secret": _SECRET}}}
    start = {"type": "subscribe", "id": "1", "payload": {"query": _FOLLOWED}}
    while time.monotonic() < until:
        async with connect(
            f"ws://127.0.0.1:{port}/v1/graphql",
            subprotocols=["graphql-transport-ws"],  # type: ignore[list-item] # a NewType of str
            proxy=None,
            compression=None,
        ) as following:
            await following.send(json.dumps(hello))
            await following.recv()
            await following.send(json.dumps(start))
            async with asyncio.timeout(_ANSWER_TIMEOUT_S):
                await following.recv()
        count.sockets += 1
        await asyncio.sleep(0.05)


# What is seen


async def _sample(server: psutil.Process, until: float, count: Count) -> None:
    while time.monotonic() < until:
        await asyncio.sleep(min(_SAMPLE_EVERY_S, max(0.1, until - time.monotonic())))
        count.samples.append((count.requests, _tell(f"{count.requests:,} requests", server)))


def _tell(what: str, server: psutil.Process) -> int:
    resident = int(server.memory_info().rss)
    _say(f"{resident / _MB:8.1f} MB  {what}")
    return resident


def _growth(samples: list[tuple[int, int]]) -> float:
    """Bytes a million requests: the slope of the line of least squares."""
    middle = sum(requests for requests, _ in samples) / len(samples)
    level = sum(resident for _, resident in samples) / len(samples)
    across = sum((requests - middle) ** 2 for requests, _ in samples)
    along = sum((requests - middle) * (resident - level) for requests, resident in samples)
    return 1e6 * along / across if across else 0.0


async def _await_start(port: int) -> None:
    until = time.monotonic() + _START_TIMEOUT_S
    while time.monotonic() < until:
        with suppress(OSError):
            client = await Client.open(port)
            await client.ask("anonymous", "{ __typename }")
            client.close()
            return
        await asyncio.sleep(0.05)
    raise SystemExit("the server did not start")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
