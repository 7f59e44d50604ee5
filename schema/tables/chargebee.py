"""Schema `chargebee`: a mirror of billing that only the ETL and the webhooks write.

Names and values are those of Chargebee's API (Product Catalog 2.0, https://apidocs.chargebee.com/docs/api). Amounts are
minor units. Every row carries Chargebee's `resource_version`; an older version never overwrites a newer one.

There are no foreign keys here, neither between mirrored rows nor from ours to them: a webhook for an invoice may come
before the customer's (docs/decisions/no-foreign-keys-into-the-mirror.md). Relationships are declared instead, and the
columns they join by are indexed.
"""

from typing import Any

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, Date, Index, Integer, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from schema.relationships import to_many, to_one
from schema.tables.metadata import (
    Timestamp,
    created_at,
    currency_code,
    flag,
    metadata,
    money,
    one_of,
    updated_at,
)


def mirrored() -> tuple[Column[Any], ...]:
    """The columns that every mirrored row ends with."""
    return (
        Column("updated_at", Timestamp, nullable=False, comment="When Chargebee last changed it."),
        Column(
            "resource_version",
            BigInteger,
            nullable=False,
            comment="Chargebee's version of the resource; an older one never overwrites this row.",
        ),
        flag("deleted", comment="Deleted in Chargebee."),
        Column(
            "synced_at",
            Timestamp,
            nullable=False,
            server_default=text("now()"),
            comment="When this copy was written.",
        ),
    )


customer = Table(
    "customer",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, index=True),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("phone", Text),
    *one_of("auto_collection", "on", "off", default="on"),
    Column("net_term_days", Integer, nullable=False, server_default=text("0")),
    Column("preferred_currency_code", Text),
    Column("billing_address", JSONB),
    *one_of(
        "card_status",
        "no_card",
        "valid",
        "expiring",
        "expired",
        "pending_verification",
        required=False,
        default="no_card",
    ),
    Column("primary_payment_source_id", Text),
    money("promotional_credits", default=0),
    money("refundable_credits", default=0),
    money("excess_payments", default=0),
    money("unbilled_charges", default=0),
    Column("created_at", Timestamp, nullable=False),
    *mirrored(),
    Index(None, "updated_at"),
    schema="chargebee",
    comment="A customer's billing record in Chargebee.",
    info={
        "relationships": [
            to_one("profile", "public.customer", id="chargebee_customer_id"),
            to_many("subscriptions", "chargebee.subscription", id="customer_id"),
            to_many("invoices", "chargebee.invoice", id="customer_id"),
            to_many("transactions", "chargebee.transaction", id="customer_id"),
            to_many("credit_notes", "chargebee.credit_note", id="customer_id"),
        ]
    },
)

item_price = Table(
    "item_price",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("external_name", Text),
    Column("description", Text),
    Column("item_id", Text, nullable=False, index=True),
    Column("item_family_id", Text),
    *one_of("item_type", "plan", "addon", "charge"),
    *one_of("status", "active", "archived", "deleted", default="active"),
    *one_of("pricing_model", "flat_fee", "per_unit", "tiered", "volume", "stairstep", default="flat_fee"),
    money("price", required=False),
    *currency_code(),
    Column("period", Integer, comment="Billed every so many period units."),
    *one_of("period_unit", "day", "week", "month", "year", required=False),
    Column("created_at", Timestamp, nullable=False),
    *mirrored(),
    Index(None, "status"),
    Index(None, "updated_at"),
    schema="chargebee",
    comment="A price of a plan, add-on or charge in Chargebee's catalogue.",
)

subscription = Table(
    "subscription",
    metadata,
    Column("id", Text, primary_key=True),
    Column("customer_id", Text, nullable=False, index=True),
    Column("plan_item_price_id", Text, index=True, comment="The item price of the plan among subscription_items."),
    Column("plan_quantity", Integer),
    money("plan_unit_price", required=False),
    Column(
        "subscription_items",
        JSONB,
        nullable=False,
        server_default=text("'[]'::jsonb"),
        comment="All items as Chargebee has them: item_price_id, item_type, quantity, unit_price, amount.",
    ),
    *currency_code(),
    Column("billing_period", Integer),
    *one_of("billing_period_unit", "day", "week", "month", "year", required=False),
    *one_of("status", "future", "in_trial", "active", "non_renewing", "paused", "cancelled"),
    *one_of("auto_collection", "on", "off", required=False),
    Column("cf_contract_id", Text, index=True, comment="Custom field: the contract that the subscription pays for."),
    Column("remaining_billing_cycles", Integer),
    Column("start_date", Timestamp),
    Column("trial_start", Timestamp),
    Column("trial_end", Timestamp),
    Column("current_term_start", Timestamp),
    Column("current_term_end", Timestamp),
    Column("next_billing_at", Timestamp),
    Column("started_at", Timestamp),
    Column("activated_at", Timestamp),
    Column("pause_date", Timestamp),
    Column("resume_date", Timestamp),
    Column("cancelled_at", Timestamp),
    Column("cancel_reason", Text),
    Column("cancel_reason_code", Text),
    Column("due_invoices_count", Integer, nullable=False, server_default=text("0")),
    Column("due_since", Timestamp),
    money("total_dues", default=0),
    money("mrr", default=0, comment="Monthly recurring revenue in minor units."),
    flag("has_scheduled_changes"),
    Column("created_at", Timestamp, nullable=False),
    *mirrored(),
    Index(None, "status"),
    Index(None, "updated_at"),
    schema="chargebee",
    comment="A subscription in Chargebee.",
    info={
        "relationships": [
            to_one("customer", "chargebee.customer", customer_id="id"),
            to_one("profile", "public.customer", customer_id="chargebee_customer_id"),
            to_one("plan_item_price", "chargebee.item_price", plan_item_price_id="id"),
            to_one("contract", "chargebee.contract", cf_contract_id="id"),
            to_many("contracts", "public.contract", id="subscription_id"),
            to_many("invoices", "chargebee.invoice", id="subscription_id"),
            to_many("transactions", "chargebee.transaction", id="subscription_id"),
            to_many("credit_notes", "chargebee.credit_note", id="subscription_id"),
        ]
    },
)

invoice = Table(
    "invoice",
    metadata,
    Column("id", Text, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("subscription_id", Text),
    *one_of("status", "paid", "posted", "payment_due", "not_paid", "voided", "pending"),
    flag("recurring", default=True),
    flag("first_invoice"),
    *one_of("price_type", "tax_exclusive", "tax_inclusive", default="tax_exclusive"),
    Column("date", Timestamp, nullable=False),
    Column("due_date", Timestamp),
    Column("net_term_days", Integer, nullable=False, server_default=text("0")),
    *currency_code(),
    money("sub_total"),
    money("tax", default=0),
    money("total"),
    money("amount_paid", default=0),
    money("amount_adjusted", default=0),
    money("credits_applied", default=0),
    money("write_off_amount", default=0),
    money("amount_due", default=0),
    Column("paid_at", Timestamp),
    Column("voided_at", Timestamp),
    *one_of(
        "dunning_status",
        "in_progress",
        "exhausted",
        "stopped",
        "success",
        required=False,
        comment="How the attempts to collect stand; null when the first one succeeded.",
    ),
    Column("next_retry_at", Timestamp),
    Column(
        "issued_credit_notes",
        JSONB,
        nullable=False,
        server_default=text("'[]'::jsonb"),
        comment="What was given back of it, as Chargebee has it: cn_id, cn_status, cn_total.",
    ),
    Column("generated_at", Timestamp),
    *mirrored(),
    Column(
        "history_by",
        Text,
        comment="The agent whose back-fill brought it after its end, so that no event told of it; null for others.",
    ),
    money(
        "history_paid",
        required=False,
        comment="With history_by: what had been paid by then, less what had been given back.",
    ),
    CheckConstraint("(history_by IS NULL) = (history_paid IS NULL)", name="history_paid"),
    Index(None, "customer_id", "date"),
    Index(None, "subscription_id", "date"),
    Index(None, "status", "date"),
    Index(
        "invoice_dunning_idx", "dunning_status", "next_retry_at", postgresql_where=text("dunning_status IS NOT NULL")
    ),
    # None by `updated_at`, by which nobody asks: invoices come by the hundred thousand.
    schema="chargebee",
    comment="An invoice in Chargebee.",
    info={
        "relationships": [
            to_one("customer", "chargebee.customer", customer_id="id"),
            to_one("profile", "public.customer", customer_id="chargebee_customer_id"),
            to_one("subscription", "chargebee.subscription", subscription_id="id"),
            to_many("line_items", "chargebee.invoice_line_item", id="invoice_id"),
            to_many("transactions", "chargebee.transaction", id="invoice_id"),
            to_many("credit_notes", "chargebee.credit_note", id="reference_invoice_id"),
            to_many("support_tickets", "public.support_ticket", id="invoice_id"),
            to_one("payment_recovery", "public.payment_recovery", id="invoice_id"),
        ]
    },
)

invoice_line_item = Table(
    "invoice_line_item",
    metadata,
    Column("id", Text, primary_key=True),
    Column("invoice_id", Text, nullable=False, index=True),
    Column("customer_id", Text, nullable=False, index=True),
    # Neither is looked up: lines are reached from their invoice.
    Column("subscription_id", Text),
    *one_of("entity_type", "plan_item_price", "addon_item_price", "charge_item_price", "adhoc"),
    Column("entity_id", Text, comment="The item price billed; null for an ad hoc line."),
    Column("description", Text, nullable=False),
    Column("date_from", Timestamp),
    Column("date_to", Timestamp),
    Column("quantity", Integer, nullable=False, server_default=text("1")),
    money("unit_amount"),
    money("amount"),
    money("discount_amount", default=0),
    money("tax_amount", default=0),
    *mirrored(),
    schema="chargebee",
    comment="A line of an invoice. Its version is the invoice's.",
    info={
        "relationships": [
            to_one("invoice", "chargebee.invoice", invoice_id="id"),
            to_one("customer", "chargebee.customer", customer_id="id"),
            to_one("profile", "public.customer", customer_id="chargebee_customer_id"),
            to_one("subscription", "chargebee.subscription", subscription_id="id"),
            to_one("item_price", "chargebee.item_price", entity_id="id"),
        ]
    },
)

transaction = Table(
    "transaction",
    metadata,
    Column("id", Text, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("subscription_id", Text, index=True),
    Column(
        "invoice_id",
        Text,
        index=True,
        comment="The first of linked_invoices; of a refund, the invoice that its credit note is about.",
    ),
    *one_of("type", "authorization", "payment", "refund", "payment_reversal"),
    *one_of("status", "in_progress", "success", "voided", "failure", "timeout", "needs_attention", "late_failure"),
    Column("payment_method", Text, nullable=False, server_default="card"),
    Column("gateway", Text),
    Column("date", Timestamp, nullable=False),
    *currency_code(),
    money("amount"),
    money("amount_unused", default=0),
    Column("id_at_gateway", Text),
    Column("masked_card_number", Text),
    Column("error_code", Text, comment="Why a payment failed, in Chargebee's words, for example card_declined."),
    Column("error_text", Text),
    Column("reference_transaction_id", Text, index=True, comment="The payment that a refund gives back."),
    Column("linked_invoices", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    *mirrored(),
    Index(None, "customer_id", "date"),
    Index(None, "status", "date"),
    Index(None, "updated_at"),
    schema="chargebee",
    comment="A payment, refund or attempt at one in Chargebee.",
    info={
        "relationships": [
            to_one("customer", "chargebee.customer", customer_id="id"),
            to_one("profile", "public.customer", customer_id="chargebee_customer_id"),
            to_one("subscription", "chargebee.subscription", subscription_id="id"),
            to_one("invoice", "chargebee.invoice", invoice_id="id"),
            to_one("reference_transaction", "chargebee.transaction", reference_transaction_id="id"),
        ]
    },
)

credit_note = Table(
    "credit_note",
    metadata,
    Column("id", Text, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("subscription_id", Text, index=True),
    Column("reference_invoice_id", Text, index=True),
    *one_of("type", "adjustment", "refundable", "store"),
    *one_of("status", "adjusted", "refunded", "refund_due", "voided"),
    Column("create_reason_code", Text),
    Column("date", Timestamp, nullable=False),
    *currency_code(),
    money("sub_total"),
    money("total"),
    money("amount_allocated", default=0),
    money("amount_refunded", default=0),
    money("amount_available", default=0),
    Column("refunded_at", Timestamp),
    Column("voided_at", Timestamp),
    Column("generated_at", Timestamp),
    *mirrored(),
    Index(None, "customer_id", "date"),
    Index(None, "status"),
    Index(None, "updated_at"),
    schema="chargebee",
    comment="A credit note in Chargebee.",
    info={
        "relationships": [
            to_one("customer", "chargebee.customer", customer_id="id"),
            to_one("profile", "public.customer", customer_id="chargebee_customer_id"),
            to_one("subscription", "chargebee.subscription", subscription_id="id"),
            to_one("reference_invoice", "chargebee.invoice", reference_invoice_id="id"),
        ]
    },
)

sync_cursor = Table(
    "sync_cursor",
    metadata,
    Column(
        "resource",
        Text,
        primary_key=True,
        comment="Chargebee's name of the resource, for example invoice; of a back-fill, backfill:invoice.",
    ),
    *one_of("status", "idle", "running", "failed", default="idle"),
    Column(
        "updated_after",
        Timestamp,
        comment="Everything that changed up to this time has been read, by the runs that ended.",
    ),
    Column("next_offset", Text, comment="Where a run that was interrupted goes on."),
    Column("started_at", Timestamp),
    Column("finished_at", Timestamp),
    Column("rows_read", BigInteger, nullable=False, server_default=text("0")),
    Column("last_error", Text),
    Column(
        "read_after",
        Timestamp,
        comment="Where the run at hand began to read: next_offset goes with this, and with nothing else.",
    ),
    Column(
        "seen_until",
        Timestamp,
        comment="The latest change that the run at hand has read; updated_after once it ends.",
    ),
    Column("run_id", Uuid, comment="The run at hand, or the last one."),
    Column(
        "lease_until",
        Timestamp,
        comment="Until then the run at hand is alone with this resource; it moves this on with each page.",
    ),
    created_at(),
    updated_at(),
    schema="chargebee",
    comment="How far the ETL has read each resource of Chargebee. Ours, not mirrored.",
)

contract = Table(
    "contract",
    metadata,
    Column("id", Text, comment="The contract's id as text."),
    Column("customer_id", Uuid),
    Column("subscription_id", Text),
    Column("treatment_id", Uuid),
    Column("status", Text),
    Column("start_date", Date),
    Column("end_date", Date),
    Column("auto_renew", Boolean),
    Column("renewed_from_id", Text),
    Column("created_at", Timestamp),
    Column("updated_at", Timestamp),
    schema="chargebee",
    comment="Read-only view of the contracts, for clients that know them by a text id beside their subscription.",
    info={
        "is_view": True,
        "primary_key": ["id"],
        "shows": "public.contract",
        "relationships": [
            to_one("customer", "public.customer", customer_id="id"),
            to_one("treatment", "public.treatment", treatment_id="id"),
            to_one("subscription", "chargebee.subscription", subscription_id="id"),
            to_one("renewed_from", "chargebee.contract", renewed_from_id="id"),
        ],
    },
)
