"""What a webhook of the pharmacy network says. Its sender is proved by `signature.verify`, before it is read.

The body of one::

    {"id": "evt_01J…", "type": "order.shipped", "occurred_at": "2026-11-21T12:00:00Z", "data": {"order": {…}}}

The order is as it was when the webhook was made, without patient and medication. Webhooks come at least once and in any
order: `id` is the same in every copy, `order.version` tells the later picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import orjson

from integrations.pharmacy.types import Order


class WebhookError(Exception):
    """A signed body isn't a webhook that we know. The message names what is wrong, never a value."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderWebhook:
    """An order changed."""

    #: The same in every copy.
    id: str
    #: `order.` and the status that was reached.
    type: str
    occurred_at: datetime
    order: Order


def parse_webhook(body: bytes) -> OrderWebhook:
    """The webhook in a body; raises WebhookError."""
    try:
        raw = orjson.loads(body)
        if not isinstance(raw, Mapping):
            raise WebhookError("the body is not a JSON object")
        return OrderWebhook(
            id=_text(raw, "id"),
            type=_text(raw, "type"),
            occurred_at=datetime.fromisoformat(_text(raw, "occurred_at")),
            order=Order.parse(raw["data"]["order"]),
        )
    except orjson.JSONDecodeError as error:
        raise WebhookError("the body is not JSON") from error
    except KeyError as error:
        raise WebhookError(f"{error.args[0]} is missing") from error
    except (TypeError, ValueError, AttributeError) as error:
        # Its own text can repeat what stands there.
        raise WebhookError(f"a field is of another kind than documented ({type(error).__name__})") from None


def _text(raw: Mapping[str, object], name: str) -> str:
    value = raw[name]
    if not isinstance(value, str) or not value:
        raise WebhookError(f"{name} is not a text")
    return value
