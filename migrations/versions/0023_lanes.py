"""Triggers of tables say the lane of an event: a generated column cost a tenth of what an event does."""

from migrations.sql import run_script

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("0023_lanes")


def downgrade() -> None:
    run_script("0023_lanes_undo")
