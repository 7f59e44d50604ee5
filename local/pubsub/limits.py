"""What a publisher may send: Google's limits on requests, messages and attributes.

The figures: https://cloud.google.com/pubsub/quotas#resource_limits. A refused request publishes nothing at all.
"""

from typing import Final

from local.pubsub import wire
from local.pubsub.errors import InvalidArgumentError

MAX_REQUEST_BYTES: Final = 10_000_000
MAX_MESSAGES: Final = 1_000
MAX_ATTRIBUTES: Final = 100
MAX_ATTRIBUTE_KEY_BYTES: Final = 256
MAX_ATTRIBUTE_VALUE_BYTES: Final = 1_024
MAX_ORDERING_KEY_BYTES: Final = 1_024

#: Acknowledge and ModifyAckDeadline requests may be this long.
MAX_ACK_REQUEST_BYTES: Final = 524_288

#: Attribute keys that were found good: publishers use few, in every message.
_good_keys: Final[set[str]] = set()
_MAX_GOOD_KEYS: Final = 1_000


def check_publish(request: wire.Message) -> None:
    """Raise InvalidArgumentError unless every message of a PublishRequest may be published."""
    count = len(request.messages)
    if count == 0:
        raise _too_small("message_count", 0, 1)
    if count > MAX_MESSAGES:
        raise _too_large("message_count", count, MAX_MESSAGES)
    size = request.ByteSize()
    if size > MAX_REQUEST_BYTES:
        raise _too_large("request_size", size, MAX_REQUEST_BYTES)
    ordering_key = request.messages[0].ordering_key
    if _longer(ordering_key, MAX_ORDERING_KEY_BYTES):
        raise _too_large("ordering_key_size", len(ordering_key.encode()), MAX_ORDERING_KEY_BYTES)
    for message in request.messages:
        _check_message(message)
        if message.ordering_key != ordering_key:
            raise InvalidArgumentError(
                "In a single publish request, all messages must have no ordering key or they must all have the same "
                "ordering key."
            )


def check_ack_request(request: wire.Message) -> None:
    """Raise InvalidArgumentError unless an Acknowledge or ModifyAckDeadline request names ids, and not too many."""
    if not request.ack_ids:
        raise _too_small("ack_ids", 0, 1)
    if request.ByteSize() > MAX_ACK_REQUEST_BYTES:
        raise InvalidArgumentError(f"Request payload size exceeds the limit: {MAX_ACK_REQUEST_BYTES} bytes.")


def check_between(field: str, value: float, smallest: float, largest: float) -> None:
    """Raise InvalidArgumentError unless `smallest <= value <= largest`, in Google's words."""
    if value < smallest:
        raise _too_small(field, value, smallest)
    if value > largest:
        raise _too_large(field, value, largest)


def _check_message(message: wire.Message) -> None:
    attributes = message.attributes
    # Most have keys that are known, and are too short for a long value: asked without looking at each by itself.
    if (
        0 < len(attributes) <= MAX_ATTRIBUTES
        and _good_keys.issuperset(attributes)
        and message.ByteSize() <= MAX_ATTRIBUTE_VALUE_BYTES
    ):
        return
    if not attributes and not message.data:
        raise InvalidArgumentError(
            "One or more messages in the publish request is empty. Each message must contain "
            "either non-empty data, or at least one attribute."
        )
    if len(attributes) > MAX_ATTRIBUTES:
        raise _too_large("attribute_count", len(attributes), MAX_ATTRIBUTES)
    for key, value in attributes.items():
        # A character takes at most four bytes, so most values needn't be encoded to know.
        if key not in _good_keys or len(value) * 4 > MAX_ATTRIBUTE_VALUE_BYTES:
            _check_attribute(key, value)


def _check_attribute(key: str, value: str) -> None:
    if not key:
        raise InvalidArgumentError("A message has an attribute with an empty key.")
    if key.startswith("goog"):
        raise InvalidArgumentError(f"Attribute keys must not start with 'goog' (key={key}).")
    if _longer(key, MAX_ATTRIBUTE_KEY_BYTES):
        raise _too_large("attribute_key_size", len(key.encode()), MAX_ATTRIBUTE_KEY_BYTES)
    if _longer(value, MAX_ATTRIBUTE_VALUE_BYTES):
        raise _too_large("attribute_value_size", len(value.encode()), MAX_ATTRIBUTE_VALUE_BYTES)
    if len(_good_keys) < _MAX_GOOD_KEYS:
        _good_keys.add(key)


def _longer(text: str, limit_bytes: int) -> bool:
    return len(text) * 4 > limit_bytes and len(text.encode()) > limit_bytes


def _too_small(field: str, value: float, smallest: float) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"The value for {field} is too small. You passed {value} in the request, but the minimum value is {smallest}."
    )


def _too_large(field: str, value: float, largest: float) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"The value for {field} is too large. You passed {value} in the request, but the maximum value is {largest}."
    )
