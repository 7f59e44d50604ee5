"""The outbox has an archive, a replay may be for one agent alone, and scheduled work keeps its trace."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.sql import run_script

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# As revision 0003 has it for every table.
TRIGGERS = {
    "insert": "REFERENCING NEW TABLE AS new_rows",
    "update": "REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "delete": "REFERENCING OLD TABLE AS old_rows",
    "truncate": "",
}
REPLAY_TO = "The agent that alone is to handle this replay; null: all of them."


def upgrade() -> None:
    op.add_column("outbox", sa.Column("replay_to", sa.Text(), nullable=True, comment=REPLAY_TO), schema="events")
    op.create_table(
        "outbox_archive",
        sa.Column("id", sa.Uuid(), server_default=sa.text("public.uuid_v7()"), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("ordering_key", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("data", postgresql.JSONB(), nullable=False),
        sa.Column("session_variables", postgresql.JSONB(), nullable=True),
        sa.Column("traceparent", sa.Text(), nullable=True),
        sa.Column("replay_of", sa.Uuid(), nullable=True),
        sa.Column("replay_to", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("dead_lettered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("archived_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("outbox_archive_pkey")),
        sa.UniqueConstraint("sequence", name=op.f("outbox_archive_sequence_key")),
        schema="events",
        comment="Events that left the outbox for their age; the columns are the outbox's.",
    )
    op.create_index(
        op.f("outbox_archive_subject_sequence_idx"), "outbox_archive", ["subject", "sequence"], schema="events"
    )
    for table in ("outbox", "outbox_archive"):
        if table == "outbox":
            op.drop_index(op.f("outbox_created_at_idx"), table_name="outbox", schema="events")
        op.create_index(
            f"{table}_ranges_idx",
            table,
            [
                "created_at",
                "type",
                sa.literal_column("split_part(traceparent, '-'::text, 2)").label("trace_id"),
            ],
            schema="events",
            postgresql_using="brin",
            postgresql_ops={"type": "text_bloom_ops", "trace_id": "text_bloom_ops"},
            postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
        )
    for operation, tables in TRIGGERS.items():
        op.execute(
            f"CREATE TRIGGER notify_live_{operation} AFTER {operation.upper()} ON events.outbox_archive {tables}"
            " FOR EACH STATEMENT EXECUTE FUNCTION events.notify_live('id')"
        )
    op.add_column(
        "scheduled_task",
        sa.Column(
            "traceparent",
            sa.Text(),
            nullable=True,
            comment="W3C trace context of the request that planned it; a trigger notes it.",
        ),
        schema="events",
    )
    run_script("0010_archive_and_addressed_replays")


def downgrade() -> None:
    # What was archived was published, and stays with nobody.
    run_script("0010_archive_and_addressed_replays_undo")
    op.execute("DROP TRIGGER note_trace ON events.scheduled_task")
    op.execute("DROP FUNCTION events.note_trace()")
    op.drop_column("scheduled_task", "traceparent", schema="events")
    op.drop_index("outbox_ranges_idx", table_name="outbox", schema="events")
    op.create_index(
        op.f("outbox_created_at_idx"),
        "outbox",
        ["created_at"],
        unique=False,
        schema="events",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
    )
    op.drop_table("outbox_archive", schema="events")
    op.drop_column("outbox", "replay_to", schema="events")
