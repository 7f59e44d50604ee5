"""What each agent may do of all that role `service` may: just what its program needs.

Rows and columns are those of the role's rules. Here stands, table by table, what an agent does with them
(`permissions.parts.Operation`), which operations it has that are no table's, and which events it publishes. A test
reads the agents' programs (`operations.graphql` and their code) and wants both to be the same: it names what an agent
needs and hasn't got, and what it has and doesn't need.
"""

from collections.abc import Mapping
from typing import Final

from permissions.parts import Division, Operation, Part


def _part(tables: Mapping[str, str], *, fields: str = "", events: str = "") -> Part:
    """A part from words with blanks between them."""
    return Part(
        tables={key: frozenset(map(Operation, operations.split())) for key, operations in tables.items()},
        fields=frozenset(fields.split()),
        events=frozenset(events.split()),
    )


#: Of every agent: what it has handled, how that went, and what it gave up. Also of an account that is no agent's.
_COMMON: Final = _part(
    {
        "events.inbox": "select_by_pk insert",
        "events.delivery": "insert",
        "events.dead_letter": "insert",
    }
)

_AGENTS: Final[Mapping[str, Part]] = {
    # Customers and subscriptions out to Chargebee, its mirror kept, the first charge recovered.
    "chargebee": _part(
        {
            "public.customer": "select select_by_pk update",
            "public.contract": "select select_by_pk update",
            "public.treatment": "related",
            "public.payment_recovery": "select insert update",
            "public.support_ticket": "related insert update",
            "chargebee.customer": "select insert update",
            "chargebee.item_price": "select insert update",
            "chargebee.subscription": "select insert update",
            "chargebee.invoice": "select select_aggregate insert update",
            "chargebee.invoice_line_item": "select insert update",
            "chargebee.transaction": "select insert update",
            "chargebee.credit_note": "select insert update",
            "chargebee.sync_cursor": "select insert update",
            "events.scheduled_task": "insert",
        },
        fields="hold_contract confirm_contract begin_task finish_task cancel_task publish_event",
        events="contract.payment_declined contract.payment_exhausted",
    ),
    # A contract's life, from its subscription to its renewal.
    "contract": _part(
        {
            "public.contract": "select select_by_pk insert update",
            "public.customer": "related",
            "public.treatment": "related",
            "public.payment_recovery": "related",
            # Services written against Hasura ask for a contract by this name.
            "chargebee.contract": "select_by_pk",
            "chargebee.subscription": "related",
            "events.scheduled_task": "insert",
        },
        fields="hold_contract confirm_contract begin_task finish_task publish_event",
        events="contract.created contract.activated contract.renewed contract.completed",
    ),
    # Everything about a person goes by operations of its own; it reads no table.
    "data_deletion": _part(
        {
            "events.scheduled_task": "insert",
        },
        fields=(
            "begin_data_deletion record_data_deletion_step erase_customer_data conclude_data_deletion "
            "begin_task finish_task publish_event"
        ),
        events="customer.deleted",
    ),
    # What webhooks tell: the mirror is written and not read.
    "event_routing": _part(
        {
            "public.customer": "select update",
            "public.notification": "select update",
            "public.support_ticket": "select insert update",
            "public.support_ticket_comment": "insert",
            "chargebee.customer": "insert update",
            "chargebee.item_price": "insert update",
            "chargebee.subscription": "insert update",
            "chargebee.invoice": "insert update",
            "chargebee.invoice_line_item": "insert update",
            "chargebee.transaction": "insert update",
            "chargebee.credit_note": "insert update",
            "healthcare.patient": "related",
            "healthcare.prescription": "related",
            "healthcare.prescription_fill": "select update",
        },
        fields="publish_event",
        events=(
            "customer.payment_source_changed "
            "prescription.rejected prescription.filled prescription.shipped prescription.delivered"
        ),
    ),
    # The accounts that people sign in with.
    "identity": _part(
        {
            "public.customer": "select_by_pk",
            "public.staff": "select_by_pk update",
        }
    ),
    # Payments, and the recovery of those that failed.
    "invoice": _part(
        {
            "public.customer": "select select_by_pk update",
            "public.payment_recovery": "select insert update",
            "public.support_ticket": "related insert update",
            "events.scheduled_task": "insert",
        },
        fields="begin_task finish_task cancel_task reschedule_task publish_event",
        events=(
            "invoice.payment_succeeded invoice.payment_failed invoice.payment_recovered invoice.payment_exhausted "
            "invoice.new_card_needed invoice.refunded"
        ),
    ),
    # Messages, and how they left. It publishes nothing.
    "notification": _part(
        {
            "public.customer": "select_by_pk",
            "public.notification": "select insert update",
            "events.scheduled_task": "insert",
        },
        fields="begin_task finish_task",
    ),
    # Orders at the pharmacy, and when a refill is due.
    "prescription": _part(
        {
            "public.customer": "related",
            "public.staff": "related",
            "public.support_ticket": "insert",
            "healthcare.pharmacy": "related",
            "healthcare.patient": "related",
            "healthcare.medication": "related",
            "healthcare.prescription": "select select_by_pk update",
            "healthcare.prescription_fill": "select insert update",
            "events.scheduled_task": "insert",
        },
        fields="begin_task finish_task publish_event",
        events=(
            "prescription.sent prescription.rejected prescription.filled prescription.shipped prescription.delivered "
            "prescription.refill_due"
        ),
    ),
    # A friend's first contract, and what both get for it.
    "referral": _part(
        {
            "public.customer": "related",
            "public.contract": "select_by_pk",
            "public.referral": "select update",
            "public.referral_reward": "select insert update",
        },
        fields="publish_event",
        events="referral.completed",
    ),
    # Changes of subscriptions, which are written by the ETL and by webhooks.
    "subscription_change": _part(
        {
            "public.customer": "select_by_pk",
            "public.contract": "select_by_pk",
            "public.support_ticket": "insert",
        },
        fields="publish_event",
        events="subscription.change_applied subscription.change_refused",
    ),
    # Requesters, tickets and comments out to Zendesk; what it says comes by webhooks.
    "zendesk": _part(
        {
            "public.customer": "select_by_pk update",
            "public.support_ticket": "select_by_pk update",
            "public.support_ticket_comment": "select_by_pk update",
        }
    ),
}

#: How agents share role `service`.
AGENTS: Final = Division(common=_COMMON, own=_AGENTS)
