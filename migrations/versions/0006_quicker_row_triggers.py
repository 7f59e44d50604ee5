"""Trigger functions without variables: PL/pgSQL prepares each one's expression anew in every transaction.

The script is what `python -m triggers.ddl` printed of these functions when this revision was written.
"""

from migrations.sql import run_script

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("0006_quicker_row_triggers")


def downgrade() -> None:
    run_script("0006_quicker_row_triggers_undo")
