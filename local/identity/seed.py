"""The demo people's accounts, made when the service starts in a new folder."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from local.identity.accounts import Account, AccountStore
from local.identity.passwords import DEMO_PASSWORD, hash_password
from server.authentication.claims import ALLOWED_ROLES, DEFAULT_ROLE, HASURA_NAMESPACE


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Someone of the demo data who can sign in, with the password `caregraph-demo`."""

    #: The Firebase uid, as in `firebase_uid` of `customer` and `staff`.
    uid: str
    email: str
    name: str
    #: The role of their tokens.
    role: str
    #: `public.customer.id` or `public.staff.id`.
    user_id: str


def demo_people() -> list[Person]:
    """The people of the demo data, in each role the well-known ones first."""
    # Making the demo data takes half a second, which only a first start spends.
    from local.demo.accounts import demo_accounts  # noqa: PLC0415

    return [
        Person(
            uid=account.uid,
            email=account.email,
            name=account.name,
            role=account.role,
            user_id=str(account.user_id),
        )
        for account in demo_accounts()
    ]


def seed_accounts(accounts: AccountStore, people: Callable[[], Iterable[Person]]) -> int:
    """Add the people to a store that was never seeded; how many were added. Accounts deleted later stay away."""
    if accounts.is_seeded:
        return 0
    # One digest for all, or a first start would spend seconds on hashing one word hundreds of times.
    password_hash = hash_password(DEMO_PASSWORD)
    found = [_account(person, password_hash) for person in people()]
    accounts.seed(found)
    return len(found)


def _account(person: Person, password_hash: str) -> Account:
    claims = {
        HASURA_NAMESPACE: {
            ALLOWED_ROLES: [person.role],
            DEFAULT_ROLE: person.role,
            "x-hasura-user-id": person.user_id,
        }
    }
    return Account(
        local_id=person.uid,
        email=person.email.lower(),
        email_verified=True,
        display_name=person.name,
        password_hash=password_hash,
        claims=claims,
    )
