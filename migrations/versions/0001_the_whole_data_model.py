"""The whole data model.

Schemas, tables with their indexes and checks, the default of keys, the shared triggers, the contract view.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.sql import run_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SCHEMAS = ("chargebee", "healthcare", "events", "audit")

# Tables of ours that keep updated_at; in mirrored ones it is Chargebee's.
TOUCHED = (
    "chargebee.sync_cursor",
    "events.scheduled_task",
    "healthcare.allergy_intolerance",
    "healthcare.care_team",
    "healthcare.clinical_note",
    "healthcare.condition",
    "healthcare.encounter",
    "healthcare.medication",
    "healthcare.observation",
    "healthcare.patient",
    "healthcare.pharmacy",
    "healthcare.prescription",
    "healthcare.prescription_fill",
    "healthcare.questionnaire_response",
    "public.contract",
    "public.customer",
    "public.data_deletion_request",
    "public.message",
    "public.message_thread",
    "public.notification",
    "public.referral",
    "public.referral_reward",
    "public.staff",
    "public.support_ticket",
    "public.treatment",
)

# In the order of their making.
TABLES = (
    "audit.access",
    "audit.change",
    "chargebee.credit_note",
    "chargebee.customer",
    "chargebee.invoice",
    "chargebee.invoice_line_item",
    "chargebee.item_price",
    "chargebee.subscription",
    "chargebee.sync_cursor",
    "chargebee.transaction",
    "events.dead_letter",
    "events.delivery",
    "events.inbox",
    "events.outbox",
    "events.relay",
    "events.scheduled_task",
    "healthcare.medication",
    "healthcare.pharmacy",
    "public.customer",
    "public.staff",
    "public.treatment",
    "healthcare.patient",
    "public.contract",
    "public.data_deletion_request",
    "public.message_thread",
    "public.notification",
    "public.referral",
    "public.support_ticket",
    "healthcare.allergy_intolerance",
    "healthcare.care_team",
    "healthcare.encounter",
    "public.message",
    "public.referral_reward",
    "healthcare.clinical_note",
    "healthcare.condition",
    "healthcare.observation",
    "healthcare.prescription",
    "healthcare.questionnaire_response",
    "healthcare.prescription_fill",
)


def upgrade() -> None:
    for schema in SCHEMAS:
        op.execute(f"CREATE SCHEMA {schema}")
    run_script("0001_keys_and_triggers")
    create_tables()
    for table in TOUCHED:
        op.execute(
            f"CREATE TRIGGER touch_updated_at BEFORE UPDATE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()"
        )
    op.execute(
        "CREATE TRIGGER set_contract_end_date BEFORE INSERT ON public.contract"
        " FOR EACH ROW WHEN (NEW.end_date IS NULL) EXECUTE FUNCTION public.set_contract_end_date()"
    )
    run_script("0001_contract_view")


def downgrade() -> None:
    op.execute("DROP VIEW chargebee.contract")
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
    for function in ("set_contract_end_date", "touch_updated_at", "uuid_v7"):
        op.execute(f"DROP FUNCTION public.{function}()")
    for schema in reversed(SCHEMAS):
        op.execute(f"DROP SCHEMA {schema}")


def create_tables() -> None:  # noqa: PLR0915 -- a table after the other, as Alembic wrote them
    op.create_table(
        "access",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("operation", sa.Text(), nullable=True, comment="Name of the GraphQL operation."),
        sa.Column(
            "tables", postgresql.ARRAY(sa.Text()), nullable=False, comment="The PHI tables read, as schema.table."
        ),
        sa.Column("row_count", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("access_pkey")),
        schema="audit",
        comment="A read of PHI through the endpoint.",
    )
    op.create_index(op.f("access_created_at_idx"), "access", ["created_at"], unique=False, schema="audit")
    op.create_index(
        op.f("access_user_id_created_at_idx"), "access", ["user_id", "created_at"], unique=False, schema="audit"
    )
    op.create_table(
        "change",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("table_schema", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("row_id", sa.Text(), nullable=False, comment="The row's primary key as text."),
        sa.Column("op", sa.Text(), nullable=False),
        sa.Column(
            "old",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="The row before; of an update only the columns that changed.",
        ),
        sa.Column(
            "new",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="The row after; of an update only the columns that changed.",
        ),
        sa.Column(
            "role", sa.Text(), nullable=True, comment="Role of the session; null for changes made outside the endpoint."
        ),
        sa.Column("user_id", sa.Text(), nullable=True),
        sa.Column("database_user", sa.Text(), nullable=False),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("op IN ('INSERT', 'UPDATE', 'DELETE')", name=op.f("change_op_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("change_pkey")),
        schema="audit",
        comment="A change of a clinical or financial row: who, when, from what to what.",
    )
    op.create_index(op.f("change_created_at_idx"), "change", ["created_at"], unique=False, schema="audit")
    op.create_index(
        op.f("change_table_schema_table_name_row_id_created_at_idx"),
        "change",
        ["table_schema", "table_name", "row_id", "created_at"],
        unique=False,
        schema="audit",
    )
    op.create_index(
        op.f("change_user_id_created_at_idx"), "change", ["user_id", "created_at"], unique=False, schema="audit"
    )
    op.create_table(
        "credit_note",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=True),
        sa.Column("reference_invoice_id", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("create_reason_code", sa.Text(), nullable=True),
        sa.Column("date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency_code", sa.Text(), nullable=False, comment="ISO 4217 code of the amounts in this row."),
        sa.Column("sub_total", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("amount_allocated", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("amount_refunded", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("amount_available", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refunded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("generated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, comment="When Chargebee last changed it."),
        sa.Column(
            "resource_version",
            sa.BigInteger(),
            nullable=False,
            comment="Chargebee's version of the resource; only a higher one may overwrite this row.",
        ),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="Deleted in Chargebee."
        ),
        sa.Column(
            "synced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When this copy was written.",
        ),
        sa.CheckConstraint("currency_code ~ '^[A-Z]{3}$'", name=op.f("credit_note_currency_code_check")),
        sa.CheckConstraint(
            "status IN ('adjusted', 'refunded', 'refund_due', 'voided')", name=op.f("credit_note_status_check")
        ),
        sa.CheckConstraint("type IN ('adjustment', 'refundable', 'store')", name=op.f("credit_note_type_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("credit_note_pkey")),
        schema="chargebee",
        comment="A credit note in Chargebee.",
    )
    op.create_index(
        op.f("credit_note_customer_id_date_idx"),
        "credit_note",
        ["customer_id", "date"],
        unique=False,
        schema="chargebee",
    )
    op.create_index(
        op.f("credit_note_reference_invoice_id_idx"),
        "credit_note",
        ["reference_invoice_id"],
        unique=False,
        schema="chargebee",
    )
    op.create_index(op.f("credit_note_status_idx"), "credit_note", ["status"], unique=False, schema="chargebee")
    op.create_index(
        op.f("credit_note_subscription_id_idx"), "credit_note", ["subscription_id"], unique=False, schema="chargebee"
    )
    op.create_index(op.f("credit_note_updated_at_idx"), "credit_note", ["updated_at"], unique=False, schema="chargebee")
    op.create_table(
        "customer",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("auto_collection", sa.Text(), server_default="on", nullable=False),
        sa.Column("net_term_days", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("preferred_currency_code", sa.Text(), nullable=True),
        sa.Column("billing_address", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("card_status", sa.Text(), server_default="no_card", nullable=True),
        sa.Column("primary_payment_source_id", sa.Text(), nullable=True),
        sa.Column("promotional_credits", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("refundable_credits", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("excess_payments", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("unbilled_charges", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, comment="When Chargebee last changed it."),
        sa.Column(
            "resource_version",
            sa.BigInteger(),
            nullable=False,
            comment="Chargebee's version of the resource; only a higher one may overwrite this row.",
        ),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="Deleted in Chargebee."
        ),
        sa.Column(
            "synced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When this copy was written.",
        ),
        sa.CheckConstraint("auto_collection IN ('on', 'off')", name=op.f("customer_auto_collection_check")),
        sa.CheckConstraint(
            "card_status IN ('no_card', 'valid', 'expiring', 'expired', 'pending_verification')",
            name=op.f("customer_card_status_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("customer_pkey")),
        schema="chargebee",
        comment="A customer's billing record in Chargebee.",
    )
    op.create_index(op.f("customer_email_idx"), "customer", ["email"], unique=False, schema="chargebee")
    op.create_index(op.f("customer_updated_at_idx"), "customer", ["updated_at"], unique=False, schema="chargebee")
    op.create_table(
        "invoice",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("recurring", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("first_invoice", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("price_type", sa.Text(), server_default="tax_exclusive", nullable=False),
        sa.Column("date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("net_term_days", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("currency_code", sa.Text(), nullable=False, comment="ISO 4217 code of the amounts in this row."),
        sa.Column("sub_total", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("amount_paid", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("amount_adjusted", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("credits_applied", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("write_off_amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("amount_due", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "dunning_status",
            sa.Text(),
            nullable=True,
            comment="How the attempts to collect stand; null when the first one succeeded.",
        ),
        sa.Column("next_retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("generated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, comment="When Chargebee last changed it."),
        sa.Column(
            "resource_version",
            sa.BigInteger(),
            nullable=False,
            comment="Chargebee's version of the resource; only a higher one may overwrite this row.",
        ),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="Deleted in Chargebee."
        ),
        sa.Column(
            "synced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When this copy was written.",
        ),
        sa.CheckConstraint("currency_code ~ '^[A-Z]{3}$'", name=op.f("invoice_currency_code_check")),
        sa.CheckConstraint(
            "dunning_status IN ('in_progress', 'exhausted', 'stopped', 'success')",
            name=op.f("invoice_dunning_status_check"),
        ),
        sa.CheckConstraint("price_type IN ('tax_exclusive', 'tax_inclusive')", name=op.f("invoice_price_type_check")),
        sa.CheckConstraint(
            "status IN ('paid', 'posted', 'payment_due', 'not_paid', 'voided', 'pending')",
            name=op.f("invoice_status_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("invoice_pkey")),
        schema="chargebee",
        comment="An invoice in Chargebee.",
    )
    op.create_index(
        op.f("invoice_customer_id_date_idx"), "invoice", ["customer_id", "date"], unique=False, schema="chargebee"
    )
    op.create_index(
        "invoice_dunning_idx",
        "invoice",
        ["dunning_status", "next_retry_at"],
        unique=False,
        schema="chargebee",
        postgresql_where=sa.text("dunning_status IS NOT NULL"),
    )
    op.create_index(op.f("invoice_status_date_idx"), "invoice", ["status", "date"], unique=False, schema="chargebee")
    op.create_index(
        op.f("invoice_subscription_id_date_idx"),
        "invoice",
        ["subscription_id", "date"],
        unique=False,
        schema="chargebee",
    )
    op.create_index(op.f("invoice_updated_at_idx"), "invoice", ["updated_at"], unique=False, schema="chargebee")
    op.create_table(
        "invoice_line_item",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=True),
        sa.Column("entity_type", sa.Text(), nullable=False),
        sa.Column("entity_id", sa.Text(), nullable=True, comment="The item price billed; null for an ad hoc line."),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("date_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("date_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quantity", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("unit_amount", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("discount_amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("tax_amount", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, comment="When Chargebee last changed it."),
        sa.Column(
            "resource_version",
            sa.BigInteger(),
            nullable=False,
            comment="Chargebee's version of the resource; only a higher one may overwrite this row.",
        ),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="Deleted in Chargebee."
        ),
        sa.Column(
            "synced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When this copy was written.",
        ),
        sa.CheckConstraint(
            "entity_type IN ('plan_item_price', 'addon_item_price', 'charge_item_price', 'adhoc')",
            name=op.f("invoice_line_item_entity_type_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("invoice_line_item_pkey")),
        schema="chargebee",
        comment="A line of an invoice. Its version is the invoice's.",
    )
    op.create_index(
        op.f("invoice_line_item_customer_id_idx"),
        "invoice_line_item",
        ["customer_id"],
        unique=False,
        schema="chargebee",
    )
    op.create_index(
        op.f("invoice_line_item_entity_id_idx"), "invoice_line_item", ["entity_id"], unique=False, schema="chargebee"
    )
    op.create_index(
        op.f("invoice_line_item_invoice_id_idx"), "invoice_line_item", ["invoice_id"], unique=False, schema="chargebee"
    )
    op.create_index(
        op.f("invoice_line_item_subscription_id_idx"),
        "invoice_line_item",
        ["subscription_id"],
        unique=False,
        schema="chargebee",
    )
    op.create_table(
        "item_price",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("external_name", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("item_id", sa.Text(), nullable=False),
        sa.Column("item_family_id", sa.Text(), nullable=True),
        sa.Column("item_type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column("pricing_model", sa.Text(), server_default="flat_fee", nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=True),
        sa.Column("currency_code", sa.Text(), nullable=False, comment="ISO 4217 code of the amounts in this row."),
        sa.Column("period", sa.Integer(), nullable=True, comment="Billed every so many period units."),
        sa.Column("period_unit", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, comment="When Chargebee last changed it."),
        sa.Column(
            "resource_version",
            sa.BigInteger(),
            nullable=False,
            comment="Chargebee's version of the resource; only a higher one may overwrite this row.",
        ),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="Deleted in Chargebee."
        ),
        sa.Column(
            "synced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When this copy was written.",
        ),
        sa.CheckConstraint("currency_code ~ '^[A-Z]{3}$'", name=op.f("item_price_currency_code_check")),
        sa.CheckConstraint("item_type IN ('plan', 'addon', 'charge')", name=op.f("item_price_item_type_check")),
        sa.CheckConstraint(
            "period_unit IN ('day', 'week', 'month', 'year')", name=op.f("item_price_period_unit_check")
        ),
        sa.CheckConstraint(
            "pricing_model IN ('flat_fee', 'per_unit', 'tiered', 'volume', 'stairstep')",
            name=op.f("item_price_pricing_model_check"),
        ),
        sa.CheckConstraint("status IN ('active', 'archived', 'deleted')", name=op.f("item_price_status_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("item_price_pkey")),
        schema="chargebee",
        comment="A price of a plan, add-on or charge in Chargebee's catalogue.",
    )
    op.create_index(op.f("item_price_item_id_idx"), "item_price", ["item_id"], unique=False, schema="chargebee")
    op.create_index(op.f("item_price_status_idx"), "item_price", ["status"], unique=False, schema="chargebee")
    op.create_index(op.f("item_price_updated_at_idx"), "item_price", ["updated_at"], unique=False, schema="chargebee")
    op.create_table(
        "subscription",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column(
            "plan_item_price_id",
            sa.Text(),
            nullable=True,
            comment="The item price of the plan among subscription_items.",
        ),
        sa.Column("plan_quantity", sa.Integer(), nullable=True),
        sa.Column("plan_unit_price", sa.BigInteger(), nullable=True),
        sa.Column(
            "subscription_items",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
            comment="All items as Chargebee has them: item_price_id, item_type, quantity, unit_price, amount.",
        ),
        sa.Column("currency_code", sa.Text(), nullable=False, comment="ISO 4217 code of the amounts in this row."),
        sa.Column("billing_period", sa.Integer(), nullable=True),
        sa.Column("billing_period_unit", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("auto_collection", sa.Text(), nullable=True),
        sa.Column(
            "cf_contract_id",
            sa.Text(),
            nullable=True,
            comment="Custom field: the contract that the subscription pays for.",
        ),
        sa.Column("remaining_billing_cycles", sa.Integer(), nullable=True),
        sa.Column("start_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trial_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("trial_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("current_term_start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("current_term_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("next_billing_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pause_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resume_date", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("cancel_reason_code", sa.Text(), nullable=True),
        sa.Column("due_invoices_count", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("total_dues", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "mrr",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Monthly recurring revenue in minor units.",
        ),
        sa.Column("has_scheduled_changes", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, comment="When Chargebee last changed it."),
        sa.Column(
            "resource_version",
            sa.BigInteger(),
            nullable=False,
            comment="Chargebee's version of the resource; only a higher one may overwrite this row.",
        ),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="Deleted in Chargebee."
        ),
        sa.Column(
            "synced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When this copy was written.",
        ),
        sa.CheckConstraint("auto_collection IN ('on', 'off')", name=op.f("subscription_auto_collection_check")),
        sa.CheckConstraint(
            "billing_period_unit IN ('day', 'week', 'month', 'year')",
            name=op.f("subscription_billing_period_unit_check"),
        ),
        sa.CheckConstraint("currency_code ~ '^[A-Z]{3}$'", name=op.f("subscription_currency_code_check")),
        sa.CheckConstraint(
            "status IN ('future', 'in_trial', 'active', 'non_renewing', 'paused', 'cancelled')",
            name=op.f("subscription_status_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("subscription_pkey")),
        schema="chargebee",
        comment="A subscription in Chargebee.",
    )
    op.create_index(
        op.f("subscription_cf_contract_id_idx"), "subscription", ["cf_contract_id"], unique=False, schema="chargebee"
    )
    op.create_index(
        op.f("subscription_customer_id_idx"), "subscription", ["customer_id"], unique=False, schema="chargebee"
    )
    op.create_index(
        op.f("subscription_plan_item_price_id_idx"),
        "subscription",
        ["plan_item_price_id"],
        unique=False,
        schema="chargebee",
    )
    op.create_index(op.f("subscription_status_idx"), "subscription", ["status"], unique=False, schema="chargebee")
    op.create_index(
        op.f("subscription_updated_at_idx"), "subscription", ["updated_at"], unique=False, schema="chargebee"
    )
    op.create_table(
        "sync_cursor",
        sa.Column(
            "resource", sa.Text(), nullable=False, comment="Chargebee's name of the resource, for example invoice."
        ),
        sa.Column("status", sa.Text(), server_default="idle", nullable=False),
        sa.Column(
            "updated_after",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Everything that changed up to this time has been read.",
        ),
        sa.Column("next_offset", sa.Text(), nullable=True, comment="Where a run that was interrupted goes on."),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows_read", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status IN ('idle', 'running', 'failed')", name=op.f("sync_cursor_status_check")),
        sa.PrimaryKeyConstraint("resource", name=op.f("sync_cursor_pkey")),
        schema="chargebee",
        comment="How far the ETL has read each resource of Chargebee. Ours, not mirrored.",
    )
    op.create_table(
        "transaction",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Text(), nullable=False),
        sa.Column("subscription_id", sa.Text(), nullable=True),
        sa.Column("invoice_id", sa.Text(), nullable=True, comment="The first of linked_invoices."),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("payment_method", sa.Text(), server_default="card", nullable=False),
        sa.Column("gateway", sa.Text(), nullable=True),
        sa.Column("date", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency_code", sa.Text(), nullable=False, comment="ISO 4217 code of the amounts in this row."),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("amount_unused", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("id_at_gateway", sa.Text(), nullable=True),
        sa.Column("masked_card_number", sa.Text(), nullable=True),
        sa.Column(
            "error_code",
            sa.Text(),
            nullable=True,
            comment="Why a payment failed, in Chargebee's words, for example card_declined.",
        ),
        sa.Column("error_text", sa.Text(), nullable=True),
        sa.Column(
            "reference_transaction_id", sa.Text(), nullable=True, comment="The payment that a refund gives back."
        ),
        sa.Column(
            "linked_invoices",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
        ),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False, comment="When Chargebee last changed it."),
        sa.Column(
            "resource_version",
            sa.BigInteger(),
            nullable=False,
            comment="Chargebee's version of the resource; only a higher one may overwrite this row.",
        ),
        sa.Column(
            "deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="Deleted in Chargebee."
        ),
        sa.Column(
            "synced_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When this copy was written.",
        ),
        sa.CheckConstraint("currency_code ~ '^[A-Z]{3}$'", name=op.f("transaction_currency_code_check")),
        sa.CheckConstraint(
            "status IN ('in_progress', 'success', 'voided', 'failure', 'timeout', 'needs_attention', 'late_failure')",
            name=op.f("transaction_status_check"),
        ),
        sa.CheckConstraint(
            "type IN ('authorization', 'payment', 'refund', 'payment_reversal')", name=op.f("transaction_type_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("transaction_pkey")),
        schema="chargebee",
        comment="A payment, refund or attempt at one in Chargebee.",
    )
    op.create_index(
        op.f("transaction_customer_id_date_idx"),
        "transaction",
        ["customer_id", "date"],
        unique=False,
        schema="chargebee",
    )
    op.create_index(op.f("transaction_invoice_id_idx"), "transaction", ["invoice_id"], unique=False, schema="chargebee")
    op.create_index(
        op.f("transaction_reference_transaction_id_idx"),
        "transaction",
        ["reference_transaction_id"],
        unique=False,
        schema="chargebee",
    )
    op.create_index(
        op.f("transaction_status_date_idx"), "transaction", ["status", "date"], unique=False, schema="chargebee"
    )
    op.create_index(
        op.f("transaction_subscription_id_idx"), "transaction", ["subscription_id"], unique=False, schema="chargebee"
    )
    op.create_index(op.f("transaction_updated_at_idx"), "transaction", ["updated_at"], unique=False, schema="chargebee")
    op.create_table(
        "dead_letter",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "event",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="The whole event, so that it can be replayed after archiving.",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "resolved_at", sa.DateTime(timezone=True), nullable=True, comment="When it was replayed or discarded."
        ),
        sa.Column("resolution", sa.Text(), nullable=True),
        sa.CheckConstraint("resolution IN ('replayed', 'discarded')", name=op.f("dead_letter_resolution_check")),
        sa.CheckConstraint("(resolved_at IS NULL) = (resolution IS NULL)", name=op.f("dead_letter_resolved_at_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("dead_letter_pkey")),
        schema="events",
        comment="An event that an agent gave up on.",
    )
    op.create_index(op.f("dead_letter_event_id_idx"), "dead_letter", ["event_id"], unique=False, schema="events")
    op.create_index(
        "dead_letter_open_idx",
        "dead_letter",
        ["agent", "created_at"],
        unique=False,
        schema="events",
        postgresql_where=sa.text("resolved_at IS NULL"),
    )
    op.create_table(
        "delivery",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column(
            "effects",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
            comment="What the agent did outside.",
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('done', 'duplicate', 'retry', 'dead_letter', 'skipped')", name=op.f("delivery_outcome_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("delivery_pkey")),
        schema="events",
        comment="One attempt of an agent at an event.",
    )
    op.create_index(
        op.f("delivery_agent_started_at_idx"), "delivery", ["agent", "started_at"], unique=False, schema="events"
    )
    op.create_index(
        op.f("delivery_event_id_started_at_idx"), "delivery", ["event_id", "started_at"], unique=False, schema="events"
    )
    op.create_index(
        op.f("delivery_outcome_started_at_idx"), "delivery", ["outcome", "started_at"], unique=False, schema="events"
    )
    op.create_table(
        "inbox",
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("agent", "event_id", name=op.f("inbox_pkey")),
        schema="events",
        comment="Which agent has handled which event. Its key is what makes an effect happen once.",
    )
    op.create_index(op.f("inbox_event_id_idx"), "inbox", ["event_id"], unique=False, schema="events")
    op.create_index(op.f("inbox_processed_at_idx"), "inbox", ["processed_at"], unique=False, schema="events")
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("type", sa.Text(), nullable=False, comment="For example contract.created."),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column(
            "ordering_key", sa.Text(), nullable=False, comment="Events of one key are delivered in commit order."
        ),
        sa.Column("subject", sa.Text(), nullable=False, comment="Id of the aggregate that the event is about."),
        sa.Column(
            "source", sa.Text(), nullable=True, comment="URI of where it happened, for example /caregraph/production."
        ),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column(
            "session_variables",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="Who did it; null for changes made outside the endpoint.",
        ),
        sa.Column("traceparent", sa.Text(), nullable=True, comment="W3C trace context of the request that caused it."),
        sa.Column(
            "lane",
            sa.SmallInteger(),
            sa.Computed("(hashtextextended(ordering_key, (0)::bigint) & (63)::bigint)::smallint", persisted=True),
            nullable=False,
            comment="Hash of the ordering key, 0 to 63; a lane has one relay at a time.",
        ),
        sa.Column(
            "replay_of",
            sa.Uuid(),
            nullable=True,
            comment="The event that this row publishes once more, under that event's id.",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "published_at", sa.DateTime(timezone=True), nullable=True, comment="Null while it waits for the relay."
        ),
        sa.Column("message_id", sa.Text(), nullable=True, comment="Pub/Sub's id of the message."),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column(
            "dead_lettered_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the relay gave it up; its dead letter says why.",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("outbox_pkey")),
        sa.UniqueConstraint("sequence", name=op.f("outbox_sequence_key")),
        schema="events",
        comment="Every event, exactly as its transaction committed it.",
    )
    op.create_index(op.f("outbox_created_at_idx"), "outbox", ["created_at"], unique=False, schema="events")
    op.create_index(
        op.f("outbox_subject_sequence_idx"), "outbox", ["subject", "sequence"], unique=False, schema="events"
    )
    op.create_index(op.f("outbox_type_created_at_idx"), "outbox", ["type", "created_at"], unique=False, schema="events")
    op.create_index(
        "outbox_waiting_idx",
        "outbox",
        ["lane", "sequence"],
        unique=False,
        schema="events",
        postgresql_where=sa.text("published_at IS NULL AND dead_lettered_at IS NULL"),
    )
    op.create_table(
        "relay",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column(
            "backend_pid", sa.Integer(), nullable=False, comment="Its PostgreSQL session, which holds its lanes."
        ),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column(
            "lanes", sa.SmallInteger(), server_default=sa.text("0"), nullable=False, comment="How many lanes it owns."
        ),
        sa.Column(
            "asleep",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether it waits for NOTIFY: commits with events then wake it.",
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="The row counts until then; a living relay moves it on.",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("relay_pkey")),
        schema="events",
        comment="The relays that are running.",
    )
    op.create_table(
        "scheduled_task",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="Says what it is for, so that nothing is planned twice."),
        sa.Column("kind", sa.Text(), nullable=False, comment="For example contract.renew."),
        sa.Column("target", sa.Text(), nullable=False, comment="The agent that carries it out."),
        sa.Column(
            "payload", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'{}'::jsonb"), nullable=False
        ),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Text(), server_default="scheduled", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column(
            "handed_over_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When Cloud Tasks took it; it takes nothing more than 30 days ahead.",
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('scheduled', 'handed_over', 'done', 'cancelled', 'failed')",
            name=op.f("scheduled_task_status_check"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("scheduled_task_pkey")),
        sa.UniqueConstraint("name", name=op.f("scheduled_task_name_key")),
        schema="events",
        comment="Work for later: the source of truth, of which Cloud Tasks gets what is due soon.",
    )
    op.create_index(
        op.f("scheduled_task_kind_due_at_idx"), "scheduled_task", ["kind", "due_at"], unique=False, schema="events"
    )
    op.create_index(
        op.f("scheduled_task_status_due_at_idx"), "scheduled_task", ["status", "due_at"], unique=False, schema="events"
    )
    op.create_table(
        "medication",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column(
            "code_system", sa.Text(), nullable=False, comment="URI of the code system, for example http://loinc.org."
        ),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("code_display", sa.Text(), nullable=False, comment="The code's meaning in words."),
        sa.Column("status", sa.Text(), server_default="active", nullable=False),
        sa.Column(
            "form", sa.Text(), nullable=False, comment="Dose form, for example tablet or solution for injection."
        ),
        sa.Column("strength", sa.Text(), nullable=False, comment="Amount with its UCUM unit, for example 10 mg."),
        sa.Column(
            "is_controlled",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="A controlled substance, with rules of its own.",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('active', 'inactive', 'entered_in_error')", name=op.f("medication_status_check")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("medication_pkey")),
        sa.UniqueConstraint("code_system", "code", name=op.f("medication_code_system_code_key")),
        schema="healthcare",
        comment="What can be prescribed (RxNorm).",
    )
    op.create_index(op.f("medication_status_idx"), "medication", ["status"], unique=False, schema="healthcare")
    op.create_table(
        "pharmacy",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("ncpdp_id", sa.Text(), nullable=False, comment="The pharmacy's number in the NCPDP directory."),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("fax", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("address_line1", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("state_code", sa.Text(), nullable=True),
        sa.Column("zip", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("ncpdp_id ~ '^[0-9]{7}$'", name=op.f("pharmacy_ncpdp_id_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("pharmacy_pkey")),
        sa.UniqueConstraint("ncpdp_id", name=op.f("pharmacy_ncpdp_id_key")),
        schema="healthcare",
        comment="A pharmacy that fills and ships prescriptions.",
    )
    op.create_table(
        "customer",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("firebase_uid", sa.Text(), nullable=True, comment="The person's account in Firebase Auth."),
        sa.Column(
            "chargebee_customer_id", sa.Text(), nullable=True, comment="The person's customer record in Chargebee."
        ),
        sa.Column(
            "zendesk_user_id", sa.BigInteger(), nullable=True, comment="The person's requester record in Zendesk."
        ),
        sa.Column(
            "email", sa.Text(), nullable=True, comment="In lower case. Null when the person gave none or was deleted."
        ),
        sa.Column("first_name", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True, comment="E.164, for example +12025550142."),
        sa.Column("date_of_birth", sa.Date(), nullable=True),
        sa.Column("address_line1", sa.Text(), nullable=True),
        sa.Column("address_line2", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column(
            "state_code", sa.Text(), nullable=True, comment="Second part of the ISO 3166-2 code, for example CA."
        ),
        sa.Column("zip", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True, comment="ISO 3166-1 alpha-2 code."),
        sa.Column(
            "timezone",
            sa.Text(),
            server_default="UTC",
            nullable=False,
            comment="IANA name, for example America/Denver.",
        ),
        sa.Column(
            "currency_code",
            sa.Text(),
            server_default="USD",
            nullable=False,
            comment="ISO 4217 code of the amounts in this row.",
        ),
        sa.Column(
            "lifetime_value",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Sum of the payments received, in minor units.",
        ),
        sa.Column(
            "email_opt_out",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="No e-mail but what law or care require.",
        ),
        sa.Column(
            "sms_opt_out", sa.Boolean(), server_default=sa.text("false"), nullable=False, comment="No text messages."
        ),
        sa.Column(
            "quiet_hours_start",
            sa.Time(),
            server_default=sa.text("'21:00'::time"),
            nullable=False,
            comment="From this local time on nothing is sent that can wait.",
        ),
        sa.Column("quiet_hours_end", sa.Time(), server_default=sa.text("'08:00'::time"), nullable=False),
        sa.Column(
            "deleted_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the person's data was deleted; what law keeps stays.",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency_code ~ '^[A-Z]{3}$'", name=op.f("customer_currency_code_check")),
        sa.CheckConstraint("email = lower(email)", name=op.f("customer_email_lower_case_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("customer_pkey")),
        sa.UniqueConstraint("chargebee_customer_id", name=op.f("customer_chargebee_customer_id_key")),
        sa.UniqueConstraint("email", name=op.f("customer_email_key")),
        sa.UniqueConstraint("firebase_uid", name=op.f("customer_firebase_uid_key")),
        sa.UniqueConstraint("zendesk_user_id", name=op.f("customer_zendesk_user_id_key")),
        schema="public",
        comment="A customer's profile. The chart is in healthcare_patient, the billing record in chargebee_customer.",
    )
    op.create_index(op.f("customer_last_name_idx"), "customer", ["last_name"], unique=False, schema="public")
    op.create_index(op.f("customer_phone_idx"), "customer", ["phone"], unique=False, schema="public")
    op.create_table(
        "staff",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("firebase_uid", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False, comment="What the person may do; becomes a claim in their token."),
        sa.Column(
            "npi", sa.Text(), nullable=True, comment="National Provider Identifier (ten digits); providers only."
        ),
        sa.Column("credentials", sa.Text(), nullable=True, comment="Letters behind the name, for example MD or NP."),
        sa.Column("specialty", sa.Text(), nullable=True),
        sa.Column(
            "license_states",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'::text[]"),
            nullable=False,
            comment="States whose patients the provider may treat.",
        ),
        sa.Column("timezone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column(
            "active",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Inactive people keep their rows and lose their access.",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("npi ~ '^[0-9]{10}$'", name=op.f("staff_npi_check")),
        sa.CheckConstraint("role IN ('provider', 'cct', 'admin')", name=op.f("staff_role_check")),
        sa.CheckConstraint("email = lower(email)", name=op.f("staff_email_lower_case_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("staff_pkey")),
        sa.UniqueConstraint("email", name=op.f("staff_email_key")),
        sa.UniqueConstraint("firebase_uid", name=op.f("staff_firebase_uid_key")),
        sa.UniqueConstraint("npi", name=op.f("staff_npi_key")),
        schema="public",
        comment="Providers, the care coordination team, and operators.",
    )
    op.create_index(op.f("staff_role_idx"), "staff", ["role"], unique=False, schema="public")
    op.create_table(
        "treatment",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "active",
            sa.Boolean(),
            server_default=sa.text("true"),
            nullable=False,
            comment="Only active treatments are offered.",
        ),
        sa.Column("monthly_item_price_id", sa.Text(), nullable=False, comment="Chargebee item price billed monthly."),
        sa.Column(
            "upfront_item_price_id", sa.Text(), nullable=True, comment="Chargebee item price billed once a term."
        ),
        sa.Column("monthly_price", sa.BigInteger(), nullable=False, comment="Price of a month in minor units."),
        sa.Column(
            "upfront_price",
            sa.BigInteger(),
            nullable=True,
            comment="Price of a whole term paid at once, in minor units.",
        ),
        sa.Column(
            "currency_code",
            sa.Text(),
            server_default="USD",
            nullable=False,
            comment="ISO 4217 code of the amounts in this row.",
        ),
        sa.Column(
            "has_upfront_payment_option",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether a term can be paid at once; decides what renewal does.",
        ),
        sa.Column(
            "term_months",
            sa.SmallInteger(),
            server_default=sa.text("6"),
            nullable=False,
            comment="Length of a contract.",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency_code ~ '^[A-Z]{3}$'", name=op.f("treatment_currency_code_check")),
        sa.CheckConstraint(
            "NOT has_upfront_payment_option OR (upfront_item_price_id IS NOT NULL AND upfront_price IS NOT NULL)",
            name=op.f("treatment_upfront_payment_option_check"),
        ),
        sa.CheckConstraint("term_months BETWEEN 1 AND 60", name=op.f("treatment_term_months_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("treatment_pkey")),
        sa.UniqueConstraint("name", name=op.f("treatment_name_key")),
        schema="public",
        comment="The catalogue: what customers can subscribe to.",
    )
    op.create_index(op.f("treatment_active_idx"), "treatment", ["active"], unique=False, schema="public")
    op.create_index(
        op.f("treatment_monthly_item_price_id_idx"),
        "treatment",
        ["monthly_item_price_id"],
        unique=False,
        schema="public",
    )
    op.create_index(
        op.f("treatment_upfront_item_price_id_idx"),
        "treatment",
        ["upfront_item_price_id"],
        unique=False,
        schema="public",
    )
    op.create_table(
        "patient",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=True, comment="Medical record number."),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "gender", sa.Text(), server_default="unknown", nullable=False, comment="Administrative gender (FHIR)."
        ),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column(
            "state_code",
            sa.Text(),
            nullable=True,
            comment="Where the patient is treated; the provider needs a licence there.",
        ),
        sa.Column("language", sa.Text(), server_default="en", nullable=False, comment="BCP 47 tag."),
        sa.Column("preferred_pharmacy_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("gender IN ('male', 'female', 'other', 'unknown')", name=op.f("patient_gender_check")),
        sa.ForeignKeyConstraint(["customer_id"], ["public.customer.id"], name=op.f("patient_customer_id_fkey")),
        sa.ForeignKeyConstraint(
            ["preferred_pharmacy_id"], ["healthcare.pharmacy.id"], name=op.f("patient_preferred_pharmacy_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("patient_pkey")),
        sa.UniqueConstraint("customer_id", name=op.f("patient_customer_id_key")),
        sa.UniqueConstraint("identifier", name=op.f("patient_identifier_key")),
        schema="healthcare",
        comment="The clinical side of a customer: one patient per customer.",
    )
    op.create_index(
        op.f("patient_preferred_pharmacy_id_idx"),
        "patient",
        ["preferred_pharmacy_id"],
        unique=False,
        schema="healthcare",
    )
    op.create_table(
        "contract",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column(
            "subscription_id",
            sa.Text(),
            nullable=True,
            comment="The Chargebee subscription that pays for it; null until known.",
        ),
        sa.Column("treatment_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), server_default="future", nullable=False),
        sa.Column("start_date", sa.Date(), server_default=sa.text("CURRENT_DATE"), nullable=False),
        sa.Column(
            "end_date", sa.Date(), nullable=False, comment="Start date plus the treatment's term when not given."
        ),
        sa.Column("auto_renew", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "renewed_from_id",
            sa.Uuid(),
            nullable=True,
            comment="The contract that this one continues; a contract is continued at most once.",
        ),
        sa.Column("activated_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "completed_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When it ended by being completed or renewed.",
        ),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('future', 'active', 'completed', 'renewed', 'cancelled')", name=op.f("contract_status_check")
        ),
        sa.CheckConstraint("end_date > start_date", name=op.f("contract_end_date_check")),
        sa.CheckConstraint("renewed_from_id <> id", name=op.f("contract_renewed_from_id_check")),
        sa.ForeignKeyConstraint(["customer_id"], ["public.customer.id"], name=op.f("contract_customer_id_fkey")),
        sa.ForeignKeyConstraint(
            ["renewed_from_id"], ["public.contract.id"], name=op.f("contract_renewed_from_id_fkey")
        ),
        sa.ForeignKeyConstraint(["treatment_id"], ["public.treatment.id"], name=op.f("contract_treatment_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("contract_pkey")),
        sa.UniqueConstraint("renewed_from_id", name=op.f("contract_renewed_from_id_key")),
        schema="public",
        comment="A customer's agreement to a treatment for a term.",
    )
    op.create_index(op.f("contract_customer_id_idx"), "contract", ["customer_id"], unique=False, schema="public")
    op.create_index(
        "contract_id_text_idx", "contract", [sa.literal_column("(id::text)")], unique=False, schema="public"
    )
    op.create_index(
        op.f("contract_status_end_date_idx"), "contract", ["status", "end_date"], unique=False, schema="public"
    )
    op.create_index(
        op.f("contract_subscription_id_idx"), "contract", ["subscription_id"], unique=False, schema="public"
    )
    op.create_index(op.f("contract_treatment_id_idx"), "contract", ["treatment_id"], unique=False, schema="public")
    op.create_table(
        "data_deletion_request",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column(
            "status",
            sa.Text(),
            server_default="pending",
            nullable=False,
            comment="Pending: within the grace period, and can be cancelled.",
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "scheduled_for",
            sa.DateTime(timezone=True),
            server_default=sa.text("now() + interval '14 days'"),
            nullable=False,
            comment="End of the grace period.",
        ),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "proof",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="What was deleted where and when, and what law keeps.",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'processing', 'completed', 'cancelled', 'failed')",
            name=op.f("data_deletion_request_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["public.customer.id"], name=op.f("data_deletion_request_customer_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("data_deletion_request_pkey")),
        schema="public",
        comment="A customer's request to be forgotten (GDPR article 17).",
    )
    op.create_index(
        op.f("data_deletion_request_customer_id_idx"),
        "data_deletion_request",
        ["customer_id"],
        unique=False,
        schema="public",
    )
    op.create_index(
        "data_deletion_request_one_open_idx",
        "data_deletion_request",
        ["customer_id"],
        unique=True,
        schema="public",
        postgresql_where=sa.text("status IN ('pending', 'processing')"),
    )
    op.create_index(
        op.f("data_deletion_request_status_scheduled_for_idx"),
        "data_deletion_request",
        ["status", "scheduled_for"],
        unique=False,
        schema="public",
    )
    op.create_table(
        "message_thread",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column(
            "staff_id",
            sa.Uuid(),
            nullable=True,
            comment="Who is to answer; null means anyone of the care coordination team.",
        ),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), server_default="general", nullable=False),
        sa.Column("status", sa.Text(), server_default="open", nullable=False, comment="Waiting: for the customer."),
        sa.Column("last_message_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "category IN ('clinical', 'billing', 'shipping', 'account', 'general')",
            name=op.f("message_thread_category_check"),
        ),
        sa.CheckConstraint("status IN ('open', 'waiting', 'closed')", name=op.f("message_thread_status_check")),
        sa.ForeignKeyConstraint(["customer_id"], ["public.customer.id"], name=op.f("message_thread_customer_id_fkey")),
        sa.ForeignKeyConstraint(["staff_id"], ["public.staff.id"], name=op.f("message_thread_staff_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("message_thread_pkey")),
        schema="public",
        comment="A conversation between a customer and the people who look after them.",
    )
    op.create_index(
        op.f("message_thread_customer_id_last_message_at_idx"),
        "message_thread",
        ["customer_id", "last_message_at"],
        unique=False,
        schema="public",
    )
    op.create_index(
        op.f("message_thread_staff_id_last_message_at_idx"),
        "message_thread",
        ["staff_id", "last_message_at"],
        unique=False,
        schema="public",
    )
    op.create_index(
        op.f("message_thread_status_last_message_at_idx"),
        "message_thread",
        ["status", "last_message_at"],
        unique=False,
        schema="public",
    )
    op.create_table(
        "notification",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False, comment="The event that caused it."),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=True, comment="Address or number it went to."),
        sa.Column(
            "data",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="What the template was given.",
        ),
        sa.Column(
            "status",
            sa.Text(),
            server_default="queued",
            nullable=False,
            comment="Suppressed: not sent because of an opt-out, quiet hours or a missing address.",
        ),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("provider_message_id", sa.Text(), nullable=True, comment="The sending system's id of the message."),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True, comment="When it was opened in the portal."),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("channel IN ('email', 'sms', 'portal')", name=op.f("notification_channel_check")),
        sa.CheckConstraint(
            "status IN ('queued', 'sent', 'delivered', 'failed', 'suppressed')", name=op.f("notification_status_check")
        ),
        sa.ForeignKeyConstraint(["customer_id"], ["public.customer.id"], name=op.f("notification_customer_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("notification_pkey")),
        sa.UniqueConstraint("event_id", "template", "channel", name=op.f("notification_event_id_template_channel_key")),
        schema="public",
        comment="Every message that left the house, or would have: one row an event, template and channel.",
    )
    op.create_index(
        op.f("notification_customer_id_created_at_idx"),
        "notification",
        ["customer_id", "created_at"],
        unique=False,
        schema="public",
    )
    op.create_index(
        op.f("notification_provider_message_id_idx"),
        "notification",
        ["provider_message_id"],
        unique=False,
        schema="public",
    )
    op.create_index(
        op.f("notification_status_created_at_idx"),
        "notification",
        ["status", "created_at"],
        unique=False,
        schema="public",
    )
    op.create_table(
        "referral",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("referrer_id", sa.Uuid(), nullable=False, comment="Who recommends us."),
        sa.Column(
            "referred_id", sa.Uuid(), nullable=True, comment="The friend, once signed up. Nobody is referred twice."
        ),
        sa.Column("referred_email", sa.Text(), nullable=True),
        sa.Column(
            "code",
            sa.Text(),
            server_default=sa.text("upper(substr(md5((gen_random_uuid())::text), 1, 10))"),
            nullable=False,
            comment="What the friend enters at sign-up.",
        ),
        sa.Column(
            "status",
            sa.Text(),
            server_default="invited",
            nullable=False,
            comment="Completed by the friend's first active contract.",
        ),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now() + interval '90 days'"),
            nullable=False,
        ),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('invited', 'signed_up', 'completed', 'expired', 'cancelled')",
            name=op.f("referral_status_check"),
        ),
        sa.CheckConstraint("referred_id <> referrer_id", name=op.f("referral_referred_id_check")),
        sa.ForeignKeyConstraint(["referred_id"], ["public.customer.id"], name=op.f("referral_referred_id_fkey")),
        sa.ForeignKeyConstraint(["referrer_id"], ["public.customer.id"], name=op.f("referral_referrer_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("referral_pkey")),
        sa.UniqueConstraint("code", name=op.f("referral_code_key")),
        sa.UniqueConstraint("referred_id", name=op.f("referral_referred_id_key")),
        schema="public",
        comment="An invitation from a customer to a friend.",
    )
    op.create_index(op.f("referral_referrer_id_idx"), "referral", ["referrer_id"], unique=False, schema="public")
    op.create_index(op.f("referral_status_idx"), "referral", ["status"], unique=False, schema="public")
    op.create_table(
        "support_ticket",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("zendesk_ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("category", sa.Text(), server_default="other", nullable=False),
        sa.Column("status", sa.Text(), server_default="new", nullable=False, comment="Zendesk's ticket status."),
        sa.Column("priority", sa.Text(), server_default="normal", nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=True, comment="The Chargebee invoice it is about."),
        sa.Column("assignee_id", sa.Uuid(), nullable=True),
        sa.Column("solved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "category IN ('payment', 'clinical', 'shipping', 'account', 'other')",
            name=op.f("support_ticket_category_check"),
        ),
        sa.CheckConstraint(
            "priority IN ('low', 'normal', 'high', 'urgent')", name=op.f("support_ticket_priority_check")
        ),
        sa.CheckConstraint(
            "status IN ('new', 'open', 'pending', 'hold', 'solved', 'closed')", name=op.f("support_ticket_status_check")
        ),
        sa.ForeignKeyConstraint(["assignee_id"], ["public.staff.id"], name=op.f("support_ticket_assignee_id_fkey")),
        sa.ForeignKeyConstraint(["customer_id"], ["public.customer.id"], name=op.f("support_ticket_customer_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("support_ticket_pkey")),
        sa.UniqueConstraint("zendesk_ticket_id", name=op.f("support_ticket_zendesk_ticket_id_key")),
        schema="public",
        comment="A ticket in Zendesk, as far as we need to know it.",
    )
    op.create_index(
        op.f("support_ticket_assignee_id_idx"), "support_ticket", ["assignee_id"], unique=False, schema="public"
    )
    op.create_index(
        op.f("support_ticket_customer_id_idx"), "support_ticket", ["customer_id"], unique=False, schema="public"
    )
    op.create_index(
        op.f("support_ticket_invoice_id_idx"), "support_ticket", ["invoice_id"], unique=False, schema="public"
    )
    op.create_index(
        op.f("support_ticket_status_created_at_idx"),
        "support_ticket",
        ["status", "created_at"],
        unique=False,
        schema="public",
    )
    op.create_table(
        "allergy_intolerance",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("recorder_id", sa.Uuid(), nullable=True),
        sa.Column(
            "code_system", sa.Text(), nullable=False, comment="URI of the code system, for example http://loinc.org."
        ),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("code_display", sa.Text(), nullable=False, comment="The code's meaning in words."),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("criticality", sa.Text(), nullable=True),
        sa.Column("clinical_status", sa.Text(), server_default="active", nullable=False),
        sa.Column("verification_status", sa.Text(), server_default="unconfirmed", nullable=False),
        sa.Column("reaction", sa.Text(), nullable=True),
        sa.Column("onset_date", sa.Date(), nullable=True),
        sa.Column("recorded_date", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "category IN ('food', 'medication', 'environment', 'biologic')",
            name=op.f("allergy_intolerance_category_check"),
        ),
        sa.CheckConstraint(
            "clinical_status IN ('active', 'inactive', 'resolved')",
            name=op.f("allergy_intolerance_clinical_status_check"),
        ),
        sa.CheckConstraint(
            "criticality IN ('low', 'high', 'unable_to_assess')", name=op.f("allergy_intolerance_criticality_check")
        ),
        sa.CheckConstraint("type IN ('allergy', 'intolerance')", name=op.f("allergy_intolerance_type_check")),
        sa.CheckConstraint(
            "verification_status IN ('unconfirmed', 'confirmed', 'refuted', 'entered_in_error')",
            name=op.f("allergy_intolerance_verification_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["healthcare.patient.id"], name=op.f("allergy_intolerance_patient_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["recorder_id"], ["public.staff.id"], name=op.f("allergy_intolerance_recorder_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("allergy_intolerance_pkey")),
        schema="healthcare",
        comment="What a patient must not be given (SNOMED CT or RxNorm).",
    )
    op.create_index(
        op.f("allergy_intolerance_patient_id_idx"),
        "allergy_intolerance",
        ["patient_id"],
        unique=False,
        schema="healthcare",
    )
    op.create_index(
        op.f("allergy_intolerance_recorder_id_idx"),
        "allergy_intolerance",
        ["recorder_id"],
        unique=False,
        schema="healthcare",
    )
    op.create_table(
        "care_team",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), server_default="primary", nullable=False),
        sa.Column(
            "status", sa.Text(), server_default="active", nullable=False, comment="Only active members see the patient."
        ),
        sa.Column("period_start", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role IN ('primary', 'covering', 'consulting')", name=op.f("care_team_role_check")),
        sa.CheckConstraint(
            "status IN ('proposed', 'active', 'suspended', 'inactive')", name=op.f("care_team_status_check")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["healthcare.patient.id"], name=op.f("care_team_patient_id_fkey")),
        sa.ForeignKeyConstraint(["staff_id"], ["public.staff.id"], name=op.f("care_team_staff_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("care_team_pkey")),
        sa.UniqueConstraint("patient_id", "staff_id", name=op.f("care_team_patient_id_staff_id_key")),
        schema="healthcare",
        comment="Which provider looks after which patient; decides what a provider may see.",
    )
    op.create_index(
        op.f("care_team_staff_id_status_patient_id_idx"),
        "care_team",
        ["staff_id", "status", "patient_id"],
        unique=False,
        schema="healthcare",
    )
    op.create_table(
        "encounter",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("staff_id", sa.Uuid(), nullable=False, comment="The provider who holds it."),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default="planned", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column(
            "period_start", sa.DateTime(timezone=True), nullable=False, comment="Planned start, then the real one."
        ),
        sa.Column("period_end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("video_url", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('planned', 'arrived', 'in_progress', 'finished', 'cancelled', 'entered_in_error')",
            name=op.f("encounter_status_check"),
        ),
        sa.CheckConstraint("type IN ('async', 'video')", name=op.f("encounter_type_check")),
        sa.CheckConstraint("period_end >= period_start", name=op.f("encounter_period_end_check")),
        sa.ForeignKeyConstraint(["patient_id"], ["healthcare.patient.id"], name=op.f("encounter_patient_id_fkey")),
        sa.ForeignKeyConstraint(["staff_id"], ["public.staff.id"], name=op.f("encounter_staff_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("encounter_pkey")),
        schema="healthcare",
        comment="A visit, by video or by messages.",
    )
    op.create_index(
        op.f("encounter_patient_id_period_start_idx"),
        "encounter",
        ["patient_id", "period_start"],
        unique=False,
        schema="healthcare",
    )
    op.create_index(
        op.f("encounter_staff_id_status_period_start_idx"),
        "encounter",
        ["staff_id", "status", "period_start"],
        unique=False,
        schema="healthcare",
    )
    op.create_table(
        "message",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("thread_id", sa.Uuid(), nullable=False),
        sa.Column("sender_role", sa.Text(), nullable=False),
        sa.Column("sender_customer_id", sa.Uuid(), nullable=True),
        sa.Column("sender_staff_id", sa.Uuid(), nullable=True),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True, comment="When the other side first opened it."),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(sender_role = 'customer') = (sender_customer_id IS NOT NULL) AND (sender_role IN ('provider', 'cct')) = (sender_staff_id IS NOT NULL)",
            name=op.f("message_sender_check"),
        ),
        sa.CheckConstraint(
            "sender_role IN ('customer', 'provider', 'cct', 'system')", name=op.f("message_sender_role_check")
        ),
        sa.CheckConstraint("length(body) BETWEEN 1 AND 20000", name=op.f("message_body_check")),
        sa.ForeignKeyConstraint(
            ["sender_customer_id"], ["public.customer.id"], name=op.f("message_sender_customer_id_fkey")
        ),
        sa.ForeignKeyConstraint(["sender_staff_id"], ["public.staff.id"], name=op.f("message_sender_staff_id_fkey")),
        sa.ForeignKeyConstraint(["thread_id"], ["public.message_thread.id"], name=op.f("message_thread_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("message_pkey")),
        schema="public",
        comment="One message of a thread. May hold PHI.",
    )
    op.create_index(
        op.f("message_sender_customer_id_idx"), "message", ["sender_customer_id"], unique=False, schema="public"
    )
    op.create_index(op.f("message_sender_staff_id_idx"), "message", ["sender_staff_id"], unique=False, schema="public")
    op.create_index(
        op.f("message_thread_id_created_at_idx"), "message", ["thread_id", "created_at"], unique=False, schema="public"
    )
    op.create_table(
        "referral_reward",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False, comment="Who gets the reward: the referrer or the friend."),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="In minor units."),
        sa.Column(
            "currency_code",
            sa.Text(),
            server_default="USD",
            nullable=False,
            comment="ISO 4217 code of the amounts in this row.",
        ),
        sa.Column("status", sa.Text(), server_default="pending", nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("chargebee_credit_id", sa.Text(), nullable=True, comment="The promotional credit in Chargebee."),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency_code ~ '^[A-Z]{3}$'", name=op.f("referral_reward_currency_code_check")),
        sa.CheckConstraint(
            "status IN ('pending', 'granted', 'failed', 'revoked')", name=op.f("referral_reward_status_check")
        ),
        sa.CheckConstraint("amount > 0", name=op.f("referral_reward_amount_check")),
        sa.ForeignKeyConstraint(["customer_id"], ["public.customer.id"], name=op.f("referral_reward_customer_id_fkey")),
        sa.ForeignKeyConstraint(["referral_id"], ["public.referral.id"], name=op.f("referral_reward_referral_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("referral_reward_pkey")),
        sa.UniqueConstraint("referral_id", "customer_id", name=op.f("referral_reward_referral_id_customer_id_key")),
        schema="public",
        comment="The credit that a completed referral earns, one for each of the two.",
    )
    op.create_index(
        op.f("referral_reward_customer_id_idx"), "referral_reward", ["customer_id"], unique=False, schema="public"
    )
    op.create_index(op.f("referral_reward_status_idx"), "referral_reward", ["status"], unique=False, schema="public")
    op.create_table(
        "clinical_note",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("encounter_id", sa.Uuid(), nullable=True),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("type", sa.Text(), server_default="progress", nullable=False),
        sa.Column("status", sa.Text(), server_default="preliminary", nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column(
            "shared_with_patient",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="Whether the patient sees it.",
        ),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('preliminary', 'final', 'amended', 'entered_in_error')", name=op.f("clinical_note_status_check")
        ),
        sa.CheckConstraint(
            "type IN ('progress', 'consultation', 'telephone', 'care_plan')", name=op.f("clinical_note_type_check")
        ),
        sa.ForeignKeyConstraint(["author_id"], ["public.staff.id"], name=op.f("clinical_note_author_id_fkey")),
        sa.ForeignKeyConstraint(
            ["encounter_id"], ["healthcare.encounter.id"], name=op.f("clinical_note_encounter_id_fkey")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["healthcare.patient.id"], name=op.f("clinical_note_patient_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("clinical_note_pkey")),
        schema="healthcare",
        comment="A note by a provider.",
    )
    op.create_index(
        op.f("clinical_note_author_id_idx"), "clinical_note", ["author_id"], unique=False, schema="healthcare"
    )
    op.create_index(
        op.f("clinical_note_encounter_id_idx"), "clinical_note", ["encounter_id"], unique=False, schema="healthcare"
    )
    op.create_index(
        op.f("clinical_note_patient_id_created_at_idx"),
        "clinical_note",
        ["patient_id", "created_at"],
        unique=False,
        schema="healthcare",
    )
    op.create_index(op.f("clinical_note_status_idx"), "clinical_note", ["status"], unique=False, schema="healthcare")
    op.create_table(
        "condition",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("encounter_id", sa.Uuid(), nullable=True),
        sa.Column("recorder_id", sa.Uuid(), nullable=True),
        sa.Column(
            "code_system", sa.Text(), nullable=False, comment="URI of the code system, for example http://loinc.org."
        ),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("code_display", sa.Text(), nullable=False, comment="The code's meaning in words."),
        sa.Column("clinical_status", sa.Text(), server_default="active", nullable=False),
        sa.Column("verification_status", sa.Text(), server_default="confirmed", nullable=False),
        sa.Column("severity", sa.Text(), nullable=True),
        sa.Column("onset_date", sa.Date(), nullable=True),
        sa.Column("abatement_date", sa.Date(), nullable=True),
        sa.Column("recorded_date", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "clinical_status IN ('active', 'recurrence', 'relapse', 'inactive', 'remission', 'resolved')",
            name=op.f("condition_clinical_status_check"),
        ),
        sa.CheckConstraint("severity IN ('mild', 'moderate', 'severe')", name=op.f("condition_severity_check")),
        sa.CheckConstraint(
            "verification_status IN ('unconfirmed', 'provisional', 'differential', 'confirmed', 'refuted', 'entered_in_error')",
            name=op.f("condition_verification_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["encounter_id"], ["healthcare.encounter.id"], name=op.f("condition_encounter_id_fkey")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["healthcare.patient.id"], name=op.f("condition_patient_id_fkey")),
        sa.ForeignKeyConstraint(["recorder_id"], ["public.staff.id"], name=op.f("condition_recorder_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("condition_pkey")),
        schema="healthcare",
        comment="A problem or diagnosis (ICD-10-CM).",
    )
    op.create_index(op.f("condition_code_idx"), "condition", ["code"], unique=False, schema="healthcare")
    op.create_index(
        op.f("condition_encounter_id_idx"), "condition", ["encounter_id"], unique=False, schema="healthcare"
    )
    op.create_index(op.f("condition_patient_id_idx"), "condition", ["patient_id"], unique=False, schema="healthcare")
    op.create_index(op.f("condition_recorder_id_idx"), "condition", ["recorder_id"], unique=False, schema="healthcare")
    op.create_table(
        "observation",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("encounter_id", sa.Uuid(), nullable=True),
        sa.Column("performer_id", sa.Uuid(), nullable=True),
        sa.Column("status", sa.Text(), server_default="final", nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column(
            "code_system", sa.Text(), nullable=False, comment="URI of the code system, for example http://loinc.org."
        ),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("code_display", sa.Text(), nullable=False, comment="The code's meaning in words."),
        sa.Column("value_quantity", sa.Numeric(), nullable=True),
        sa.Column("value_unit", sa.Text(), nullable=True, comment="UCUM, for example kg or mm[Hg]."),
        sa.Column("value_string", sa.Text(), nullable=True),
        sa.Column("interpretation", sa.Text(), nullable=True, comment="HL7 interpretation code."),
        sa.Column("reference_range_low", sa.Numeric(), nullable=True),
        sa.Column("reference_range_high", sa.Numeric(), nullable=True),
        sa.Column("effective_date_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("issued", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "category IN ('vital_signs', 'laboratory', 'survey')", name=op.f("observation_category_check")
        ),
        sa.CheckConstraint(
            "interpretation IN ('L', 'N', 'H', 'LL', 'HH', 'A')", name=op.f("observation_interpretation_check")
        ),
        sa.CheckConstraint(
            "status IN ('registered', 'preliminary', 'final', 'amended', 'corrected', 'cancelled', 'entered_in_error')",
            name=op.f("observation_status_check"),
        ),
        sa.CheckConstraint(
            "(value_quantity IS NULL) = (value_unit IS NULL)", name=op.f("observation_value_unit_check")
        ),
        sa.ForeignKeyConstraint(
            ["encounter_id"], ["healthcare.encounter.id"], name=op.f("observation_encounter_id_fkey")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["healthcare.patient.id"], name=op.f("observation_patient_id_fkey")),
        sa.ForeignKeyConstraint(["performer_id"], ["public.staff.id"], name=op.f("observation_performer_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("observation_pkey")),
        schema="healthcare",
        comment="A measurement: vital sign, laboratory result or survey score (LOINC).",
    )
    op.create_index(
        op.f("observation_encounter_id_idx"), "observation", ["encounter_id"], unique=False, schema="healthcare"
    )
    op.create_index(
        op.f("observation_patient_id_code_effective_date_time_idx"),
        "observation",
        ["patient_id", "code", "effective_date_time"],
        unique=False,
        schema="healthcare",
    )
    op.create_index(
        op.f("observation_patient_id_effective_date_time_idx"),
        "observation",
        ["patient_id", "effective_date_time"],
        unique=False,
        schema="healthcare",
    )
    op.create_index(
        op.f("observation_performer_id_idx"), "observation", ["performer_id"], unique=False, schema="healthcare"
    )
    op.create_index(op.f("observation_status_idx"), "observation", ["status"], unique=False, schema="healthcare")
    op.create_table(
        "prescription",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("requester_id", sa.Uuid(), nullable=False, comment="The provider who prescribes."),
        sa.Column("medication_id", sa.Uuid(), nullable=False),
        sa.Column("encounter_id", sa.Uuid(), nullable=True),
        sa.Column("contract_id", sa.Uuid(), nullable=True),
        sa.Column("pharmacy_id", sa.Uuid(), nullable=True),
        sa.Column(
            "status",
            sa.Text(),
            server_default="draft",
            nullable=False,
            comment="A draft becomes active by being signed.",
        ),
        sa.Column("status_reason", sa.Text(), nullable=True),
        sa.Column("dosage_instruction", sa.Text(), nullable=False, comment="What the patient reads on the label."),
        sa.Column("dose_quantity", sa.Numeric(), nullable=True),
        sa.Column("dose_unit", sa.Text(), nullable=True, comment="UCUM."),
        sa.Column("quantity", sa.Numeric(), nullable=False, comment="Amount dispensed a fill."),
        sa.Column("quantity_unit", sa.Text(), nullable=False, comment="UCUM, for example {tbl} or mL."),
        sa.Column("days_supply", sa.Integer(), nullable=False, comment="Days that a fill lasts."),
        sa.Column(
            "refills_allowed",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="Fills after the first.",
        ),
        sa.Column("refills_remaining", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("refill_due_on", sa.Date(), nullable=True, comment="When the next fill should be asked for."),
        sa.Column(
            "refill_requested_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Set while a refill waits for the provider's approval.",
        ),
        sa.Column("authored_on", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_until", sa.Date(), nullable=True, comment="No fills after this day."),
        sa.Column("note", sa.Text(), nullable=True, comment="For the pharmacist."),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('draft', 'active', 'on_hold', 'completed', 'cancelled', 'stopped')",
            name=op.f("prescription_status_check"),
        ),
        sa.CheckConstraint(
            "status IN ('draft', 'cancelled') OR signed_at IS NOT NULL", name=op.f("prescription_signed_at_check")
        ),
        sa.CheckConstraint("days_supply > 0", name=op.f("prescription_days_supply_check")),
        sa.CheckConstraint("quantity > 0", name=op.f("prescription_quantity_check")),
        sa.CheckConstraint(
            "refills_allowed >= 0 AND refills_remaining BETWEEN 0 AND refills_allowed",
            name=op.f("prescription_refills_check"),
        ),
        sa.ForeignKeyConstraint(["contract_id"], ["public.contract.id"], name=op.f("prescription_contract_id_fkey")),
        sa.ForeignKeyConstraint(
            ["encounter_id"], ["healthcare.encounter.id"], name=op.f("prescription_encounter_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["medication_id"], ["healthcare.medication.id"], name=op.f("prescription_medication_id_fkey")
        ),
        sa.ForeignKeyConstraint(["patient_id"], ["healthcare.patient.id"], name=op.f("prescription_patient_id_fkey")),
        sa.ForeignKeyConstraint(
            ["pharmacy_id"], ["healthcare.pharmacy.id"], name=op.f("prescription_pharmacy_id_fkey")
        ),
        sa.ForeignKeyConstraint(["requester_id"], ["public.staff.id"], name=op.f("prescription_requester_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("prescription_pkey")),
        schema="healthcare",
        comment="A prescription (FHIR MedicationRequest).",
    )
    op.create_index(
        op.f("prescription_contract_id_idx"), "prescription", ["contract_id"], unique=False, schema="healthcare"
    )
    op.create_index(
        op.f("prescription_encounter_id_idx"), "prescription", ["encounter_id"], unique=False, schema="healthcare"
    )
    op.create_index(
        op.f("prescription_medication_id_idx"), "prescription", ["medication_id"], unique=False, schema="healthcare"
    )
    op.create_index(
        op.f("prescription_patient_id_status_idx"),
        "prescription",
        ["patient_id", "status"],
        unique=False,
        schema="healthcare",
    )
    op.create_index(
        op.f("prescription_pharmacy_id_idx"), "prescription", ["pharmacy_id"], unique=False, schema="healthcare"
    )
    op.create_index(
        op.f("prescription_refill_due_on_idx"), "prescription", ["refill_due_on"], unique=False, schema="healthcare"
    )
    op.create_index(
        "prescription_refill_requested_idx",
        "prescription",
        ["refill_requested_at"],
        unique=False,
        schema="healthcare",
        postgresql_where=sa.text("refill_requested_at IS NOT NULL"),
    )
    op.create_index(
        op.f("prescription_requester_id_status_idx"),
        "prescription",
        ["requester_id", "status"],
        unique=False,
        schema="healthcare",
    )
    op.create_index(op.f("prescription_status_idx"), "prescription", ["status"], unique=False, schema="healthcare")
    op.create_table(
        "questionnaire_response",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("patient_id", sa.Uuid(), nullable=False),
        sa.Column("treatment_id", sa.Uuid(), nullable=True),
        sa.Column("encounter_id", sa.Uuid(), nullable=True),
        sa.Column(
            "questionnaire",
            sa.Text(),
            nullable=False,
            comment="Name and version, for example intake/weight-management/1.",
        ),
        sa.Column("status", sa.Text(), server_default="completed", nullable=False),
        sa.Column("authored", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "item",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="FHIR's item: a list of {linkId, text, answer}.",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('in_progress', 'completed', 'amended', 'entered_in_error', 'stopped')",
            name=op.f("questionnaire_response_status_check"),
        ),
        sa.ForeignKeyConstraint(
            ["encounter_id"], ["healthcare.encounter.id"], name=op.f("questionnaire_response_encounter_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["patient_id"], ["healthcare.patient.id"], name=op.f("questionnaire_response_patient_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["treatment_id"], ["public.treatment.id"], name=op.f("questionnaire_response_treatment_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("questionnaire_response_pkey")),
        schema="healthcare",
        comment="A patient's answers to an intake or follow-up questionnaire.",
    )
    op.create_index(
        op.f("questionnaire_response_encounter_id_idx"),
        "questionnaire_response",
        ["encounter_id"],
        unique=False,
        schema="healthcare",
    )
    op.create_index(
        op.f("questionnaire_response_patient_id_authored_idx"),
        "questionnaire_response",
        ["patient_id", "authored"],
        unique=False,
        schema="healthcare",
    )
    op.create_index(
        op.f("questionnaire_response_status_idx"),
        "questionnaire_response",
        ["status"],
        unique=False,
        schema="healthcare",
    )
    op.create_index(
        op.f("questionnaire_response_treatment_id_idx"),
        "questionnaire_response",
        ["treatment_id"],
        unique=False,
        schema="healthcare",
    )
    op.create_table(
        "prescription_fill",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("prescription_id", sa.Uuid(), nullable=False),
        sa.Column("pharmacy_id", sa.Uuid(), nullable=False),
        sa.Column("fill_number", sa.Integer(), nullable=False, comment="0 is the first fill, 1 the first refill."),
        sa.Column("status", sa.Text(), server_default="queued", nullable=False),
        sa.Column("status_reason", sa.Text(), nullable=True, comment="Why the pharmacy rejected it."),
        sa.Column("pharmacy_order_id", sa.Text(), nullable=True, comment="The pharmacy network's id of the order."),
        sa.Column("quantity", sa.Numeric(), nullable=False),
        sa.Column("days_supply", sa.Integer(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=True),
        sa.Column("tracking_number", sa.Text(), nullable=True),
        sa.Column("tracking_url", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("filled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('queued', 'sent', 'accepted', 'rejected', 'filled', 'shipped', 'delivered')",
            name=op.f("prescription_fill_status_check"),
        ),
        sa.CheckConstraint("fill_number >= 0", name=op.f("prescription_fill_fill_number_check")),
        sa.ForeignKeyConstraint(
            ["pharmacy_id"], ["healthcare.pharmacy.id"], name=op.f("prescription_fill_pharmacy_id_fkey")
        ),
        sa.ForeignKeyConstraint(
            ["prescription_id"], ["healthcare.prescription.id"], name=op.f("prescription_fill_prescription_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("prescription_fill_pkey")),
        sa.UniqueConstraint("pharmacy_order_id", name=op.f("prescription_fill_pharmacy_order_id_key")),
        sa.UniqueConstraint(
            "prescription_id", "fill_number", name=op.f("prescription_fill_prescription_id_fill_number_key")
        ),
        schema="healthcare",
        comment="One time that a pharmacy fills and ships a prescription (FHIR MedicationDispense).",
    )
    op.create_index(
        op.f("prescription_fill_pharmacy_id_idx"),
        "prescription_fill",
        ["pharmacy_id"],
        unique=False,
        schema="healthcare",
    )
    op.create_index(
        op.f("prescription_fill_status_created_at_idx"),
        "prescription_fill",
        ["status", "created_at"],
        unique=False,
        schema="healthcare",
    )
    op.create_index(
        op.f("prescription_fill_tracking_number_idx"),
        "prescription_fill",
        ["tracking_number"],
        unique=False,
        schema="healthcare",
    )
