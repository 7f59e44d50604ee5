"""Seek and snapshots: back in time, forward, and to what was acknowledged before."""

import datetime
import time

import pytest
from google.api_core import exceptions

from tests.integration.pubsub.clients import PubSub, project_path, texts


def now() -> datetime.datetime:
    # Publish times have milliseconds between them, so that "before" and "after" are clear.
    time.sleep(0.01)
    moment = datetime.datetime.now(datetime.UTC)
    time.sleep(0.01)
    return moment


def seek(pubsub: PubSub, subscription: str, moment: datetime.datetime) -> None:
    pubsub.subscriber.seek(request={"subscription": subscription, "time": moment})


@pytest.fixture
def topic(pubsub: PubSub) -> str:
    return pubsub.topic()


def test_seeking_forward_acknowledges_what_is_older(pubsub: PubSub, topic: str) -> None:
    subscription = pubsub.subscription(topic)
    pubsub.publish(topic, "old", "older")
    moment = now()
    pubsub.publish(topic, "new")
    seek(pubsub, subscription, moment)
    assert pubsub.take(subscription, 1) == ["new"]
    assert pubsub.pull(subscription, now=True) == []


def test_seeking_back_brings_back_what_was_acknowledged_and_is_retained(pubsub: PubSub, topic: str) -> None:
    subscription = pubsub.subscription(topic, retain_acked_messages=True)
    pubsub.publish(topic, "before")
    moment = now()
    pubsub.publish(topic, "one")
    pubsub.publish(topic, "two")
    assert sorted(pubsub.take(subscription, 3)) == ["before", "one", "two"]
    seek(pubsub, subscription, moment)
    assert sorted(pubsub.take(subscription, 2)) == ["one", "two"]
    assert pubsub.pull(subscription, now=True) == []


def test_seeking_back_brings_nothing_back_that_is_not_retained(pubsub: PubSub, topic: str) -> None:
    subscription, other = pubsub.subscription(topic), pubsub.subscription(topic)
    moment = now()
    pubsub.publish(topic, "acknowledged")
    pubsub.publish(topic, "waiting")
    pubsub.ack(
        subscription, [each for each in pubsub.pull_all(subscription, 2) if each.message.data == b"acknowledged"]
    )
    seek(pubsub, subscription, moment)
    assert pubsub.take(subscription, 1) == ["waiting"]
    assert pubsub.pull(subscription, now=True) == []
    assert len(pubsub.pull_all(other, 2)) == 2


def test_retention_of_the_topic_serves_every_subscription(local_pubsub: PubSub) -> None:
    topic = local_pubsub.topic(message_retention_duration={"seconds": 600})
    moment = now()
    local_pubsub.publish(topic, "before any subscription")
    subscription = local_pubsub.create_subscription(topic)
    assert subscription.topic_message_retention_duration.seconds == 600
    assert local_pubsub.pull(subscription.name, now=True) == []
    seek(local_pubsub, subscription.name, moment)
    assert local_pubsub.take(subscription.name, 1) == ["before any subscription"]


def test_acknowledgement_of_a_delivery_from_before_the_seek_does_not_count(local_pubsub: PubSub, topic: str) -> None:
    subscription = local_pubsub.subscription(topic, retain_acked_messages=True)
    moment = now()
    local_pubsub.publish(topic, "x")
    received = local_pubsub.pull(subscription)
    seek(local_pubsub, subscription, moment)
    local_pubsub.ack(subscription, received)
    again = local_pubsub.pull(subscription)
    assert texts(again) == ["x"]
    local_pubsub.ack(subscription, received)
    local_pubsub.nack(subscription, again)
    assert local_pubsub.take(subscription, 1) == ["x"]


def test_seek_keeps_order(local_pubsub: PubSub, topic: str) -> None:
    subscription = local_pubsub.subscription(topic, retain_acked_messages=True, enable_message_ordering=True)
    moment = now()
    local_pubsub.publish(topic, *"abcde", key="k")
    assert local_pubsub.take(subscription, 3) == ["a", "b", "c"]
    seek(local_pubsub, subscription, moment)
    assert local_pubsub.take(subscription, 5) == list("abcde")


def test_snapshot_brings_back_exactly_what_was_not_acknowledged(pubsub: PubSub, topic: str) -> None:
    subscription = pubsub.subscription(topic)
    pubsub.publish(topic, "a", "b", "c", "d")
    received = pubsub.pull_all(subscription, 4)
    pubsub.ack(subscription, [each for each in received if each.message.data in (b"a", b"c")])
    snapshot = pubsub.subscriber.create_snapshot(name=pubsub.name("snapshots"), subscription=subscription)
    pubsub.ack(subscription, [each for each in received if each.message.data in (b"b", b"d")])
    pubsub.publish(topic, "e")
    pubsub.take(subscription, 1)
    pubsub.subscriber.seek(request={"subscription": subscription, "snapshot": snapshot.name})
    assert sorted(pubsub.take(subscription, 3)) == ["b", "d", "e"]
    assert pubsub.pull(subscription, now=True) == []


def test_snapshot_serves_another_subscription_of_the_topic_and_of_no_other(pubsub: PubSub, topic: str) -> None:
    source = pubsub.subscription(topic)
    snapshot = pubsub.subscriber.create_snapshot(name=pubsub.name("snapshots"), subscription=source)
    pubsub.publish(topic, "since")
    target = pubsub.subscription(topic)
    pubsub.subscriber.seek(request={"subscription": target, "snapshot": snapshot.name})
    assert pubsub.take(target, 1) == ["since"]
    stranger = pubsub.subscription(pubsub.topic())
    with pytest.raises(exceptions.InvalidArgument):
        pubsub.subscriber.seek(request={"subscription": stranger, "snapshot": snapshot.name})


def test_snapshots_are_listed_changed_and_deleted(local_pubsub: PubSub, topic: str) -> None:
    subscription = local_pubsub.subscription(topic)
    name = local_pubsub.name("snapshots")
    created = local_pubsub.subscriber.create_snapshot(name=name, subscription=subscription)
    assert created.topic == topic
    assert created.expire_time - datetime.datetime.now(datetime.UTC) > datetime.timedelta(days=6, hours=23)
    assert local_pubsub.subscriber.get_snapshot(snapshot=name) == created
    assert name in {each.name for each in local_pubsub.subscriber.list_snapshots(project=project_path())}
    assert list(local_pubsub.publisher.list_topic_snapshots(topic=topic)) == [name]
    with pytest.raises(exceptions.AlreadyExists):
        local_pubsub.subscriber.create_snapshot(name=name, subscription=subscription)
    updated = local_pubsub.subscriber.update_snapshot(
        request={"snapshot": {"name": name, "labels": {"a": "1"}}, "update_mask": {"paths": ["labels"]}}
    )
    assert dict(updated.labels) == {"a": "1"}
    local_pubsub.subscriber.delete_snapshot(snapshot=name)
    with pytest.raises(exceptions.NotFound):
        local_pubsub.subscriber.seek(request={"subscription": subscription, "snapshot": name})


def test_seek_without_a_target_is_refused(local_pubsub: PubSub, topic: str) -> None:
    subscription = local_pubsub.subscription(topic)
    with pytest.raises(exceptions.InvalidArgument):
        local_pubsub.subscriber.seek(request={"subscription": subscription})
