"""Ordering keys: in order whatever fails, and no key holds up another."""

import random
import threading
from collections import defaultdict

import pytest
from google.cloud.pubsub_v1.subscriber.message import Message
from google.cloud.pubsub_v1.types import FlowControl

from tests.integration.pubsub.clients import TIMEOUT_S, PubSub, texts


@pytest.fixture
def topic(pubsub: PubSub) -> str:
    return pubsub.topic()


@pytest.fixture
def subscription(pubsub: PubSub, topic: str) -> str:
    return pubsub.subscription(topic, enable_message_ordering=True)


def numbers(count: int, prefix: str = "") -> list[str]:
    return [f"{prefix}{n:03}" for n in range(count)]


def test_messages_of_a_key_come_in_order(pubsub: PubSub, topic: str, subscription: str) -> None:
    for start in range(0, 60, 10):
        pubsub.publish(topic, *numbers(60)[start : start + 10], key="k")
    assert pubsub.take(subscription, 60) == numbers(60)


def test_next_batch_of_a_key_waits_for_the_last_one(pubsub: PubSub, topic: str, subscription: str) -> None:
    pubsub.publish(topic, *numbers(4), key="k")
    first = pubsub.pull(subscription, 2)
    assert texts(first) == ["000", "001"][: len(first)]
    assert pubsub.pull(subscription, now=True) == []
    pubsub.ack(subscription, first)
    assert texts(pubsub.pull(subscription, 10))[0] == f"{len(first):03}"


def test_key_that_is_held_up_does_not_hold_up_others(pubsub: PubSub, topic: str, subscription: str) -> None:
    pubsub.publish(topic, *numbers(3, "stuck-"), key="stuck")
    assert texts(pubsub.pull(subscription, 1)) == ["stuck-000"]
    pubsub.publish(topic, *numbers(3, "free-"), key="free")
    pubsub.publish(topic, *numbers(2, "none-"))
    received = pubsub.take(subscription, 5)
    assert [each for each in received if each.startswith("free")] == numbers(3, "free-")
    assert sorted(each for each in received if each.startswith("none")) == numbers(2, "none-")
    assert pubsub.pull(subscription, now=True) == []


def test_refusal_brings_back_the_message_and_all_after_it(local_pubsub: PubSub, topic: str, subscription: str) -> None:
    local_pubsub.publish(topic, *numbers(5), key="k")
    received = local_pubsub.pull(subscription, 4)
    assert texts(received) == numbers(4)
    # The fourth is acknowledged, but the second is refused: the fourth comes again behind it.
    local_pubsub.ack(subscription, [received[0], received[3]])
    local_pubsub.nack(subscription, [received[1]])
    assert local_pubsub.take(subscription, 4) == ["001", "002", "003", "004"]
    assert local_pubsub.pull(subscription, now=True) == []


def test_acknowledgement_counts_once_those_before_it_are_acknowledged(
    local_pubsub: PubSub, topic: str, subscription: str
) -> None:
    local_pubsub.publish(topic, *numbers(3), key="k")
    received = local_pubsub.pull(subscription)
    for each in reversed(received):
        local_pubsub.ack(subscription, [each])
    assert local_pubsub.pull(subscription, now=True) == []


def test_expiry_brings_back_the_message_and_all_after_it(local_pubsub: PubSub, topic: str) -> None:
    policy = {"dead_letter_topic": local_pubsub.topic(), "max_delivery_attempts": 5}
    subscription = local_pubsub.subscription(topic, enable_message_ordering=True, dead_letter_policy=policy)
    local_pubsub.publish(topic, *numbers(3), key="k")
    received = local_pubsub.pull(subscription)
    local_pubsub.ack(subscription, received[:1])
    local_pubsub.modify(subscription, received[1:2], 1)
    again = local_pubsub.pull(subscription)
    assert texts(again) == ["001", "002"]
    # It's a failed attempt of the one that expired, and of no other.
    assert [each.delivery_attempt for each in again] == [2, 1]
    # What came back can't be acknowledged by its old ids any more.
    local_pubsub.ack(subscription, received[1:])
    local_pubsub.nack(subscription, again[:1])
    assert local_pubsub.take(subscription, 2) == ["001", "002"]


def test_without_the_flag_nothing_waits_for_a_key(pubsub: PubSub, topic: str) -> None:
    unordered = pubsub.subscription(topic)
    pubsub.publish(topic, *numbers(3), key="k")
    pubsub.pull(unordered, 1)
    assert len(pubsub.pull_all(unordered, 2)) == 2


def test_client_that_refuses_at_random_ends_with_each_key_in_order(
    pubsub: PubSub, topic: str, subscription: str
) -> None:
    """Google's client goes on with a key after a refusal, so only the last time that counts for each message does."""
    keys, each_key = [f"key-{n}" for n in range(8)], 15
    chance = random.Random(20_260_301)  # noqa: S311 - repeatable, not secret
    lock, everything = threading.Lock(), threading.Event()
    processed: dict[str, list[str]] = {key: [] for key in keys}

    def is_in_order(texts: list[str]) -> bool:
        last = {text: index for index, text in enumerate(texts)}
        return list(dict(sorted(last.items(), key=lambda item: item[1]))) == numbers(each_key)

    def process(message: Message) -> None:
        with lock:
            refused = chance.random() < 0.15
            if not refused:
                processed[message.ordering_key].append(message.data.decode())
        message.nack() if refused else message.ack()
        with lock:
            if all(is_in_order(texts) for texts in processed.values()):
                everything.set()

    future = pubsub.subscriber.subscribe(subscription, process, flow_control=FlowControl(max_messages=20))
    try:
        for n in numbers(each_key):
            for key in keys:
                pubsub.publish(topic, n, key=key)
        assert everything.wait(TIMEOUT_S), processed
    finally:
        future.cancel()
        future.result(timeout=TIMEOUT_S)


def test_raw_consumer_never_sees_a_key_out_of_order(local_pubsub: PubSub, topic: str, subscription: str) -> None:
    """By unary pulls with refusals at random: each delivery of a key follows the last one that was acknowledged."""
    keys, each_key = [f"key-{n}" for n in range(6)], 12
    chance = random.Random(4711)  # noqa: S311 - repeatable, not secret
    for n in numbers(each_key):
        for key in keys:
            local_pubsub.publish(topic, n, key=key)
    acknowledged: dict[str, int] = dict.fromkeys(keys, 0)
    while sum(acknowledged.values()) < len(keys) * each_key:
        received = local_pubsub.pull(subscription, chance.randint(1, 20))
        by_key = defaultdict(list)
        for each in received:
            by_key[each.message.ordering_key].append(each)
        for key, batch in by_key.items():
            start = acknowledged[key]
            assert texts(batch) == numbers(each_key)[start : start + len(batch)]
            refused_at = next((n for n in range(len(batch)) if chance.random() < 0.2), len(batch))
            if batch[:refused_at]:
                local_pubsub.ack(subscription, batch[:refused_at])
            acknowledged[key] += refused_at
            if refused_at < len(batch):
                local_pubsub.nack(subscription, batch[refused_at:])
