"""Every event type of the platform, as data: its topic, its kind, and which field of its data is the ordering key."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from triggers.topics import CONTRACT_EVENTS, CUSTOMER_EVENTS, INVOICE_EVENTS, PRESCRIPTION_EVENTS, Topic


class Kind(StrEnum):
    """What an event tells."""

    #: A row was inserted, updated or deleted; its data is Hasura's event body. Only triggers write it.
    ROW_CHANGE = "row_change"
    #: Something happened that people have a word for; its data is a flat object.
    DOMAIN = "domain"


@dataclass(frozen=True, slots=True, kw_only=True)
class EventType:
    """A name in the past tense and where its events go."""

    #: For example `contract.created`.
    name: str
    topic: Topic
    kind: Kind
    #: The field whose value is the event's subject and ordering key: a column of the row for a row change, a field of
    #: the data for a domain event. A domain event may leave the field out; a different value in it is refused.
    subject: str


def _row_changes(topic: Topic, *names: str, subject: str = "id") -> tuple[EventType, ...]:
    return tuple(EventType(name=name, topic=topic, kind=Kind.ROW_CHANGE, subject=subject) for name in names)


def _domain_events(topic: Topic, *names: str, subject: str) -> tuple[EventType, ...]:
    return tuple(EventType(name=name, topic=topic, kind=Kind.DOMAIN, subject=subject) for name in names)


#: By name.
EVENT_TYPES: Final[Mapping[str, EventType]] = {
    event_type.name: event_type
    for event_type in (
        *_row_changes(CONTRACT_EVENTS, "contract.inserted", "contract.updated"),
        *_domain_events(
            CONTRACT_EVENTS,
            "contract.created",
            "contract.activated",
            "contract.renewed",
            "contract.completed",
            "contract.cancelled",
            "contract.payment_declined",
            "contract.payment_exhausted",
            subject="contract_id",
        ),
        *_row_changes(INVOICE_EVENTS, "invoice.inserted", "invoice.updated"),
        *_domain_events(
            INVOICE_EVENTS,
            "invoice.payment_succeeded",
            "invoice.payment_failed",
            "invoice.payment_recovered",
            "invoice.payment_exhausted",
            "invoice.new_card_needed",
            "invoice.refunded",
            subject="invoice_id",
        ),
        *_row_changes(CUSTOMER_EVENTS, "customer.inserted", "customer.updated"),
        # Of a customer: what happens to their tickets comes in order, also after the customer themselves.
        *_row_changes(CUSTOMER_EVENTS, "ticket.inserted", "ticket.updated", subject="customer_id"),
        *_domain_events(
            CUSTOMER_EVENTS,
            "customer.signed_up",
            "customer.profile_changed",
            "customer.role_changed",
            "customer.payment_source_changed",
            "customer.deleted",
            "message.sent",
            "ticket.commented",
            "referral.completed",
            "subscription.changed",
            "subscription.change_applied",
            "subscription.change_refused",
            subject="customer_id",
        ),
        *_row_changes(PRESCRIPTION_EVENTS, "prescription.inserted", "prescription.updated"),
        *_domain_events(
            PRESCRIPTION_EVENTS,
            "prescription.signed",
            "prescription.sent",
            "prescription.rejected",
            "prescription.filled",
            "prescription.shipped",
            "prescription.delivered",
            "prescription.refill_due",
            subject="prescription_id",
        ),
    )
}
