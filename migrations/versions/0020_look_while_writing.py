"""Triggers look whether anybody waits for events in the statement that writes one: a trigger of its own cost twice that."""

from migrations.sql import run_script

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("0020_look_while_writing")


def downgrade() -> None:
    run_script("0020_look_while_writing_undo")
