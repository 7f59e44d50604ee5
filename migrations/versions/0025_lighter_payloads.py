"""Events' data are made into JSON as a whole, no longer level by level: that took a tenth of what an event costs."""

from migrations.sql import run_script

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("0025_lighter_payloads")


def downgrade() -> None:
    run_script("0025_lighter_payloads_undo")
