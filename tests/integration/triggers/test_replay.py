"""Replays: rate-limited, and going on where they were interrupted."""

import asyncio
from contextlib import aclosing

from tests.integration.triggers.pubsub import Project
from tests.integration.triggers.records import Records
from tests.integration.triggers.relays import running_relay
from triggers.replay import Selection, measure, replay


async def publish_all(records: Records, count: int) -> None:
    for _ in range(count):
        await records.insert_contract()
    await records.connection.execute("UPDATE events.outbox SET published_at = now()")


async def test_a_replay_keeps_to_its_rate(records: Records) -> None:
    await publish_all(records, 30)
    selection = Selection(types=["contract.inserted"])
    extent = await measure(records.connection, selection)
    began = asyncio.get_running_loop().time()
    sent = 0
    async with aclosing(replay(records.connection, selection, newest=extent.newest, again=False, rate=50)) as batches:
        async for progress in batches:
            sent += progress.events
            if sent == 30:
                break
            # The next batch waits for its turn.
    assert asyncio.get_running_loop().time() - began < 1
    began = asyncio.get_running_loop().time()
    async with aclosing(replay(records.connection, selection, newest=extent.newest, again=False, rate=20)) as batches:
        assert [progress.events async for progress in batches] == [20, 10]
    assert asyncio.get_running_loop().time() - began >= 0.9


async def test_an_interrupted_replay_goes_on_where_it_was(records: Records) -> None:
    await publish_all(records, 120)
    selection = Selection(types=["contract.inserted"])
    extent = await measure(records.connection, selection)
    reached = 0
    async with aclosing(
        replay(records.connection, selection, newest=extent.newest, again=False, rate=10_000)
    ) as batches:
        async for progress in batches:
            reached = progress.reached
            break
    rest = Selection(types=["contract.inserted"], after=reached)
    async with aclosing(replay(records.connection, rest, newest=extent.newest, again=False, rate=10_000)) as batches:
        async for _ in batches:
            pass
    replayed = await records.connection.fetch("SELECT replay_of FROM events.outbox WHERE replay_of IS NOT NULL")
    assert len(replayed) == len({row["replay_of"] for row in replayed}) == 120


async def test_a_replay_does_not_run_after_its_own_copies(records: Records) -> None:
    await publish_all(records, 3)
    selection = Selection(types=["contract.inserted"])
    extent = await measure(records.connection, selection)
    assert extent.events == 3
    async for _ in replay(records.connection, selection, newest=extent.newest, again=True, rate=10_000):
        await records.connection.execute("UPDATE events.outbox SET published_at = now()")
    assert await records.connection.fetchval("SELECT count(*) FROM events.outbox") == 6


async def test_a_replay_for_one_agent_names_it_in_the_message(
    records: Records, project: Project, database_url: str
) -> None:
    await publish_all(records, 1)
    selection = Selection(types=["contract.inserted"], agent="zendesk")
    extent = await measure(records.connection, selection)
    async for _ in replay(records.connection, selection, newest=extent.newest, again=False, rate=100):
        pass
    (original, _) = await records.outbox()
    async with running_relay(project.settings(database_url)):
        (received,) = await project.receive_count(1)
    assert received.attributes["ce-recipient"] == "zendesk"
    assert received.attributes["ce-id"] == str(original["id"])
