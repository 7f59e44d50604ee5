"""Topics: create, get, list, update, delete."""

import pytest
from google.api_core import exceptions

from tests.integration.pubsub.clients import PubSub, project_path


def test_topic_is_there_once_created(pubsub: PubSub) -> None:
    name = pubsub.topic(labels={"team": "care"})
    topic = pubsub.publisher.get_topic(topic=name)
    assert topic.name == name
    assert dict(topic.labels) == {"team": "care"}


def test_second_topic_of_a_name_is_refused(pubsub: PubSub) -> None:
    name = pubsub.topic()
    with pytest.raises(exceptions.AlreadyExists):
        pubsub.publisher.create_topic(name=name)


def test_unknown_topic_is_not_found(pubsub: PubSub) -> None:
    name = pubsub.name("topics")
    for call in (
        lambda: pubsub.publisher.get_topic(topic=name),
        lambda: pubsub.publisher.delete_topic(topic=name),
        lambda: pubsub.publish(name, "lost"),
        lambda: pubsub.create_subscription(name),
        lambda: list(pubsub.publisher.list_topic_subscriptions(topic=name)),
    ):
        with pytest.raises(exceptions.NotFound):
            call()


def test_not_found_says_which_in_google_s_words(local_pubsub: PubSub) -> None:
    with pytest.raises(exceptions.NotFound, match=r"Resource not found \(resource=no-such-topic\)\."):
        local_pubsub.publisher.get_topic(topic=f"{project_path()}/topics/no-such-topic")


@pytest.mark.parametrize(
    "name", ["x", "topics/abc", "projects/p/topics/a", "projects/p/topics/9lives", "projects/p/x/abc"]
)
def test_malformed_name_is_refused(pubsub: PubSub, name: str) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        pubsub.publisher.create_topic(name=name)


def test_name_that_starts_with_goog_is_refused(local_pubsub: PubSub) -> None:
    with pytest.raises(exceptions.InvalidArgument):
        local_pubsub.publisher.create_topic(name=f"{project_path()}/topics/google-things")


def test_topics_are_listed_page_by_page(pubsub: PubSub) -> None:
    names = {pubsub.topic() for _ in range(5)}
    listed = list(pubsub.publisher.list_topics(request={"project": project_path(), "page_size": 2}))
    assert names <= {topic.name for topic in listed}
    assert len({topic.name for topic in listed}) == len(listed)


def test_topics_of_another_project_are_not_listed(pubsub: PubSub) -> None:
    pubsub.topic()
    assert not list(pubsub.publisher.list_topics(project="projects/some-other-project"))


def test_update_changes_the_fields_of_the_mask_and_no_other(local_pubsub: PubSub) -> None:
    name = local_pubsub.topic(labels={"team": "care", "tier": "one"})
    updated = local_pubsub.publisher.update_topic(
        request={
            "topic": {"name": name, "labels": {"team": "cure"}, "message_retention_duration": {"seconds": 3600}},
            "update_mask": {"paths": ["labels"]},
        }
    )
    assert dict(updated.labels) == {"team": "cure"}
    assert not updated.message_retention_duration
    assert local_pubsub.publisher.get_topic(topic=name) == updated


@pytest.mark.parametrize("paths", [[], ["name"], ["no_such_field"]])
def test_update_of_nothing_or_of_what_is_fixed_is_refused(pubsub: PubSub, paths: list[str]) -> None:
    name = pubsub.topic()
    with pytest.raises(exceptions.InvalidArgument):
        pubsub.publisher.update_topic(request={"topic": {"name": name}, "update_mask": {"paths": paths}})


def test_topic_lists_its_subscriptions(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    names = {pubsub.subscription(topic) for _ in range(3)}
    pubsub.subscription(pubsub.topic())
    listed = pubsub.publisher.list_topic_subscriptions(request={"topic": topic, "page_size": 2})
    assert set(listed) == names


def test_deleted_topic_leaves_its_subscriptions_with_what_they_had(local_pubsub: PubSub) -> None:
    topic = local_pubsub.topic()
    subscription = local_pubsub.subscription(topic)
    local_pubsub.publish(topic, "before")
    local_pubsub.publisher.delete_topic(topic=topic)
    assert local_pubsub.subscriber.get_subscription(subscription=subscription).topic == "_deleted-topic_"
    assert local_pubsub.take(subscription, 1) == ["before"]


def test_topic_created_again_is_another_one(pubsub: PubSub) -> None:
    topic = pubsub.topic()
    old = pubsub.subscription(topic)
    first_id = pubsub.publish(topic, "first life")
    pubsub.publisher.delete_topic(topic=topic)
    pubsub.publisher.create_topic(name=topic)
    new = pubsub.subscription(topic)
    assert pubsub.publish(topic, "second life") != first_id
    assert pubsub.take(new, 1) == ["second life"]
    assert list(pubsub.publisher.list_topic_subscriptions(topic=topic)) == [new]
    pubsub.subscriber.delete_subscription(subscription=old)


def test_what_google_has_and_we_do_not_is_refused_by_name(local_pubsub: PubSub) -> None:
    with pytest.raises(exceptions.MethodNotImplemented, match="schema_settings"):
        local_pubsub.topic(schema_settings={"schema": "projects/p/schemas/s"})
