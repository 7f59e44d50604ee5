"""The protobuf messages of `google.pubsub.v1`, as the client package ships them.

The raw (upb) classes behind proto-plus: an attribute costs a tenth of what the wrapper's costs, and the bytes on the
wire are the same. They are made at run time, so to the type checker each is `Any`.
"""

from typing import Any, Final

from google.protobuf import duration_pb2, empty_pb2, field_mask_pb2, timestamp_pb2
from google.pubsub_v1.types import pubsub

#: An instance of one of the classes below.
Message = Any

Empty: Final = empty_pb2.Empty
FieldMask: Final = field_mask_pb2.FieldMask

Topic: Final[Any] = pubsub.Topic.pb()
PubsubMessage: Final[Any] = pubsub.PubsubMessage.pb()
Subscription: Final[Any] = pubsub.Subscription.pb()
PushConfig: Final[Any] = pubsub.PushConfig.pb()
Snapshot: Final[Any] = pubsub.Snapshot.pb()
PublishRequest: Final[Any] = pubsub.PublishRequest.pb()
PublishResponse: Final[Any] = pubsub.PublishResponse.pb()
PullResponse: Final[Any] = pubsub.PullResponse.pb()
StreamingPullRequest: Final[Any] = pubsub.StreamingPullRequest.pb()
StreamingPullResponse: Final[Any] = pubsub.StreamingPullResponse.pb()
ListTopicsResponse: Final[Any] = pubsub.ListTopicsResponse.pb()
ListTopicSubscriptionsResponse: Final[Any] = pubsub.ListTopicSubscriptionsResponse.pb()
ListTopicSnapshotsResponse: Final[Any] = pubsub.ListTopicSnapshotsResponse.pb()
ListSubscriptionsResponse: Final[Any] = pubsub.ListSubscriptionsResponse.pb()
ListSnapshotsResponse: Final[Any] = pubsub.ListSnapshotsResponse.pb()
DetachSubscriptionResponse: Final[Any] = pubsub.DetachSubscriptionResponse.pb()
SeekResponse: Final[Any] = pubsub.SeekResponse.pb()

#: Request classes by method of the service, for the server's table of handlers.
PUBLISHER_REQUESTS: Final[dict[str, Any]] = {
    "CreateTopic": Topic,
    "UpdateTopic": pubsub.UpdateTopicRequest.pb(),
    "Publish": PublishRequest,
    "GetTopic": pubsub.GetTopicRequest.pb(),
    "ListTopics": pubsub.ListTopicsRequest.pb(),
    "ListTopicSubscriptions": pubsub.ListTopicSubscriptionsRequest.pb(),
    "ListTopicSnapshots": pubsub.ListTopicSnapshotsRequest.pb(),
    "DeleteTopic": pubsub.DeleteTopicRequest.pb(),
    "DetachSubscription": pubsub.DetachSubscriptionRequest.pb(),
}
SUBSCRIBER_REQUESTS: Final[dict[str, Any]] = {
    "CreateSubscription": Subscription,
    "GetSubscription": pubsub.GetSubscriptionRequest.pb(),
    "UpdateSubscription": pubsub.UpdateSubscriptionRequest.pb(),
    "ListSubscriptions": pubsub.ListSubscriptionsRequest.pb(),
    "DeleteSubscription": pubsub.DeleteSubscriptionRequest.pb(),
    "ModifyAckDeadline": pubsub.ModifyAckDeadlineRequest.pb(),
    "Acknowledge": pubsub.AcknowledgeRequest.pb(),
    "Pull": pubsub.PullRequest.pb(),
    "ModifyPushConfig": pubsub.ModifyPushConfigRequest.pb(),
    "GetSnapshot": pubsub.GetSnapshotRequest.pb(),
    "ListSnapshots": pubsub.ListSnapshotsRequest.pb(),
    "CreateSnapshot": pubsub.CreateSnapshotRequest.pb(),
    "UpdateSnapshot": pubsub.UpdateSnapshotRequest.pb(),
    "DeleteSnapshot": pubsub.DeleteSnapshotRequest.pb(),
    "Seek": pubsub.SeekRequest.pb(),
}

#: `Topic.State` and `Subscription.State`: ACTIVE.
ACTIVE: Final = 1


def timestamp(microseconds: int) -> timestamp_pb2.Timestamp:
    """A protobuf timestamp of microseconds since 1970."""
    seconds, rest = divmod(microseconds, 1_000_000)
    return timestamp_pb2.Timestamp(seconds=seconds, nanos=rest * 1000)


def timestamp_us(value: Message) -> int:
    """Microseconds since 1970 of a protobuf timestamp."""
    return int(value.seconds) * 1_000_000 + int(value.nanos) // 1000


def duration(seconds: float) -> duration_pb2.Duration:
    """A protobuf duration."""
    whole = int(seconds)
    return duration_pb2.Duration(seconds=whole, nanos=round((seconds - whole) * 1e9))


def duration_s(value: Message) -> float:
    """Seconds of a protobuf duration."""
    return float(value.seconds) + float(value.nanos) / 1e9


def rfc3339(microseconds: int) -> str:
    """Microseconds since 1970 as Google writes times in JSON: UTC, milliseconds, `2026-03-01T12:00:00.123Z`."""
    moment = timestamp(microseconds).ToDatetime()
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"
