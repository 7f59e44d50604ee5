"""Push delivery to a real HTTP server: the request, the outcomes, the pace."""

import base64
import datetime
import itertools
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.integration.pubsub.clients import PubSub, wait_until
from tests.integration.pubsub.receiver import HANG_UP, Push, Receiver, Script
from tests.integration.pubsub.server import Server, free_port, running_identity
from tests.lateness import lateness

FAST_RETRY = {"minimum_backoff": {"nanos": 50_000_000}, "maximum_backoff": {"nanos": 200_000_000}}
SERVICE_ACCOUNT = "pubsub-push@caregraph-local.iam.gserviceaccount.com"


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    """Start push endpoints; they stop at the end of the test."""
    entered: list[Receiver] = []

    def start(script: Script = lambda _push, _index: 204, **options: Any) -> Receiver:
        receiver = Receiver(script, **options)
        entered.append(receiver.__enter__())
        return receiver

    yield start
    for receiver in entered:
        receiver.__exit__()


@pytest.fixture
def topic(pubsub: PubSub) -> str:
    return pubsub.topic()


def subscribe(pubsub: PubSub, topic: str, receiver: Receiver, **fields: Any) -> str:
    push_config = {"push_endpoint": receiver.url, **fields.pop("push_config", {})}
    return pubsub.subscription(topic, push_config=push_config, **fields)


def test_request_is_the_one_google_sends(local_pubsub: PubSub, topic: str, receive: Callable[..., Receiver]) -> None:
    receiver = receive()
    subscription = subscribe(local_pubsub, topic, receiver)
    (message_id,) = local_pubsub.publish(topic, '{"id": 1}', key="contract-1", type="contract.created")
    (push,) = receiver.wait_for(1)
    published_at = push.json["message"]["publishTime"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", published_at)
    assert push.json == {
        "message": {
            "data": base64.b64encode(b'{"id": 1}').decode(),
            "attributes": {"type": "contract.created"},
            "messageId": message_id,
            "message_id": message_id,
            "publishTime": published_at,
            "publish_time": published_at,
            "orderingKey": "contract-1",
        },
        "subscription": subscription,
    }
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(published_at)
    assert datetime.timedelta(0) <= age < datetime.timedelta(seconds=20)
    assert push.headers["content-type"] == "application/json"
    assert "authorization" not in push.headers


def test_empty_fields_are_left_out(local_pubsub: PubSub, topic: str, receive: Callable[..., Receiver]) -> None:
    receiver = receive()
    subscribe(local_pubsub, topic, receiver)
    local_pubsub.publish_messages(topic, [{"attributes": {"only": "this"}}])
    (push,) = receiver.wait_for(1)
    assert set(push.json) == {"message", "subscription"}
    assert set(push.json["message"]) == {"attributes", "messageId", "message_id", "publishTime", "publish_time"}


def test_without_the_wrapper_the_body_is_the_data(
    local_pubsub: PubSub, topic: str, receive: Callable[..., Receiver]
) -> None:
    receiver = receive()
    subscription = subscribe(local_pubsub, topic, receiver, push_config={"no_wrapper": {"write_metadata": True}})
    local_pubsub.publish_messages(
        topic,
        [{"data": b"\x00raw", "ordering_key": "k", "attributes": {"type": "x", "bad name": "y", "two": "a\r\nb"}}],
    )
    (push,) = receiver.wait_for(1)
    assert push.body == b"\x00raw"
    assert push.headers["x-goog-pubsub-subscription-name"] == subscription
    assert push.headers["x-goog-pubsub-ordering-key"] == "k"
    assert push.headers["type"] == "x"
    assert push.headers["two"] == "a  b"
    assert "bad name" not in push.headers


@pytest.mark.parametrize("status", [200, 201, 202, 204, 102])
def test_success_acknowledges(local_pubsub: PubSub, topic: str, receive: Callable[..., Receiver], status: int) -> None:
    receiver = receive(lambda _push, _index: status)
    subscription = subscribe(local_pubsub, topic, receiver, retry_policy=FAST_RETRY)
    local_pubsub.publish(topic, "once")
    wait_until(lambda: local_pubsub.status(subscription)["backlog"] == 0)
    assert local_pubsub.status(subscription)["acknowledged"] == 1
    assert receiver.texts == ["once"]


@pytest.mark.parametrize("status", [203, 301, 400, 403, 429, 500, 503])
def test_any_other_status_refuses(pubsub: PubSub, topic: str, receive: Callable[..., Receiver], status: int) -> None:
    receiver = receive(lambda _push, index: status if index == 0 else 204)
    subscribe(pubsub, topic, receiver, retry_policy=FAST_RETRY)
    pubsub.publish(topic, "again")
    receiver.wait_for(2)
    assert receiver.texts == ["again", "again"]


def test_attempts_are_told_when_there_is_a_dead_letter_policy(
    local_pubsub: PubSub, topic: str, receive: Callable[..., Receiver]
) -> None:
    dead_topic = local_pubsub.topic()
    dead = local_pubsub.subscription(dead_topic)
    receiver = receive(lambda push, _index: 500 if push.text == "poison" else 204)
    subscribe(
        local_pubsub,
        topic,
        receiver,
        retry_policy=FAST_RETRY,
        enable_message_ordering=True,
        dead_letter_policy={"dead_letter_topic": dead_topic, "max_delivery_attempts": 5},
    )
    local_pubsub.publish(topic, "poison", "behind it", key="k")
    assert local_pubsub.take(dead, 1) == ["poison"]
    pushes = receiver.wait_for(6)
    assert [(push.text, push.json["deliveryAttempt"]) for push in pushes] == [
        ("poison", 1), ("poison", 2), ("poison", 3), ("poison", 4), ("poison", 5), ("behind it", 1),
    ]  # fmt: skip


def test_key_is_pushed_one_at_a_time_and_in_order_through_failures(
    pubsub: PubSub, topic: str, receive: Callable[..., Receiver]
) -> None:
    failed: Counter[str] = Counter()
    under_way: Counter[str] = Counter()
    overlaps: list[str] = []

    def fail_each_third_once(push: Push, _index: int) -> int:
        key, text = push.json["message"]["orderingKey"], push.text
        under_way[key] += 1
        if under_way[key] > 1:
            overlaps.append(key)
        time.sleep(0.005)
        under_way[key] -= 1
        if int(text) % 3 == 0 and not failed[key + text]:
            failed[key + text] += 1
            return 503
        return 204

    receiver = receive(fail_each_third_once)
    subscribe(pubsub, topic, receiver, enable_message_ordering=True, retry_policy=FAST_RETRY)
    keys = [f"key-{n}" for n in range(5)]
    for n in range(9):
        for key in keys:
            pubsub.publish(topic, str(n), key=key)
    receiver.wait_for(5 * 12)
    for key in keys:
        order = [push.text for push in receiver.pushes if push.json["message"]["orderingKey"] == key]
        assert order == ["0", "0", "1", "2", "3", "3", "4", "5", "6", "6", "7", "8"]
    assert not overlaps


def test_poison_does_not_hold_up_other_keys(pubsub: PubSub, topic: str, receive: Callable[..., Receiver]) -> None:
    receiver = receive(lambda push, _index: 500 if push.text == "poison" else 204)
    retry = {"minimum_backoff": {"seconds": 60}, "maximum_backoff": {"seconds": 600}}
    subscribe(pubsub, topic, receiver, enable_message_ordering=True, retry_policy=retry)
    pubsub.publish(topic, "poison", key="bad")
    receiver.wait_for(1)
    for n in range(50):
        pubsub.publish(topic, str(n), key=f"good-{n}")
    # Before the poison comes again, which is the 52nd.
    pushes = receiver.wait_for(51)
    assert [push.text for push in pushes].count("poison") == 1


def test_messages_of_different_keys_are_pushed_side_by_side(
    local_pubsub: PubSub, topic: str, receive: Callable[..., Receiver]
) -> None:
    def slowly(_push: Push, _index: int) -> int:
        time.sleep(0.05)
        return 204

    receiver = receive(slowly)
    subscribe(local_pubsub, topic, receiver, enable_message_ordering=True)
    for n in range(60):
        local_pubsub.publish(topic, str(n), key=f"k{n}")
    receiver.wait_for(60)
    assert 5 < receiver.most_concurrent <= 64


def test_without_a_retry_policy_an_endpoint_that_refuses_everything_is_left_alone_longer_and_longer(
    local_pubsub: PubSub, topic: str, receive: Callable[..., Receiver]
) -> None:
    receiver = receive(lambda _push, index: 500 if index < 3 else 204)
    subscribe(local_pubsub, topic, receiver)
    with lateness() as late:
        local_pubsub.publish(topic, "x")
        at = [push.at for push in receiver.wait_for(4)]
    waits = [later - earlier for earlier, later in itertools.pairwise(at)]
    for waited, wanted in zip(waits, (0.1, 0.2, 0.4), strict=True):
        assert wanted - 0.02 < waited < late.at_most(wanted + 0.4), waits


def test_endpoint_that_hangs_up_gets_the_message_again(
    pubsub: PubSub, topic: str, receive: Callable[..., Receiver]
) -> None:
    receiver = receive(lambda _push, index: HANG_UP if index == 0 else 204)
    subscribe(pubsub, topic, receiver, retry_policy=FAST_RETRY)
    pubsub.publish(topic, "x")
    receiver.wait_for(2)
    assert receiver.texts == ["x", "x"]


def test_endpoint_that_is_not_there_yet_gets_everything_and_no_attempt_is_counted(
    local_pubsub: PubSub, topic: str, receive: Callable[..., Receiver]
) -> None:
    port = free_port()
    dead_topic = local_pubsub.topic()
    subscription = local_pubsub.subscription(
        topic,
        push_config={"push_endpoint": f"http://127.0.0.1:{port}/events"},
        enable_message_ordering=True,
        dead_letter_policy={"dead_letter_topic": dead_topic, "max_delivery_attempts": 5},
    )
    for n in range(20):
        local_pubsub.publish(topic, str(n), key="k")
    # Long enough for more attempts than the policy allows, had they counted.
    time.sleep(0.5)
    receiver = receive(port=port)
    pushes = receiver.wait_for(20)
    assert receiver.texts == [str(n) for n in range(20)]
    assert {push.json["deliveryAttempt"] for push in pushes} == {1}
    assert {push.json["subscription"] for push in pushes} == {subscription}


def test_endpoint_can_be_moved(pubsub: PubSub, topic: str, receive: Callable[..., Receiver]) -> None:
    one, other = receive(), receive()
    subscription = subscribe(pubsub, topic, one)
    pubsub.publish(topic, "first")
    one.wait_for(1)
    pubsub.subscriber.modify_push_config(subscription=subscription, push_config={"push_endpoint": other.url})
    pubsub.publish(topic, "second")
    other.wait_for(1)
    assert (one.texts, other.texts) == (["first"], ["second"])


def test_nothing_is_pushed_once_the_subscription_is_deleted(
    pubsub: PubSub, topic: str, receive: Callable[..., Receiver]
) -> None:
    receiver, witness = receive(), receive()
    subscription = subscribe(pubsub, topic, receiver)
    subscribe(pubsub, topic, witness)
    pubsub.subscriber.delete_subscription(subscription=subscription)
    pubsub.publish(topic, "x")
    witness.wait_for(1)
    assert receiver.pushes == []


def test_pushes_wait_for_a_token_and_carry_it(tmp_path: Path, receive: Callable[..., Receiver]) -> None:
    identity_port = free_port()
    server = Server(
        home=tmp_path / "server", environment={"CAREGRAPH_IDENTITY_URL": f"http://127.0.0.1:{identity_port}"}
    )
    server.start()
    pubsub = PubSub(address=server.address)
    try:
        topic = pubsub.topic()
        receiver, other = receive(), receive()
        dead_letter_policy = {"dead_letter_topic": pubsub.topic(), "max_delivery_attempts": 5}
        oidc = {"service_account_email": SERVICE_ACCOUNT, "audience": receiver.base_url}
        subscribe(pubsub, topic, receiver, push_config={"oidc_token": oidc}, dead_letter_policy=dead_letter_policy)
        # Without an audience of its own, a token is for the endpoint.
        subscribe(pubsub, topic, other, push_config={"oidc_token": {"service_account_email": SERVICE_ACCOUNT}})
        pubsub.publish(topic, *(str(n) for n in range(10)))
        with running_identity(tmp_path / "identity", port=identity_port) as identity_url:
            pushes = receiver.wait_for(10)
            # Nothing went out without a token, and no attempt was counted meanwhile.
            assert {push.json["deliveryAttempt"] for push in pushes} == {1}
            (token,) = {bearer(push) for push in pushes}
            assert verified(token, receiver.base_url, identity_url)["email"] == SERVICE_ACCOUNT
            (for_endpoint,) = {bearer(push) for push in other.wait_for(10)}
            assert verified(for_endpoint, other.url, identity_url)["aud"] == other.url
    finally:
        pubsub.close()
        server.kill()


def test_status_page_shows_what_waits(local_pubsub: PubSub, topic: str) -> None:
    subscription = local_pubsub.subscription(topic)
    local_pubsub.publish(topic, "a", "b")
    local_pubsub.ack(subscription, local_pubsub.pull(subscription, 1))

    assert local_pubsub.status(subscription)["backlog"] == 1
    assert local_pubsub.status(subscription)["acknowledged"] == 1
    metrics = httpx.get(f"{local_pubsub.status_url}/metrics").text
    label = subscription.rpartition("/")[2]
    assert f'caregraph_local_pubsub_backlog_messages{{subscription="{label}"}} 1.0' in metrics
    assert httpx.get(f"{local_pubsub.status_url}/readyz").json()["status"] == "ready"


def bearer(push: Push) -> str:
    return push.headers["authorization"].removeprefix("Bearer ")


def verified(token: str, audience: str, identity_url: str) -> dict[str, Any]:
    """The claims of a token, its signature checked against the keys that the identity stand-in publishes."""
    keys = jwt.PyJWKSet.from_dict(httpx.get(f"{identity_url}/oauth2/v3/certs").json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims: dict[str, Any] = jwt.decode(
        token, key.key, algorithms=["RS256"], audience=audience, issuer="https://accounts.google.com"
    )
    return claims
