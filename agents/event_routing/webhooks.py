"""What each source sends, as far as it is read."""

import hashlib
from datetime import UTC, datetime
from typing import Any, ClassVar, Literal, Self

import orjson
from pydantic import AwareDatetime, Field, field_validator

from agents.events.payload import Event, MalformedEvent, Payload
from agents.runtime.webhooks import Webhook
from integrations.pharmacy.types import Order
from integrations.pharmacy.webhook import WebhookError, parse_webhook


class ChargebeeWebhook(Webhook):
    """An event of Chargebee (https://apidocs.chargebee.com/docs/api/events): the resources as they were then."""

    TYPE: ClassVar[str] = "chargebee.webhook"

    id: str = Field(min_length=1)
    event_type: str = Field(min_length=1)
    #: Seconds since the epoch.
    occurred_at: int = Field(ge=0, lt=2**40)
    #: Resource name → resource.
    content: dict[str, Any]

    @property
    def event_id(self) -> str:
        """Chargebee's id of the event."""
        return self.id

    @property
    def kind(self) -> str:
        """For example `invoice_updated`."""
        return self.event_type

    @property
    def moment(self) -> datetime:
        """When it happened."""
        return datetime.fromtimestamp(self.occurred_at, UTC)


class ZendeskWebhook(Webhook):
    """An event webhook (https://developer.zendesk.com/api-reference/webhooks/event-types/webhook-event-types/)."""

    TYPE: ClassVar[str] = "zendesk.webhook"

    id: str = Field(min_length=1)
    #: `zen:event-type:ticket.status_changed`
    type: str = Field(min_length=1)
    time: AwareDatetime
    #: What it is about, as it was then.
    detail: dict[str, Any]
    #: What changed.
    event: dict[str, Any] = Field(default_factory=dict)

    @property
    def event_id(self) -> str:
        """Zendesk's id of the event."""
        return self.id

    @property
    def kind(self) -> str:
        """For example `ticket.status_changed`."""
        return self.type.removeprefix("zen:event-type:")

    @property
    def moment(self) -> datetime:
        """When it happened."""
        return self.time


class TicketDetail(Event):
    """A ticket as the `detail` of its events has it; ids are texts there."""

    TYPE: ClassVar[str] = "zendesk.ticket"

    id: int
    #: Set by our own API calls alone: the key that the ticket was made with.
    external_id: str | None = None
    requester_id: int | None = None
    #: Who did what the event tells of.
    actor_id: int | None = None
    #: `NEW`, `OPEN`… there
    status: Literal["new", "open", "pending", "hold", "solved", "closed"]
    priority: Literal["low", "normal", "high", "urgent"] | None = None
    subject: str | None = None
    description: str | None = None

    @field_validator("status", "priority", mode="before")
    @classmethod
    def _lower(cls, value: object) -> object:
        if not isinstance(value, str) or not value:
            return None
        # What was deleted or merged into another is over.
        return "closed" if value == "DELETED" else value.lower()


class CommentAuthor(Payload):
    """Who wrote a comment."""

    id: int | None = None
    #: A member of the support team, not the requester.
    is_staff: bool = False


class CommentAdded(Event):
    """The comment of `ticket.comment_added`."""

    TYPE: ClassVar[str] = "zendesk.comment"

    id: int
    body: str = Field(min_length=1)
    is_public: bool = False
    author: CommentAuthor = CommentAuthor()


class IterableWebhook(Webhook):
    """A system webhook (https://support.iterable.com/hc/en-us/articles/208013936-System-Webhooks)."""

    TYPE: ClassVar[str] = "iterable.webhook"

    #: For example `emailUnSubscribe`.
    event_name: str = Field(alias="eventName", min_length=1)
    #: Iterable knows people by one or both.
    email: str | None = None
    user_id: str | None = Field(None, alias="userId")
    fields: dict[str, Any] = Field(default_factory=dict, alias="dataFields")

    @property
    def event_id(self) -> str:
        """Iterable gives its events no ids; copies of one have the same content."""
        content = [self.event_name, self.email, self.user_id, self.fields]
        return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).hexdigest()

    @property
    def kind(self) -> str:
        """Iterable's name of the event."""
        return self.event_name

    @property
    def moment(self) -> datetime:
        """When it happened; now, when Iterable doesn't say."""
        given = self.text("createdAt")
        try:
            # `2026-12-02 20:21:04 +00:00`
            at = datetime.fromisoformat(given.replace(" +", "+").replace(" -", "-")) if given else datetime.now(UTC)
        except ValueError:
            at = datetime.now(UTC)
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    def text(self, name: str) -> str | None:
        """A data field that is a text, or None."""
        value = self.fields.get(name)
        return value if isinstance(value, str) and value else None


class PharmacyWebhook(Webhook):
    """An order changed (`integrations/pharmacy/webhook.py`)."""

    TYPE: ClassVar[str] = "pharmacy.webhook"

    id: str
    type: str
    occurred_at: AwareDatetime
    data: dict[str, Any]

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """The webhook in a body, its order included; raises MalformedEvent."""
        try:
            parse_webhook(data)
        except WebhookError as error:
            raise MalformedEvent(f"{cls.TYPE}: {error}") from None
        return super().parse(data)

    @property
    def event_id(self) -> str:
        """The network's id of the event."""
        return self.id

    @property
    def kind(self) -> str:
        """`order.` and the status that was reached."""
        return self.type

    @property
    def moment(self) -> datetime:
        """When it happened."""
        return self.occurred_at

    @property
    def order(self) -> Order:
        """The order as it was then."""
        return Order.parse(self.data["order"])
