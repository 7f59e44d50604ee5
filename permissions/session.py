"""Who is asking: the role that an operation runs as and the session variables its rules may use.

A session is made once per verified credential (`server.authentication`) and shared by every request that carries it, so
it is immutable, and the text that the database gets is rendered once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson

#: Every session variable starts so; header names and claims are matched without regard to case.
VARIABLE_PREFIX: Final = "x-hasura-"
#: The variable that always holds the role itself.
ROLE_VARIABLE: Final = "x-hasura-role"
#: `public.customer.id` for role user, `public.staff.id` for provider, cct and admin, the agent's name for service.
USER_ID_VARIABLE: Final = "x-hasura-user-id"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A person's sign-in that has been verified, before it is known who that is here."""

    #: The identity provider's id of the account (Firebase's uid).
    uid: str
    email: str | None
    #: Whether the identity provider has seen that the address is theirs.
    email_verified: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One caller's role and session variables.

    Names in `variables` are lower-cased on construction and `x-hasura-role` is always there and always equals `role`,
    whatever the mapping said.
    """

    #: The role that rules are looked up by.
    role: str
    #: Session variables by lower-case name (`x-hasura-…`); values are text, arrays in PostgreSQL's form `{a,b}`.
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    #: Unix time in seconds when the credential ends, or None when it does not (admin secret, no credentials).
    #: Long-lived connections end then.
    expires_at: float | None = None
    #: Who signed in, for a session whose role was given for want of any. Not among the variables, which are written
    #: into events: an address doesn't belong there.
    sign_in: SignIn | None = field(default=None, repr=False)
    #: The admin secret came with it: whoever has that may do everything, in whatever role they ask.
    has_admin_secret: bool = False
    #: `variables` as JSON text, for the transaction-local database setting `app.session`.
    json: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        variables = {name.lower(): value for name, value in self.variables.items()}
        variables[ROLE_VARIABLE] = self.role
        object.__setattr__(self, "variables", variables)
        object.__setattr__(self, "json", orjson.dumps(variables).decode())

    @property
    def user_id(self) -> str | None:
        """The caller's own identifier (`x-hasura-user-id`), or None for roles that have none."""
        return self.variables.get(USER_ID_VARIABLE)

    def is_expired(self, now: float) -> bool:
        """Whether the credential has ended at `now` (Unix time in seconds)."""
        return self.expires_at is not None and now >= self.expires_at
