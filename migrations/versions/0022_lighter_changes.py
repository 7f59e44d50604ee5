"""The record of changes draws one id a statement and counts on from it, and keeps ranges in place of two trees.

A random number from the operating system took as long as all the rest of an entry, where PostgreSQL was built without
OpenSSL. Entries lie in the order of their making, as those of reads do (revision 0017).
"""

from alembic import op

from migrations.sql import run_script

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index(op.f("change_user_id_created_at_idx"), table_name="change", schema="audit")
    op.drop_index(op.f("change_created_at_idx"), table_name="change", schema="audit")
    op.create_index(
        "change_ranges_idx",
        "change",
        ["created_at", "user_id"],
        unique=False,
        schema="audit",
        postgresql_using="brin",
        postgresql_ops={"user_id": "text_bloom_ops"},
        postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
    )
    run_script("0022_lighter_changes")


def downgrade() -> None:
    run_script("0022_lighter_changes_undo")
    op.drop_index("change_ranges_idx", table_name="change", schema="audit")
    op.create_index(op.f("change_created_at_idx"), "change", ["created_at"], unique=False, schema="audit")
    op.create_index(
        op.f("change_user_id_created_at_idx"), "change", ["user_id", "created_at"], unique=False, schema="audit"
    )
