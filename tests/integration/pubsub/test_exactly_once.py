"""Exactly-once delivery: an acknowledgement that came too late is refused, and the client learns it."""

import threading

import pytest
from google.api_core import exceptions
from google.cloud.pubsub_v1.subscriber.exceptions import AcknowledgeError, AcknowledgeStatus
from google.cloud.pubsub_v1.subscriber.message import Message

from tests.integration.pubsub.clients import TIMEOUT_S, PubSub


@pytest.fixture
def topic(pubsub: PubSub) -> str:
    return pubsub.topic()


@pytest.fixture
def subscription(local_pubsub: PubSub, topic: str) -> str:
    return local_pubsub.subscription(topic, enable_exactly_once_delivery=True)


def test_acknowledgement_in_time_is_confirmed(pubsub: PubSub, topic: str, subscription: str) -> None:
    outcomes: list[AcknowledgeStatus] = []
    done = threading.Event()

    def acknowledge(message: Message) -> None:
        outcomes.append(message.ack_with_response().result(timeout=TIMEOUT_S))
        done.set()

    pubsub.publish(topic, "x")
    future = pubsub.subscriber.subscribe(subscription, acknowledge)
    try:
        assert done.wait(TIMEOUT_S)
    finally:
        future.cancel()
        future.result(timeout=TIMEOUT_S)
    assert outcomes == [AcknowledgeStatus.SUCCESS]
    assert pubsub.pull(subscription, now=True) == []


def test_acknowledgement_after_the_deadline_fails(pubsub: PubSub, topic: str, subscription: str) -> None:
    pubsub.publish(topic, "x")
    received = pubsub.pull(subscription)
    pubsub.nack(subscription, received)
    with pytest.raises(exceptions.FailedPrecondition) as raised:
        pubsub.ack(subscription, received)
    (detail,) = raised.value.details
    assert dict(detail.metadata) == {received[0].ack_id: "PERMANENT_FAILURE_INVALID_ACK_ID"}
    assert pubsub.take(subscription, 1) == ["x"]


def test_client_library_turns_that_into_its_own_error(pubsub: PubSub, topic: str, subscription: str) -> None:
    errors: list[AcknowledgeError] = []
    first, done = threading.Lock(), threading.Semaphore(0)

    def too_late(message: Message) -> None:
        if not first.acquire(blocking=False):
            message.ack()
            done.release()
            return
        # Somebody else refuses it while we are at work.
        pubsub.subscriber.modify_ack_deadline(
            subscription=subscription, ack_ids=[message.ack_id], ack_deadline_seconds=0
        )
        try:
            message.ack_with_response().result(timeout=TIMEOUT_S)
        except AcknowledgeError as error:
            errors.append(error)
            done.release()

    pubsub.publish(topic, "x")
    future = pubsub.subscriber.subscribe(subscription, too_late)
    try:
        for _ in range(2):
            assert done.acquire(timeout=TIMEOUT_S)
    finally:
        future.cancel()
        future.result(timeout=TIMEOUT_S)
    assert [error.error_code for error in errors] == [AcknowledgeStatus.INVALID_ACK_ID]
