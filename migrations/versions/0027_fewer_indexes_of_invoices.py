"""The mirror of invoices keeps the indexes by which somebody looks.

Lines are found by their invoice and by their customer; no relationship leads to them from a price or from a subscription,
whose lines are those of its invoices. Nobody asks for invoices by when they last changed: the cursor and the comparison
go by Chargebee's listing and by ids. Each of the three was a twentieth of what PostgreSQL does for an invoice's line, or
for an invoice.
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index(op.f("invoice_line_item_subscription_id_idx"), table_name="invoice_line_item", schema="chargebee")
    op.drop_index(op.f("invoice_line_item_entity_id_idx"), table_name="invoice_line_item", schema="chargebee")
    op.drop_index(op.f("invoice_updated_at_idx"), table_name="invoice", schema="chargebee")


def downgrade() -> None:
    op.create_index(op.f("invoice_updated_at_idx"), "invoice", ["updated_at"], unique=False, schema="chargebee")
    for column in ("entity_id", "subscription_id"):
        op.create_index(
            op.f(f"invoice_line_item_{column}_idx"), "invoice_line_item", [column], unique=False, schema="chargebee"
        )
