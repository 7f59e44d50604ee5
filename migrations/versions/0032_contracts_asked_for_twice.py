"""Of a contract that was asked for twice at once, by a double click say, one counts: when that was decided."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "contract",
        sa.Column(
            "confirmed_at",
            sa.TIMESTAMP(timezone=True),
            nullable=True,
            comment="When it was decided that it counts, or is the second of one that was asked for twice at once.",
        ),
        schema="public",
    )


def downgrade() -> None:
    op.drop_column("contract", "confirmed_at", schema="public")
