"""The audit refuses changes in every replication role: in `replica`, ordinary triggers don't fire."""

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_REFUSALS = (("change", "refuse"), ("access", "refuse"), ("access", "refuse_young"))


def upgrade() -> None:
    _fire("ENABLE ALWAYS")


def downgrade() -> None:
    _fire("ENABLE")


def _fire(how: str) -> None:
    for table, trigger in _REFUSALS:
        op.execute(f"ALTER TABLE audit.{table} {how} TRIGGER {trigger}")
