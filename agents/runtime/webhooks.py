"""Webhooks of outside systems: `POST /webhooks/{source}`, each source with a door of its own.

A webhook is handled like an event of ours, by the same inbox: its id is derived from the outside event's, so that
copies of it have one effect. Its sender is proved from the body to the byte, before anything of it is read.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from agents.events.envelope import Envelope
from agents.events.payload import Event, MalformedEvent
from agents.runtime.handler import Handler
from agents.runtime.push import Delivery

#: The namespace of the ids of webhooks; never change it, the inbox knows them by it.
_WEBHOOKS: Final = uuid.UUID("b3d8a1f0-5c0e-5f57-9a8e-6f1f2a9f4d20")


class Stranger(Exception):
    """A webhook isn't, or isn't provably, from its source. The message repeats nothing that was sent."""


class Webhook(Event):
    """What a source sends. `TYPE` is `<source>.webhook`; the outside event's own type is `kind`."""

    @property
    def event_id(self) -> str:
        """The outside event's id: the same in every copy."""
        raise NotImplementedError(f"{type(self).__name__} must say which event it is")

    @property
    def kind(self) -> str:
        """The outside event's type, in the source's words."""
        raise NotImplementedError(f"{type(self).__name__} must say what happened")

    @property
    def moment(self) -> datetime:
        """When it happened, with its offset."""
        raise NotImplementedError(f"{type(self).__name__} must say when it happened")


@dataclass(frozen=True, kw_only=True, slots=True)
class Door:
    """Where the webhooks of one source come in."""

    #: The last part of the path.
    source: str
    #: Returns when the source has sent this body with these headers (names in lower case); raises Stranger.
    verify: Callable[[bytes, Mapping[str, str]], None]
    #: For webhooks of the source; its event says how they are read.
    handler: Handler[Any]

    def open(self, body: bytes, headers: Mapping[str, str]) -> Delivery:
        """The webhook as a delivery; raises Stranger, or MalformedEvent for what the source doesn't send."""
        self.verify(body, headers)
        webhook: Webhook = self.handler.event.parse(body)
        try:
            moment = webhook.moment
        except (ValueError, OverflowError, OSError):
            # A number of seconds that is no time on any calendar.
            raise MalformedEvent(f"{webhook.TYPE}: when it happened is no time") from None
        envelope = Envelope(
            id=webhook_event_id(self.source, webhook.event_id),
            type=webhook.TYPE,
            source=f"/webhooks/{self.source}",
            subject=webhook.kind,
            time=moment,
            traceparent=headers.get("traceparent"),
            ordering_key="",
            message_id=webhook.event_id,
            subscription="",
            delivery_attempt=None,
        )
        attributes = {"source": self.source, "id": webhook.event_id, "type": webhook.kind}
        return Delivery(envelope=envelope, data=body, attributes=attributes)


def webhook_event_id(source: str, event_id: str) -> uuid.UUID:
    """The id under which an agent's inbox has an outside event."""
    return uuid.uuid5(_WEBHOOKS, f"{source}:{event_id}")
