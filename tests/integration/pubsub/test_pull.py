"""Pulling: waiting, acknowledging, refusing, expiring."""

import threading
import time

import pytest
from google.api_core import exceptions
from google.pubsub_v1.types import PullRequest

from tests.integration.pubsub.clients import PubSub, texts
from tests.lateness import lateness


@pytest.fixture
def topic(pubsub: PubSub) -> str:
    return pubsub.topic()


@pytest.fixture
def subscription(pubsub: PubSub, topic: str) -> str:
    return pubsub.subscription(topic)


def test_acknowledged_message_does_not_come_again(pubsub: PubSub, topic: str, subscription: str) -> None:
    pubsub.publish(topic, "once")
    assert pubsub.take(subscription, 1) == ["once"]
    assert pubsub.pull(subscription, now=True) == []


def test_message_that_is_out_does_not_go_to_another_consumer(pubsub: PubSub, topic: str, subscription: str) -> None:
    pubsub.publish(topic, "a", "b")
    first = pubsub.pull(subscription, 1)
    second = pubsub.pull(subscription, 10)
    assert sorted(texts([*first, *second])) == ["a", "b"]
    assert pubsub.pull(subscription, now=True) == []


def test_refused_message_comes_again_at_once(pubsub: PubSub, topic: str, subscription: str) -> None:
    pubsub.publish(topic, "again")
    pubsub.nack(subscription, pubsub.pull(subscription))
    assert pubsub.take(subscription, 1) == ["again"]


def test_message_comes_again_after_its_deadline_and_not_before(pubsub: PubSub, topic: str, subscription: str) -> None:
    pubsub.publish(topic, "slow", "working on it")
    received = {each.message.data: each for each in pubsub.pull_all(subscription, 2)}
    pubsub.modify(subscription, received.values(), 1)
    # One of them asks for more time.
    pubsub.modify(subscription, [received[b"working on it"]], 60)
    with lateness() as late:
        started = time.monotonic()
        assert pubsub.pull(subscription, now=True) == []
        # This pull is waiting when the deadline passes: expiry wakes it.
        assert texts(pubsub.pull(subscription)) == ["slow"]
        waited = time.monotonic() - started
    assert 0.8 < waited < late.at_most(3)
    assert pubsub.pull(subscription, now=True) == []


def test_late_acknowledgement_still_counts(local_pubsub: PubSub, topic: str, subscription: str) -> None:
    local_pubsub.publish(topic, "late")
    received = local_pubsub.pull(subscription)
    local_pubsub.modify(subscription, received, 0)
    local_pubsub.ack(subscription, received)
    assert local_pubsub.pull(subscription, now=True) == []


def test_acknowledging_twice_is_no_error(pubsub: PubSub, topic: str, subscription: str) -> None:
    pubsub.publish(topic, "x")
    received = pubsub.pull(subscription)
    pubsub.ack(subscription, received)
    pubsub.ack(subscription, received)


def test_text_that_is_no_acknowledgement_id_is_refused(local_pubsub: PubSub, topic: str, subscription: str) -> None:
    local_pubsub.publish(topic, "x")
    (received,) = local_pubsub.pull(subscription)
    for ids in (["nonsense"], [received.ack_id, "1-2"], []):
        with pytest.raises(exceptions.InvalidArgument):
            local_pubsub.subscriber.acknowledge(subscription=subscription, ack_ids=ids)
    # All or nothing: the good id beside the bad one wasn't taken.
    local_pubsub.nack(subscription, [received])
    assert local_pubsub.take(subscription, 1) == ["x"]


def test_acknowledgement_id_of_another_subscription_is_refused(local_pubsub: PubSub, topic: str) -> None:
    one, other = local_pubsub.subscription(topic), local_pubsub.subscription(topic)
    local_pubsub.publish(topic, "x")
    received = local_pubsub.pull(one)
    with pytest.raises(exceptions.InvalidArgument):
        local_pubsub.ack(other, received)


@pytest.mark.parametrize("seconds", [-1, 601])
def test_deadline_out_of_bounds_is_refused(local_pubsub: PubSub, topic: str, subscription: str, seconds: int) -> None:
    local_pubsub.publish(topic, "x")
    with pytest.raises(exceptions.InvalidArgument):
        local_pubsub.modify(subscription, local_pubsub.pull(subscription), seconds)


def test_pull_of_no_messages_is_refused(pubsub: PubSub, subscription: str) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        pubsub.subscriber.pull(request={"subscription": subscription, "max_messages": 0})


def test_pull_returns_no_more_than_it_asks_for(pubsub: PubSub, topic: str, subscription: str) -> None:
    pubsub.publish(topic, *(str(n) for n in range(10)))
    assert len(pubsub.pull(subscription, 3)) <= 3


def test_waiting_pull_wakes_when_a_message_is_published(pubsub: PubSub, topic: str, subscription: str) -> None:
    timer = threading.Timer(0.3, pubsub.publish, (topic, "here"))
    timer.start()
    try:
        with lateness() as late:
            started = time.monotonic()
            assert texts(pubsub.pull(subscription)) == ["here"]
            waited = time.monotonic() - started
        assert 0.2 < waited < late.at_most(5)
    finally:
        timer.join()


def test_waiting_pull_answers_empty_before_its_own_deadline(local_pubsub: PubSub, subscription: str) -> None:
    response = local_pubsub.subscriber.pull(subscription=subscription, max_messages=1, timeout=0.8, retry=None)
    assert list(response.received_messages) == []


def test_pull_that_was_given_up_takes_no_message(local_pubsub: PubSub, topic: str, subscription: str) -> None:
    request = PullRequest(subscription=subscription, max_messages=1)
    call = local_pubsub.subscriber.transport.pull.future(request)
    assert local_pubsub.subscriber.get_subscription(subscription=subscription).name == subscription
    call.cancel()
    local_pubsub.publish(topic, "for the next")
    assert local_pubsub.take(subscription, 1) == ["for the next"]


def test_messages_from_before_the_subscription_are_not_its_own(pubsub: PubSub, topic: str, subscription: str) -> None:
    pubsub.publish(topic, "before")
    later = pubsub.subscription(topic)
    pubsub.publish(topic, "after")
    assert pubsub.take(later, 1) == ["after"]
    assert sorted(pubsub.take(subscription, 2)) == ["after", "before"]


def test_large_messages_are_spread_over_several_pulls(local_pubsub: PubSub, topic: str, subscription: str) -> None:
    for n in range(4):
        local_pubsub.publish_messages(topic, [{"data": str(n).encode() * 6_000_000}])
    first = local_pubsub.pull(subscription, 10)
    assert 1 <= len(first) <= 2
    assert (
        len({each.message.message_id for each in [*first, *local_pubsub.pull_all(subscription, 4 - len(first))]}) == 4
    )
