"""`sign_up`: a person who has signed in becomes a customer, with a chart to be filled. Role newcomer.

Who has signed in with Firebase and has no role yet comes as `newcomer`, where the server is told so
(`CAREGRAPH_UNCLAIMED_ROLE`). Account and e-mail address are taken from the verified token, never from arguments. In one
transaction the customer and the patient are made, a friend's code is redeemed if there is one, and
`customer.signed_up` tells of it; the identity agent then gives the account the role `user`, with the next token.

A customer who is known by this address and has no account gets theirs, if the address is verified. Signing up again
gives the same answer, and no event. Errors: see `AccountCode`, and `ReferralCode` for the code.
"""

from typing import Any, Final

import strawberry

from resolvers.hand_written import OperationContext
from resolvers.operations.error_codes import AccountCode
from resolvers.operations.redeem_referral import redeem
from resolvers.operations.scalars import DATE, TIMESTAMPTZ, UUID_
from resolvers.operations.transaction import Refused, ask, event_id, publish
from resolvers.role_schema import HandWritten

_NAME: Final = "sign_up"
_EVENT: Final = "customer.signed_up"
_LONGEST: Final = 200


@strawberry.type(name="signed_up_customer", description="A customer's new account.")
class SignedUpCustomer:
    """What `sign_up` answers."""

    customer_id: UUID_ = strawberry.field(description="What the next token says as x-hasura-user-id.")
    patient_id: UUID_ | None
    email: str | None
    first_name: str | None
    last_name: str | None
    created_at: TIMESTAMPTZ
    repeated: bool = strawberry.field(description="Whether the account was there before.")


async def _sign_up(
    info: strawberry.Info[OperationContext, None],
    first_name: str,
    last_name: str,
    phone: str | None = None,
    date_of_birth: DATE | None = None,
    state_code: str | None = None,
    timezone: str | None = None,
    referral_code: str | None = None,
) -> SignedUpCustomer:
    context = info.context
    who = context.session.sign_in
    if who is None:
        message = "sign in with Firebase first: an account is made for whom the token names"
        raise Refused(AccountCode.NOT_SIGNED_IN, message, _NAME)
    given = {
        "first_name": first_name,
        "last_name": last_name,
        "phone": phone,
        "date_of_birth": date_of_birth,
        "state_code": state_code and state_code.upper(),
        "timezone": timezone,
    }
    profile = await _checked(context, given)
    # Two tabs that sign up at once: the second waits here, and finds the first one's customer.
    await ask(context, "lock_sign_up", who.uid, who.email)
    earlier = await ask(context, "find_signed_up", who.uid)
    if earlier is not None:
        return await _answer(context, _known(earlier), repeated=True)
    customer_id = await _claimed_by_email(context)
    if customer_id is None:
        customer_id = await ask(context, "insert_customer", who.uid, who.email, *profile)
    await ask(context, "ensure_patient", customer_id)
    if referral_code is not None and referral_code.strip():
        await redeem(context, customer_id, referral_code, _NAME, "referral_code")
    # Signed up once in one's life.
    data = {"customer_id": customer_id}
    await publish(context, _EVENT, subject=customer_id, data=data, id=event_id(_EVENT, customer_id))
    return await _answer(context, customer_id, repeated=False)


async def _checked(context: OperationContext, given: dict[str, str | None]) -> list[str | None]:
    stripped = {name: (value or "").strip() or None for name, value in given.items()}
    for name, value in stripped.items():
        if value is None and name in ("first_name", "last_name"):
            raise Refused(AccountCode.ARGUMENTS, "a name can't be empty", _NAME, name)
        if value is not None and len(value) > _LONGEST:
            raise Refused(AccountCode.ARGUMENTS, f"at most {_LONGEST} characters", _NAME, name)
    parts = ("first_name", "last_name", "phone", "date_of_birth", "state_code")
    fault = await ask(context, "profile_fault", *(stripped[part] for part in parts))
    if fault is not None:
        name, message = fault
        raise Refused(AccountCode.ARGUMENTS, message, _NAME, name)
    if stripped["timezone"] is not None and not await ask(context, "is_timezone", stripped["timezone"]):
        message = "a time zone is named as in America/Denver"
        raise Refused(AccountCode.ARGUMENTS, message, _NAME, "timezone")
    return list(stripped.values())


def _known(earlier: dict[str, Any]) -> str:
    """The customer who has the sign-in; raises Refused when it is somebody else."""
    if "staff_id" in earlier:
        raise Refused(AccountCode.IS_STAFF, "this account belongs to a member of staff", _NAME)
    if earlier["is_deleted"]:
        raise Refused(AccountCode.DELETED, "the data of this account was deleted", _NAME)
    customer_id: str = earlier["customer_id"]
    return customer_id


async def _claimed_by_email(context: OperationContext) -> str | None:
    """The customer who is known by the sign-in's address and now has it; None when there is none."""
    who = context.session.sign_in
    assert who is not None
    known = None if who.email is None else await ask(context, "find_by_email", who.email)
    if known is None:
        return None
    if known["has_account"]:
        raise Refused(AccountCode.EMAIL_TAKEN, "another account has this e-mail address", _NAME)
    if not who.email_verified:
        message = "there is a customer with this e-mail address: verify that it is yours, then sign up again"
        raise Refused(AccountCode.EMAIL_UNVERIFIED, message, _NAME)
    customer_id: str = await ask(context, "link_customer", known["id"], who.uid)
    return customer_id


async def _answer(context: OperationContext, customer_id: str, *, repeated: bool) -> SignedUpCustomer:
    return SignedUpCustomer(**await ask(context, "read_account", customer_id), repeated=repeated)


SIGN_UP: Final = HandWritten(
    field=strawberry.field(
        resolver=_sign_up,
        name=_NAME,
        description="Become a customer, as the person whom the token names. The next token has the role.",
    ),
    kind="mutation",
    roles=frozenset({"newcomer"}),
)
