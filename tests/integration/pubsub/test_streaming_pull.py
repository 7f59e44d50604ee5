"""Streaming pull: Google's subscriber client, and raw streams to see what goes over the wire."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1.subscriber.message import Message
from google.cloud.pubsub_v1.types import FlowControl

from tests.integration.pubsub.clients import TIMEOUT_S, PubSub, wait_until
from tests.integration.pubsub.stream import Stream


@pytest.fixture
def stream(pubsub: PubSub) -> Iterator[Callable[..., Stream]]:
    opened: list[Stream] = []

    def open_stream(subscription: str, **first: Any) -> Stream:
        opened.append(Stream(pubsub, subscription, **first))
        return opened[-1]

    yield open_stream
    for each in opened:
        each.cancel()


@pytest.fixture
def topic(pubsub: PubSub) -> str:
    return pubsub.topic()


@pytest.fixture
def subscription(pubsub: PubSub, topic: str) -> str:
    return pubsub.subscription(topic)


def collect(pubsub: PubSub, subscription: str, count: int, callback: Callable[[Message], None], **flow: Any) -> None:
    """Run Google's client until it was called back `count` times."""
    called = threading.Semaphore(0)

    def call_back(message: Message) -> None:
        callback(message)
        called.release()

    future = pubsub.subscriber.subscribe(subscription, call_back, flow_control=FlowControl(**flow))
    try:
        for _ in range(count):
            assert called.acquire(timeout=TIMEOUT_S)
    finally:
        future.cancel()
        future.result(timeout=TIMEOUT_S)


def test_client_receives_and_acknowledges_everything(pubsub: PubSub, topic: str, subscription: str) -> None:
    received: list[str] = []

    def keep(message: Message) -> None:
        received.append(message.data.decode())
        message.ack()

    expected = sorted(f"m{n}" for n in range(500))
    for start in range(0, 500, 100):
        pubsub.publish(topic, *expected[start : start + 100])
    collect(pubsub, subscription, 500, keep)
    assert sorted(received) == expected
    assert pubsub.pull(subscription, now=True) == []


def test_client_that_refuses_gets_it_again(pubsub: PubSub, topic: str, subscription: str) -> None:
    seen: list[str] = []

    def refuse_first(message: Message) -> None:
        seen.append(message.data.decode())
        message.nack() if len(seen) == 1 else message.ack()

    pubsub.publish(topic, "stubborn")
    collect(pubsub, subscription, 2, refuse_first)
    assert seen == ["stubborn", "stubborn"]


def test_flow_control_by_messages(pubsub: PubSub, topic: str, subscription: str, stream: Callable[..., Stream]) -> None:
    pubsub.publish(topic, *(str(n) for n in range(20)))
    opened = stream(subscription, max_outstanding_messages=5)
    first = opened.wait_for(5)
    time.sleep(0.2)
    assert len(opened.received) == 5
    opened.send(ack_ids=[first[0].ack_id, first[1].ack_id])
    opened.wait_for(7)
    opened.send(modify_deadline_ack_ids=[first[2].ack_id], modify_deadline_seconds=[0])
    opened.wait_for(8)
    time.sleep(0.2)
    assert len(opened.received) == 8


def test_flow_control_by_bytes(
    local_pubsub: PubSub, topic: str, subscription: str, stream: Callable[..., Stream]
) -> None:
    for n in range(6):
        local_pubsub.publish_messages(topic, [{"data": bytes([n]) * 1000}])
    opened = stream(subscription, max_outstanding_bytes=2500)
    opened.wait_for(3)
    time.sleep(0.2)
    # The third began when there was room, as at Google.
    assert len(opened.received) == 3
    opened.send(ack_ids=[each.ack_id for each in opened.received])
    opened.wait_for(6)


def test_acknowledgement_may_come_on_another_stream(
    pubsub: PubSub, topic: str, subscription: str, stream: Callable[..., Stream]
) -> None:
    pubsub.publish(topic, "x")
    one = stream(subscription, max_outstanding_messages=1)
    (received,) = one.wait_for(1)
    other = stream(subscription, ack_ids=[received.ack_id])
    pubsub.publish(topic, "y")
    # The first one has room again, or the second one takes it.
    wait_until(lambda: len(one.received) + len(other.received) == 2)


def test_streams_share_the_messages(
    pubsub: PubSub, topic: str, subscription: str, stream: Callable[..., Stream]
) -> None:
    streams = [stream(subscription, max_outstanding_messages=10) for _ in range(3)]
    pubsub.publish(topic, *(str(n) for n in range(30)))
    wait_until(lambda: sum(len(each.received) for each in streams) == 30)
    assert {len(each.received) for each in streams} == {10}
    assert len({received.message.message_id for each in streams for received in each.received}) == 30


def test_stream_ends_well_when_the_client_ends_it(subscription: str, stream: Callable[..., Stream]) -> None:
    opened = stream(subscription)
    opened.send()
    opened.end()
    assert opened.error is None


def test_stream_of_a_deleted_subscription_ends_with_not_found(
    local_pubsub: PubSub, subscription: str, stream: Callable[..., Stream]
) -> None:
    opened = stream(subscription)
    opened.send()
    local_pubsub.subscriber.delete_subscription(subscription=subscription)
    assert opened.wait_for_error() is grpc.StatusCode.NOT_FOUND


def test_client_learns_that_its_subscription_is_not_there(pubsub: PubSub) -> None:
    future = pubsub.subscriber.subscribe(pubsub.name("subscriptions"), lambda message: message.ack())
    with pytest.raises(exceptions.NotFound):
        future.result(timeout=TIMEOUT_S)


@pytest.mark.usefixtures("local_pubsub")
@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"stream_ack_deadline_seconds": 5}, {}),
        ({}, {"ack_ids": ["nonsense"]}),
        ({}, {"modify_deadline_ack_ids": ["1-1-1"], "modify_deadline_seconds": []}),
        ({}, {"subscription": "projects/p/subscriptions/again"}),
    ],
    ids=["deadline too short", "malformed id", "lengths differ", "subscription again"],
)
def test_malformed_request_ends_the_stream(
    subscription: str,
    stream: Callable[..., Stream],
    first: dict[str, Any],
    then: dict[str, Any],
) -> None:
    opened = stream(subscription, **first)
    opened.send(**then)
    assert opened.wait_for_error() is grpc.StatusCode.INVALID_ARGUMENT


def test_stream_says_what_the_subscription_is_like(
    local_pubsub: PubSub, topic: str, stream: Callable[..., Stream]
) -> None:
    subscription = local_pubsub.subscription(topic, enable_message_ordering=True, enable_exactly_once_delivery=True)
    local_pubsub.publish(topic, "x")
    opened = stream(subscription)
    opened.wait_for(1)
    properties = opened.responses[0].subscription_properties
    assert properties.message_ordering_enabled
    assert properties.exactly_once_delivery_enabled


def test_what_is_out_on_a_stream_that_broke_comes_again_after_its_deadline(
    pubsub: PubSub, topic: str, subscription: str, stream: Callable[..., Stream]
) -> None:
    pubsub.publish(topic, "orphan")
    broken = stream(subscription)
    (received,) = broken.wait_for(1)
    broken.send(modify_deadline_ack_ids=[received.ack_id], modify_deadline_seconds=[1])
    broken.send()
    time.sleep(0.1)
    broken.cancel()
    (again,) = stream(subscription).wait_for(1)
    assert again.message.message_id == received.message.message_id
    assert again.ack_id != received.ack_id
