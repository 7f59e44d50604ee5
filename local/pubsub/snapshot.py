"""A snapshot: what a subscription had acknowledged at one moment, to go back to."""

from dataclasses import dataclass

from local.pubsub import wire
from local.pubsub.topic import Topic


@dataclass(slots=True, eq=False, kw_only=True)
class Snapshot:
    """One snapshot. What was acknowledged above its floor stands in the journal's table `snapshot_acked`."""

    id: int
    name: str
    #: The Snapshot message clients see.
    config: wire.Message
    topic: Topic
    floor: int

    def needed_from(self, now_us: int) -> int:  # noqa: ARG002 - a reader's signature
        """Up to where the topic may delete messages, as far as the snapshot goes (see `topic.Reader`)."""
        return self.floor

    def notify(self) -> None:
        """A snapshot doesn't care for new messages."""
