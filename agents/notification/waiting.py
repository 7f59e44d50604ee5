"""A message that waits for quiet hours to end: a scheduled task, and what it carries."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from pydantic import AwareDatetime

from agents.graphql.operations import Mutation
from agents.notification.operations import plan_message
from agents.notification.sending import Key
from agents.runtime.tasks import Task


class SendLater(Task):
    """Due when the customer's quiet hours end. It carries what the event said, which names nobody."""

    TYPE: ClassVar[str] = "notification.send"

    event_id: UUID
    channel: str
    template: str
    customer_id: UUID
    data: dict[str, Any]
    #: When they end; None in what was planned before it was written down.
    until: AwareDatetime | None = None

    @property
    def key(self) -> Key:
        """The message that waits."""
        return Key(event_id=self.event_id, channel=self.channel, template=self.template)


def plan_later(key: Key, *, customer_id: UUID, data: dict[str, Any], until: datetime) -> Mutation:
    """Plan the message for the end of the quiet hours; what is planned for that moment already stays."""
    return plan_message(
        # With the moment: whoever has other quiet hours by then waits once more.
        name=f"notification-{key.event_id}-{key.template}-{key.channel}-{until:%Y%m%dT%H%M}",
        due_at=until,
        payload={
            "event_id": str(key.event_id),
            "channel": str(key.channel),
            "template": key.template,
            "customer_id": str(customer_id),
            "data": data,
            "until": until.isoformat(),
        },
    )
