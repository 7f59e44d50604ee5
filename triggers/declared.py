"""The declared triggers: which change of which table becomes which event, and what the event may show of the row.

A payload lists its columns one by one, so that a column added to a table stays inside until somebody decides otherwise.
Events travel to outside systems and are kept for long: health data, names and addresses stay out; who needs them
reads them through the endpoint, under its permissions. `changed` in an update's data names the watched columns that
differ, also those that the payload leaves out.

After a change here: `python -m triggers.ddl` prints the statements for the next migration; a test fails until the
migrated database has them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from triggers.event_types import EVENT_TYPES, EventType, Kind


class Operation(StrEnum):
    """A row-level operation, spelt as in `TG_OP`."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Through:
    """Where to find the aggregate's id when the changed row doesn't have it."""

    #: Column of the changed row, for example `thread_id`.
    column: str
    #: Table that it refers to by its `id`, as `schema.table`.
    table: str
    #: Column there that holds the aggregate's id.
    aggregate_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredTrigger:
    """What the changes of one table become."""

    #: `schema.table`.
    table: str
    #: Event type of each operation; an operation that isn't here makes no event.
    events: Mapping[Operation, str]
    #: An update is an event only when one of these columns changed.
    watched: tuple[str, ...] = ()
    #: Columns that the event's data shows.
    payload: tuple[str, ...]
    #: Columns under another name in the flat data of a domain event: column → field.
    renamed: Mapping[str, str] | None = None
    #: None when the row is the aggregate itself.
    through: Through | None = None
    #: A column that a row has when it came as history: its insertion is no event, its later changes are.
    history: str | None = None

    def event_type(self, operation: Operation) -> EventType:
        """The type that an operation becomes; KeyError when it becomes none."""
        return EVENT_TYPES[self.events[operation]]

    @property
    def kind(self) -> Kind:
        """Whether its events are row changes or domain events; a trigger makes one kind."""
        (kind,) = {self.event_type(operation).kind for operation in self.events}
        return kind


_CONTRACT = DeclaredTrigger(
    table="public.contract",
    events={Operation.INSERT: "contract.inserted", Operation.UPDATE: "contract.updated"},
    watched=(
        "customer_id",
        "subscription_id",
        "treatment_id",
        "status",
        "start_date",
        "end_date",
        "auto_renew",
        "renewed_from_id",
    ),
    # Without cancel_reason: people write there what they like.
    payload=(
        "id",
        "customer_id",
        "subscription_id",
        "treatment_id",
        "status",
        "start_date",
        "end_date",
        "auto_renew",
        "renewed_from_id",
        "activated_at",
        "completed_at",
        "cancelled_at",
        "created_at",
        "updated_at",
    ),
)

_INVOICE = DeclaredTrigger(
    table="chargebee.invoice",
    events={Operation.INSERT: "invoice.inserted", Operation.UPDATE: "invoice.updated"},
    # Without updated_at, resource_version and synced_at: a sync that finds nothing new is no event.
    watched=(
        "customer_id",
        "subscription_id",
        "status",
        "due_date",
        "total",
        "amount_paid",
        "amount_adjusted",
        "credits_applied",
        "write_off_amount",
        "amount_due",
        "paid_at",
        "voided_at",
        "dunning_status",
        "next_retry_at",
        "issued_credit_notes",
        "deleted",
    ),
    payload=(
        "id",
        "customer_id",
        "subscription_id",
        "status",
        "recurring",
        "first_invoice",
        "price_type",
        "date",
        "due_date",
        "net_term_days",
        "currency_code",
        "sub_total",
        "tax",
        "total",
        "amount_paid",
        "amount_adjusted",
        "credits_applied",
        "write_off_amount",
        "amount_due",
        "paid_at",
        "voided_at",
        "dunning_status",
        "next_retry_at",
        # Numbers, statuses and amounts of notes: a refund shows nowhere else on an invoice.
        "issued_credit_notes",
        "generated_at",
        "updated_at",
        "resource_version",
        "deleted",
    ),
    # docs/decisions/history-is-not-told.md
    history="history_by",
)

_CUSTOMER = DeclaredTrigger(
    table="public.customer",
    events={Operation.INSERT: "customer.inserted", Operation.UPDATE: "customer.updated"},
    watched=(
        "firebase_uid",
        "chargebee_customer_id",
        "zendesk_user_id",
        "email",
        "first_name",
        "last_name",
        "phone",
        "date_of_birth",
        "address_line1",
        "address_line2",
        "city",
        "state_code",
        "zip",
        "country",
        "timezone",
        "currency_code",
        "lifetime_value",
        "email_opt_out",
        "sms_opt_out",
        "quiet_hours_start",
        "quiet_hours_end",
        "deleted_at",
    ),
    # That the address changed is in `changed`; where somebody lives isn't for events.
    payload=(
        "id",
        "firebase_uid",
        "chargebee_customer_id",
        "zendesk_user_id",
        "timezone",
        "currency_code",
        "lifetime_value",
        "email_opt_out",
        "sms_opt_out",
        "deleted_at",
        "created_at",
        "updated_at",
    ),
)

_PRESCRIPTION = DeclaredTrigger(
    table="healthcare.prescription",
    events={Operation.INSERT: "prescription.inserted", Operation.UPDATE: "prescription.updated"},
    watched=(
        "requester_id",
        "contract_id",
        "pharmacy_id",
        "status",
        "refills_remaining",
        "refill_due_on",
        "refill_requested_at",
        "signed_at",
        "valid_until",
    ),
    # PHI: ids and status only. The medication's id would tell the medication.
    payload=(
        "id",
        "patient_id",
        "requester_id",
        "contract_id",
        "pharmacy_id",
        "status",
        "created_at",
        "updated_at",
    ),
)

_MESSAGE = DeclaredTrigger(
    table="public.message",
    events={Operation.INSERT: "message.sent"},
    # Ids only: a message may hold PHI.
    payload=("id", "thread_id", "sender_customer_id", "sender_staff_id"),
    renamed={"id": "message_id"},
    through=Through(column="thread_id", table="public.message_thread", aggregate_id="customer_id"),
)

_TICKET = DeclaredTrigger(
    table="public.support_ticket",
    events={Operation.INSERT: "ticket.inserted", Operation.UPDATE: "ticket.updated"},
    # What Zendesk has, too. Its id and its moments are written back from there.
    watched=("subject", "status", "priority"),
    # Without subject and description: people write there what they like.
    payload=(
        "id",
        "customer_id",
        "zendesk_ticket_id",
        "category",
        "status",
        "priority",
        "invoice_id",
        "created_at",
        "updated_at",
    ),
    through=Through(column="id", table="public.support_ticket", aggregate_id="customer_id"),
)

_TICKET_COMMENT = DeclaredTrigger(
    table="public.support_ticket_comment",
    events={Operation.INSERT: "ticket.commented"},
    # Not what it says.
    payload=("id", "ticket_id", "author", "public", "zendesk_comment_id"),
    renamed={"id": "comment_id"},
    through=Through(column="ticket_id", table="public.support_ticket", aggregate_id="customer_id"),
)

#: All of them.
DECLARED: Final[tuple[DeclaredTrigger, ...]] = (
    _CONTRACT,
    _INVOICE,
    _CUSTOMER,
    _PRESCRIPTION,
    _MESSAGE,
    _TICKET,
    _TICKET_COMMENT,
)

#: Event types that triggers write; everything else is published by calling `events.publish`.
WRITTEN_BY_TRIGGERS: Final[frozenset[str]] = frozenset(name for trigger in DECLARED for name in trigger.events.values())
