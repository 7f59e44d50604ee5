"""Row triggers of events set no search path and have no RETURNING clause, and the outbox no trigger for its inserts.

Together a tenth of what the event of a changed row cost (docs/decisions/row-triggers-name-every-schema.md).
"""

import sqlalchemy as sa
from alembic import op

from migrations.sql import run_script

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

_LANE = "Hash of the ordering key, 0 to 63 (`events.lane_of`); a lane has one relay at a time."
_TRACE = "Of the trace context."


def upgrade() -> None:
    run_script("0036_cheaper_row_triggers")
    _comment(_LANE, _TRACE)


def downgrade() -> None:
    run_script("0036_cheaper_row_triggers_undo")
    _comment(f"{_LANE} Best left out.", f"{_TRACE} Best left out, with the lane.")


def _comment(lane: str, trace: str) -> None:
    op.alter_column("outbox", "lane", existing_type=sa.SmallInteger(), comment=lane, schema="events")
    op.alter_column("outbox", "trace_id", existing_type=sa.Text(), comment=trace, schema="events")
