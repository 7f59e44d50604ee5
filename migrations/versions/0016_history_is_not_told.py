"""Invoices that a back-fill brings when they are over already are history: they are no events."""

import sqlalchemy as sa
from alembic import op

from migrations.sql import run_script

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "invoice",
        sa.Column(
            "history_by",
            sa.Text(),
            nullable=True,
            comment="The agent whose back-fill brought it after its end, so that no event told of it; null for others.",
        ),
        schema="chargebee",
    )
    op.add_column(
        "invoice",
        sa.Column(
            "history_paid",
            sa.BigInteger(),
            nullable=True,
            comment="With history_by: what had been paid by then, less what had been given back.",
        ),
        schema="chargebee",
    )
    op.create_check_constraint(
        op.f("invoice_history_paid_check"),
        "invoice",
        "(history_by IS NULL) = (history_paid IS NULL)",
        schema="chargebee",
    )
    op.add_column(
        "customer",
        sa.Column(
            "history_value",
            sa.BigInteger(),
            server_default=sa.text("0"),
            nullable=False,
            comment="The part of lifetime_value that invoices brought which came as history.",
        ),
        schema="public",
    )
    run_script("0016_history_is_not_told")


def downgrade() -> None:
    run_script("0016_history_is_not_told_undo")
    op.drop_column("customer", "history_value", schema="public")
    op.drop_constraint(op.f("invoice_history_paid_check"), "invoice", schema="chargebee")
    op.drop_column("invoice", "history_paid", schema="chargebee")
    op.drop_column("invoice", "history_by", schema="chargebee")
