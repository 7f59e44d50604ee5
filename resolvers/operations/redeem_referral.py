"""`redeem_referral`: a new customer enters a friend's code, and both are rewarded once the first contract is active.

The referral becomes `signed_up`; the referral agent completes it. A code is for one person, and nobody is referred
twice, by themselves, or after a contract of their own has begun. Redeeming again gives the same answer.
Errors: see `ReferralCode`.
"""

from typing import Final

import strawberry

from resolvers.hand_written import OperationContext
from resolvers.operations.error_codes import ReferralCode
from resolvers.operations.scalars import UUID_
from resolvers.operations.transaction import Refused, ask, my_id
from resolvers.role_schema import HandWritten

_NAME: Final = "redeem_referral"


@strawberry.type(name="redeemed_referral", description="A friend's recommendation that one has followed.")
class RedeemedReferral:
    """What `redeem_referral` answers: nothing about the friend."""

    id: UUID_
    status: str
    repeated: bool = strawberry.field(description="Whether it was redeemed before.")


async def _redeem_referral(info: strawberry.Info[OperationContext, None], code: str) -> RedeemedReferral:
    context = info.context
    # First oneself: of two codes at once, the second waits and finds the first.
    me = await ask(context, "lock_customer", my_id(context))
    if me is None:
        raise Refused(ReferralCode.NOT_FOUND, "there is no such customer", _NAME)
    return await redeem(context, me, code, _NAME, "code")


async def redeem(
    context: OperationContext, customer_id: str, code: str, operation: str, argument: str
) -> RedeemedReferral:
    """Redeem the code for a customer whose row is locked; raises Refused, in the name of `operation`."""

    def refused(code: ReferralCode, message: str) -> Refused:
        return Refused(code, message, operation, argument)

    locked = await ask(context, "lock_referral", code.strip().upper())
    if locked is None:
        raise refused(ReferralCode.NOT_FOUND, "nobody has this code; is it spelt right?")
    found = await ask(context, "read_referral", locked, customer_id)
    if found["referred_id"] == customer_id:
        return RedeemedReferral(id=found["id"], status=found["status"], repeated=True)
    if found["referrer_id"] == customer_id:
        raise refused(ReferralCode.OWN, "this code is your own: it is for a friend")
    if found["referred_id"] is not None:
        raise refused(ReferralCode.USED, "somebody has redeemed this code already")
    if found["is_over"] or found["status"] != "invited":
        raise refused(ReferralCode.EXPIRED, "this code is no longer valid")
    if found["is_referred"]:
        raise refused(ReferralCode.ALREADY_REFERRED, "you have redeemed another code already")
    if not found["is_new"]:
        raise refused(ReferralCode.NOT_NEW, "codes are for new customers")
    status = await ask(context, "redeem_referral", found["id"], customer_id)
    return RedeemedReferral(id=found["id"], status=status, repeated=False)


REDEEM_REFERRAL: Final = HandWritten(
    field=strawberry.field(
        resolver=_redeem_referral,
        name=_NAME,
        description="Redeem the code that a friend has given one. Upper and lower case are the same.",
    ),
    kind="mutation",
    roles=frozenset({"user"}),
)
