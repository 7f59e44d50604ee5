"""Scheduled work: hand-over to Cloud Tasks, runs of cron jobs; and who discarded a dead letter, and why."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.sql import run_script

revision = "0004"
down_revision = "0003"
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
    op.add_column(
        "dead_letter",
        sa.Column("resolution_reason", sa.Text(), nullable=True, comment="Why it was discarded."),
        schema="events",
    )
    op.add_column(
        "dead_letter",
        sa.Column("resolved_by", sa.Text(), nullable=True, comment="Who discarded it."),
        schema="events",
    )
    op.add_column(
        "scheduled_task",
        sa.Column(
            "generation",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="How often it was planned anew; part of its name in Cloud Tasks, which takes a name once.",
        ),
        schema="events",
    )
    op.add_column(
        "scheduled_task",
        sa.Column("cloud_task", sa.Text(), nullable=True, comment="Name of the task that Cloud Tasks was given."),
        schema="events",
    )
    op.create_table(
        "cron_run",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("job", sa.Text(), nullable=False, comment="For example renewal-check."),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, comment="The minute that the schedule names."),
        sa.Column("outcome", sa.Text(), server_default="running", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("result", postgresql.JSONB(), nullable=True, comment="What it did, in numbers."),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('running', 'done', 'failed', 'abandoned')", name=op.f("cron_run_outcome_check")
        ),
        sa.CheckConstraint("(outcome = 'running') = (finished_at IS NULL)", name=op.f("cron_run_finished_at_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("cron_run_pkey")),
        sa.UniqueConstraint("job", "due_at", name=op.f("cron_run_job_due_at_key")),
        schema="events",
        comment="Every run of a cron job, with its outcome.",
    )
    op.create_index(op.f("cron_run_started_at_idx"), "cron_run", ["started_at"], unique=False, schema="events")
    for operation, tables in TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER notify_live_{operation} AFTER {operation.upper()} ON events.cron_run {tables}"
            " FOR EACH STATEMENT EXECUTE FUNCTION events.notify_live('id')"
        )
    run_script("0004_scheduled_work")


def downgrade() -> None:
    op.execute("DROP TRIGGER plan_anew ON events.scheduled_task")
    op.execute("DROP FUNCTION events.plan_anew()")
    op.drop_table("cron_run", schema="events")
    op.drop_column("scheduled_task", "cloud_task", schema="events")
    op.drop_column("scheduled_task", "generation", schema="events")
    op.drop_column("dead_letter", "resolved_by", schema="events")
    op.drop_column("dead_letter", "resolution_reason", schema="events")
