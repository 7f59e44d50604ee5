"""Who was forgotten stays so in the mirror of billing, whatever comes late from Chargebee."""

from alembic import op

from migrations.sql import run_script

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("0019_forgotten_stay_forgotten")


def downgrade() -> None:
    op.execute("DROP TRIGGER forget_person ON chargebee.customer")
    op.execute("DROP FUNCTION chargebee.forget_person()")
