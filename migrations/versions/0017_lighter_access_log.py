"""The record of accesses keeps ranges in place of two trees: every read of health information paid for them.

A tree by user is written to at a thousand places at once, which took PostgreSQL twice as long as all the rest of an
entry. Rows lie in the order of their making, so that ranges of blocks find a time span as well, and a user in it.
"""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index(op.f("access_user_id_created_at_idx"), table_name="access", schema="audit")
    op.drop_index(op.f("access_created_at_idx"), table_name="access", schema="audit")
    op.create_index(
        "access_ranges_idx",
        "access",
        ["created_at", "user_id"],
        unique=False,
        schema="audit",
        postgresql_using="brin",
        postgresql_ops={"user_id": "text_bloom_ops"},
        postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
    )


def downgrade() -> None:
    op.drop_index("access_ranges_idx", table_name="access", schema="audit")
    op.create_index(op.f("access_created_at_idx"), "access", ["created_at"], unique=False, schema="audit")
    op.create_index(
        op.f("access_user_id_created_at_idx"), "access", ["user_id", "created_at"], unique=False, schema="audit"
    )
