"""Whoever begins a treatment twice at once has begun it once; and the audit refuses in every replication role.

A second contract for the same treatment from the same day is refused where a person asks for it within a moment: each
would have a subscription of its own, and be charged for.
"""

from alembic import op

from migrations.sql import run_script

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

_AUDIT: dict[str, tuple[str, ...]] = {"change": ("refuse",), "access": ("refuse", "refuse_young")}


def upgrade() -> None:
    run_script("0030_one_contract_at_a_time")
    _fire("ENABLE ALWAYS")


def downgrade() -> None:
    _fire("ENABLE")
    run_script("0030_one_contract_at_a_time_undo")


def _fire(how: str) -> None:
    for table, triggers in _AUDIT.items():
        for trigger in triggers:
            op.execute(f"ALTER TABLE audit.{table} {how} TRIGGER {trigger}")
