"""`cancel_contract`: end a contract before its time. Customers their own, the care coordination team anyone's.

In one transaction the contract becomes `cancelled`, `contract.cancelled` tells of it, and the subscription that pays
for this contract alone is asked to end, by a `subscription.changed` like those of `change_subscription`: at the end of
what is paid for, or at once. Where it can end only in one of the two ways (a paused one ends at once), it does that.

A contract that is cancelled already gives the same answer again, and no event. Errors: see `ContractCode`.
"""

from typing import Any, Final

import strawberry

from resolvers.hand_written import OperationContext
from resolvers.operations.change_subscription import Change, Effective, change_if_possible
from resolvers.operations.error_codes import ContractCode
from resolvers.operations.scalars import DATE, TIMESTAMPTZ, UUID_
from resolvers.operations.transaction import Refused, ask, event_id, my_id, publish
from resolvers.role_schema import HandWritten

_NAME: Final = "cancel_contract"
_EVENT: Final = "contract.cancelled"
_LONGEST_REASON: Final = 1_000


@strawberry.type(name="cancelled_contract", description="A contract that was ended before its time.")
class CancelledContract:
    """What `cancel_contract` answers."""

    id: UUID_
    customer_id: UUID_
    treatment_id: UUID_
    subscription_id: str | None
    status: str
    start_date: DATE
    end_date: DATE
    cancelled_at: TIMESTAMPTZ | None
    cancel_reason: str | None
    repeated: bool = strawberry.field(description="Whether it was cancelled before.")


async def _cancel_contract(
    info: strawberry.Info[OperationContext, None],
    id: UUID_,  # noqa: A002 -- the argument's name
    reason: str | None = None,
    subscription_ends: Effective = Effective.TERM_END,
) -> CancelledContract:
    context = info.context
    reason = (reason or "").strip() or None
    if reason is not None and len(reason) > _LONGEST_REASON:
        message = f"a reason has at most {_LONGEST_REASON} characters"
        raise Refused(ContractCode.ARGUMENTS, message, _NAME, "reason")
    role = context.session.role
    locked = await ask(context, "lock_contract", id, role, None if role == "admin" else my_id(context))
    if locked is None:
        raise Refused(ContractCode.NOT_FOUND, "there is no such contract", _NAME, "id")
    found = await ask(context, "read_contract", locked["contract_id"])
    if found["status"] == "cancelled":
        return _answer(found, repeated=True)
    if found["status"] not in ("future", "active"):
        raise Refused(ContractCode.ENDED, f"the contract is {found['status']}; nothing is left to cancel", _NAME, "id")
    found |= await ask(context, "cancel_contract", found["id"], reason)
    await publish(
        context,
        _EVENT,
        subject=found["id"],
        # Not the reason: people write there what they like.
        data={
            "contract_id": found["id"],
            **{
                name: found[name]
                for name in (
                    *("customer_id", "subscription_id", "treatment_id", "status"),
                    *("start_date", "end_date", "renewed_from_id"),
                )
            },
        },
        # A contract is cancelled once in its life.
        id=event_id(_EVENT, found["id"]),
    )
    if found["paid_by"] is not None:
        other = Effective.NOW if subscription_ends is Effective.TERM_END else Effective.TERM_END
        await change_if_possible(
            context,
            customer_id=found["customer_id"],
            contract_id=found["id"],
            subscription_id=found["paid_by"],
            change=Change.CANCEL,
            ways=(subscription_ends, other),
        )
    return _answer(found, repeated=False)


def _answer(found: dict[str, Any], *, repeated: bool) -> CancelledContract:
    return CancelledContract(
        id=found["id"],
        customer_id=found["customer_id"],
        treatment_id=found["treatment_id"],
        subscription_id=found["subscription_id"],
        status=found["status"],
        start_date=found["start_date"],
        end_date=found["end_date"],
        cancelled_at=found["cancelled_at"],
        cancel_reason=found["cancel_reason"],
        repeated=repeated,
    )


CANCEL_CONTRACT: Final = HandWritten(
    field=strawberry.field(
        resolver=_cancel_contract,
        name=_NAME,
        description="End a contract before its time. The subscription that pays for it alone ends too: when what is "
        "paid for has been used (`term_end`), or at once (`now`).",
    ),
    kind="mutation",
    roles=frozenset({"user", "cct"}),
)
