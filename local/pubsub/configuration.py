"""What a topic or subscription may be set to: defaults filled in, values checked, updates by field mask.

Bounds and defaults are those of the API's reference (google/pubsub/v1/pubsub.proto).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlsplit

from google.protobuf import field_mask_pb2

from local.pubsub import wire
from local.pubsub.errors import InvalidArgumentError, UnsupportedError
from local.pubsub.filter import compile_filter
from local.pubsub.limits import check_between
from local.pubsub.names import check_name

_MINUTE_S: Final = 60
_DAY_S: Final = 24 * 60 * _MINUTE_S
_MAX_RETENTION_S: Final = 31 * _DAY_S
_DEFAULT_ACK_DEADLINE_S: Final = 10
_DEFAULT_RETENTION_S: Final = 7 * _DAY_S
_DEFAULT_EXPIRATION_S: Final = 31 * _DAY_S
_DEFAULT_BACKOFF_S: Final = (10.0, 600.0)
_MAX_BACKOFF_S: Final = 600.0
_DEFAULT_ATTEMPTS: Final = 5

#: https://cloud.google.com/pubsub/docs/labels#requirements: letters of any script, none of them upper case.
_MAX_LABELS: Final = 64
_LABEL: Final = re.compile(r"[\w-]{0,63}")

_TOPIC_FIXED: Final = frozenset({"name", "kms_key_name", "state", "satisfies_pzs"})
_SUBSCRIPTION_FIXED: Final = frozenset(
    {"name", "topic", "filter", "enable_message_ordering", "detached", "state", "topic_message_retention_duration"}
)
_TOPIC_UNSUPPORTED: Final = ("schema_settings", "ingestion_data_source_settings", "message_transforms")
_SUBSCRIPTION_UNSUPPORTED: Final = ("bigquery_config", "cloud_storage_config", "bigtable_config", "message_transforms")


def complete_topic(requested: wire.Message) -> wire.Message:
    """A checked copy of a Topic to create or to store."""
    topic = wire.Topic()
    topic.CopyFrom(requested)
    check_name(topic.name, "topics")
    _refuse(topic, _TOPIC_UNSUPPORTED)
    check_labels(topic.labels)
    if topic.HasField("message_retention_duration"):
        _check_retention(topic.message_retention_duration)
    topic.state = wire.ACTIVE
    return topic


def complete_subscription(requested: wire.Message) -> wire.Message:
    """A checked copy of a Subscription to create or to store, with Google's defaults where nothing is said."""
    subscription = wire.Subscription()
    subscription.CopyFrom(requested)
    check_name(subscription.name, "subscriptions")
    _refuse(subscription, _SUBSCRIPTION_UNSUPPORTED)
    check_labels(subscription.labels)
    subscription.ack_deadline_seconds = subscription.ack_deadline_seconds or _DEFAULT_ACK_DEADLINE_S
    check_between("ack_deadline_seconds", subscription.ack_deadline_seconds, 10, 600)
    if not subscription.HasField("message_retention_duration"):
        subscription.message_retention_duration.CopyFrom(wire.duration(_DEFAULT_RETENTION_S))
    _check_retention(subscription.message_retention_duration)
    if not subscription.HasField("expiration_policy"):
        subscription.expiration_policy.ttl.CopyFrom(wire.duration(_DEFAULT_EXPIRATION_S))
    elif subscription.expiration_policy.HasField("ttl"):
        ttl_s = wire.duration_s(subscription.expiration_policy.ttl)
        check_between("expiration_policy.ttl", ttl_s, _DAY_S, 365 * _DAY_S)
    if subscription.HasField("retry_policy"):
        _complete_retry_policy(subscription.retry_policy)
    if subscription.HasField("dead_letter_policy"):
        _complete_dead_letter_policy(subscription.dead_letter_policy)
    if subscription.HasField("push_config"):
        check_push_config(subscription.push_config)
    if subscription.enable_exactly_once_delivery and subscription.push_config.push_endpoint:
        raise InvalidArgumentError("Exactly-once delivery is for pull subscriptions; this one has a push endpoint.")
    compile_filter(subscription.filter)
    subscription.state = wire.ACTIVE
    subscription.ClearField("topic_message_retention_duration")
    return subscription


def new_subscription(requested: wire.Message) -> wire.Message:
    """As `complete_subscription`, for one that doesn't exist yet."""
    subscription = complete_subscription(requested)
    subscription.ClearField("detached")
    return subscription


def check_push_config(config: wire.Message) -> None:
    """Raise InvalidArgumentError unless the endpoint is empty (no pushing) or an absolute HTTP address."""
    if not config.push_endpoint:
        return
    try:
        config.push_endpoint.encode("ascii")
        parts = urlsplit(config.push_endpoint)
        reachable = (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and (parts.port is None or parts.port > 0)
            and not re.search(r"[\s\0-\x1f]", config.push_endpoint)
        )
    except ValueError:
        reachable = False
    if not reachable:
        raise InvalidArgumentError(
            f"Invalid push endpoint given (endpoint={config.push_endpoint}). "
            "Refer to https://cloud.google.com/pubsub/docs/create-push-subscription for more information."
        )


def check_labels(labels: Mapping[str, str]) -> None:
    """Raise InvalidArgumentError unless they are labels as Google has them."""
    if len(labels) > _MAX_LABELS:
        check_between("label_count", len(labels), 0, _MAX_LABELS)
    for key, value in labels.items():
        for text in (key, value):
            if not _LABEL.fullmatch(text) or text != text.lower():
                raise InvalidArgumentError(
                    f"Invalid label: {text!r} is not up to 63 lower-case letters, digits, '_' and '-'."
                )
        if not key or not key[0].isalpha():
            raise InvalidArgumentError(f"Invalid label: its key {key!r} doesn't begin with a letter.")


def update_topic(current: wire.Message, requested: wire.Message, paths: Iterable[str]) -> wire.Message:
    """`current` with the fields at `paths` taken from `requested`, checked."""
    return complete_topic(_merge("Topic", current, requested, list(paths), _TOPIC_FIXED))


def update_subscription(current: wire.Message, requested: wire.Message, paths: Iterable[str]) -> wire.Message:
    """`current` with the fields at `paths` taken from `requested`, checked."""
    return complete_subscription(_merge("Subscription", current, requested, list(paths), _SUBSCRIPTION_FIXED))


def update_snapshot(current: wire.Message, requested: wire.Message, paths: Iterable[str]) -> wire.Message:
    """`current` with the fields at `paths` taken from `requested`, checked."""
    snapshot = _merge("Snapshot", current, requested, list(paths), frozenset({"name", "topic"}))
    check_labels(snapshot.labels)
    return snapshot


def _merge(
    kind: str, current: wire.Message, requested: wire.Message, paths: list[str], fixed: frozenset[str]
) -> wire.Message:
    if not paths:
        raise InvalidArgumentError(f"The update_mask in the Update{kind}Request must be set, and must be non-empty.")
    merged = type(current)()
    merged.CopyFrom(current)
    for path in paths:
        field, _, nested = path.partition(".")
        if not _names_a_field(current, path):
            raise InvalidArgumentError(
                f"Invalid update_mask provided in the Update{kind}Request: {path} is not a known {kind} field. "
                "Note that field paths must be of the form 'push_config' rather than 'pushConfig'."
            )
        if field in fixed:
            raise InvalidArgumentError(
                f"Invalid update_mask provided in the Update{kind}Request: "
                f"the '{field}' field in the {kind} is not mutable."
            )
        if nested:
            mask = field_mask_pb2.FieldMask(paths=[path])
            mask.MergeMessage(requested, merged, replace_message_field=True, replace_repeated_field=True)
            continue
        # By way of a message that has nothing but this field: that works alike for plain, repeated and map fields.
        only = type(current)()
        only.CopyFrom(requested)
        for other, _ in requested.ListFields():
            if other.name != field:
                only.ClearField(other.name)
        merged.ClearField(field)
        merged.MergeFrom(only)
    return merged


def _names_a_field(message: wire.Message, path: str) -> bool:
    """Whether `path` leads through fields that hold one message each to a field that exists."""
    descriptor = message.DESCRIPTOR
    for name in path.split("."):
        field = descriptor.fields_by_name.get(name) if descriptor is not None else None
        if field is None:
            return False
        descriptor = None if field.is_repeated else field.message_type
    return True


def _refuse(message: wire.Message, unsupported: Iterable[str]) -> None:
    present = {field.name for field, _ in message.ListFields()}
    for field in unsupported:
        if field in present:
            raise UnsupportedError(f"The local Pub/Sub has no {field}: leave it out, or use Google's service.")


def _check_retention(duration: wire.Message) -> None:
    check_between("message_retention_duration", wire.duration_s(duration), 10 * _MINUTE_S, _MAX_RETENTION_S)


def _complete_retry_policy(policy: wire.Message) -> None:
    for field, default_s in zip(("minimum_backoff", "maximum_backoff"), _DEFAULT_BACKOFF_S, strict=True):
        if not policy.HasField(field):
            getattr(policy, field).CopyFrom(wire.duration(default_s))
        check_between(f"retry_policy.{field}", wire.duration_s(getattr(policy, field)), 0, _MAX_BACKOFF_S)
    if wire.duration_s(policy.minimum_backoff) > wire.duration_s(policy.maximum_backoff):
        raise InvalidArgumentError("The retry policy's minimum_backoff is longer than its maximum_backoff.")


def _complete_dead_letter_policy(policy: wire.Message) -> None:
    check_name(policy.dead_letter_topic, "topics")
    policy.max_delivery_attempts = policy.max_delivery_attempts or _DEFAULT_ATTEMPTS
    check_between("max_delivery_attempts", policy.max_delivery_attempts, 5, 100)
