"""Going back and forward in a subscription: snapshots, and seeking to one or to a time.

https://cloud.google.com/pubsub/docs/replay-overview.
"""

import secrets
from typing import Final

from local.pubsub import configuration, wire
from local.pubsub.backlog import Backlog
from local.pubsub.broker import Broker
from local.pubsub.errors import AlreadyExistsError, FailedPreconditionError, InvalidArgumentError
from local.pubsub.names import check_name, project_of
from local.pubsub.snapshot import Snapshot
from local.pubsub.subscription import Subscription
from local.pubsub.topic import Topic

_HOUR_US: Final = 3600 * 1_000_000
_WEEK_US: Final = 7 * 24 * _HOUR_US


def create_snapshot(broker: Broker, request: wire.Message) -> Snapshot:
    """Keep what a subscription has acknowledged now, as a CreateSnapshotRequest asks for it.

    It expires a week after the oldest message in the backlog was published.
    """
    subscription = broker.get_subscription(request.subscription)
    name = request.name or f"projects/{project_of(subscription.name)}/snapshots/snap-{secrets.token_hex(8)}"
    if check_name(name, "snapshots") in broker.snapshots:
        raise AlreadyExistsError(name)
    configuration.check_labels(request.labels)
    topic, backlog = _attached(subscription)
    now = broker.clock()
    oldest = topic.page(backlog.window.floor + 1, 1)
    expires_us = (oldest[0].published_us if oldest else now) + _WEEK_US
    if expires_us < now + _HOUR_US:
        raise FailedPreconditionError("The backlog of the subscription is too old for a snapshot.")
    config = wire.Snapshot(name=name, topic=subscription.config.topic, expire_time=wire.timestamp(expires_us))
    config.labels.update(request.labels)
    # So that the journal's table of acknowledgements is what the subscription knows.
    broker.journal.flush()
    floor = backlog.window.floor
    ((snapshot_id,),) = broker.journal.run("insert_snapshot", name, topic.id, config.SerializeToString(), floor)
    broker.journal.run("copy_acked_to_snapshot", snapshot_id, subscription.id)
    return broker.add_snapshot(snapshot_id, config, topic=topic, floor=floor)


def update_snapshot(broker: Broker, requested: wire.Message, paths: list[str]) -> Snapshot:
    """Change the fields at `paths` to those of `requested`."""
    snapshot = broker.get_snapshot(requested.name)
    snapshot.config = configuration.update_snapshot(snapshot.config, requested, paths)
    broker.journal.run("update_snapshot", snapshot.config.SerializeToString(), snapshot.id)
    return snapshot


def seek_to_time(broker: Broker, name: str, time_us: int) -> None:
    """Acknowledge what was published before that time, and bring back what was published since and is retained."""
    subscription = broker.get_subscription(name)
    topic, backlog = _attached(subscription)
    floor = topic.last_before(time_us)
    now = broker.clock()
    retained_from: list[int] = []
    if subscription.config.retain_acked_messages:
        retained_from.append(subscription.retention_floor(now))
    if topic.retention_us is not None:
        retained_from.append(topic.last_before(now - topic.retention_us))
    if retained_from:
        broker.journal.run("forget_acked", subscription.id, topic.head)
        subscription.seek(max(floor, min(retained_from)))
    else:
        # Nothing acknowledged is retained, so none of it comes back, even if it's still stored for others.
        broker.journal.flush()
        subscription.seek(max(floor, backlog.window.floor))


def seek_to_snapshot(broker: Broker, name: str, snapshot_name: str) -> None:
    """Acknowledge exactly what was acknowledged when the snapshot was made."""
    subscription = broker.get_subscription(name)
    snapshot = broker.get_snapshot(snapshot_name)
    topic, _ = _attached(subscription)
    if topic is not snapshot.topic:
        raise InvalidArgumentError("The snapshot and the subscription are not on the same topic.")
    broker.journal.run("forget_acked", subscription.id, topic.head)
    broker.journal.run("copy_acked_from_snapshot", subscription.id, snapshot.id)
    subscription.seek(snapshot.floor)


def _attached(subscription: Subscription) -> tuple[Topic, Backlog]:
    if subscription.topic is None or subscription.backlog is None:
        raise FailedPreconditionError("The subscription is detached from its topic.")
    return subscription.topic, subscription.backlog
