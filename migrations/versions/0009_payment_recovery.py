"""Recovery of failed payments: how each stands, what was given back of an invoice, and the events that tell of it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.sql import run_script

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# As revision 0003 has it for every table.
TRIGGERS = {
    "insert": "REFERENCING NEW TABLE AS new_rows",
    "update": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "delete": "REFERENCING OLD TABLE AS old_rows",
    "truncate": "",
}
KEYS = "'id', 'customer_id', 'invoice_id', 'subscription_id', 'zendesk_ticket_id'"
#: Rows refer to each other by it now.
TICKET_KEYS = "'id', 'customer_id', 'invoice_id', 'assignee_id'"


def watch(table: str, keys: str) -> None:
    for operation, tables in TRIGGERS.items():
        op.execute(
            f"CREATE OR REPLACE TRIGGER notify_live_{operation} AFTER {operation.upper()} ON {table} {tables}"
            f" FOR EACH STATEMENT EXECUTE FUNCTION events.notify_live({keys})"
        )


def upgrade() -> None:
    op.add_column(
        "invoice",
        sa.Column(
            "issued_credit_notes",
            postgresql.JSONB(),
            server_default=sa.text("'[]'::jsonb"),
            nullable=False,
            comment="What was given back of it, as Chargebee has it: cn_id, cn_status, cn_total.",
        ),
        schema="chargebee",
    )
    op.create_table(
        "payment_recovery",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("invoice_id", sa.Text(), nullable=False, comment="The Chargebee invoice that was not paid."),
        sa.Column(
            "subscription_id", sa.Text(), nullable=True, comment="The Chargebee subscription that it is of, if any."
        ),
        sa.Column(
            "status",
            sa.Text(),
            server_default="open",
            nullable=False,
            comment="Recovered: paid after all. Exhausted: given up. Cancelled: nothing is due any more.",
        ),
        sa.Column("status_reason", sa.Text(), nullable=True, comment="Why it was cancelled."),
        sa.Column(
            "event_id",
            sa.Uuid(),
            nullable=False,
            comment="The invoice.payment_failed that began it; its tasks are named so.",
        ),
        sa.Column("amount", sa.BigInteger(), nullable=False, comment="What was due when it began, in minor units."),
        sa.Column("currency_code", sa.Text(), nullable=False, comment="ISO 4217 code of the amounts in this row."),
        sa.Column(
            "retries", sa.SmallInteger(), nullable=False, comment="How many further attempts are planned in all."
        ),
        sa.Column(
            "attempts",
            sa.SmallInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How many of them are over, those without a charge included.",
        ),
        sa.Column("next_retry_at", sa.DateTime(timezone=True), nullable=True, comment="Null when none is to come."),
        sa.Column(
            "last_decline_code", sa.Text(), nullable=True, comment="Why the last charge failed, in the gateway's word."
        ),
        sa.Column(
            "needs_new_card",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
            comment="The card on file will be declined again, so it isn't charged.",
        ),
        sa.Column(
            "payment_source_id",
            sa.Text(),
            nullable=True,
            comment="The payment source in Chargebee that was declined last.",
        ),
        sa.Column("declined_at", sa.DateTime(timezone=True), nullable=True, comment="When it was."),
        sa.Column("zendesk_ticket_id", sa.BigInteger(), nullable=True, comment="The ticket about it."),
        sa.Column(
            "failed_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When the payment failed first; the plan counts from here.",
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True, comment="When it ended, however it did."),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('open', 'recovered', 'exhausted', 'cancelled')", name=op.f("payment_recovery_status_check")
        ),
        sa.CheckConstraint("currency_code ~ '^[A-Z]{3}$'", name=op.f("payment_recovery_currency_code_check")),
        sa.CheckConstraint("(status = 'open') = (closed_at IS NULL)", name=op.f("payment_recovery_closed_at_check")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["public.customer.id"], name=op.f("payment_recovery_customer_id_fkey")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("payment_recovery_pkey")),
        sa.UniqueConstraint("invoice_id", name=op.f("payment_recovery_invoice_id_key")),
        schema="public",
        comment="A failed payment on its way to its end.",
    )
    for columns in (["customer_id"], ["subscription_id"], ["status", "next_retry_at"]):
        op.create_index(
            op.f(f"payment_recovery_{'_'.join(columns)}_idx"),
            "payment_recovery",
            columns,
            unique=False,
            schema="public",
        )
    op.execute(
        "CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.payment_recovery"
        " FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()"
    )
    for operation, tables in TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER audit_{operation} AFTER {operation.upper()} ON public.payment_recovery {tables}"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit.record_change()"
        )
    watch("public.payment_recovery", KEYS)
    watch("public.support_ticket", f"{TICKET_KEYS}, 'zendesk_ticket_id'")
    run_script("0009_payment_recovery")


def downgrade() -> None:
    run_script("0009_payment_recovery_undo")
    watch("public.support_ticket", TICKET_KEYS)
    op.drop_table("payment_recovery", schema="public")
    op.drop_column("invoice", "issued_credit_notes", schema="chargebee")
