"""Which outside event becomes what: the table, and how it is read.

To take notice of something new, add a row. What no row names is acknowledged, recorded as skipped, and logged.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Final

from agents.event_routing.billing import card_changed, mirror_resources
from agents.event_routing.context import Context
from agents.event_routing.messages import email_bounced, send_skipped, sms_bounced, sms_received, stop_emails
from agents.event_routing.orders import move_fill_on
from agents.event_routing.tickets import comment_added, ticket_changed
from agents.runtime.handler import Work, WriteBack

Handle = Callable[[Any, Work, Context], Awaitable[WriteBack]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One row of the table."""

    source: str
    #: The source's own types; `*` stands for anything.
    kinds: tuple[str, ...]
    handle: Handle


async def leave(_webhook: Any, _work: Work, _context: Context) -> WriteBack:
    """Nothing to do, and nothing to wonder about."""
    return WriteBack(skipped="nothing follows from it")


RULES: Final[tuple[Rule, ...]] = (
    Rule(
        source="chargebee",
        kinds=("payment_source_added", "payment_source_updated", "card_added", "card_updated"),
        handle=card_changed,
    ),
    # https://apidocs.chargebee.com/docs/api/events#event_types: whatever a type is called, its content is resources.
    Rule(
        source="chargebee",
        kinds=(
            "customer_*",
            "subscription_*",
            "invoice_*",
            "pending_invoice_*",
            "credit_note_*",
            "payment_succeeded",
            "payment_failed",
            "payment_initiated",
            "payment_refunded",
            "refund_initiated",
            "transaction_*",
            "authorization_*",
            "card_*",
            "payment_source_*",
            "promotional_credits_*",
            "item_price_*",
        ),
        handle=mirror_resources,
    ),
    Rule(
        source="zendesk",
        kinds=(
            "ticket.created",
            "ticket.status_changed",
            "ticket.priority_changed",
            "ticket.subject_changed",
            "ticket.soft_deleted",
            "ticket.merged",
        ),
        handle=ticket_changed,
    ),
    Rule(source="zendesk", kinds=("ticket.comment_added",), handle=comment_added),
    Rule(
        source="iterable",
        kinds=("emailUnSubscribe", "hostedUnsubscribeClick", "emailComplaint"),
        handle=stop_emails,
    ),
    Rule(source="iterable", kinds=("emailBounce",), handle=email_bounced),
    Rule(source="iterable", kinds=("smsBounce",), handle=sms_bounced),
    Rule(source="iterable", kinds=("smsReceived",), handle=sms_received),
    Rule(source="iterable", kinds=("emailSendSkip", "smsSendSkip"), handle=send_skipped),
    # We know what we sent. Whether it was read is nobody's business here, and who subscribes says so in the portal.
    Rule(
        source="iterable",
        kinds=("emailSend", "smsSend", "emailOpen", "emailClick", "smsClick", "emailSubscribe"),
        handle=leave,
    ),
    Rule(source="pharmacy", kinds=("order.*",), handle=move_fill_on),
)


def find_rule(source: str, kind: str) -> Rule | None:
    """The first row that names the type, or None."""
    for rule in RULES:
        if rule.source == source and any(fnmatchcase(kind, pattern) for pattern in rule.kinds):
            return rule
    return None
