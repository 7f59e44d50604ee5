"""The OIDC token that Google sends along with a push, and who sent it.

Pub/Sub push and Cloud Tasks put a Google-signed ID token of a service account into the `Authorization` header. The
receiver must check signature, issuer, audience, e-mail address and `email_verified` (Google Cloud documentation,
"Authentication for push subscriptions"); otherwise anyone who finds the URL can send events.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from integrations.identity.errors import TokenError
from integrations.identity.jwks import KeySource
from integrations.identity.verification import TokenRules, quote, read_unverified, verify_token

GOOGLE_ISSUER: Final = "https://accounts.google.com"
#: Google signs with either spelling (OpenID Connect at Google, "Validating an ID token").
_GOOGLE_ISSUERS: Final = frozenset({GOOGLE_ISSUER, "accounts.google.com"})
GOOGLE_JWKS_URL: Final = "https://www.googleapis.com/oauth2/v3/certs"
#: How far Google's clock and ours may be apart.
_FUTURE_SKEW_S: Final = 30.0
#: How long a token that was checked is taken for good, and how many such are remembered.
_KNOWN_S: Final = 300.0
_MAX_KNOWN: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccount:
    """The service account that a verified token belongs to."""

    email: str
    #: Google's numeric id of the account, which survives a change of e-mail address.
    subject: str
    #: Unix time in seconds.
    expires_at: float


def google_token_rules(*, issuer: str, audiences: frozenset[str], keys: KeySource) -> TokenRules:
    """What a Google-style ID token must look like; for Google's own issuer both of its spellings are accepted."""
    return TokenRules(
        keys=keys,
        issuers=_GOOGLE_ISSUERS if issuer in _GOOGLE_ISSUERS else frozenset({issuer}),
        audiences=audiences,
        required=frozenset({"iss", "aud", "sub", "exp", "iat"}),
        future_skew_s=_FUTURE_SKEW_S,
    )


def verified_email(claims: dict[str, object]) -> str:
    """The lower-case e-mail address in the claims of a verified Google token.

    Raises TokenError when it is absent or when Google has not verified it.
    """
    email = claims.get("email")
    if not isinstance(email, str) or not email:
        raise TokenError("the token names no e-mail address; ask for it with format=full")
    if claims.get("email_verified") is not True:
        raise TokenError(f"the e-mail address {quote(email)} in the token is not verified")
    return email.lower()


class OidcVerifier:
    """Checks the push token of one receiver."""

    def __init__(
        self,
        *,
        audience: str,
        service_accounts: frozenset[str],
        keys: KeySource,
        issuer: str = GOOGLE_ISSUER,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Accept tokens for `audience` of these `service_accounts` (e-mail addresses) only."""
        self._rules = google_token_rules(issuer=issuer, audiences=frozenset({audience}), keys=keys)
        self._service_accounts = frozenset(email.lower() for email in service_accounts)
        self._clock = clock
        #: Headers that were found good, with whom they name and until when that is taken for true.
        self._known: dict[str, tuple[ServiceAccount, float]] = {}

    async def verify(self, authorization: str | None) -> ServiceAccount:
        """Who sent the request, by its `Authorization` header.

        Raises TokenError (answer 401 or 403: the sender must change something) or KeysUnavailableError (answer 503:
        the sender should try again). Fetches the issuer's keys when they are not at hand. Senders use one token for an
        hour, so one that was checked counts for a few minutes without another look at its signature.
        """
        if not authorization:
            raise TokenError("the request has no Authorization header; the push subscription must send an OIDC token")
        now = self._clock()
        account, good_until = self._known.get(authorization, (None, 0.0))
        if account is not None and now < good_until:
            return account
        scheme, _, token = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise TokenError("the Authorization header does not have the form `Bearer TOKEN`")
        claims = await verify_token(read_unverified(token.strip()), self._rules, now=now)
        email = verified_email(claims)
        if email not in self._service_accounts:
            raise TokenError(
                f"the token belongs to {quote(email)}, expected {' or '.join(sorted(self._service_accounts))}"
            )
        account = ServiceAccount(email=email, subject=str(claims["sub"]), expires_at=float(claims["exp"]))
        if len(self._known) >= _MAX_KNOWN:
            self._known.clear()
        self._known[authorization] = account, min(account.expires_at, now + _KNOWN_S)
        return account
