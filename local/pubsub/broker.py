"""All topics, subscriptions and snapshots: created, found, changed, deleted, and loaded again after a restart."""

import secrets
from collections.abc import Callable
from typing import TypeVar

from local.pubsub import configuration, wire
from local.pubsub.dead_letter import dead_letter
from local.pubsub.errors import AlreadyExistsError, NotFoundError, UnavailableError
from local.pubsub.journal import Journal
from local.pubsub.names import DELETED_TOPIC, check_name, check_project, project_of
from local.pubsub.snapshot import Snapshot
from local.pubsub.subscription import Subscription
from local.pubsub.topic import Clock, Row, Topic, system_clock

_Named = TypeVar("_Named")


class Broker:
    """The state of the server. What its methods change is durable after `await journal.committed()`."""

    def __init__(self, journal: Journal, *, clock: Clock = system_clock) -> None:
        """Load everything from the journal. `clock` gives microseconds since 1970 (publish times, retention)."""
        self.journal = journal
        self.topics: dict[str, Topic] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.snapshots: dict[str, Snapshot] = {}
        #: Called when a subscription appears, changes or goes, so that pushing starts and stops.
        self.on_change: Callable[[Subscription], None] = lambda _: None
        self.clock = clock
        self._topics_by_id: dict[int, Topic] = {}
        for topic_id, name, config, head in journal.run("topics"):
            self._add_topic(topic_id, name, wire.Topic.FromString(config), head)
        for subscription_id, topic_id, config, born, floor in journal.run("subscriptions"):
            self._add_subscription(
                subscription_id,
                wire.Subscription.FromString(config),
                topic=self._topics_by_id.get(topic_id),
                born=born,
                floor=floor,
            )
        for snapshot_id, topic_id, config, floor in journal.run("snapshots"):
            topic = self._topics_by_id[topic_id]
            self.add_snapshot(snapshot_id, wire.Snapshot.FromString(config), topic=topic, floor=floor)

    def stop_delivering(self) -> None:
        """Send consumers away: the server is stopping, they'll connect again."""
        # What the subscriptions still have to save goes first: closed, they're out of the journal.
        self.journal.flush()
        for subscription in self.subscriptions.values():
            if subscription.closed is None:
                subscription.close(UnavailableError("The Pub/Sub server is stopping."))

    def get_topic(self, name: str) -> Topic:
        """The topic of that name; NotFoundError without."""
        topic = self.topics.get(name)
        if topic is None:
            raise NotFoundError(check_name(name, "topics"))
        return topic

    def get_subscription(self, name: str) -> Subscription:
        """The subscription of that name; NotFoundError without."""
        subscription = self.subscriptions.get(name)
        if subscription is None:
            raise NotFoundError(check_name(name, "subscriptions"))
        return subscription

    def get_snapshot(self, name: str) -> Snapshot:
        """The snapshot of that name, unless it has expired; NotFoundError without."""
        snapshot = self.snapshots.get(name)
        if snapshot is None:
            raise NotFoundError(check_name(name, "snapshots"))
        return snapshot

    def create_topic(self, requested: wire.Message) -> Topic:
        """A new topic as a Topic message asks for it."""
        config = configuration.complete_topic(requested)
        if config.name in self.topics:
            raise AlreadyExistsError(config.name)
        ((topic_id,),) = self.journal.run("insert_topic", config.name, config.SerializeToString())
        return self._add_topic(topic_id, config.name, config, 0)

    def update_topic(self, requested: wire.Message, paths: list[str]) -> Topic:
        """Change the fields at `paths` to those of `requested`."""
        topic = self.get_topic(requested.name)
        config = configuration.update_topic(topic.config, requested, paths)
        self.journal.run("update_topic", topic.name, config.SerializeToString(), topic.id)
        topic.config = config
        return topic

    def delete_topic(self, name: str) -> None:
        """Delete a topic. Its subscriptions stay with what they have, and name `_deleted-topic_` as their topic."""
        topic = self.topics.pop(self.get_topic(name).name)
        topic.name = topic.config.name = DELETED_TOPIC
        self.journal.run("update_topic", DELETED_TOPIC, topic.config.SerializeToString(), topic.id)
        for snapshot in [each for each in self.snapshots.values() if each.topic is topic]:
            self.delete_snapshot(snapshot.name)
        for subscription in self.subscriptions.values():
            if subscription.topic is topic:
                config = wire.Subscription()
                config.CopyFrom(subscription.config)
                config.topic = DELETED_TOPIC
                self._store(subscription, config)
        self._drop_if_unused(topic)

    def create_subscription(self, requested: wire.Message) -> Subscription:
        """A new subscription as a Subscription message asks for it; it gets what is published from now on."""
        wanted = wire.Subscription()
        wanted.CopyFrom(requested)
        if not wanted.name and wanted.topic:
            check_name(wanted.topic, "topics")
            wanted.name = f"projects/{project_of(wanted.topic)}/subscriptions/sub-{secrets.token_hex(8)}"
        config = configuration.new_subscription(wanted)
        if config.name in self.subscriptions:
            raise AlreadyExistsError(config.name)
        topic = self.get_topic(config.topic)
        self._check_dead_letter_topic(config)
        # What the topic retains for itself belongs to the new subscription too, but isn't part of its backlog.
        ((subscription_id,),) = self.journal.run(
            "insert_subscription", config.name, topic.id, config.SerializeToString(), topic.head, topic.head
        )
        subscription = self._add_subscription(subscription_id, config, topic=topic, born=topic.head, floor=topic.head)
        self.on_change(subscription)
        return subscription

    def update_subscription(self, requested: wire.Message, paths: list[str]) -> Subscription:
        """Change the fields at `paths` to those of `requested`."""
        subscription = self.get_subscription(requested.name)
        config = configuration.update_subscription(subscription.config, requested, paths)
        if config.dead_letter_policy != subscription.config.dead_letter_policy:
            # One that was deleted since stands in the way of no other change.
            self._check_dead_letter_topic(config)
        self._store(subscription, config)
        self.on_change(subscription)
        return subscription

    def modify_push_config(self, name: str, push_config: wire.Message) -> None:
        """Push elsewhere, or, with an empty endpoint, no more."""
        subscription = self.get_subscription(name)
        requested = wire.Subscription(name=name)
        requested.push_config.CopyFrom(push_config)
        self._store(subscription, configuration.update_subscription(subscription.config, requested, ["push_config"]))
        self.on_change(subscription)

    def delete_subscription(self, name: str) -> None:
        """Delete a subscription with its backlog."""
        subscription = self.subscriptions.pop(self.get_subscription(name).name)
        topic = subscription.topic
        subscription.close(NotFoundError(name))
        self.journal.run("delete_subscription", subscription.id)
        self.on_change(subscription)
        if topic is not None:
            self._drop_if_unused(topic)

    def detach_subscription(self, name: str) -> None:
        """Take a subscription off its topic; its backlog is dropped, and pulling refused."""
        subscription = self.get_subscription(name)
        topic = subscription.topic
        config = wire.Subscription()
        config.CopyFrom(subscription.config)
        config.detached = True
        subscription.detach()
        self._store(subscription, config)
        self.on_change(subscription)
        if topic is not None:
            self._drop_if_unused(topic)

    def delete_snapshot(self, name: str) -> None:
        """Delete a snapshot; what only it kept goes."""
        snapshot = self.snapshots.pop(self.get_snapshot(name).name)
        snapshot.topic.readers.pop(snapshot, None)
        self.journal.run("delete_snapshot", snapshot.id)
        self._drop_if_unused(snapshot.topic)

    def stored_topics(self) -> list[Topic]:
        """Every topic with messages, deleted ones that still have subscriptions too."""
        return list(self._topics_by_id.values())

    def topics_of(self, project: str) -> list[Topic]:
        """The topics of `projects/PROJECT`, by name."""
        return _within(self.topics, check_project(project))

    def subscriptions_of(self, project: str) -> list[Subscription]:
        """The subscriptions of `projects/PROJECT`, by name."""
        return _within(self.subscriptions, check_project(project))

    def snapshots_of(self, project: str) -> list[Snapshot]:
        """The snapshots of `projects/PROJECT`, by name."""
        return _within(self.snapshots, check_project(project))

    def _add_topic(self, topic_id: int, name: str, config: wire.Message, head: int) -> Topic:
        topic = Topic(topic_id=topic_id, name=name, config=config, head=head, journal=self.journal, clock=self.clock)
        self._topics_by_id[topic_id] = topic
        if not topic.is_deleted:
            self.topics[name] = topic
        return topic

    def _add_subscription(
        self, subscription_id: int, config: wire.Message, *, topic: Topic | None, born: int, floor: int
    ) -> Subscription:
        subscription = Subscription(
            subscription_id=subscription_id,
            config=config,
            topic=topic,
            born=born,
            floor=floor,
            journal=self.journal,
            forward=self._forward_dead,
        )
        self.subscriptions[subscription.name] = subscription
        return subscription

    def add_snapshot(self, snapshot_id: int, config: wire.Message, *, topic: Topic, floor: int) -> Snapshot:
        """Take in a snapshot that the journal has."""
        snapshot = Snapshot(id=snapshot_id, name=config.name, config=config, topic=topic, floor=floor)
        self.snapshots[snapshot.name] = snapshot
        topic.readers[snapshot] = None
        return snapshot

    def _store(self, subscription: Subscription, config: wire.Message) -> None:
        topic_id = subscription.topic.id if subscription.topic is not None else None
        self.journal.run("update_subscription", topic_id, config.SerializeToString(), subscription.id)
        subscription.configure(config)

    def _check_dead_letter_topic(self, config: wire.Message) -> None:
        if config.HasField("dead_letter_policy"):
            self.get_topic(config.dead_letter_policy.dead_letter_topic)

    def _forward_dead(self, subscription: Subscription, row: Row, attempts: int) -> bool:
        topic = self.topics.get(subscription.config.dead_letter_policy.dead_letter_topic)
        if topic is None:
            return False
        topic.publish([dead_letter(subscription, row, attempts)])
        return True

    def _drop_if_unused(self, topic: Topic) -> None:
        if topic.is_deleted and not topic.readers:
            self._topics_by_id.pop(topic.id, None)
            self.journal.withdraw(topic)
            self.journal.run("delete_messages", topic.id, 0, topic.head)
            self.journal.run("delete_topic", topic.id)


def _within(named: dict[str, _Named], project: str) -> list[_Named]:
    return [named[name] for name in sorted(named) if name.startswith(f"{project}/")]
