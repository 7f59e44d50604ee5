"""The request that Google sends to a push endpoint.

Forms: https://cloud.google.com/pubsub/docs/push#receive_push and, without the wrapper,
https://cloud.google.com/pubsub/docs/payload-unwrapping.
"""

import base64
import re
from typing import Any, Final, NamedTuple

import orjson

from local.pubsub import wire
from local.pubsub.delivery import Delivery
from local.pubsub.subscription import Subscription

_USER_AGENT: Final = "CloudPubSub-Google"
_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


class PushRequest(NamedTuple):
    """Body and headers of one push, but for the token."""

    body: bytes
    headers: dict[str, str]


def push_request(subscription: Subscription, delivery: Delivery) -> PushRequest:
    """What to send for one delivery, in the form that the subscription's push configuration asks for."""
    message = wire.PubsubMessage.FromString(delivery.row.body)
    if subscription.config.push_config.WhichOneof("wrapper") == "no_wrapper":
        return _unwrapped(subscription, delivery, message)
    return _wrapped(subscription, delivery, message)


def _wrapped(subscription: Subscription, delivery: Delivery, message: wire.Message) -> PushRequest:
    published_at = wire.rfc3339(delivery.row.published_us)
    # Both spellings of each name: Google sends both. Like all JSON made of protobuf, empty fields are left out.
    content: dict[str, Any] = {
        "messageId": message.message_id,
        "message_id": message.message_id,
        "publishTime": published_at,
        "publish_time": published_at,
    }
    if message.data:
        content["data"] = base64.b64encode(message.data).decode("ascii")
    if message.attributes:
        content["attributes"] = dict(message.attributes)
    if message.ordering_key:
        content["orderingKey"] = message.ordering_key
    envelope: dict[str, Any] = {"message": content, "subscription": subscription.name}
    if delivery.attempt:
        envelope["deliveryAttempt"] = delivery.attempt
    return PushRequest(
        orjson.dumps(envelope),
        {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": _USER_AGENT},
    )


def _unwrapped(subscription: Subscription, delivery: Delivery, message: wire.Message) -> PushRequest:
    headers = {"Content-Type": "application/octet-stream", "User-Agent": _USER_AGENT}
    if subscription.config.push_config.no_wrapper.write_metadata:
        headers["x-goog-pubsub-subscription-name"] = subscription.name
        headers["x-goog-pubsub-message-id"] = message.message_id
        headers["x-goog-pubsub-publish-time"] = wire.rfc3339(delivery.row.published_us)
        if message.ordering_key:
            headers["x-goog-pubsub-ordering-key"] = _one_line(message.ordering_key)
        if delivery.attempt:
            headers["x-goog-pubsub-delivery-attempt"] = str(delivery.attempt)
        # An attribute that can't be a header is left out, so that it can't break the request either.
        headers.update(
            (key, _one_line(value)) for key, value in message.attributes.items() if _HEADER_NAME.fullmatch(key)
        )
    return PushRequest(bytes(message.data), headers)


def _one_line(value: str) -> str:
    return re.sub(r"[\r\n\0]", " ", value)
