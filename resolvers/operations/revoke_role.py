"""`revoke_role`: a member of staff loses their access; their rows stay. Admin only.

Access ends at once, whatever the token says: the rules ask for active staff. `customer.role_changed` tells of it, so
that the identity agent takes the role from the account. Who has no access already loses nothing, and there is no event.
Nobody takes it from the last admin. Errors: see `AccountCode`.
"""

from typing import Final

import strawberry

from resolvers.hand_written import OperationContext
from resolvers.operations.grant_role import StaffMemberRole, set_role
from resolvers.operations.scalars import UUID_
from resolvers.role_schema import HandWritten

_NAME: Final = "revoke_role"


async def _revoke_role(info: strawberry.Info[OperationContext, None], staff_id: UUID_) -> StaffMemberRole:
    return await set_role(info.context, _NAME, staff_id, role=None, active=False)


REVOKE_ROLE: Final = HandWritten(
    field=strawberry.field(
        resolver=_revoke_role,
        name=_NAME,
        description="Take a member of staff's access; `grant_role` gives it back.",
    ),
    kind="mutation",
    roles=frozenset(),
)
