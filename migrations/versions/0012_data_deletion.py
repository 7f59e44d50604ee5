"""Deletion requests plan their own work, and note each step of it with its proof.

The audit takes note of payment recoveries, too, and leaves out why somebody cancelled.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.sql import run_script

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# As revision 0003 has it for every table.
TRIGGERS = {
    "insert": "REFERENCING NEW TABLE AS new_rows",
    "update": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "delete": "REFERENCING OLD TABLE AS old_rows",
    "truncate": "",
}


def upgrade() -> None:
    op.create_table(
        "data_deletion_step",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False, comment="The system, or the part of ours, that it is about."),
        sa.Column(
            "proof",
            postgresql.JSONB(),
            nullable=False,
            comment="What was deleted, what was kept and why. Counts, no personal data.",
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["public.data_deletion_request.id"],
            name=op.f("data_deletion_step_request_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("data_deletion_step_pkey")),
        sa.UniqueConstraint("request_id", "step", name=op.f("data_deletion_step_request_id_step_key")),
        schema="public",
        comment="A step of a deletion that is done: a row each, so that the work goes on where it was.",
    )
    op.execute(
        "CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.data_deletion_step"
        " FOR EACH ROW EXECUTE FUNCTION public.touch_updated_at()"
    )
    for operation, tables in TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER notify_live_{operation} AFTER {operation.upper()} ON public.data_deletion_step"
            f" {tables} FOR EACH STATEMENT EXECUTE FUNCTION events.notify_live('id', 'request_id')"
        )
    run_script("0012_data_deletion")
    # A recovery is about money; why somebody cancelled is their own words, and would outlive the deletion of their data.
    for table, left_out in (("public.payment_recovery", ""), ("public.contract", "'cancel_reason'")):
        for operation, tables in TRIGGERS.items():
            op.execute(
                f"CREATE OR REPLACE TRIGGER audit_{operation} AFTER {operation.upper()} ON {table} {tables}"
                f" FOR EACH STATEMENT EXECUTE FUNCTION audit.record_change({left_out})"
            )


def downgrade() -> None:
    for operation, tables in TRIGGERS.items():
        op.execute(f"DROP TRIGGER audit_{operation} ON public.payment_recovery")
        op.execute(
            f"CREATE OR REPLACE TRIGGER audit_{operation} AFTER {operation.upper()} ON public.contract {tables}"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit.record_change()"
        )
    op.execute("DROP TRIGGER plan_data_deletion ON public.data_deletion_request")
    op.execute("DROP FUNCTION public.plan_data_deletion()")
    op.drop_table("data_deletion_step", schema="public")
