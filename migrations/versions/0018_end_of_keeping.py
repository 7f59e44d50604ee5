"""What law had us keep of a deleted customer is removed when its time is over, and a proof of that stays."""

from migrations.sql import run_script

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("0018_end_of_keeping")


def downgrade() -> None:
    run_script("0018_end_of_keeping_undo")
