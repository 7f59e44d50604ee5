"""Live queries: every table tells of its changes while somebody is subscribed to it."""

import sqlalchemy as sa
from alembic import op

from migrations.sql import run_script

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

# What a change says of its rows: the key, and the columns by which rows refer to each other.
TABLES = {
    "audit.access": ("id",),
    "audit.change": ("id",),
    "chargebee.credit_note": ("id", "customer_id", "subscription_id", "reference_invoice_id"),
    "chargebee.customer": ("id",),
    "chargebee.invoice": ("id", "customer_id", "subscription_id"),
    "chargebee.invoice_line_item": ("id", "invoice_id", "customer_id", "subscription_id", "entity_id"),
    "chargebee.item_price": ("id",),
    "chargebee.subscription": ("id", "customer_id", "plan_item_price_id", "cf_contract_id"),
    "chargebee.sync_cursor": ("resource",),
    "chargebee.transaction": ("id", "customer_id", "subscription_id", "invoice_id", "reference_transaction_id"),
    "events.dead_letter": ("id", "event_id"),
    "events.delivery": ("id", "event_id"),
    "events.inbox": ("agent", "event_id"),
    "events.outbox": ("id",),
    "events.relay": ("id",),
    "events.scheduled_task": ("id",),
    "healthcare.allergy_intolerance": ("id", "patient_id", "recorder_id"),
    "healthcare.care_team": ("id", "patient_id", "staff_id"),
    "healthcare.clinical_note": ("id", "patient_id", "encounter_id", "author_id"),
    "healthcare.condition": ("id", "patient_id", "encounter_id", "recorder_id"),
    "healthcare.encounter": ("id", "patient_id", "staff_id"),
    "healthcare.medication": ("id",),
    "healthcare.observation": ("id", "patient_id", "encounter_id", "performer_id"),
    "healthcare.patient": ("id", "customer_id", "preferred_pharmacy_id"),
    "healthcare.pharmacy": ("id",),
    "healthcare.prescription": (
        "id",
        "patient_id",
        "requester_id",
        "medication_id",
        "encounter_id",
        "contract_id",
        "pharmacy_id",
    ),
    "healthcare.prescription_fill": ("id", "prescription_id", "pharmacy_id"),
    "healthcare.questionnaire_response": ("id", "patient_id", "treatment_id", "encounter_id"),
    "public.contract": ("id", "customer_id", "subscription_id", "treatment_id", "renewed_from_id"),
    "public.customer": ("id", "chargebee_customer_id"),
    "public.data_deletion_request": ("id", "customer_id"),
    "public.message": ("id", "thread_id", "sender_customer_id", "sender_staff_id"),
    "public.message_thread": ("id", "customer_id", "staff_id"),
    "public.notification": ("id", "event_id", "customer_id"),
    "public.referral": ("id", "referrer_id", "referred_id"),
    "public.referral_reward": ("id", "referral_id", "customer_id"),
    "public.staff": ("id",),
    "public.support_ticket": ("id", "customer_id", "invoice_id", "assignee_id"),
    "public.treatment": ("id", "monthly_item_price_id", "upfront_item_price_id"),
}

# Transition tables belong to a trigger of one kind of statement.
TRIGGERS = {
    "insert": "REFERENCING NEW TABLE AS new_rows",
    "update": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "delete": "REFERENCING OLD TABLE AS old_rows",
    "truncate": "",
}


def upgrade() -> None:
    op.create_table(
        "live_watch",
        sa.Column("table_key", sa.Text(), nullable=False, comment="For example public.contract."),
        sa.Column(
            "until",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="Changes are told of until then; a process with subscribers moves it on.",
        ),
        sa.PrimaryKeyConstraint("table_key", name=op.f("live_watch_pkey")),
        schema="events",
        comment="The tables whose changes somebody is subscribed to.",
    )
    run_script("0003_notify_live")
    for table, columns in TABLES.items():
        arguments = ", ".join(f"'{column}'" for column in columns)
        for operation, tables in TRIGGERS.items():
            op.execute(
                f"CREATE TRIGGER notify_live_{operation} AFTER {operation.upper()} ON {table} {tables}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION events.notify_live({arguments})"
            )


def downgrade() -> None:
    for table in TABLES:
        for operation in TRIGGERS:
            op.execute(f"DROP TRIGGER notify_live_{operation} ON {table}")
    op.execute("DROP FUNCTION events.notify_live()")
    op.drop_table("live_watch", schema="events")
