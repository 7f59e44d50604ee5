"""A customer or a member of staff changes, and the account that they sign in with follows.

Who is meant is read anew each time, and the account is brought to what the row says now: events may come late, twice
or out of order, and the end is the same.
"""

from typing import Final
from uuid import UUID

from agents.events.customer import (
    CustomerDeleted,
    CustomerInserted,
    CustomerRoleChanged,
    CustomerSignedUp,
    CustomerUpdated,
)
from agents.graphql.client import GraphQLClient
from agents.identity.operations import GetStaff, get_customer, get_staff, set_staff_account
from agents.runtime.errors import Rejected
from agents.runtime.handler import Work, WriteBack
from integrations.identity.accounts import HASURA_NAMESPACE, Account, Accounts

_SYSTEM: Final = "firebase"
#: The columns that an account shows or depends on.
_SHOWN: Final = frozenset({"firebase_uid", "email", "first_name", "last_name", "deleted_at"})


async def customer_inserted(
    event: CustomerInserted, work: Work, *, graphql: GraphQLClient, accounts: Accounts
) -> WriteBack:
    """A new customer's account gets the role `user`."""
    return await _keep_customer(event.new.id, work, graphql, accounts)


async def customer_signed_up(
    event: CustomerSignedUp, work: Work, *, graphql: GraphQLClient, accounts: Accounts
) -> WriteBack:
    """Who signs up gets the role `user` with the next token."""
    return await _keep_customer(event.customer_id, work, graphql, accounts)


async def customer_updated(
    event: CustomerUpdated, work: Work, *, graphql: GraphQLClient, accounts: Accounts
) -> WriteBack:
    """A new name, address or account is followed; whose data is being deleted can sign in no more."""
    if not event.changed & _SHOWN:
        return WriteBack(skipped="nothing changed that an account shows")
    return await _keep_customer(event.new.id, work, graphql, accounts)


async def customer_deleted(
    event: CustomerDeleted, work: Work, *, graphql: GraphQLClient, accounts: Accounts
) -> WriteBack:
    """Nobody signs in as a customer who is no more."""
    return await _keep_customer(event.customer_id, work, graphql, accounts)


async def customer_role_changed(
    event: CustomerRoleChanged, work: Work, *, graphql: GraphQLClient, accounts: Accounts
) -> WriteBack:
    """A member of staff has one role, their row's, in their next token; or none, and has to sign in anew."""
    staff = (await graphql.query(get_staff(id=event.staff_id))).staff
    if staff is None:
        return WriteBack(skipped="the member of staff is gone")
    if staff.active:
        return await _admit(staff, work, accounts, is_new_role=event.previous_role != staff.role)
    uid = staff.firebase_uid
    if uid is None or await accounts.find(uid) is None:
        return WriteBack(skipped="they have no account")
    await _shut_out(uid, work, accounts)
    return WriteBack()


async def _keep_customer(customer_id: UUID, work: Work, graphql: GraphQLClient, accounts: Accounts) -> WriteBack:
    """The account as the customer is now. People make their own accounts; who has none yet gets the role at sign-up."""
    customer = (await graphql.query(get_customer(id=customer_id))).customer
    if customer is None:
        return WriteBack(skipped="the customer is gone")
    uid = customer.firebase_uid
    account = None if uid is None else await accounts.find(uid)
    if uid is None or account is None:
        return WriteBack(skipped="the customer has no account")
    if customer.deleted_at is not None:
        if account.disabled and HASURA_NAMESPACE not in account.claims:
            return WriteBack(skipped="the account is disabled")
        async with work.step("disable", system=_SYSTEM, action="set_disabled", id=uid):
            await accounts.set_disabled(uid, disabled=True)
        await _shut_out(uid, work, accounts)
        return WriteBack()
    name = _full_name(customer.first_name, customer.last_name)
    await _follow(account, work, accounts, email=customer.email, name=name)
    async with work.step("roles", system=_SYSTEM, action="set_roles", id=uid):
        await accounts.set_roles(uid, roles=("user",), default_role="user", user_id=str(customer.id))
    return WriteBack()


async def _admit(staff: GetStaff.Staff, work: Work, accounts: Accounts, *, is_new_role: bool) -> WriteBack:
    """The member's account with their role; made when there is none."""
    name = _full_name(staff.first_name, staff.last_name)
    account = None if staff.firebase_uid is None else await accounts.find(staff.firebase_uid)
    if account is None:
        account = await accounts.find_by_email(staff.email)
        if account is not None:
            _check_theirs(account, staff)
    if account is None:
        async with work.step("account", system=_SYSTEM, action="create_account") as step:
            # They set a password by Firebase's own mail, which also proves the address.
            account = await accounts.create(uid=str(staff.id), email=staff.email, display_name=name)
            step.id = account.uid
    else:
        await _follow(account, work, accounts, email=staff.email, name=name)
    async with work.step("roles", system=_SYSTEM, action="set_roles", id=account.uid):
        await accounts.set_roles(account.uid, roles=(staff.role,), default_role=staff.role, user_id=str(staff.id))
    if is_new_role:
        async with work.step("sessions", system=_SYSTEM, action="end_sessions", id=account.uid):
            await accounts.end_sessions(account.uid)
    if account.uid == staff.firebase_uid:
        return WriteBack()
    return WriteBack(mutations=(set_staff_account(id=staff.id, firebase_uid=account.uid),))


def _check_theirs(account: Account, staff: GetStaff.Staff) -> None:
    """Anyone can open an account with somebody's address: it must be proven theirs, and nobody else's here."""
    claims = account.claims.get(HASURA_NAMESPACE) or {}
    if not account.email_verified and account.uid != str(staff.id):
        raise Rejected("an account with this member's e-mail address exists, and the address isn't verified")
    if claims.get("x-hasura-user-id", str(staff.id)) != str(staff.id):
        raise Rejected("the account with this member's e-mail address is somebody else's")


async def _follow(account: Account, work: Work, accounts: Accounts, *, email: str | None, name: str | None) -> None:
    """Pass a new address or name on; an address that we don't know isn't taken away."""
    new_email = email if email is not None and email != (account.email or "").lower() else None
    new_name = name if name is not None and name != account.display_name else None
    if new_email is None and new_name is None:
        return
    async with work.step("profile", system=_SYSTEM, action="update_account", id=account.uid):
        await accounts.update(account.uid, email=new_email, display_name=new_name)


async def _shut_out(uid: str, work: Work, accounts: Accounts) -> None:
    """No role in any new token, and no new token without signing in."""
    async with work.step("roles", system=_SYSTEM, action="remove_roles", id=uid):
        await accounts.remove_roles(uid)
    async with work.step("sessions", system=_SYSTEM, action="end_sessions", id=uid):
        await accounts.end_sessions(uid)


def _full_name(first: str | None, last: str | None) -> str | None:
    return " ".join(part for part in (first, last) if part) or None
