"""When a commit notifies, and when a relay may rely on that."""

import asyncio
import json
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest

from tests.integration.triggers.pubsub import Project
from tests.integration.triggers.records import Records
from tests.integration.triggers.relays import all_published, asleep, eventually, running_relay
from triggers.connection import connect as connect_relay
from triggers.outbox import OutboxReader
from triggers.presence import Presence, come_to_work
from triggers.relay import CHANNEL

Connect = Callable[[], Awaitable[asyncpg.Connection]]


@pytest.fixture
async def presence(database_url: str) -> AsyncIterator[Presence]:
    """A relay that does nothing but be there."""
    async with (
        connect_relay(database_url) as connection,
        come_to_work(connection, expiry=timedelta(seconds=30)) as presence,
    ):
        yield presence


@pytest.fixture
async def heard(connect: Connect) -> list[object]:
    """Notifications as they come, one entry each."""
    listening = await connect()
    notes: list[object] = []
    await listening.add_listener(CHANNEL, lambda *_: notes.append(1))
    return notes


async def settle(connect: Connect) -> None:
    """Return once notifications of earlier commits have been delivered: they come in order."""
    listening, notifying = await connect(), await connect()
    arrived = asyncio.Event()
    await listening.add_listener("settled", lambda *_: arrived.set())
    await notifying.execute("NOTIFY settled")
    await asyncio.wait_for(arrived.wait(), 5)
    await asyncio.sleep(0.05)


async def test_live_queries_of_the_outbox_hear_of_new_events_while_they_watch(
    records: Records, connect: Connect
) -> None:
    listening = await connect()
    told: list[object] = []
    await listening.add_listener("caregraph_live", lambda *told_now: told.append(json.loads(str(told_now[3]))))
    await records.insert_contract()
    await settle(connect)
    assert told == []
    await records.connection.execute(
        "INSERT INTO events.live_watch (table_key, until) VALUES ('events.outbox', now() + interval '1 minute')"
    )
    await records.insert_contract()
    await settle(connect)
    assert told == [{"t": "events.outbox", "c": ["id"], "k": None}]
    async with records.connection.transaction(isolation="repeatable_read"):
        await records.connection.execute("DELETE FROM events.live_watch")
        await records.insert_contract()
    await settle(connect)
    assert told[1] == told[0], "its snapshot may be older than a watch"


async def test_nobody_notifies_while_no_relay_runs(records: Records, heard: list[object], connect: Connect) -> None:
    await records.insert_contract()
    await settle(connect)
    assert heard == []


async def test_nobody_notifies_a_relay_that_is_awake(
    records: Records, presence: Presence, heard: list[object], connect: Connect
) -> None:
    await presence.set_asleep()
    await presence.set_awake()
    await records.insert_contract()
    await settle(connect)
    assert heard == []


async def test_a_transaction_notifies_a_sleeping_relay_once(
    records: Records, presence: Presence, heard: list[object], connect: Connect
) -> None:
    await presence.set_asleep()
    async with records.connection.transaction():
        for _ in range(5):
            await records.insert_contract()
    await settle(connect)
    assert heard == [1]


async def test_a_relay_that_died_asleep_stops_costing_notifications(
    records: Records, presence: Presence, heard: list[object], connect: Connect
) -> None:
    await presence.set_asleep()
    await records.connection.execute("UPDATE events.relay SET expires_at = now() - interval '1 second'")
    await records.insert_contract()
    await settle(connect)
    assert heard == []


@pytest.mark.parametrize("isolation", ["repeatable_read", "serializable"])
async def test_a_transaction_whose_snapshot_is_older_notifies_a_relay_that_fell_asleep_since(
    records: Records, presence: Presence, heard: list[object], connect: Connect, isolation: str
) -> None:
    async with records.connection.transaction(isolation=isolation):  # type: ignore[arg-type] # one of its literals
        await records.connection.fetchval("SELECT count(*) FROM events.relay")
        await presence.set_asleep()
        await records.insert_contract()
    await settle(connect)
    assert heard == [1]


@pytest.mark.parametrize("isolation", ["read_committed", "repeatable_read", "serializable"])
async def test_nobody_looks_at_the_relays_while_they_are_awake(
    records: Records, presence: Presence, heard: list[object], connect: Connect, isolation: str
) -> None:
    """Nothing waits for a lock on their table."""
    await presence.set_awake()
    locking = await connect()
    async with locking.transaction():
        await locking.execute("LOCK TABLE events.relay")
        async with records.connection.transaction(isolation=isolation):  # type: ignore[arg-type] # one of its literals
            await records.connection.execute("SET LOCAL lock_timeout = '2s'")
            await records.insert_contract()
    await settle(connect)
    assert heard == []


async def test_a_relay_that_wakes_leaves_writers_notifying_those_that_sleep_on(
    records: Records, presence: Presence, heard: list[object], connect: Connect, database_url: str
) -> None:
    """Also when the other falls asleep in the same moment, and isn't to be seen yet."""
    async with (
        connect_relay(database_url) as connection,
        come_to_work(connection, expiry=timedelta(seconds=30)) as other,
    ):
        await presence.set_asleep()
        falling = await connect()
        async with falling.transaction():
            await falling.execute("UPDATE events.relay SET asleep = true WHERE id = $1", other.relay_id)
            waking = asyncio.create_task(presence.set_awake())
            await asyncio.sleep(0.1)
            assert not waking.done(), "it would overwrite what it can't see"
        await waking
        await records.insert_contract()
        await settle(connect)
        assert heard == [1]
        await other.set_awake()
        await records.insert_contract()
        await settle(connect)
        assert heard == [1]


async def test_the_horizon_waits_for_a_transaction_that_read_awake(
    records: Records, presence: Presence, connect: Connect, database_url: str
) -> None:
    """The race that the mark is for.

    A writer begins after the relay has begun to say "asleep", and reads before that is committed. Waiting for
    transactions older than the relay's own would miss it.
    """
    sleeping, writing = await connect(), await connect()
    saying = sleeping.transaction()
    await saying.start()
    said_in = await sleeping.fetchval("SELECT pg_current_xact_id()::text::bigint")
    await sleeping.execute("UPDATE events.relay SET asleep = true")

    writer = writing.transaction()
    await writer.start()
    await records.insert_contract(writing)
    await saying.commit()
    mark = await presence.set_asleep()

    async with connect_relay(database_url, **OutboxReader.SETTINGS) as connection:
        reader = OutboxReader(connection)
        lanes = range(64)
        before = await reader.read(list(lanes), per_lane=10, limit=10)
        assert before.events == []
        assert before.horizon > said_in, "the transaction that said asleep is over, and the writer isn't"
        assert before.horizon < mark, "so the relay must not sleep yet"
        await writer.commit()
        after = await reader.read(list(lanes), per_lane=10, limit=10)
        assert after.horizon >= mark
        assert len(after.events) == 1, "and what it reads once it may is there"


async def test_a_writer_from_before_the_sleep_is_found_at_once(
    records: Records, project: Project, database_url: str, connect: Connect
) -> None:
    """It commits without a notification, since it wrote while the relay was awake; no slow poll comes to its help."""
    writing = await connect()
    settings = project.settings(database_url, slow_poll=timedelta(seconds=60), tick=timedelta(seconds=60))
    writer = writing.transaction()
    await writer.start()
    await records.insert_contract(writing)
    async with running_relay(settings):
        await asleep(records.connection)
        await writer.commit()
        await all_published(records.connection, within_s=5)


async def test_no_event_waits_for_the_poll_however_relay_and_writers_race(
    records: Records, project: Project, database_url: str, connect: Connect
) -> None:
    """Bursts wake the relay, which soon goes to sleep, while transactions that began in one mode commit in the other.

    Each round ends with nobody writing: an event that was not told of would wait for the slow poll, a minute. Every
    other round begins with the relay asleep, the others as it comes; a burst of one transaction is read at once and so
    wakes it however slow the machine is.
    """
    await records.connection.execute(LOG_MODES)
    settings = project.settings(
        database_url,
        slow_poll=timedelta(seconds=60),
        tick=timedelta(seconds=60),
        busy_rate=100,
        busy_window=timedelta(milliseconds=20),
    )
    chance = random.Random(7)  # noqa: S311 - the same every time

    async def write(connection: asyncpg.Connection) -> None:
        async with connection.transaction():
            await records.insert_contract(connection)
            await asyncio.sleep(chance.uniform(0, 0.08))

    writers = [await connect() for _ in range(4)]
    async with running_relay(settings):
        for number in range(20):
            if number % 2 == 0:
                await eventually(lambda: is_asleep(records.connection))
            async with records.connection.transaction():
                for _ in range(5):
                    await records.insert_contract()
            await asyncio.gather(*(write(writer) for writer in writers))
            await all_published(records.connection, within_s=10)
        await eventually(lambda: is_asleep(records.connection))
        changes = [row["asleep"] for row in await records.connection.fetch("SELECT asleep FROM modes ORDER BY number")]
    assert changes.count(False) >= 10, "bursts woke the relay"
    assert changes.count(True) > 10, "and it went to sleep again"


async def is_asleep(connection: asyncpg.Connection) -> bool:
    return bool(await connection.fetchval("SELECT asleep FROM events.relay"))


#: Writes down every change between asleep and awake, however short it lasts.
LOG_MODES = """
    CREATE TABLE public.modes (number bigint GENERATED ALWAYS AS IDENTITY, asleep boolean);
    CREATE FUNCTION public.log_mode() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO public.modes (asleep) VALUES (NEW.asleep); RETURN NULL; END';
    CREATE TRIGGER log_mode AFTER UPDATE ON events.relay
    FOR EACH ROW WHEN (OLD.asleep <> NEW.asleep) EXECUTE FUNCTION public.log_mode();
"""
