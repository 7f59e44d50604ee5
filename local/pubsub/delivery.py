"""A message on its way to a consumer, the id by which it's acknowledged, and what is counted."""

from dataclasses import dataclass, fields

from local.pubsub import wire
from local.pubsub.errors import InvalidArgumentError
from local.pubsub.leases import Lease
from local.pubsub.topic import Row


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message on its way to a consumer."""

    lease: Lease
    ack_id: str
    row: Row
    #: From 1; 0 when the subscription has no dead letter policy, as Google has it.
    attempt: int

    @property
    def message_id(self) -> str:
        """The id that the publisher got; read from the message, so not for every delivery."""
        return str(wire.PubsubMessage.FromString(self.row.body).message_id)

    def add_to(self, response: wire.Message) -> None:
        """Append it to a PullResponse or StreamingPullResponse."""
        received = response.received_messages.add()
        received.ack_id = self.ack_id
        received.message.MergeFromString(self.row.body)
        received.delivery_attempt = self.attempt


@dataclass(slots=True)
class Counts:
    """What happened on a subscription since the server started."""

    delivered: int = 0
    acknowledged: int = 0
    refused: int = 0
    expired: int = 0
    dead_lettered: int = 0

    def items(self) -> list[tuple[str, int]]:
        """Names and values, for the status page and the metrics."""
        return [(each.name, getattr(self, each.name)) for each in fields(self)]


def render_ack_id(subscription_id: int, lease: Lease) -> str:
    """The id of one delivery. Opaque to clients; three hexadecimal numbers to us."""
    return f"{subscription_id:x}-{lease.sequence:x}-{lease.token:x}"


def parse_ack_id(subscription_id: int, ack_id: str) -> tuple[int, int]:
    """The sequence number and token of a delivery; InvalidArgumentError unless it's an id of this subscription."""
    try:
        owner, sequence, token = (int(part, 16) for part in ack_id.split("-"))
    except ValueError:
        owner = sequence = token = -1
    if owner != subscription_id:
        raise InvalidArgumentError(f"Some acknowledgement ids in the request were invalid (ack_id={ack_id}).")
    return sequence, token
