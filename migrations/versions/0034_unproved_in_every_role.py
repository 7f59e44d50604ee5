"""All four refusals of the audit fire in every replication role, also where demo data had set them back to `origin`."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_REFUSALS = (("change", "refuse"), ("change", "refuse_unproved"), ("access", "refuse"), ("access", "refuse_young"))


def upgrade() -> None:
    for table, trigger in _REFUSALS:
        op.execute(f"ALTER TABLE audit.{table} ENABLE ALWAYS TRIGGER {trigger}")


def downgrade() -> None:
    op.execute("ALTER TABLE audit.change ENABLE TRIGGER refuse_unproved")
