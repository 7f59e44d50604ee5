"""Dead letters: after so many attempts a message goes to another topic, and its own subscription is rid of it."""

import datetime

import pytest
from google.pubsub_v1.types import ReceivedMessage

from tests.integration.pubsub.clients import PROJECT, PubSub, texts

ATTEMPTS = 5


@pytest.fixture
def topic(pubsub: PubSub) -> str:
    return pubsub.topic()


@pytest.fixture
def dead_topic(pubsub: PubSub) -> str:
    return pubsub.topic()


@pytest.fixture
def dead(pubsub: PubSub, dead_topic: str) -> str:
    return pubsub.subscription(dead_topic)


def policy(dead_topic: str) -> dict[str, str | int]:
    return {"dead_letter_topic": dead_topic, "max_delivery_attempts": ATTEMPTS}


def refuse_to_death(pubsub: PubSub, subscription: str) -> list[ReceivedMessage]:
    attempts = []
    for _ in range(ATTEMPTS):
        (received,) = pubsub.pull(subscription, 1)
        attempts.append(received)
        pubsub.nack(subscription, [received])
    return attempts


def test_message_is_forwarded_after_its_last_attempt(
    local_pubsub: PubSub, topic: str, dead_topic: str, dead: str
) -> None:
    subscription = local_pubsub.subscription(topic, dead_letter_policy=policy(dead_topic))
    local_pubsub.publish(topic, "poison", key="k", type="contract.created")
    attempts = refuse_to_death(local_pubsub, subscription)
    assert [each.delivery_attempt for each in attempts] == [1, 2, 3, 4, 5]
    (forwarded,) = local_pubsub.pull(dead)
    assert forwarded.message.data == b"poison"
    assert forwarded.message.ordering_key == "k"
    attributes = dict(forwarded.message.attributes)
    published_at = datetime.datetime.fromisoformat(attributes.pop("CloudPubSubDeadLetterSourceTopicPublishTime"))
    assert abs(published_at - attempts[0].message.publish_time) < datetime.timedelta(milliseconds=1)
    assert attributes == {
        "type": "contract.created",
        "CloudPubSubDeadLetterSourceDeliveryCount": str(ATTEMPTS),
        "CloudPubSubDeadLetterSourceSubscription": subscription.rpartition("/")[2],
        "CloudPubSubDeadLetterSourceSubscriptionProject": PROJECT,
    }
    assert local_pubsub.pull(subscription, now=True) == []


def test_without_a_policy_attempts_are_not_told_and_never_run_out(pubsub: PubSub, topic: str) -> None:
    subscription = pubsub.subscription(topic)
    pubsub.publish(topic, "x")
    assert [each.delivery_attempt for each in refuse_to_death(pubsub, subscription)] == [0] * ATTEMPTS
    assert pubsub.take(subscription, 1) == ["x"]


def test_poison_of_one_key_lets_the_rest_of_the_key_through(
    local_pubsub: PubSub, topic: str, dead_topic: str, dead: str
) -> None:
    subscription = local_pubsub.subscription(topic, dead_letter_policy=policy(dead_topic), enable_message_ordering=True)
    local_pubsub.publish(topic, "poison", "second", "third", key="k")
    refuse_to_death(local_pubsub, subscription)
    assert local_pubsub.take(subscription, 2) == ["second", "third"]
    assert local_pubsub.take(dead, 1) == ["poison"]


def test_only_the_refused_one_of_a_batch_loses_an_attempt(local_pubsub: PubSub, topic: str, dead_topic: str) -> None:
    subscription = local_pubsub.subscription(topic, dead_letter_policy=policy(dead_topic), enable_message_ordering=True)
    local_pubsub.publish(topic, "first", "second", key="k")
    received = local_pubsub.pull(subscription)
    local_pubsub.nack(subscription, received[:1])
    again = local_pubsub.pull(subscription)
    assert [(each.message.data, each.delivery_attempt) for each in again] == [(b"first", 2), (b"second", 1)]


def test_while_the_dead_letter_topic_is_gone_the_message_stays(
    local_pubsub: PubSub, topic: str, dead_topic: str
) -> None:
    subscription = local_pubsub.subscription(topic, dead_letter_policy=policy(dead_topic))
    local_pubsub.publisher.delete_topic(topic=dead_topic)
    local_pubsub.publish(topic, "kept")
    refuse_to_death(local_pubsub, subscription)
    (again,) = local_pubsub.pull(subscription)
    assert texts([again]) == ["kept"]
    local_pubsub.publisher.create_topic(name=dead_topic)
    dead = local_pubsub.subscription(dead_topic)
    local_pubsub.nack(subscription, [again])
    assert local_pubsub.take(dead, 1) == ["kept"]
