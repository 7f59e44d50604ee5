"""One trigger tells relays and live queries of new events, where two did and one of them kept the rows for it.

The script is what `python -m triggers.ddl` printed of the function when this revision was written.
"""

from migrations.sql import run_script

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("0014_announce")


def downgrade() -> None:
    run_script("0014_announce_undo")
