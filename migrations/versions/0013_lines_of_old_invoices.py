"""Lines of an invoice's old version are looked for when it is turned away, not at every insert of a line."""

from migrations.sql import run_script

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("0013_lines_of_old_invoices")


def downgrade() -> None:
    run_script("0013_lines_of_old_invoices_undo")
