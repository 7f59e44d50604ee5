"""${message}.

Runs in one transaction, alone, with a lock time-out of 4 s and a statement time-out of 60 s: the code that is deployed
now keeps working on the old and on the new schema (add, fill, enforce, remove: one step a revision). Names are
qualified with their schema. Import nothing of Caregraph but `migrations.sql`.
"""

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
