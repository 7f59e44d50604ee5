"""Who of the demo people can sign in."""

import datetime
import uuid
from dataclasses import dataclass

from local.demo.generator import generate


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoAccount:
    """An account for the identity service."""

    #: `firebase_uid` of the row.
    uid: str
    email: str
    #: First and last name.
    name: str
    #: user, provider, cct or admin.
    role: str
    #: `public.customer.id` or `public.staff.id`, which tokens carry as x-hasura-user-id.
    user_id: uuid.UUID


def demo_accounts() -> tuple[DemoAccount, ...]:
    """All accounts, in each role the well-known ones first: Ada, Mira, Theo, Ines. The same on every day."""
    data = generate(datetime.datetime.now(datetime.UTC).date())
    people = [(row, "user") for row in data.table("public.customer") if row["deleted_at"] is None]
    people += [(row, row["role"]) for row in data.table("public.staff") if row["active"]]
    return tuple(
        DemoAccount(
            uid=row["firebase_uid"],
            email=row["email"],
            name=f"{row['first_name']} {row['last_name']}",
            role=role,
            user_id=row["id"],
        )
        for row, role in people
    )
