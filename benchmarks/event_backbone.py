"""What events cost and how fast they go: `python -m benchmarks.event_backbone [--quick]`.

Everything runs here: a PostgreSQL of its own whose commits reach the disk, the local Pub/Sub, a relay in this process.
What is compared takes turns, so that a busy machine slows both; each target stands beside its figure.

- inserts into public.contract by `pgbench`, with the event trigger and without, at 8, 32 and 64 connections;
- drain of a full outbox by one relay to the local Pub/Sub, against the same relay when it deletes the rows in place of
  marking them and publishes to nowhere (a publisher that answers at once), and against a bare loop that reads and
  deletes and is no relay at all;
- from COMMIT to the arrival of the push, one event at a time.
"""

import argparse
import asyncio
import logging
import math
import os
import signal
import statistics
import subprocess
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import grpc
import structlog
import uvloop
from google.pubsub_v1 import PublisherAsyncClient, SubscriberAsyncClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcAsyncIOTransport

import triggers.outbox
from benchmarks.local_pubsub import CHANNEL_OPTIONS, receiving, running_server
from local.postgres import postgres
from local.postgres.binaries import find_binaries
from migrations.runner import upgrade
from triggers.connection import connect
from triggers.envelope import OutboxEvent, encode_message
from triggers.lanes import LANES
from triggers.outbox import OutboxReader, OutboxWriter
from triggers.publisher import open_publisher
from triggers.relay import Relay, run_relay
from triggers.rotation import Rotation
from triggers.service import settle_collector
from triggers.settings import RelaySettings
from triggers.statements import load_statement
from triggers.topics import TOPICS

PROJECT: Final = "benchmark"
KEYS: Final = 500
#: So many events are written anew for each round.
_FEW: Final = 100_000
#: From so many on an outbox is full: events of a key fill publish requests then, of which each carries one key's.
_FULL: Final = 100_000
#: No more than so many are drained in a round.
_MOST: Final = 100_000
TIMEOUT_S: Final = 120.0
WARM_UP_S: Final = 4
#: How long one of those compared runs before it is the other's turn, and how long what it began may take to end.
TURN_S: Final = 0.5
PAUSE_S: Final = 0.02
ROUNDS: Final = 5

_CUSTOMER: Final = "('00000000-0000-7000-8000-' || lpad(({number})::text, 12, '0'))::uuid"
_TREATMENT: Final = "('00000000-0000-7000-8001-' || lpad(({number})::text, 12, '0'))::uuid"
#: A thousand of each, so that writers don't meet at the rows that foreign keys lock.
_WORLD: Final = f"""
    INSERT INTO public.customer (id, email, first_name, last_name, date_of_birth, phone)
    SELECT {_CUSTOMER.format(number="n")}, 'c' || n || '@example.com', 'A', 'B', '1990-01-01', '+12025550142'
    FROM generate_series(1, 1000) AS n;
    INSERT INTO public.treatment (id, name, monthly_item_price_id, monthly_price)
    SELECT {_TREATMENT.format(number="n")}, 'T' || n, 'p' || n, 9900 FROM generate_series(1, 1000) AS n;
    TRUNCATE events.outbox;
"""  # noqa: S608 - of our own parts
_INSERT: Final = (
    "\\set c random(1, 1000)\n\\set t random(1, 1000)\n"
    "INSERT INTO public.contract (customer_id, treatment_id)"
    f" VALUES ({_CUSTOMER.format(number=':c')}, {_TREATMENT.format(number=':t')});\n"
)
_INSERTED: Final = "SELECT count(*) FROM public.contract"
_FILL: Final = """
    WITH written AS (
        INSERT INTO events.outbox (type, topic, ordering_key, lane, subject, data)
        SELECT
            'contract.updated', 'contract-events', key, events.lane_of(key), key,
            jsonb_build_object('op', 'UPDATE', 'rest', repeat('x', 500))
        FROM generate_series(1, $1::int) AS n
        CROSS JOIN LATERAL (SELECT '00000000-0000-7000-8000-' || lpad((n % $2)::text, 12, '0') AS key) AS keys
        RETURNING lane, sequence
    )
    INSERT INTO events.waiting (lane, sequence) SELECT w.lane, w.sequence FROM written AS w
"""
_EMPTY: Final = """
    WITH gone AS (
        DELETE FROM events.waiting RETURNING sequence
    )
    DELETE FROM events.outbox AS o USING gone AS g WHERE o.sequence = g.sequence
"""
_FIRST: Final = OutboxEvent(
    0, str(uuid.UUID(int=0)), "contract.updated", TOPICS[0].name, "k", "k", None, 0, None, bytes(8), 2, "{}"
)
_WAITING: Final = "SELECT count(*) FROM events.waiting"
#: In place of the relay's `mark_published`.
_DELETE: Final = """
    WITH done AS (
        DELETE FROM events.waiting AS w
        USING unnest($1::smallint[], $2::bigint[], $3::text[]) AS m (lane, sequence, message_id)
        WHERE w.lane = m.lane AND w.sequence = m.sequence
        RETURNING w.sequence
    )
    DELETE FROM events.outbox AS o USING done AS d WHERE o.sequence = d.sequence
"""


def main() -> None:
    """Measure and print a line for each figure; the exit status is 1 when a target is missed."""
    parser = argparse.ArgumentParser(description="Measure the event backbone.")
    parser.add_argument("--only", choices=("inserts", "latency", "drain"), help="nothing but this")
    parser.add_argument("--quick", action="store_true", help="shorter rounds, and at most 100,000 events waiting")
    parser.add_argument("--waiting", type=int, nargs="+", help="how many events wait in outboxes to drain")
    arguments = parser.parse_args()
    # As `caregraph relay` runs.
    settle_collector()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        met = runner.run(measure(quick=arguments.quick, only=arguments.only, waiting=arguments.waiting))
    raise SystemExit(0 if met else 1)


async def measure(*, quick: bool, only: str | None = None, waiting: Sequence[int] | None = None) -> bool:
    """Run everything; whether all targets are met."""
    met: list[bool] = []
    with tempfile.TemporaryDirectory(prefix="caregraph-backbone-") as folder:
        # PostgreSQL may run as another user.
        os.chmod(folder, 0o711)  # noqa: PTH101, S103
        async with postgres(Path(folder) / "postgres") as server, running_server(Path(folder)) as (address, _):
            await upgrade(server.url)
            await execute(server.url, _WORLD)
            if only in (None, "inserts"):
                met += await inserts(server.url, Path(folder), seconds=10 if quick else 40)
            url = await copy_database(server.url, "relayed")
            async with AsyncExitStack() as stack:
                channel = await stack.enter_async_context(grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS))
                publisher = PublisherAsyncClient(transport=PublisherGrpcAsyncIOTransport(channel=channel))
                for topic in TOPICS:
                    await publisher.create_topic(name=f"projects/{PROJECT}/topics/{topic.name}")
                if only in (None, "latency"):
                    met += await latency(url, address, channel, samples=100 if quick else 400)
                if only in (None, "drain"):
                    sizes = waiting or ((10_000, 100_000) if quick else (10_000, 100_000, 1_000_000))
                    met += await drain(url, address, sizes=sizes)
    return all(met)


async def inserts(url: str, folder: Path, *, seconds: int) -> list[bool]:
    """One-row inserts with durable commits, with the trigger and without, for so many seconds each."""
    with_events = await copy_database(url, "with_events")
    without = await copy_database(url, "without_events")
    await execute(without, "ALTER TABLE public.contract DISABLE TRIGGER record_insert")
    script = folder / "insert.sql"
    script.write_text(_INSERT)
    met: list[bool] = []
    for connections in (8, 32, 64):
        eventful, plain = await take_turns((with_events, without), script, connections, seconds)
        met.append(
            report(
                f"inserts, {connections} connections",
                f"{eventful:,.0f}/s with events, {plain:,.0f}/s without",
                eventful / plain,
                0.75,
            )
        )
    return met


async def take_turns(urls: Sequence[str], script: Path, connections: int, seconds: int) -> list[float]:
    """Transactions a second of the script in each database.

    A `pgbench` for each stands still while another runs, and all have their turns of half a second: a machine whose
    speed changes from one second to the next does so to all alike. A session's first insert takes tens of milliseconds
    (catalogs, functions, plans), of 64 on two cores whole seconds; so the turns begin when that is over.
    """
    clients: list[subprocess.Popen[bytes]] = []
    taken = [0.0] * len(urls)
    async with AsyncExitStack() as stack:
        watching = [await stack.enter_async_context(connect(url)) for url in urls]
        try:
            for url in urls:
                command: list[str | Path] = [
                    find_binaries().folder / "pgbench", "-n", "-M", "prepared", "-f", script,
                    "-c", str(connections), "-j", "2", "-T", "100000", url,
                ]  # fmt: skip
                # Nothing else runs on this event loop while a client starts.
                clients.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))  # noqa: ASYNC220
                await asyncio.sleep(WARM_UP_S)
                clients[-1].send_signal(signal.SIGSTOP)
            before = [await connection.fetchval(_INSERTED) for connection in watching]
            turns = list(range(len(urls)))
            for _ in range(round(seconds / TURN_S)):
                for number in turns:
                    began = time.perf_counter()
                    clients[number].send_signal(signal.SIGCONT)
                    await asyncio.sleep(TURN_S)
                    clients[number].send_signal(signal.SIGSTOP)
                    taken[number] += time.perf_counter() - began
                    await asyncio.sleep(PAUSE_S)
                turns.reverse()
            after = [await connection.fetchval(_INSERTED) for connection in watching]
            assert all(client.poll() is None for client in clients), "pgbench has ended by itself"
        finally:
            for client in clients:
                client.kill()
                client.wait(TIMEOUT_S)
    return [(last - first) / time_s for first, last, time_s in zip(before, after, taken, strict=True)]


async def drain(url: str, address: str, *, sizes: Sequence[int]) -> list[bool]:
    """Events a second out of an outbox in which so many wait, until it is empty, or by the first 100,000.

    Each size and way has a database of its own, so that all of a round are filled first and then emptied one right
    after the other: a machine's speed changes from one minute to the next. A hundred thousand is more than the relay
    reads in one turn through the lanes of a long outbox. Its first reads are the dearest, for a page's first change
    after a checkpoint goes into the log as a whole page. Until it is empty, because a relay is thousands of events
    ahead with reading when it marks the first: of half of a short outbox the other half is a good part of the work.
    """
    ways: dict[str, Callable[[str, int], Awaitable[float]]] = {
        "local": lambda each, events: relayed(each, address, events),
        "nowhere": lambda each, events: relayed(each, None, events),
        "deletes": deleted,
        "loop": read_and_delete,
    }
    turns = [(size, way, await copy_database(url, f"waiting_{size}_{way}")) for size in sizes for way in ways]
    for _, way, each in turns:
        if way in ("deletes", "loop"):
            # Both of an event's rows are deleted by name: the trigger for those who name one costs as much again.
            await execute(each, "ALTER TABLE events.outbox DISABLE TRIGGER discard")
    rates: dict[int, dict[str, list[float]]] = {size: {way: [] for way in ways} for size in sizes}
    for _ in range(ROUNDS):
        for size, _, each in turns:
            await fill(each, size)
        for size, way, each in turns:
            rates[size][way].append(await ways[way](each, min(size, _MOST)))
        turns.reverse()
    met: list[bool] = []
    for size, found in rates.items():
        middle = {name: statistics.median(values) for name, values in found.items()}
        figures = (
            f"{middle['local']:,.0f}/s to Pub/Sub, {middle['nowhere']:,.0f}/s to nowhere,"
            f" {middle['deletes']:,.0f}/s to nowhere and deleted; {middle['loop']:,.0f}/s in a bare loop, of which"
            f" Pub/Sub's is {middle_ratio(found['local'], found['loop']):.2f}"
        )
        target = 0.5 if size >= _FULL else None
        met.append(report(f"drain, {size:,} waiting", figures, middle_ratio(found["local"], found["deletes"]), target))
    small, large = rates[sizes[0]], rates[sizes[-1]]
    what = f"drain, {sizes[-1]:,} against {sizes[0]:,} waiting"
    met.append(report(what, "", middle_ratio(large["local"], small["local"]), 0.8))
    return met


def middle_ratio(one: Sequence[float], other: Sequence[float]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(one, other, strict=True))


async def fill(url: str, size: int) -> None:
    """Let so many events wait, as many of each key as of the others, whatever is left of the last round."""
    async with connect(url, synchronous_commit="off") as connection:
        waiting = await connection.fetchval(_WAITING, timeout=TIMEOUT_S)
        if size <= _FEW:
            # What is left is of some keys only, which among a million isn't to be seen.
            await connection.execute(_EMPTY, timeout=TIMEOUT_S)
            waiting = 0
        await connection.execute(_FILL, size - waiting, KEYS, timeout=TIMEOUT_S * 5)
        # What the last round and filling left to do isn't part of emptying; and each round begins right after a
        # checkpoint, since a page's first change after one goes into the log as a whole page.
        await connection.execute("VACUUM ANALYZE events.outbox, events.waiting, events.publication", timeout=TIMEOUT_S)
        await connection.execute("CHECKPOINT", timeout=TIMEOUT_S)


async def relayed(url: str, address: str | None, events: int) -> float:
    """Rate at which a relay publishes and marks that many; to nowhere without an address."""
    settings = RelaySettings(database_url=url, project=PROJECT, emulator_host=address)
    stop = asyncio.Event()
    async with AsyncExitStack() as stack:
        publisher: Any = Nowhere() if address is None else await stack.enter_async_context(open_publisher(settings))
        # The connection is there before the clock starts, as it is for reading and deleting.
        await publisher.publish(TOPICS[0].name, [encode_message(_FIRST, b"{}", at_us=0, source="/b", traceparent=None)])
        database = await stack.enter_async_context(connect(url))
        waiting = await database.fetchval(_WAITING, timeout=TIMEOUT_S)
        # It goes on until the last of them is marked, as it would if it weren't for the end of the measurement.
        counting = Counting(publisher, min(events + settings.in_flight, waiting))
        marking = stack.enter_context(watch_marks())
        running = asyncio.create_task(Relay(settings, counting).run(stop))  # type: ignore[arg-type]
        try:
            await asyncio.wait_for(counting.done.wait(), TIMEOUT_S)
        finally:
            stop.set()
            await asyncio.wait_for(running, TIMEOUT_S)
    return events / (marking.ended_at(events) - counting.began_at)


async def deleted(url: str, events: int) -> float:
    """The same when the relay publishes nowhere and deletes in place of marking."""
    with patch.object(triggers.outbox, "load_statement", _load_delete):
        return await relayed(url, None, events)


def _load_delete(name: str) -> str:
    return _DELETE if name == "relay/mark_published" else load_statement(name)


class Marks:
    """When how many were marked."""

    def __init__(self) -> None:
        self.taken: list[tuple[float, int]] = []

    def ended_at(self, events: int) -> float:
        """When so many had been."""
        count = 0
        for at, number in self.taken:
            count += number
            if count >= events:
                return at
        raise AssertionError(f"{count} events were marked, not {events}")


@contextmanager
def watch_marks() -> Iterator[Marks]:
    """What the relay's writer does meanwhile."""
    marks, flush = Marks(), OutboxWriter._flush  # noqa: SLF001 -- it tells nobody

    async def flushed(writer: OutboxWriter) -> None:
        number = writer._gathered  # noqa: SLF001 -- as above
        await flush(writer)
        marks.taken.append((time.perf_counter(), number))

    with patch.object(OutboxWriter, "_flush", flushed):
        yield marks


class Nowhere:
    """A publisher that takes everything at once."""

    async def publish(self, _: str, messages: Sequence[Any]) -> list[str]:
        """An id for each."""
        return ["0"] * len(messages)


class Counting:
    """A publisher that notes when the first was published, and when so many were."""

    def __init__(self, publisher: Any, events: int) -> None:
        self._publisher = publisher
        self._events = events
        self._count = 0
        self.began_at = math.inf
        self.done = asyncio.Event()

    async def publish(self, topic: str, messages: Sequence[Any]) -> list[str]:
        """Publish, and count."""
        self.began_at = min(self.began_at, time.perf_counter())
        ids: list[str] = await self._publisher.publish(topic, messages)
        self._count += len(ids)
        if self._count >= self._events:
            self.done.set()
        return ids


async def read_and_delete(url: str, events: int) -> float:
    """What a bare loop reads, as the relay does, and deletes: it keeps no order and wakes nobody."""
    batch = RelaySettings(database_url=url, project=PROJECT).batch
    async with connect(url, **OutboxReader.SETTINGS) as reading, connect(url, **OutboxWriter.SETTINGS) as writing:
        reader, rotation = OutboxReader(reading), Rotation()
        began, count = time.perf_counter(), 0
        while count < events:
            stretch = rotation.next_stretch(range(LANES), limit=batch)
            found = (await reader.read(stretch.lanes, per_lane=stretch.per_lane, limit=stretch.limit)).events
            rotation.saw(stretch, len(found), len({event.lane for event in found}))
            gone = sorted((event.lane, event.sequence, "") for event in found)
            if gone:
                await writing.execute(_DELETE, *zip(*gone, strict=True))
            count += len(gone)
        return count / (time.perf_counter() - began)


async def latency(url: str, address: str, channel: grpc.aio.Channel, *, samples: int) -> list[bool]:
    """From the commit of an insert to the arrival of its push."""
    subscriber = SubscriberAsyncClient(transport=SubscriberGrpcAsyncIOTransport(channel=channel))
    settings = RelaySettings(database_url=url, project=PROJECT, emulator_host=address)
    taken: list[float] = []
    stop = asyncio.Event()
    running = asyncio.create_task(run_relay(settings, stop))
    subscription = f"projects/{PROJECT}/subscriptions/timed"
    try:
        async with receiving() as (endpoint, arrivals), connect(url) as connection:
            await subscriber.create_subscription(
                request={
                    "name": subscription,
                    "topic": f"projects/{PROJECT}/topics/contract-events",
                    "enable_message_ordering": True,
                    "push_config": {"push_endpoint": endpoint},
                }
            )
            for number in range(samples + 5):
                statement = "INSERT INTO public.contract (customer_id, treatment_id) SELECT c.id, t.id"
                statement += " FROM public.customer AS c, public.treatment AS t LIMIT 1"
                await connection.execute(statement)
                committed = time.perf_counter()
                taken.append((await asyncio.wait_for(arrivals.get(), TIMEOUT_S) - committed) * 1000)
                # Under 10 a second the relay sleeps: the wake-up is part of what is measured.
                await asyncio.sleep(0.15 if number % 2 else 0.11)
            await subscriber.delete_subscription(subscription=subscription)
    finally:
        stop.set()
        await asyncio.wait_for(running, TIMEOUT_S)
    ordered = sorted(taken[5:])
    return [
        report("COMMIT to handler, median, ms", "", statistics.median(ordered), 15, at_most=True),
        report("COMMIT to handler, 99th percentile, ms", "", ordered[int(len(ordered) * 0.99)], 60, at_most=True),
    ]


def report(what: str, figures: str, value: float, target: float | None, *, at_most: bool = False) -> bool:
    """Print a figure beside its target, if it has one; whether it is met."""
    met = target is None or (value <= target if at_most else value >= target)
    verdict = "" if target is None else "pass" if met else "FAIL"
    bound = "no target" if target is None else f"{'at most' if at_most else 'at least'} {target}"
    print(f"{verdict:<4}  {what:<40}{value:>8.2f}  ({bound})  {figures}", flush=True)  # noqa: T201
    return met


async def execute(url: str, statement: str) -> None:
    """Run a script on a connection of its own."""
    connection = await asyncpg.connect(url, timeout=TIMEOUT_S)
    try:
        await connection.execute(statement, timeout=TIMEOUT_S)
    finally:
        await connection.close()


async def copy_database(url: str, name: str) -> str:
    """A copy of the database on the same server; nobody may be connected to it."""
    parts = urlsplit(url)
    await execute(
        urlunsplit(parts._replace(path="/postgres")), f"CREATE DATABASE {name} TEMPLATE {parts.path.removeprefix('/')}"
    )
    return urlunsplit(parts._replace(path=f"/{name}"))


if __name__ == "__main__":
    main()
