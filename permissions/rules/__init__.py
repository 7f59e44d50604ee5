"""The rules of our own database.

One module a PostgreSQL schema; in each, table by table, what every role may do. `admin` needs no rules, and a role or
operation that is not written down may do nothing. `docs/permissions.md` shows them all as one table.

`newcomer` is a person who has signed in and is nobody here yet: they see what visitors see, and sign up.

Who is who: `X-Hasura-User-Id` is `public.customer.id` for `user`, `public.staff.id` for `provider` and `cct`, and the
agent's name for `service`. `service` may what agents need, column by column, as a test sees to; of that, each agent has
the part that `agents` says.
"""

from collections.abc import Mapping
from typing import Final

from permissions.model import Rules, TablePermissions
from permissions.parts import Divisions
from permissions.rules.agents import AGENTS
from permissions.rules.chargebee import CHARGEBEE
from permissions.rules.events import EVENTS
from permissions.rules.healthcare import HEALTHCARE
from permissions.rules.public import PUBLIC

#: Every role but admin.
ROLES: Final = ("anonymous", "newcomer", "user", "provider", "cct", "service")

_BY_TABLE: Final = {**PUBLIC, **CHARGEBEE, **HEALTHCARE, **EVENTS}


def _by_role(by_table: Mapping[str, Mapping[str, TablePermissions]]) -> Rules:
    return {role: {table: granted[role] for table, granted in by_table.items() if role in granted} for role in ROLES}


RULES: Final[Rules] = _by_role(_BY_TABLE)

#: Roles of which each caller has a part.
DIVISIONS: Final[Divisions] = {"service": AGENTS}
