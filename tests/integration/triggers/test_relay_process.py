"""`caregraph relay` as a process: killed, stopped, and asked how it is."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.integration.triggers.pubsub import Project
from tests.integration.triggers.records import Records
from tests.integration.triggers.relays import RelayProcess, all_published, eventually, owns_all_lanes

Start = Callable[..., RelayProcess]


@pytest.fixture
def start(project: Project, database_url: str, tmp_path: Path) -> Iterator[Start]:
    """Start relays; what still runs at the end is killed."""
    relays: list[RelayProcess] = []

    def another(**environment: str) -> RelayProcess:
        relays.append(RelayProcess.start(project.environment(database_url) | environment, tmp_path))
        return relays[-1]

    yield another
    for relay in relays:
        if relay.process.poll() is None:
            relay.kill()


async def test_killing_relays_amid_their_work_loses_nothing_and_keeps_order(
    records: Records, project: Project, start: Start, connect: Callable[[], Awaitable[asyncpg.Connection]]
) -> None:
    writer = await connect()
    victim, heir = start(), start()
    await owns_all_lanes(records.connection, 32, 32)
    contracts = [await records.insert_contract() for _ in range(20)]

    async def write() -> None:
        for number in range(1, 51):
            for contract_id in contracts:
                await records.touch(contract_id, number, writer)

    writing = asyncio.create_task(write())
    await eventually(lambda: has_published(records, 100))
    victim.kill()
    await eventually(lambda: has_published(records, 300))
    successor = start()
    await writing
    await all_published(records.connection)
    # All may be published before the successor has begun; it has its share in the end.
    await eventually(lambda: two_share(records.connection))

    ids = {str(event["id"]) for event in await records.outbox()}
    assert len(ids) == 20 * 51
    await project.receive_ids(ids)
    for contract_id in contracts:
        in_commit_order = [str(e["id"]) for e in await records.outbox() if e["subject"] == str(contract_id)]
        assert project.first_occurrences(str(contract_id)) == in_commit_order
    assert (heir.stop(), successor.stop()) == (0, 0)


async def test_a_killed_relay_is_forgotten_and_its_lanes_are_taken_over(records: Records, start: Start) -> None:
    victim, _ = start(), start()
    await owns_all_lanes(records.connection, 32, 32)
    victim.kill()
    await owns_all_lanes(records.connection, 64)


async def test_a_relay_that_stands_still_loses_its_lanes_and_comes_back(
    records: Records, project: Project, start: Start
) -> None:
    quick = {"CAREGRAPH_RELAY_EXPIRY_S": "1.5"}
    victim, _ = start(**quick), start(**quick)
    await owns_all_lanes(records.connection, 32, 32)
    contracts = [await records.insert_contract() for _ in range(20)]
    await all_published(records.connection)
    victim.process.send_signal(signal.SIGSTOP)
    try:
        for number in (1, 2):
            for contract_id in contracts:
                await records.touch(contract_id, number)
        await all_published(records.connection)
    finally:
        victim.process.send_signal(signal.SIGCONT)
    await eventually(lambda: two_share(records.connection))
    for contract_id in contracts:
        await records.touch(contract_id, 3)
    await all_published(records.connection)

    await project.receive_ids({str(event["id"]) for event in await records.outbox()})
    for contract_id in contracts:
        in_commit_order = [str(e["id"]) for e in await records.outbox() if e["subject"] == str(contract_id)]
        assert project.first_occurrences(str(contract_id)) == in_commit_order
    assert "relay.interrupted" in victim.log.read_text()


async def test_a_relay_stops_without_publishing_anything_twice(
    records: Records, project: Project, start: Start
) -> None:
    relay = start(CAREGRAPH_RELAY_BATCH="10")
    for _ in range(10):
        await records.insert_contract()
    # More than it publishes while this looks whether it has begun.
    await records.connection.execute(
        "INSERT INTO public.contract (customer_id, treatment_id)"
        " SELECT c.customer_id, c.treatment_id FROM public.contract AS c CROSS JOIN generate_series(1, 499)"
    )
    await eventually(lambda: has_published(records, 20))
    assert relay.stop() == 0
    published = {str(event["id"]) for event in await records.outbox() if event["published_at"] is not None}
    assert 0 < len(published) < 5000
    start()
    await all_published(records.connection)
    received = await project.receive_ids({str(event["id"]) for event in await records.outbox()})
    assert len(received) == 5000


async def test_a_relay_says_how_it_is(records: Records, project: Project, start: Start) -> None:
    relay = start()
    await records.insert_contract()
    await project.receive_count(1)
    await all_published(records.connection)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{relay.port}") as client:
        assert (await client.get("/healthz")).status_code == 200
        ready = await client.get("/readyz")
        assert ready.json() == {"status": "ready", "checks": {"database": "ok", "pubsub": "ok"}}

        async def measured() -> bool:
            return "caregraph_outbox_waiting_events 0.0" in (await client.get("/metrics")).text

        await eventually(measured)
        metrics = (await client.get("/metrics")).text
    for line in (
        'caregraph_relay_published_total{topic="contract-events"} 1.0',
        'caregraph_relay_publish_duration_seconds_count{topic="contract-events"} 1.0',
        'caregraph_relay_delay_seconds_count{topic="contract-events"} 1.0',
        "caregraph_relay_lanes 64.0",
        "caregraph_outbox_oldest_age_seconds 0.0",
    ):
        assert line in metrics.splitlines()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"DATABASE_URL": ""}, "The relay can't start: DATABASE_URL"),
        ({"CAREGRAPH_RELAY_BATCH": "many"}, "The relay can't start: CAREGRAPH_RELAY_BATCH"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence(
    project: Project, tmp_path: Path, changes: dict[str, str], sentence: str
) -> None:
    relay = RelayProcess.start(project.environment("postgresql://x@127.0.0.1:1/x") | changes, tmp_path)
    assert relay.process.wait(timeout=20) == 2
    assert sentence in relay.log.read_text()


async def has_published(records: Records, count: int) -> bool:
    published: int = await records.connection.fetchval("SELECT count(*) FROM events.publication")
    return published >= count


async def two_share(connection: asyncpg.Connection) -> bool:
    """Whether two relays have all lanes between them."""
    return bool(await connection.fetchval("SELECT count(*) = 2 AND sum(lanes) = 64 FROM events.relay WHERE lanes > 0"))
