"""The issuers whose tokens count, each with its rules and the meaning of its claims.

- Firebase Auth: people. The rules are those of Firebase's page "Verify ID tokens using a third-party JWT library".
- Google service accounts: agents. An account's e-mail address says which agent it is.
- Any other OpenID Connect issuer, and whatever `HASURA_GRAPHQL_JWT_SECRET` describes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import httpx

from integrations.identity.jwks import FixedKey, JwksCache, KeySource
from integrations.identity.oidc import google_token_rules, verified_email
from integrations.identity.verification import TokenRules, quote
from permissions.session import USER_ID_VARIABLE, SignIn
from server.authentication.claims import HASURA_NAMESPACE, Grant, NamespacedClaims
from server.authentication.credentials import BEARER, TokenLocation
from server.authentication.errors import AuthenticationCode, AuthenticationError
from server.authentication.jwt_configuration import JwtConfiguration, OidcIssuer
from server.authentication.settings import AuthenticationSettings, FirebaseIssuer, ServiceIssuer

SERVICE_ROLE: Final = "service"
#: How far the clocks of Google or another issuer and ours may be apart.
_FUTURE_SKEW_S: Final = 30.0


class GrantRule(Protocol):
    """What the claims of a verified token grant."""

    def grant(self, claims: dict[str, Any]) -> Grant:
        """Roles and variables; raises AuthenticationError or TokenError when the claims do not say."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Issuer:
    """One issuer of tokens that count here."""

    #: For messages: which setting brought it.
    name: str
    rules: TokenRules
    claims: GrantRule
    location: TokenLocation = BEARER


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceAccountClaims:
    """A Google service account is an agent: role `service`, with the agent's name as its user id."""

    #: Lower-case e-mail address → agent's name.
    agents: Mapping[str, str]

    def grant(self, claims: dict[str, Any]) -> Grant:
        """The agent's grant; raises AuthenticationError (access-denied) for an account that is no agent of ours."""
        email = verified_email(claims)
        agent = self.agents.get(email)
        if agent is None:
            raise AuthenticationError(
                AuthenticationCode.ACCESS_DENIED,
                f"The service account {quote(email)} is not among CAREGRAPH_SERVICE_ACCOUNTS.",
            )
        return Grant(allowed_roles=(SERVICE_ROLE,), default_role=SERVICE_ROLE, variables={USER_ID_VARIABLE: agent})


@dataclass(frozen=True, slots=True, kw_only=True)
class FirebaseClaims:
    """People have their claims in the usual place, once they have signed up."""

    #: The role of those who have none yet; None refuses them.
    unclaimed_role: str | None = None

    def grant(self, claims: dict[str, Any]) -> Grant:
        """The person's grant; raises AuthenticationError as `NamespacedClaims.grant`.

        Firebase's anonymous accounts are nobody's, so they don't sign up.
        """
        provider = claims.get("firebase")
        is_anonymous = isinstance(provider, dict) and provider.get("sign_in_provider") == "anonymous"
        if self.unclaimed_role is None or HASURA_NAMESPACE in claims or is_anonymous:
            return NamespacedClaims().grant(claims)
        email = claims.get("email")
        sign_in = SignIn(
            uid=str(claims["sub"]),
            email=email.lower() if isinstance(email, str) and email else None,
            email_verified=claims.get("email_verified") is True,
        )
        return Grant(allowed_roles=(self.unclaimed_role,), default_role=self.unclaimed_role, sign_in=sign_in)


def build_issuers(settings: AuthenticationSettings, *, client: httpx.AsyncClient) -> list[Issuer]:
    """The issuers that the settings describe; nothing is fetched yet. The caller owns `client`."""
    issuers = []
    if settings.firebase is not None:
        issuers.append(_firebase_issuer(settings.firebase, client))
    if settings.service is not None:
        issuers.append(_service_issuer(settings.service, client))
    issuers.extend(_oidc_issuer(issuer, client) for issuer in settings.oidc_issuers)
    issuers.extend(_configured_issuer(configuration, client) for configuration in settings.jwt_configurations)
    return issuers


def _firebase_issuer(firebase: FirebaseIssuer, client: httpx.AsyncClient) -> Issuer:
    return Issuer(
        name="CAREGRAPH_FIREBASE_PROJECT",
        rules=TokenRules(
            keys=JwksCache(firebase.jwks_url, client=client, algorithms={"RS256"}),
            issuers=frozenset({firebase.issuer}),
            audiences=frozenset({firebase.project}),
            required=frozenset({"iss", "aud", "sub", "exp", "iat", "auth_time"}),
            past=frozenset({"iat", "auth_time"}),
            future_skew_s=_FUTURE_SKEW_S,
        ),
        claims=FirebaseClaims(unclaimed_role=firebase.unclaimed_role),
    )


def _service_issuer(service: ServiceIssuer, client: httpx.AsyncClient) -> Issuer:
    return Issuer(
        name="CAREGRAPH_SERVICE_ACCOUNTS",
        rules=google_token_rules(
            issuer=service.issuer,
            audiences=frozenset({service.audience}),
            keys=JwksCache(service.jwks_url, client=client, algorithms={"RS256"}),
        ),
        claims=ServiceAccountClaims(agents=service.accounts),
    )


def _oidc_issuer(issuer: OidcIssuer, client: httpx.AsyncClient) -> Issuer:
    return Issuer(
        name="CAREGRAPH_OIDC_ISSUERS",
        rules=TokenRules(
            keys=JwksCache(issuer.jwks_url, client=client),
            issuers=frozenset({issuer.issuer}),
            audiences=frozenset(issuer.audience),
            required=frozenset({"iss", "aud", "sub", "exp", "iat"}),
            future_skew_s=_FUTURE_SKEW_S,
        ),
        claims=NamespacedClaims(at=issuer.claims_namespace),
    )


def _configured_issuer(configuration: JwtConfiguration, client: httpx.AsyncClient) -> Issuer:
    keys: KeySource
    if configuration.jwk_url is not None:
        algorithm = configuration.algorithm
        keys = (
            JwksCache(configuration.jwk_url, client=client)
            if algorithm is None
            else JwksCache(configuration.jwk_url, client=client, algorithms={algorithm})
        )
    else:
        keys = FixedKey(key=configuration.signing_key())
    return Issuer(
        name="HASURA_GRAPHQL_JWT_SECRET",
        rules=TokenRules(
            keys=keys,
            issuers=frozenset({configuration.issuer} if configuration.issuer else ()),
            audiences=frozenset(configuration.audience),
            past=frozenset(),
            expiry_skew_s=configuration.allowed_skew,
            future_skew_s=configuration.allowed_skew,
        ),
        claims=configuration.claims_rule(),
        location=configuration.location(),
    )
