"""`grant_role`: a member of staff gets a role, in place of the one they had, and access if they had none. Admin only.

`customer.role_changed` tells of it, with the member's id as its subject; the identity agent then puts the role into
their token. A role that they have already changes nothing and is no event. Errors: see `AccountCode`.
"""

from enum import Enum
from typing import Any, Final

import strawberry

from resolvers.hand_written import OperationContext
from resolvers.operations.error_codes import AccountCode
from resolvers.operations.scalars import UUID_
from resolvers.operations.transaction import Refused, ask, event_id, publish
from resolvers.role_schema import HandWritten

_NAME: Final = "grant_role"
_EVENT: Final = "customer.role_changed"


@strawberry.enum(name="staff_role", description="What a member of staff may do.")
class StaffRole(Enum):
    """The roles that staff can have."""

    PROVIDER = strawberry.enum_value("provider", name="provider", description="Clinician; needs an NPI.")
    CCT = strawberry.enum_value("cct", name="cct", description="Care coordination team.")
    ADMIN = strawberry.enum_value("admin", name="admin", description="Operator, who may do everything.")


@strawberry.type(name="staff_member_role", description="A member of staff and their role.")
class StaffMemberRole:
    """What `grant_role` and `revoke_role` answer."""

    staff_id: UUID_
    role: StaffRole
    active: bool = strawberry.field(description="Whether they have access.")
    repeated: bool = strawberry.field(description="Whether it was so before.")


async def _grant_role(
    info: strawberry.Info[OperationContext, None], staff_id: UUID_, role: StaffRole
) -> StaffMemberRole:
    return await set_role(info.context, _NAME, staff_id, role=role, active=True)


async def set_role(
    context: OperationContext, operation: str, staff_id: UUID_, *, role: StaffRole | None, active: bool
) -> StaffMemberRole:
    """Give the member this role (None: the one they have) and access, or take it; raises Refused."""
    locked = await ask(context, "lock_staff", staff_id)
    if locked is None:
        raise Refused(AccountCode.NOT_FOUND, "there is no such member of staff", operation, "staff_id")
    found = await ask(context, "read_staff", locked["id"])
    wanted = found["role"] if role is None else role.value
    if (found["role"], found["active"]) == (wanted, active):
        return _answer(found, repeated=True)
    if found["is_last_admin"]:
        message = "nobody would be left who can give roles: make somebody else an admin first"
        raise Refused(AccountCode.LAST_ADMIN, message, operation, "staff_id")
    if active and role is StaffRole.PROVIDER and not found["has_npi"]:
        message = "a provider needs a National Provider Identifier: record it with the member of staff first"
        raise Refused(AccountCode.NPI_MISSING, message, operation, "staff_id")
    changed = await ask(context, "set_staff_role", found["id"], wanted, active)
    await publish(
        context,
        _EVENT,
        subject=found["id"],
        # Without `customer_id`, the subject's name in other events of the topic: this is about a member of staff.
        data={
            "staff_id": found["id"],
            "role": wanted,
            "active": active,
            "previous_role": found["role"],
            "previously_active": found["active"],
        },
        id=event_id(_EVENT, found["id"], wanted, active, found["version"]),
    )
    return _answer(changed, repeated=False)


def _answer(found: dict[str, Any], *, repeated: bool) -> StaffMemberRole:
    return StaffMemberRole(
        staff_id=found["id"], role=StaffRole(found["role"]), active=found["active"], repeated=repeated
    )


GRANT_ROLE: Final = HandWritten(
    field=strawberry.field(
        resolver=_grant_role,
        name=_NAME,
        description="Give a member of staff a role, in place of the one they have, and access.",
    ),
    kind="mutation",
    roles=frozenset(),
)
