"""A message that was given up, on its way to the dead letter topic.

The attributes: https://cloud.google.com/pubsub/docs/handling-failures#track_delivery_attempts.
"""

from typing import TYPE_CHECKING, Final

from local.pubsub import wire
from local.pubsub.names import id_of, project_of
from local.pubsub.topic import Row

if TYPE_CHECKING:
    from local.pubsub.subscription import Subscription

_PREFIX: Final = "CloudPubSubDeadLetterSource"


def dead_letter(subscription: "Subscription", row: Row, attempts: int) -> wire.Message:
    """The PubsubMessage to publish: the same data, attributes and ordering key, and where it comes from."""
    message = wire.PubsubMessage.FromString(row.body)
    message.ClearField("message_id")
    message.ClearField("publish_time")
    message.attributes[f"{_PREFIX}DeliveryCount"] = str(attempts)
    message.attributes[f"{_PREFIX}Subscription"] = id_of(subscription.name)
    message.attributes[f"{_PREFIX}SubscriptionProject"] = project_of(subscription.name)
    message.attributes[f"{_PREFIX}TopicPublishTime"] = wire.rfc3339(row.published_us)
    return message
