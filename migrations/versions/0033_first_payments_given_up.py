"""One more event type: the first charge for a contract has failed as often as it was planned."""

from migrations.sql import run_script

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("0033_first_payments_given_up")


def downgrade() -> None:
    run_script("0033_first_payments_given_up_undo")
