"""Event triggers: committed changes write the outbox, and wake the relay.

Functions `events.publish` and `events.replay`, a trigger function a table that makes events, and the wake-up. The
scripts are what `python -m triggers.ddl` printed when this revision was written.
"""

from migrations.sql import run_script

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("0002_event_triggers")


def downgrade() -> None:
    run_script("0002_event_triggers_undo")
