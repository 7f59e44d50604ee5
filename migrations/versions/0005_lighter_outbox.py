"""The outbox keeps the indexes that somebody looks through: every write of an event pays for each of them twice."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index(op.f("outbox_type_created_at_idx"), table_name="outbox", schema="events")
    op.drop_index(op.f("outbox_created_at_idx"), table_name="outbox", schema="events")
    op.create_index(
        op.f("outbox_created_at_idx"),
        "outbox",
        ["created_at"],
        unique=False,
        schema="events",
        postgresql_using="brin",
        postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
    )


def downgrade() -> None:
    op.drop_index(op.f("outbox_created_at_idx"), table_name="outbox", schema="events")
    op.create_index(op.f("outbox_created_at_idx"), "outbox", ["created_at"], unique=False, schema="events")
    op.create_index(op.f("outbox_type_created_at_idx"), "outbox", ["type", "created_at"], unique=False, schema="events")
