"""The mirror of Chargebee keeps the newest version of each row; the ETL's cursor says who reads and how far."""

import sqlalchemy as sa
from alembic import op

from migrations.sql import run_script

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MIRRORED = ("customer", "item_price", "subscription", "invoice", "invoice_line_item", "transaction", "credit_note")

#: Table, column: its comment before, and now.
COMMENTS = {
    **{
        (table, "resource_version"): (
            "Chargebee's version of the resource; only a higher one may overwrite this row.",
            "Chargebee's version of the resource; an older one never overwrites this row.",
        )
        for table in MIRRORED
    },
    ("transaction", "invoice_id"): (
        "The first of linked_invoices.",
        "The first of linked_invoices; of a refund, the invoice that its credit note is about.",
    ),
    ("sync_cursor", "resource"): (
        "Chargebee's name of the resource, for example invoice.",
        "Chargebee's name of the resource, for example invoice; of a back-fill, backfill:invoice.",
    ),
    ("sync_cursor", "updated_after"): (
        "Everything that changed up to this time has been read.",
        "Everything that changed up to this time has been read, by the runs that ended.",
    ),
}


def upgrade() -> None:
    run_script("0007_mirror_versions")
    for table in MIRRORED:
        op.execute(
            f"CREATE TRIGGER keep_newest_version BEFORE UPDATE ON chargebee.{table} FOR EACH ROW"
            " WHEN (NEW.resource_version <= OLD.resource_version)"
            " EXECUTE FUNCTION chargebee.keep_newest_version()"
        )
    _add(
        sa.Column(
            "read_after",
            sa.DateTime(timezone=True),
            comment="Where the run at hand began to read: next_offset goes with this, and with nothing else.",
        )
    )
    _add(
        sa.Column(
            "seen_until",
            sa.DateTime(timezone=True),
            comment="The latest change that the run at hand has read; updated_after once it ends.",
        )
    )
    _add(sa.Column("run_id", sa.Uuid(), comment="The run at hand, or the last one."))
    _add(
        sa.Column(
            "lease_until",
            sa.DateTime(timezone=True),
            comment="Until then the run at hand is alone with this resource; it moves this on with each page.",
        )
    )
    for (table, column), (_before, now) in COMMENTS.items():
        _comment(table, column, now)


def downgrade() -> None:
    for (table, column), (before, _now) in COMMENTS.items():
        _comment(table, column, before)
    for column in ("lease_until", "run_id", "seen_until", "read_after"):
        op.drop_column("sync_cursor", column, schema="chargebee")
    for table in MIRRORED:
        op.execute(f"DROP TRIGGER keep_newest_version ON chargebee.{table}")
    op.execute("DROP TRIGGER retire_line_items ON chargebee.invoice_line_item")
    op.execute("DROP TRIGGER retire_line_items ON chargebee.invoice")
    op.execute("DROP FUNCTION chargebee.retire_line_items()")
    op.execute("DROP FUNCTION chargebee.keep_newest_version()")


def _add(column: sa.Column[object]) -> None:
    op.add_column("sync_cursor", column, schema="chargebee")


def _comment(table: str, column: str, text: str) -> None:
    quoted = text.replace("'", "''")
    op.execute(f"COMMENT ON COLUMN chargebee.{table}.{column} IS '{quoted}'")
