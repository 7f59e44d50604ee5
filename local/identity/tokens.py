"""What the identity service signs: ID tokens of people as Firebase Auth has them, of service accounts as Google does.

Each kind has its own keys, as with Google, so that a token of one kind never passes for the other.
"""

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import jwt

from local.identity.accounts import Account
from local.identity.errors import ToolkitError
from local.identity.keys import KeyRing
from local.identity.settings import IdentitySettings

#: How long tokens are good for, in seconds; the same as Google's.
LIFETIME_S: Final = 3_600
#: Claims that custom claims may not replace (Firebase's page "Control access with custom claims").
RESERVED_CLAIMS: Final = frozenset(
    {
        "acr",
        "amr",
        "at_hash",
        "aud",
        "auth_time",
        "azp",
        "cnf",
        "c_hash",
        "exp",
        "firebase",
        "iat",
        "iss",
        "jti",
        "nbf",
        "nonce",
        "sub",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenMint:
    """Signs tokens with the service's keys."""

    settings: IdentitySettings
    #: Keys for ID tokens of people.
    firebase_keys: KeyRing
    #: Keys for ID tokens of service accounts.
    google_keys: KeyRing
    clock: Callable[[], float] = time.time

    def now(self) -> int:
        """Unix time in whole seconds."""
        return int(self.clock())

    def id_token(
        self,
        account: Account,
        *,
        auth_time: int,
        provider: str,
        lifetime_s: int = LIFETIME_S,
        claims: Mapping[str, Any] | None = None,
    ) -> str:
        """A person's ID token; `claims` go instead of the account's own custom claims when given."""
        now = self.now()
        identities: dict[str, list[str]] = {}
        if account.email is not None:
            identities["email"] = [account.email]
        if account.phone_number is not None:
            identities["phone"] = [account.phone_number]
        described = {
            "name": account.display_name,
            "picture": account.photo_url,
            "email": account.email,
            "email_verified": account.email_verified if account.email is not None else None,
            "phone_number": account.phone_number,
        }
        return self.firebase_keys.sign(
            {
                **(account.claims if claims is None else claims),
                **{name: value for name, value in described.items() if value is not None},
                "iss": self.settings.firebase_issuer,
                "aud": self.settings.project,
                "auth_time": auth_time,
                "user_id": account.local_id,
                "sub": account.local_id,
                "iat": now,
                "exp": now + lifetime_s,
                "firebase": {"identities": identities, "sign_in_provider": provider},
            }
        )

    def service_token(self, email: str, *, audience: str, lifetime_s: int = LIFETIME_S) -> str:
        """A service account's ID token for one audience."""
        now = self.now()
        # Google's ids of service accounts are 21 digits; ours follow from the address, so that they stay the same.
        subject = str(int.from_bytes(hashlib.sha256(email.encode()).digest()[:8])).rjust(21, "1")[:21]
        return self.google_keys.sign(
            {
                "iss": self.settings.service_issuer,
                "aud": audience,
                "azp": subject,
                "sub": subject,
                "email": email,
                "email_verified": True,
                "iat": now,
                "exp": now + lifetime_s,
            }
        )

    def read_id_token(self, token: str) -> dict[str, Any]:
        """The claims of an ID token that was issued here; raises ToolkitError when it is not, or has expired."""
        try:
            return self.firebase_keys.verify(
                token, audience=self.settings.project, issuer=self.settings.firebase_issuer
            )
        except jwt.ExpiredSignatureError as error:
            raise ToolkitError("TOKEN_EXPIRED") from error
        except jwt.PyJWTError as error:
            raise ToolkitError("INVALID_ID_TOKEN") from error
