"""The outbox's ascending indexes leave room for the entries that marks add.

A mark writes a row anew, and a new entry for it beside the old one. In pages that rising keys have filled each of them
split once more for that, after a vain look for entries that could go.
"""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_INDEXES = ("outbox_pkey", "outbox_sequence_key")


def upgrade() -> None:
    for index in _INDEXES:
        op.execute(f"ALTER INDEX events.{index} SET (fillfactor = 50)")


def downgrade() -> None:
    for index in _INDEXES:
        op.execute(f"ALTER INDEX events.{index} RESET (fillfactor)")
