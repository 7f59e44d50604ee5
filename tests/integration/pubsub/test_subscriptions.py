"""Subscriptions: create, get, list, update, delete, detach, and what they may be set to."""

import datetime
from typing import Any

import pytest
from google.api_core import exceptions

from tests.integration.pubsub.clients import PubSub, project_path


def seconds(duration: Any) -> float:
    """Of a duration, which the client hands out as a timedelta."""
    assert isinstance(duration, datetime.timedelta)
    return duration.total_seconds()


def test_subscription_has_google_s_defaults(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    created = pubsub.create_subscription(topic)
    assert created.topic == topic
    assert created.ack_deadline_seconds == 10
    assert seconds(created.message_retention_duration) == 7 * 86_400
    assert seconds(created.expiration_policy.ttl) == 31 * 86_400
    assert not created.push_config.push_endpoint
    assert pubsub.subscriber.get_subscription(subscription=created.name) == created


def test_policies_get_their_defaults(local_pubsub: PubSub) -> None:
    topic = local_pubsub.topic()
    created = local_pubsub.create_subscription(
        topic, retry_policy={}, dead_letter_policy={"dead_letter_topic": local_pubsub.topic()}
    )
    assert seconds(created.retry_policy.minimum_backoff) == 10
    assert seconds(created.retry_policy.maximum_backoff) == 600
    assert created.dead_letter_policy.max_delivery_attempts == 5


def test_second_subscription_of_a_name_is_refused(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    name = pubsub.subscription(topic)
    with pytest.raises(exceptions.AlreadyExists):
        pubsub.subscriber.create_subscription(name=name, topic=topic)


def test_unknown_subscription_is_not_found(pubsub: PubSub) -> None:
    name = pubsub.name("subscriptions")
    for call in (
        lambda: pubsub.subscriber.get_subscription(subscription=name),
        lambda: pubsub.subscriber.delete_subscription(subscription=name),
        lambda: pubsub.pull(name),
        lambda: pubsub.subscriber.acknowledge(subscription=name, ack_ids=["x"]),
        lambda: pubsub.subscriber.modify_push_config(subscription=name, push_config={}),
        lambda: pubsub.subscriber.seek(request={"subscription": name, "time": {"seconds": 1}}),
    ):
        with pytest.raises(exceptions.NotFound):
            call()


@pytest.mark.parametrize(
    "fields",
    [
        {"ack_deadline_seconds": 9},
        {"ack_deadline_seconds": 601},
        {"message_retention_duration": {"seconds": 599}},
        {"message_retention_duration": {"seconds": 32 * 86_400}},
        {"retry_policy": {"minimum_backoff": {"seconds": 601}}},
        {"retry_policy": {"minimum_backoff": {"seconds": 20}, "maximum_backoff": {"seconds": 10}}},
        {"push_config": {"push_endpoint": "not an address"}},
        {"push_config": {"push_endpoint": "ftp://127.0.0.1/x"}},
        {"push_config": {"push_endpoint": "http://127.0.0.1:99999/x"}},
        {"push_config": {"push_endpoint": "http://127.0.0.1/\u00e9"}},
        {"push_config": {"push_endpoint": "http://127.0.0.1/a b"}},
        {"push_config": {"push_endpoint": "http://127.0.0.1:9/"}, "enable_exactly_once_delivery": True},
        {"labels": {"Upper": "1"}},
        {"labels": {"a": "no spaces"}},
        {"labels": {"1st": "1"}},
        {"labels": {f"n{number}": "1" for number in range(65)}},
        {"filter": "attributes.type = unquoted"},
        {"expiration_policy": {"ttl": {"seconds": 3600}}},
    ],
    ids=str,
)
def test_value_out_of_bounds_is_refused(local_pubsub: PubSub, fields: dict[str, Any]) -> None:
    topic = local_pubsub.topic()
    with pytest.raises(exceptions.InvalidArgument):
        local_pubsub.create_subscription(topic, **fields)


@pytest.mark.parametrize("attempts", [4, 101])
def test_number_of_delivery_attempts_is_bounded(local_pubsub: PubSub, attempts: int) -> None:
    topic = local_pubsub.topic()
    policy = {"dead_letter_topic": topic, "max_delivery_attempts": attempts}
    with pytest.raises(exceptions.InvalidArgument, match="max_delivery_attempts"):
        local_pubsub.create_subscription(topic, dead_letter_policy=policy)


def test_dead_letter_topic_must_exist(local_pubsub: PubSub) -> None:
    policy = {"dead_letter_topic": local_pubsub.name("topics")}
    with pytest.raises(exceptions.NotFound):
        local_pubsub.create_subscription(local_pubsub.topic(), dead_letter_policy=policy)


def test_dead_letter_topic_that_was_deleted_hinders_no_other_change(local_pubsub: PubSub) -> None:
    dead_letters = local_pubsub.topic()
    name = local_pubsub.subscription(local_pubsub.topic(), dead_letter_policy={"dead_letter_topic": dead_letters})
    local_pubsub.publisher.delete_topic(topic=dead_letters)

    def update(path: str, **fields: Any) -> Any:
        request = {"subscription": {"name": name, **fields}, "update_mask": {"paths": [path]}}
        return local_pubsub.subscriber.update_subscription(request=request)

    assert update("ack_deadline_seconds", ack_deadline_seconds=33).ack_deadline_seconds == 33
    with pytest.raises(exceptions.NotFound):
        update("dead_letter_policy", dead_letter_policy={"dead_letter_topic": dead_letters, "max_delivery_attempts": 9})
    assert "dead_letter_policy" not in update("dead_letter_policy")


def test_subscriptions_are_listed_page_by_page(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    names = {pubsub.subscription(topic) for _ in range(5)}
    listed = list(pubsub.subscriber.list_subscriptions(request={"project": project_path(), "page_size": 2}))
    assert names <= {each.name for each in listed}
    assert len({each.name for each in listed}) == len(listed)


def test_update_changes_the_fields_of_the_mask_and_no_other(local_pubsub: PubSub) -> None:
    topic = local_pubsub.topic()
    before = local_pubsub.create_subscription(topic, labels={"a": "1"}, retry_policy={})
    updated = local_pubsub.subscriber.update_subscription(
        request={
            "subscription": {
                "name": before.name,
                "ack_deadline_seconds": 33,
                "labels": {"b": "2"},
                "retain_acked_messages": True,
            },
            "update_mask": {"paths": ["ack_deadline_seconds", "labels", "retry_policy"]},
        }
    )
    assert updated.ack_deadline_seconds == 33
    assert dict(updated.labels) == {"b": "2"}
    assert not updated.retain_acked_messages
    # In the mask and not given: cleared.
    assert "retry_policy" not in updated
    assert local_pubsub.subscriber.get_subscription(subscription=before.name) == updated


@pytest.mark.parametrize(
    "path", ["retry_policy.nonsense", "ack_deadline_seconds.seconds", "labels.a", "push_config..push_endpoint", "*"]
)
def test_path_that_leads_nowhere_is_refused(local_pubsub: PubSub, path: str) -> None:
    name = local_pubsub.subscription(local_pubsub.topic())
    request = {"subscription": {"name": name, "labels": {"a": "1"}}, "update_mask": {"paths": [path]}}
    with pytest.raises(exceptions.InvalidArgument, match="not a known Subscription field"):
        local_pubsub.subscriber.update_subscription(request=request)


def test_page_token_that_no_list_gave_is_refused(local_pubsub: PubSub) -> None:
    with pytest.raises(exceptions.InvalidArgument, match="page token"):
        list(local_pubsub.subscriber.list_subscriptions(request={"project": project_path(), "page_token": "2"}))


def test_update_reaches_into_a_field(local_pubsub: PubSub) -> None:
    topic = local_pubsub.topic()
    push = {"push_endpoint": "http://127.0.0.1:9/a", "oidc_token": {"service_account_email": "a@b.c"}}
    name = local_pubsub.subscription(topic, push_config=push)
    updated = local_pubsub.subscriber.update_subscription(
        request={
            "subscription": {"name": name, "push_config": {"push_endpoint": "http://127.0.0.1:9/b"}},
            "update_mask": {"paths": ["push_config.push_endpoint"]},
        }
    )
    assert updated.push_config.push_endpoint.endswith("/b")
    assert updated.push_config.oidc_token.service_account_email == "a@b.c"


@pytest.mark.parametrize("field", ["topic", "filter", "enable_message_ordering", "name"])
def test_what_is_fixed_at_creation_cannot_be_updated(local_pubsub: PubSub, field: str) -> None:
    name = local_pubsub.subscription(local_pubsub.topic())
    with pytest.raises(exceptions.InvalidArgument, match="not mutable"):
        local_pubsub.subscriber.update_subscription(
            request={"subscription": {"name": name}, "update_mask": {"paths": [field]}}
        )


def test_refused_update_changes_nothing(local_pubsub: PubSub) -> None:
    before = local_pubsub.create_subscription(local_pubsub.topic())
    with pytest.raises(exceptions.InvalidArgument):
        local_pubsub.subscriber.update_subscription(
            request={
                "subscription": {"name": before.name, "labels": {"a": "1"}, "ack_deadline_seconds": 5},
                "update_mask": {"paths": ["labels", "ack_deadline_seconds"]},
            }
        )
    assert local_pubsub.subscriber.get_subscription(subscription=before.name) == before


def test_deleted_subscription_is_gone_and_its_backlog_too(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    name = pubsub.subscription(topic)
    pubsub.publish(topic, "lost")
    pubsub.subscriber.delete_subscription(subscription=name)
    with pytest.raises(exceptions.NotFound):
        pubsub.pull(name)
    pubsub.subscriber.create_subscription(name=name, topic=topic)
    assert pubsub.pull(name, now=True) == []


def test_detached_subscription_refuses_to_be_pulled(local_pubsub: PubSub) -> None:
    topic = local_pubsub.topic()
    name = local_pubsub.subscription(topic)
    local_pubsub.publish(topic, "dropped")
    local_pubsub.publisher.detach_subscription(request={"subscription": name})
    with pytest.raises(exceptions.FailedPrecondition):
        local_pubsub.pull(name)
    assert local_pubsub.subscriber.get_subscription(subscription=name).detached
    assert name not in set(local_pubsub.publisher.list_topic_subscriptions(topic=topic))


def test_push_subscription_refuses_to_be_pulled_until_it_no_longer_pushes(local_pubsub: PubSub) -> None:
    topic = local_pubsub.topic()
    name = local_pubsub.subscription(topic, push_config={"push_endpoint": "http://127.0.0.1:9/nobody"})
    with pytest.raises(exceptions.FailedPrecondition):
        local_pubsub.pull(name)
    local_pubsub.subscriber.modify_push_config(subscription=name, push_config={})
    local_pubsub.publish(topic, "pulled")
    assert local_pubsub.take(name, 1) == ["pulled"]
