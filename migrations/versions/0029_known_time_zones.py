"""A customer's time zone is one that there is.

Whoever writes another one into their profile would get text messages by the clock of UTC, in the middle of their night.
What is there already and isn't known counts as UTC, and is written so.
"""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None

_KNOWN = "'2000-01-01'::timestamp AT TIME ZONE timezone IS NOT NULL"


def upgrade() -> None:
    op.execute(
        "UPDATE public.customer SET timezone = 'UTC' WHERE timezone NOT IN (SELECT name FROM pg_catalog.pg_timezone_names)"
    )
    op.create_check_constraint(op.f("customer_timezone_known_check"), "customer", _KNOWN, schema="public")


def downgrade() -> None:
    op.drop_constraint(op.f("customer_timezone_known_check"), "customer", schema="public", type_="check")
