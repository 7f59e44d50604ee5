"""A contract's first charge that was declined is recovered like an invoice: it has no invoice yet, but a contract."""

import sqlalchemy as sa
from alembic import op

from migrations.sql import run_script

revision = "0015"
down_revision = "0014"
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
COMMENTS = {
    "COLUMN public.payment_recovery.invoice_id": (
        "The Chargebee invoice that was not paid. Null where there is none: a first charge that was declined.",
        "The Chargebee invoice that was not paid.",
    ),
    "COLUMN public.payment_recovery.event_id": (
        "The invoice.payment_failed that began it, or the contract's event; its tasks are named so.",
        "The invoice.payment_failed that began it; its tasks are named so.",
    ),
    "TABLE public.payment_recovery": (
        "A failed payment on its way to its end: an invoice's, or the first of a contract.",
        "A failed payment on its way to its end.",
    ),
}


def watch(keys: str) -> None:
    for operation, tables in TRIGGERS.items():
        op.execute(
            f"CREATE OR REPLACE TRIGGER notify_live_{operation} AFTER {operation.upper()} ON public.payment_recovery"
            f" {tables} FOR EACH STATEMENT EXECUTE FUNCTION events.notify_live({keys})"
        )


def comment(which: int) -> None:
    for target, texts in COMMENTS.items():
        quoted = texts[which].replace("'", "''")
        op.execute(f"COMMENT ON {target} IS '{quoted}'")


def upgrade() -> None:
    op.alter_column("payment_recovery", "invoice_id", nullable=True, schema="public")
    op.add_column(
        "payment_recovery",
        sa.Column(
            "contract_id",
            sa.Uuid(),
            nullable=True,
            comment="The contract whose first charge was declined, so that it has no subscription.",
        ),
        schema="public",
    )
    op.create_foreign_key(
        op.f("payment_recovery_contract_id_fkey"),
        "payment_recovery",
        "contract",
        ["contract_id"],
        ["id"],
        source_schema="public",
        referent_schema="public",
    )
    op.create_unique_constraint(
        op.f("payment_recovery_contract_id_key"), "payment_recovery", ["contract_id"], schema="public"
    )
    op.create_check_constraint(
        op.f("payment_recovery_about_check"),
        "payment_recovery",
        "(invoice_id IS NULL) <> (contract_id IS NULL)",
        schema="public",
    )
    comment(0)
    watch(f"{KEYS}, 'contract_id'")
    run_script("0015_first_payments")


def downgrade() -> None:
    run_script("0015_first_payments_undo")
    watch(KEYS)
    # An earlier version has no word for them.
    op.execute("DELETE FROM public.payment_recovery WHERE invoice_id IS NULL")
    op.drop_constraint(op.f("payment_recovery_about_check"), "payment_recovery", schema="public")
    op.drop_column("payment_recovery", "contract_id", schema="public")
    op.alter_column("payment_recovery", "invoice_id", nullable=False, schema="public")
    comment(1)
