"""What survives: a SIGTERM, and a SIGKILL at any moment."""

import contextlib
import random
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import grpc
from google.api_core import exceptions

from tests.integration.pubsub.clients import PubSub, texts
from tests.integration.pubsub.receiver import Receiver
from tests.integration.pubsub.server import ROOT, Server
from tests.integration.pubsub.stream import Stream
from tests.lateness import lateness


def test_sigterm_ends_it_well_even_with_a_stream_open(server: Server, restarted: PubSub) -> None:
    pubsub = restarted
    subscription = pubsub.subscription(pubsub.topic())
    stream = Stream(pubsub, subscription)
    pubsub.pull(subscription, now=True)
    with lateness() as late:
        started = time.monotonic()
        assert server.stop() == 0
        took = time.monotonic() - started
    assert took < late.at_most(5)
    # Which tells clients to come again.
    assert stream.wait_for_error() is grpc.StatusCode.UNAVAILABLE
    server.start()


def test_everything_is_there_again_after_sigkill(server: Server, restarted: PubSub) -> None:
    pubsub = restarted
    topic = pubsub.topic(labels={"team": "care"})
    ordered = pubsub.create_subscription(topic, enable_message_ordering=True, ack_deadline_seconds=77)
    plain = pubsub.subscription(topic, retain_acked_messages=True)
    snapshot = pubsub.subscriber.create_snapshot(name=pubsub.name("snapshots"), subscription=plain)
    pubsub.publish(topic, *"abcdef", key="k")
    pubsub.take(ordered.name, 2)
    received = pubsub.pull_all(plain, 6)
    pubsub.ack(plain, [each for each in received if each.message.data in (b"b", b"e")])
    ids = {each.message.data: each.message.message_id for each in received}
    server.kill()
    server.start()
    assert dict(pubsub.publisher.get_topic(topic=topic).labels) == {"team": "care"}
    assert pubsub.subscriber.get_subscription(subscription=ordered.name) == ordered
    # What was out and what was never out comes, what was acknowledged does not; with the ids it always had.
    assert pubsub.take(ordered.name, 4) == ["c", "d", "e", "f"]
    again = pubsub.pull_all(plain, 4)
    assert {each.message.data: each.message.message_id for each in again} == {
        data: message_id for data, message_id in ids.items() if data not in (b"b", b"e")
    }
    pubsub.ack(plain, again)
    assert pubsub.pull(plain, now=True) == []
    (new_id,) = pubsub.publish(topic, "g", key="k")
    assert new_id not in ids.values()
    pubsub.subscriber.seek(request={"subscription": plain, "snapshot": snapshot.name})
    assert sorted(pubsub.take(plain, 7)) == list("abcdefg")


def test_ids_are_not_given_twice_even_when_nothing_was_stored(server: Server, restarted: PubSub) -> None:
    pubsub = restarted
    topic = pubsub.topic()
    (first,) = pubsub.publish(topic, "nobody listens")
    server.kill()
    server.start()
    assert pubsub.publish(topic, "nobody listens") != [first]


def test_delivery_attempts_go_on_counting(server: Server, restarted: PubSub) -> None:
    pubsub = restarted
    topic, dead_topic = pubsub.topic(), pubsub.topic()
    policy = {"dead_letter_topic": dead_topic, "max_delivery_attempts": 5}
    subscription = pubsub.subscription(topic, dead_letter_policy=policy)
    dead = pubsub.subscription(dead_topic)
    pubsub.publish(topic, "poison")
    for _ in range(3):
        pubsub.nack(subscription, pubsub.pull(subscription))
    server.kill()
    server.start()
    for attempt in (4, 5):
        (received,) = pubsub.pull(subscription)
        assert received.delivery_attempt == attempt
        pubsub.nack(subscription, [received])
    assert pubsub.take(dead, 1) == ["poison"]


def test_pushing_goes_on(server: Server, restarted: PubSub) -> None:
    pubsub = restarted
    with Receiver(lambda _push, index: 503 if index == 0 else 204) as receiver:
        topic = pubsub.topic()
        retry = {"minimum_backoff": {"seconds": 60}}
        pubsub.subscription(topic, push_config={"push_endpoint": receiver.url}, retry_policy=retry)
        pubsub.publish(topic, "stubborn")
        receiver.wait_for(1)
        server.kill()
        server.start()
        # A backoff doesn't outlive the server: it goes again at once.
        receiver.wait_for(2)
        assert receiver.texts == ["stubborn", "stubborn"]


def test_sigkill_while_publishing_loses_nothing_that_was_answered_and_keeps_order(
    server: Server, restarted: PubSub
) -> None:
    pubsub = restarted
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic, enable_message_ordering=True)
    chance = random.Random(99)  # noqa: S311 - repeatable, not secret
    answered: dict[str, list[str]] = {f"key-{n}": [] for n in range(4)}
    stopping = threading.Event()

    def publish(key: str) -> None:
        number = 0
        while not stopping.is_set():
            batch = [f"{key}/{number + n}" for n in range(20)]
            # On an error nobody knows whether it was published: it goes again until there's an answer, as the relay's.
            with contextlib.suppress(exceptions.GoogleAPICallError):
                pubsub.publish(topic, *batch, key=key)
                answered[key] += batch
                number += 20
            stopping.wait(0.002)

    threads = [threading.Thread(target=publish, args=(key,)) for key in answered]
    for thread in threads:
        thread.start()
    for _ in range(2):
        time.sleep(chance.uniform(0.1, 0.4))
        server.kill()
        server.start()
    time.sleep(0.2)
    stopping.set()
    for thread in threads:
        thread.join(timeout=30)
    expected = {text for batch in answered.values() for text in batch}
    assert len(expected) > 200
    received: list[str] = []
    while not expected <= set(received):
        batch = pubsub.pull(subscription, 1000)
        assert batch, f"{len(expected - set(received))} messages are lost"
        received += texts(batch)
        pubsub.ack(subscription, batch)
    for key in answered:
        # Duplicates of unanswered requests aside, the first time of each is in order.
        first_times = list(dict.fromkeys(text for text in received if text.startswith(f"{key}/")))
        assert first_times == sorted(first_times, key=lambda text: int(text.rpartition("/")[2]))


def test_sigkill_while_consuming_loses_nothing(server: Server, restarted: PubSub) -> None:
    pubsub = restarted
    topic = pubsub.topic()
    subscription = pubsub.subscription(topic)
    expected = {str(n) for n in range(3000)}
    for start in range(0, 3000, 1000):
        pubsub.publish(topic, *(str(n) for n in range(start, start + 1000)))
    processed: set[str] = set()

    def kill_and_start() -> None:
        server.kill()
        server.start()

    killer = threading.Timer(0.15, kill_and_start)
    killer.start()
    while processed < expected:
        with contextlib.suppress(exceptions.ServiceUnavailable, exceptions.Unknown, exceptions.Cancelled):
            batch = pubsub.pull(subscription, 50)
            processed |= set(texts(batch))
            pubsub.ack(subscription, batch)
    killer.join()
    assert processed == expected


def test_second_server_on_the_same_folder_says_what_is_wrong(server: Server) -> None:
    outcome = run_once(server, PORT="0")
    assert outcome.returncode == 1
    assert b"Another Pub/Sub is using" in outcome.stderr


def test_port_in_use_is_said_plainly(server: Server) -> None:
    outcome = run_once(server, CAREGRAPH_HOME=str(server.home / "other"))
    assert outcome.returncode == 1
    assert b"its port is in use" in outcome.stderr


def test_state_that_is_not_ours_is_not_touched(server: Server, tmp_path: Path) -> None:
    (tmp_path / "pubsub").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "pubsub" / "pubsub.sqlite")) as database:
        database.execute("PRAGMA user_version = 99")
    outcome = run_once(server, PORT="0", CAREGRAPH_HOME=str(tmp_path))
    assert outcome.returncode == 1
    assert b"its format is 99" in outcome.stderr


def run_once(server: Server, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Start a server that is expected to give up."""
    return subprocess.run(
        [sys.executable, "-m", "local.pubsub"],
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "PORT": str(server.port),
            "CAREGRAPH_HOME": str(server.home),
            "CAREGRAPH_LOG_FORMAT": "json",
            **environment,
        },
        capture_output=True,
        timeout=30,
        check=False,
    )
