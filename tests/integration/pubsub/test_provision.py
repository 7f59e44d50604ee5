"""Provisioning: what the code declares is there afterwards, and a second run finds nothing to do."""

import os
import subprocess
import sys
import uuid
from dataclasses import replace

import pytest

from agents.registry import AGENTS
from local.layout import Layout, read_layout
from local.provision import (
    Changes,
    ProvisionError,
    PushSubscription,
    declared_subscriptions,
    declared_topics,
    provision,
)
from tests.integration.pubsub.clients import PubSub
from tests.integration.pubsub.receiver import Receiver
from tests.integration.pubsub.server import ROOT, free_port

ONE = PushSubscription(
    name="agent-one-things", topic="things", endpoint="http://127.0.0.1:9/events", audience="http://127.0.0.1:9"
)
OTHER = replace(ONE, name="agent-two-things")


@pytest.fixture
def project() -> str:
    """A project for each test, so that they don't see each other's subscriptions."""
    return f"project-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def layout() -> Layout:
    return read_layout({})


def run(pubsub: PubSub, project: str, *subscriptions: PushSubscription) -> Changes:
    return provision(address=pubsub.address, project=project, topics=["things"], subscriptions=subscriptions)


def test_everything_declared_is_there_afterwards(pubsub: PubSub, project: str, layout: Layout) -> None:
    declared = declared_subscriptions(layout)
    changes = provision(address=pubsub.address, project=project, topics=declared_topics(), subscriptions=declared)
    assert changes.count == len(declared_topics()) + len(declared)
    subscription = pubsub.subscriber.get_subscription(
        subscription=f"projects/{project}/subscriptions/contract-contract-events"
    )
    assert subscription.topic == f"projects/{project}/topics/contract-events"
    assert subscription.enable_message_ordering
    assert subscription.ack_deadline_seconds == 60
    assert subscription.push_config.push_endpoint == "http://127.0.0.1:8101/events"
    assert subscription.push_config.oidc_token.audience == "http://127.0.0.1:8101"
    email = "pubsub-push@caregraph-local.iam.gserviceaccount.com"
    assert subscription.push_config.oidc_token.service_account_email == email


def test_every_agent_of_the_registry_has_its_subscriptions(layout: Layout) -> None:
    declared = {each.name: each.topic for each in declared_subscriptions(layout)}
    assert declared == {name: topic for agent in AGENTS.values() for name, topic in agent.subscriptions.items()}
    assert set(declared.values()) <= set(declared_topics())


def test_second_run_changes_nothing(pubsub: PubSub, project: str) -> None:
    assert run(pubsub, project, ONE, OTHER).count == 3
    assert run(pubsub, project, ONE, OTHER) == Changes()


def test_what_differs_is_changed_and_the_backlog_stays(pubsub: PubSub, project: str) -> None:
    name = f"projects/{project}/subscriptions/{ONE.name}"
    nobody = replace(ONE, endpoint=f"http://127.0.0.1:{free_port()}/events")
    run(pubsub, project, nobody)
    pubsub.publish(f"projects/{project}/topics/things", "waiting")
    with Receiver() as receiver:
        moved = replace(ONE, endpoint=receiver.url)
        # The token comes from an identity service that this server doesn't have: push without one.
        assert run(pubsub, project, moved) == Changes(updated=(name,))
        pubsub.subscriber.modify_push_config(subscription=name, push_config={"push_endpoint": receiver.url})
        receiver.wait_for(1)
        assert receiver.texts == ["waiting"]
    assert run(pubsub, project, moved) == Changes(updated=(name,))


def test_what_was_changed_by_hand_is_put_right(pubsub: PubSub, project: str) -> None:
    run(pubsub, project, ONE)
    name = f"projects/{project}/subscriptions/{ONE.name}"
    pubsub.subscriber.update_subscription(
        request={
            "subscription": {"name": name, "ack_deadline_seconds": 10},
            "update_mask": {"paths": ["ack_deadline_seconds", "retry_policy"]},
        }
    )
    assert run(pubsub, project, ONE) == Changes(updated=(name,))
    subscription = pubsub.subscriber.get_subscription(subscription=name)
    assert subscription.ack_deadline_seconds == 60
    assert "retry_policy" in subscription


def test_what_can_not_be_changed_is_made_anew(pubsub: PubSub, project: str) -> None:
    run(pubsub, project)
    name = f"projects/{project}/subscriptions/{ONE.name}"
    pubsub.subscriber.create_subscription(name=name, topic=f"projects/{project}/topics/things")
    assert run(pubsub, project, ONE) == Changes(created=(name,), deleted=(name,))
    assert pubsub.subscriber.get_subscription(subscription=name).enable_message_ordering


def test_subscription_that_is_no_longer_declared_goes_and_a_stranger_s_stays(pubsub: PubSub, project: str) -> None:
    run(pubsub, project, ONE, OTHER)
    stranger = f"projects/{project}/subscriptions/somebody-looks"
    pubsub.subscriber.create_subscription(name=stranger, topic=f"projects/{project}/topics/things")
    changes = run(pubsub, project, ONE)
    assert changes == Changes(deleted=(f"projects/{project}/subscriptions/{OTHER.name}",))
    assert pubsub.subscriber.get_subscription(subscription=stranger).name == stranger


def test_program_provisions_what_the_environment_names(pubsub: PubSub, project: str) -> None:
    environment = {**os.environ, "PUBSUB_EMULATOR_HOST": pubsub.address, "GOOGLE_CLOUD_PROJECT": project}
    subprocess.run([sys.executable, "-m", "local.provision"], cwd=ROOT, env=environment, check=True, timeout=60)
    listed = pubsub.publisher.list_topics(project=f"projects/{project}")
    assert {topic.name.rpartition("/")[2] for topic in listed} == set(declared_topics())


def test_missing_server_is_said_plainly() -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(ProvisionError, match=f"No Pub/Sub answers at {address}"):
        provision(address=address, project="p", topics=[], subscriptions=[], timeout_s=0.2)
