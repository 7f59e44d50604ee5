"""Retry policy: how long a refused message waits."""

import time

from tests.integration.pubsub.clients import PubSub, texts
from tests.lateness import lateness


def policy(minimum_s: float, maximum_s: float) -> dict[str, dict[str, int]]:
    return {
        "minimum_backoff": {"nanos": int(minimum_s * 1e9)},
        "maximum_backoff": {"nanos": int(maximum_s * 1e9)},
    }


def test_wait_doubles_up_to_the_maximum(local_pubsub: PubSub) -> None:
    topic = local_pubsub.topic()
    subscription = local_pubsub.subscription(topic, retry_policy=policy(0.1, 0.3))
    local_pubsub.publish(topic, "x")
    received = local_pubsub.pull(subscription)
    waits = []
    with lateness() as late:
        for _ in range(3):
            local_pubsub.nack(subscription, received)
            started = time.monotonic()
            received = local_pubsub.pull(subscription)
            waits.append(time.monotonic() - started)
    for waited, wanted in zip(waits, (0.1, 0.2, 0.3), strict=True):
        assert wanted - 0.02 < waited < late.at_most(wanted + 0.3), waits


def test_other_messages_do_not_wait_meanwhile(local_pubsub: PubSub) -> None:
    topic = local_pubsub.topic()
    subscription = local_pubsub.subscription(topic, retry_policy=policy(0.6, 0.6))
    local_pubsub.publish(topic, "bad")
    local_pubsub.nack(subscription, local_pubsub.pull(subscription))
    local_pubsub.publish(topic, "good")
    assert local_pubsub.take(subscription, 2) == ["good", "bad"]


def test_key_waits_and_other_keys_do_not(local_pubsub: PubSub) -> None:
    topic = local_pubsub.topic()
    subscription = local_pubsub.subscription(topic, enable_message_ordering=True, retry_policy=policy(0.6, 0.6))
    local_pubsub.publish(topic, "a1", "a2", key="a")
    local_pubsub.nack(subscription, local_pubsub.pull(subscription, 1))
    local_pubsub.publish(topic, "b1", key="b")
    local_pubsub.publish(topic, "a3", key="a")
    assert local_pubsub.take(subscription, 1) == ["b1"]
    started = time.monotonic()
    assert local_pubsub.take(subscription, 3) == ["a1", "a2", "a3"]
    assert time.monotonic() - started > 0.3


def test_policy_can_be_changed_later(local_pubsub: PubSub) -> None:
    topic = local_pubsub.topic()
    subscription = local_pubsub.subscription(topic, retry_policy={"minimum_backoff": {"seconds": 100}})
    local_pubsub.subscriber.update_subscription(
        request={
            "subscription": {"name": subscription, "retry_policy": policy(0.1, 0.1)},
            "update_mask": {"paths": ["retry_policy"]},
        }
    )
    local_pubsub.publish(topic, "x")
    local_pubsub.nack(subscription, local_pubsub.pull(subscription))
    assert texts(local_pubsub.pull(subscription)) == ["x"]
