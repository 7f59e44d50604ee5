"""A profile's names, telephone number, birth date and state are such as there can be, where people write them.

What is there already stays until it is changed.
"""

from alembic import op

from migrations.sql import run_script

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run_script("0031_profiles_as_expected")


def downgrade() -> None:
    op.execute("DROP TRIGGER check_changed_profile ON public.customer")
    op.execute("DROP TRIGGER check_profile ON public.customer")
    op.execute("DROP FUNCTION public.check_profile()")
    op.execute("DROP FUNCTION public.profile_fault(text, text, text, date, text, text)")
    op.execute("DROP FUNCTION public.e164(text, text)")
