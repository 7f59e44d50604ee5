"""Publishing: what is taken, what is refused, and that a refused request publishes nothing."""

import asyncio
import datetime
from typing import Any

import pytest
from google.api_core import exceptions
from google.pubsub_v1.types import PubsubMessage

from tests.integration.pubsub.clients import TIMEOUT_S, PubSub, async_publisher, texts


def test_message_arrives_as_it_was_published(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    (message_id,) = pubsub.publish(topic, "Grüße", key="patient-1", type="contract.created", empty="")
    (received,) = pubsub.pull(subscription)
    assert received.message.data.decode() == "Grüße"
    assert dict(received.message.attributes) == {"type": "contract.created", "empty": ""}
    assert received.message.ordering_key == "patient-1"
    assert received.message.message_id == message_id
    age = datetime.datetime.now(datetime.UTC) - received.message.publish_time
    assert datetime.timedelta(seconds=-5) < age < datetime.timedelta(seconds=30)


def test_ids_are_in_the_order_of_the_messages_and_unique(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    ids = pubsub.publish(topic, *(f"m{n}" for n in range(50)))
    assert len(set(ids)) == 50
    by_id = {each.message.message_id: each.message.data.decode() for each in pubsub.pull_all(subscription, 50)}
    assert [by_id[each] for each in ids] == [f"m{n}" for n in range(50)]


def test_every_subscription_gets_every_message(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    subscriptions = [pubsub.subscription(topic) for _ in range(3)]
    pubsub.publish(topic, "a", "b")
    for subscription in subscriptions:
        assert sorted(pubsub.take(subscription, 2)) == ["a", "b"]


def test_message_of_attributes_alone_is_taken(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    pubsub.publish_messages(topic, [{"attributes": {"only": "this"}}])
    (received,) = pubsub.pull(subscription)
    assert received.message.data == b""
    assert dict(received.message.attributes) == {"only": "this"}


REFUSED: dict[str, tuple[list[dict[str, Any]], str]] = {
    "no messages": ([], "message_count"),
    "an empty message": ([{"data": b"fine"}, {"ordering_key": "k"}], "empty"),
    "too many messages": ([{"data": b"x"}] * 1001, "1001"),
    "too many attributes": ([{"attributes": {f"a{n}": "x" for n in range(101)}}], "attribute_count"),
    "a long attribute key": ([{"attributes": {"k" * 257: "x"}}], "attribute_key_size"),
    "a long attribute value": ([{"attributes": {"k": "é" * 513}}], "attribute_value_size"),
    "an empty attribute key": ([{"attributes": {"": "x"}}], "key"),
    "a reserved attribute key": ([{"attributes": {"googclient": "x"}}], "goog"),
    "a long ordering key": ([{"data": b"x", "ordering_key": "k" * 1025}], "ordering_key"),
    "two ordering keys": ([{"data": b"x", "ordering_key": "a"}, {"data": b"x", "ordering_key": "b"}], "ordering key"),
    "more than 10 MB": ([{"data": b"x" * 10_000_001}], "10000000"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_request_over_a_limit_is_refused_and_publishes_nothing(local_pubsub: PubSub, case: str) -> None:
    messages, reason = REFUSED[case]
    topic = local_pubsub.topic()
    subscription = local_pubsub.subscription(topic)
    with pytest.raises(exceptions.InvalidArgument, match=reason):
        local_pubsub.publish_messages(topic, messages)
    assert local_pubsub.pull(subscription, now=True) == []


def test_message_of_nearly_10_mb_arrives(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    data = b"0123456789" * 990_000
    pubsub.publish_messages(topic, [{"data": data}])
    (received,) = pubsub.pull(subscription)
    assert received.message.data == data


def test_limits_themselves_are_allowed(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    attributes = {f"{n:03}".ljust(256, "k"): "v" * 1024 for n in range(100)}
    pubsub.publish_messages(topic, [{"attributes": attributes, "ordering_key": "k" * 1024}])
    (received,) = pubsub.pull(subscription)
    assert dict(received.message.attributes) == attributes


def test_threaded_client_publishes_in_batches(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    futures = [pubsub.publisher.publish(topic, f"m{n}".encode(), number=str(n)) for n in range(300)]
    ids = [future.result(timeout=TIMEOUT_S) for future in futures]
    assert len(set(ids)) == 300
    assert sorted(texts(pubsub.pull_all(subscription, 300))) == sorted(f"m{n}" for n in range(300))


async def test_async_client_publishes_many_requests_at_once(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    client = async_publisher(pubsub.address)
    async with client:
        answers = await asyncio.gather(
            *(
                client.publish(
                    topic=topic,
                    messages=[
                        PubsubMessage(data=f"{batch}/{n}".encode(), ordering_key=f"key-{batch}") for n in range(20)
                    ],
                    retry=None,
                    timeout=TIMEOUT_S,
                )
                for batch in range(20)
            )
        )
    ids = [message_id for answer in answers for message_id in answer.message_ids]
    assert len(set(ids)) == 400
    received = await asyncio.to_thread(pubsub.pull_all, subscription, 400)
    assert {each.message.message_id for each in received} == set(ids)
