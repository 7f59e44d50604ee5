"""Events that wait for the relay have a row in a table of their own, and one in another when it has published them.

The mark of a published event was a change of the event itself, a new version of a long row and of its entries in four
indexes: 12 µs of PostgreSQL for each, where a short row that goes and another that comes take 4.
"""

import sqlalchemy as sa
from alembic import op

from migrations.sql import run_script

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "waiting",
        sa.Column("lane", sa.SmallInteger(), nullable=False, comment="The event's."),
        sa.Column("sequence", sa.BigInteger(), nullable=False, comment="The event's."),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False, comment="Those that failed."),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("lane", "sequence", name=op.f("waiting_pkey")),
        schema="events",
        comment="The events that the relay has yet to publish. Written with the event, removed with its publication.",
    )
    op.create_table(
        "publication",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False, comment="The event's."),
        sa.Column(
            "published_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When Pub/Sub had taken it; null if it never did.",
        ),
        sa.Column("message_id", sa.Text(), nullable=True, comment="Pub/Sub's id of the message."),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column(
            "dead_lettered_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the relay gave it up; its dead letter says why.",
        ),
        sa.CheckConstraint(
            "(published_at IS NULL) <> (dead_lettered_at IS NULL)", name=op.f("publication_outcome_check")
        ),
        sa.PrimaryKeyConstraint("sequence", name=op.f("publication_pkey")),
        schema="events",
        comment="What the relay made of an event of the outbox: published, or given up.",
    )
    run_script("0035_what_waits")


def downgrade() -> None:
    run_script("0035_what_waits_undo")
    op.drop_table("publication", schema="events")
    op.drop_table("waiting", schema="events")
