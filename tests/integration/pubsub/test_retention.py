"""What is kept, for how long, and what goes: on a broker of the test's own, with a clock that the test turns."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from local.pubsub import replay, wire
from local.pubsub.broker import Broker
from local.pubsub.errors import FailedPreconditionError, NotFoundError
from local.pubsub.housekeeping import keep_retention, trim
from local.pubsub.journal import Journal
from local.pubsub.subscription import Subscription
from local.pubsub.topic import Topic

DAY_S = 86_400
TOPIC = "projects/p/topics/retained"


class Clock:
    """Microseconds since 1970, moved by hand."""

    def __init__(self) -> None:
        self.now_us = 1_800_000_000_000_000

    def __call__(self) -> int:
        return self.now_us

    def pass_seconds(self, seconds: float) -> None:
        self.now_us += int(seconds * 1e6)


@asynccontextmanager
async def open_broker(folder: Path, clock: Clock) -> AsyncIterator[Broker]:
    broker = Broker(Journal(folder), clock=clock)
    try:
        yield broker
    finally:
        broker.stop_delivering()
        await broker.journal.close()


def add_topic(broker: Broker, **fields: Any) -> Topic:
    return broker.create_topic(wire.Topic(name=TOPIC, **fields))


def add_subscription(broker: Broker, name: str = "sub", **fields: Any) -> Subscription:
    return broker.create_subscription(wire.Subscription(name=f"projects/p/subscriptions/{name}", topic=TOPIC, **fields))


async def publish(broker: Broker, *data: str, key: str = "") -> None:
    broker.topics[TOPIC].publish(wire.PubsubMessage(data=each.encode(), ordering_key=key) for each in data)
    await broker.journal.committed()


def take(subscription: Subscription, *, acknowledge: bool = True) -> list[str]:
    """What can be had now."""
    deliveries = subscription.take(count=1000, deadline_s=10)
    if acknowledge:
        subscription.acknowledge([delivery.ack_id for delivery in deliveries])
    return [wire.PubsubMessage.FromString(delivery.row.body).data.decode() for delivery in deliveries]


def stored(broker: Broker) -> int:
    """How many messages the journal holds."""
    topic = broker.topics[TOPIC]
    return sum(topic.read(sequence) is not None for sequence in range(1, topic.head + 1))


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def test_message_is_deleted_once_everybody_has_acknowledged_it(tmp_path: Path, clock: Clock) -> None:
    async with open_broker(tmp_path, clock) as broker:
        add_topic(broker)
        one, other = add_subscription(broker, "one"), add_subscription(broker, "other")
        await publish(broker, *"abc")
        take(one)
        await trim(broker)
        assert stored(broker) == 3
        take(other)
        await trim(broker)
        assert stored(broker) == 0


async def test_message_that_nobody_subscribes_to_is_not_stored(tmp_path: Path, clock: Clock) -> None:
    async with open_broker(tmp_path, clock) as broker:
        add_topic(broker)
        await publish(broker, "lost")
        assert stored(broker) == 0


async def test_unacknowledged_message_goes_after_the_retention(tmp_path: Path, clock: Clock) -> None:
    async with open_broker(tmp_path, clock) as broker:
        add_topic(broker)
        subscription = add_subscription(broker, message_retention_duration=wire.duration(DAY_S))
        await publish(broker, "old")
        clock.pass_seconds(DAY_S / 2)
        await publish(broker, "young")
        clock.pass_seconds(DAY_S / 2 + 1)
        keep_retention(broker)
        await trim(broker)
        assert stored(broker) == 1
        assert take(subscription) == ["young"]


async def test_retention_ends_what_is_out_or_waits_in_line_too(tmp_path: Path, clock: Clock) -> None:
    async with open_broker(tmp_path, clock) as broker:
        add_topic(broker)
        subscription = add_subscription(
            broker, message_retention_duration=wire.duration(DAY_S), enable_message_ordering=True
        )
        await publish(broker, "out", key="k")
        assert take(subscription, acknowledge=False) == ["out"]
        await publish(broker, "waiting in line", key="k")
        assert take(subscription) == []
        clock.pass_seconds(DAY_S + 1)
        keep_retention(broker)
        await publish(broker, "next", key="k")
        assert take(subscription) == ["next"]
        await trim(broker)
        assert stored(broker) == 0


async def test_acknowledged_messages_are_retained_as_long_as_asked_for(tmp_path: Path, clock: Clock) -> None:
    async with open_broker(tmp_path, clock) as broker:
        add_topic(broker)
        subscription = add_subscription(
            broker, retain_acked_messages=True, message_retention_duration=wire.duration(DAY_S)
        )
        await publish(broker, "first")
        clock.pass_seconds(DAY_S / 2)
        await publish(broker, "second")
        assert take(subscription) == ["first", "second"]
        await trim(broker)
        assert stored(broker) == 2
        clock.pass_seconds(DAY_S / 2 + 1)
        replay.seek_to_time(broker, subscription.name, clock.now_us - 7 * DAY_S * 1_000_000)
        # The first is older than the retention by now, whether it has been deleted yet or not.
        assert take(subscription) == ["second"]
        await trim(broker)
        assert stored(broker) == 1


async def test_messages_from_before_the_subscription_never_come_back_to_it(tmp_path: Path, clock: Clock) -> None:
    async with open_broker(tmp_path, clock) as broker:
        add_topic(broker)
        add_subscription(broker, "earlier")
        await publish(broker, "before")
        clock.pass_seconds(1)
        subscription = add_subscription(broker, retain_acked_messages=True)
        await publish(broker, "after")
        assert take(subscription) == ["after"]
        replay.seek_to_time(broker, subscription.name, 0)
        assert take(subscription) == ["after"]


async def test_topic_retention_keeps_messages_without_any_subscription(tmp_path: Path, clock: Clock) -> None:
    async with open_broker(tmp_path, clock) as broker:
        add_topic(broker, message_retention_duration=wire.duration(DAY_S))
        await publish(broker, "kept")
        clock.pass_seconds(DAY_S - 1)
        await trim(broker)
        assert stored(broker) == 1
        clock.pass_seconds(2)
        await trim(broker)
        assert stored(broker) == 0


async def test_snapshot_keeps_messages_until_it_expires(tmp_path: Path, clock: Clock) -> None:
    async with open_broker(tmp_path, clock) as broker:
        add_topic(broker)
        subscription = add_subscription(broker)
        request = wire.Snapshot(name="projects/p/snapshots/snap")
        create = wire.SUBSCRIBER_REQUESTS["CreateSnapshot"](name=request.name, subscription=subscription.name)
        replay.create_snapshot(broker, create)
        await publish(broker, "kept")
        take(subscription)
        await trim(broker)
        assert stored(broker) == 1
        clock.pass_seconds(8 * DAY_S)
        keep_retention(broker)
        await trim(broker)
        assert stored(broker) == 0
        with pytest.raises(NotFoundError):
            replay.seek_to_snapshot(broker, subscription.name, request.name)


async def test_snapshot_of_a_backlog_that_is_nearly_too_old_is_refused(tmp_path: Path, clock: Clock) -> None:
    async with open_broker(tmp_path, clock) as broker:
        add_topic(broker)
        subscription = add_subscription(broker)
        await publish(broker, "old")
        clock.pass_seconds(7 * DAY_S - 1800)
        create = wire.SUBSCRIBER_REQUESTS["CreateSnapshot"](
            name="projects/p/snapshots/snap", subscription=subscription.name
        )
        with pytest.raises(FailedPreconditionError):
            replay.create_snapshot(broker, create)


async def test_seek_finds_its_place_among_many(tmp_path: Path, clock: Clock) -> None:
    async with open_broker(tmp_path, clock) as broker:
        add_topic(broker)
        subscription = add_subscription(broker)
        for n in range(300):
            await publish(broker, str(n))
            # Every third shares its time with the next one.
            clock.pass_seconds(0 if n % 3 == 0 else 1)
        start_us = clock.now_us - 200 * 1_000_000
        for seconds in (0, 1, 57, 58, 59, 120, 199):
            at_us = start_us + seconds * 1_000_000
            expected = sum(
                1
                for sequence in range(1, 301)
                if (row := broker.topics[TOPIC].read(sequence)) is not None and row.published_us < at_us
            )
            assert broker.topics[TOPIC].last_before(at_us) == expected
        replay.seek_to_time(broker, subscription.name, start_us + 100 * 1_000_000)
        assert take(subscription)[0] == str(broker.topics[TOPIC].last_before(start_us + 100 * 1_000_000))


async def test_clock_that_is_set_back_does_not_unsort_publish_times(tmp_path: Path, clock: Clock) -> None:
    async with open_broker(tmp_path, clock) as broker:
        topic = add_topic(broker)
        add_subscription(broker)
        await publish(broker, "first")
        clock.pass_seconds(-3600)
        await publish(broker, "second")
        rows = topic.page(1, 10)
        assert rows[0].published_us == rows[1].published_us
    async with open_broker(tmp_path, clock) as broker:
        await publish(broker, "after a restart")
        assert broker.topics[TOPIC].page(3, 1)[0].published_us == rows[0].published_us


async def test_deleted_topic_goes_with_its_last_subscription(tmp_path: Path, clock: Clock) -> None:
    async with open_broker(tmp_path, clock) as broker:
        add_topic(broker)
        subscription = add_subscription(broker)
        await publish(broker, "left")
        broker.delete_topic(TOPIC)
    async with open_broker(tmp_path, clock) as broker:
        again = broker.subscriptions[subscription.name]
        assert again.config.topic == "_deleted-topic_"
        assert take(again) == ["left"]
        broker.delete_subscription(again.name)
        assert broker.stored_topics() == []
    async with open_broker(tmp_path, clock) as broker:
        assert broker.stored_topics() == []


async def test_long_log_is_moved_into_the_file_while_publishing_goes_on(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("local.pubsub.journal._CHECKPOINT_BYTES", 256 * 1024)
    async with open_broker(tmp_path, clock) as broker:
        add_topic(broker)
        subscription = add_subscription(broker)
        log = tmp_path / "pubsub.sqlite-wal"
        checkpoints = 0
        for n in range(60):
            await publish(broker, *(f"{n}-{m}-" + "x" * 1000 for m in range(50)))
            before = log.stat().st_size
            broker.journal.checkpoint_if_due()
            await asyncio.sleep(0)
            checkpoints += before > 256 * 1024
        await broker.journal.checkpointed()
        assert checkpoints > 1
        assert log.stat().st_size < 1024 * 1024
        assert len(_drain(subscription)) == 3000


async def test_when_the_disk_is_full_nobody_is_told_that_a_message_is_safe(tmp_path: Path, clock: Clock) -> None:
    broker = Broker(Journal(tmp_path), clock=clock)
    topic = add_topic(broker)
    subscription = add_subscription(broker)
    await publish(broker, "safe")
    ((pages,),) = broker.journal._database.execute("PRAGMA page_count").fetchall()
    broker.journal._database.execute(f"PRAGMA max_page_count = {pages + 20}").fetchall()
    # All in one turn of the loop, so in one transaction: what went well before the failure isn't kept either.
    topic.publish([wire.PubsubMessage(data=b"fits")])
    early = asyncio.create_task(broker.journal.committed())
    with pytest.raises(sqlite3.OperationalError, match="full"):
        topic.publish(wire.PubsubMessage(data=b"x" * 10_000) for _ in range(100))
    with pytest.raises(sqlite3.OperationalError, match="full"):
        await early
    with pytest.raises(sqlite3.OperationalError, match="earlier write"):
        topic.publish([wire.PubsubMessage(data=b"afterwards")])
    assert broker.journal.broken.is_set()
    await broker.journal.close()
    async with open_broker(tmp_path, clock) as again:
        assert take(again.subscriptions[subscription.name]) == ["safe"]


async def test_commit_that_fails_is_told_to_all_who_wait_for_it(tmp_path: Path, clock: Clock) -> None:
    broker = Broker(Journal(tmp_path), clock=clock)
    topic = add_topic(broker)
    await broker.journal.committed()
    broker.journal._statements["save_head"] = "UPDATE nowhere SET head = ? WHERE id = ?"
    topic.publish([wire.PubsubMessage(data=b"to nobody")])
    outcomes = await asyncio.gather(*(broker.journal.committed() for _ in range(3)), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [sqlite3.OperationalError] * 3
    assert broker.journal.broken.is_set()
    await broker.journal.close()


def _drain(subscription: Subscription) -> list[str]:
    found: list[str] = []
    while more := take(subscription):
        found += more
    return found


@pytest.mark.parametrize("ordered", [False, True])
async def test_state_after_a_restart_is_the_state_before(
    tmp_path: Path, clock: Clock, ordered: bool, request_random: Callable[[], float]
) -> None:
    """Acknowledge at random, restart, and see that exactly the rest is left."""
    async with open_broker(tmp_path, clock) as broker:
        add_topic(broker)
        subscription = add_subscription(broker, enable_message_ordering=ordered)
        for n in range(40):
            await publish(broker, *(f"{n * 5 + m}" for m in range(5)), key=f"k{n % 7}")
    left = [str(n) for n in range(200)]
    while left:
        async with open_broker(tmp_path, clock) as broker:
            subscription = broker.subscriptions["projects/p/subscriptions/sub"]
            deliveries = subscription.take(count=1 + int(request_random() * 60), deadline_s=10)
            texts = [wire.PubsubMessage.FromString(each.row.body).data.decode() for each in deliveries]
            assert set(texts) <= set(left)
            for delivery, text in zip(deliveries, texts, strict=True):
                if request_random() < 0.7:
                    assert subscription.acknowledge([delivery.ack_id]) == []
                elif ordered:
                    # In a key's batch nothing counts behind what isn't acknowledged: stop here.
                    break
                else:
                    continue
                left.remove(text)
    async with open_broker(tmp_path, clock) as broker:
        assert take(broker.subscriptions["projects/p/subscriptions/sub"]) == []


@pytest.fixture
def request_random() -> Callable[[], float]:
    return random.Random(7).random  # noqa: S311 - repeatable, not secret
