"""Whoever writes an event reads from a sequence whether anybody waits: two queries cost more."""

from migrations.sql import run_script

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("0021_awaited_until")


def downgrade() -> None:
    run_script("0021_awaited_until_undo")
