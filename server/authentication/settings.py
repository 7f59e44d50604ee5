"""The authentication part of the server's settings, by our names and by Hasura's.

| variable | meaning |
|---|---|
| `CAREGRAPH_ADMIN_SECRET`, `HASURA_GRAPHQL_ADMIN_SECRET` | the admin secret; without it no request is admin by secret |
| `CAREGRAPH_FIREBASE_PROJECT` | accept this project's ID tokens |
| `CAREGRAPH_FIREBASE_ISSUER`, `CAREGRAPH_FIREBASE_JWKS_URL` | their issuer and keys, when not Google's |
| `CAREGRAPH_UNCLAIMED_ROLE` | the role of its tokens without role claims (`newcomer`); not set: refused |
| `CAREGRAPH_SERVICE_ACCOUNTS` | JSON object, service account's e-mail address → agent's name |
| `CAREGRAPH_API_AUDIENCE` | the audience of their tokens: this API's base URL |
| `CAREGRAPH_SERVICE_ISSUER`, `CAREGRAPH_SERVICE_JWKS_URL` | their issuer and keys, when not Google's |
| `CAREGRAPH_OIDC_ISSUERS` | JSON list of `{"issuer", "audience", "jwks_url", "claims_namespace"?}` |
| `HASURA_GRAPHQL_JWT_SECRET` | JSON object as in Hasura's documentation (a list of them is accepted, too) |
| `CAREGRAPH_UNAUTHORIZED_ROLE`, `HASURA_GRAPHQL_UNAUTHORIZED_ROLE` | the role of requests without credentials |

Requests without credentials get the role `anonymous`, unless a variable of Hasura's is set: then they are refused when
no role is named for them, as with Hasura. Empty variables count as not set.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from integrations.identity.oidc import GOOGLE_ISSUER, GOOGLE_JWKS_URL
from server.authentication.errors import AuthenticationSettingsError
from server.authentication.jwt_configuration import HttpAddress, JwtConfiguration, OidcIssuer

FIREBASE_JWKS_URL: Final = "https://www.googleapis.com/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"
ANONYMOUS: Final = "anonymous"
#: Roles that nobody has for want of another.
_TRUSTED_ROLES: Final = frozenset({"admin", "service", "cct", "provider", "user"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FirebaseIssuer:
    """A Firebase project whose ID tokens are accepted."""

    project: str
    issuer: str
    jwks_url: str
    #: The role of those whose tokens have no role claims; None refuses them.
    unclaimed_role: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceIssuer:
    """The issuer of service accounts' tokens, and which account is which agent."""

    issuer: str
    jwks_url: str
    audience: str
    #: Lower-case e-mail address → agent's name.
    accounts: Mapping[str, str]


def parse_json(value: object) -> object:
    """JSON text parsed, anything else as it is; raises ValueError without a word of the text, which may be secret."""
    if not isinstance(value, str):
        return value
    try:
        parsed: object = json.loads(value)
    except (ValueError, RecursionError) as error:
        # Python's message quotes nothing of the text, but the chained error holds it: these may be secrets.
        position = f" (character {error.pos + 1})" if isinstance(error, json.JSONDecodeError) else ""
        raise ValueError(f"should be JSON{position}") from None
    return parsed


def parse_json_list(value: object) -> object:
    """As `parse_json`; a single object becomes a list of one."""
    parsed = parse_json(value)
    return [parsed] if isinstance(parsed, dict) else parsed


class AuthenticationSettings(BaseSettings):
    """Which credentials the server accepts; read by `read_authentication_settings`."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True, hide_input_in_errors=True
    )

    own_admin_secret: SecretStr | None = Field(default=None, validation_alias="CAREGRAPH_ADMIN_SECRET")
    hasura_admin_secret: SecretStr | None = Field(default=None, validation_alias="HASURA_GRAPHQL_ADMIN_SECRET")
    firebase_project: str | None = Field(default=None, validation_alias="CAREGRAPH_FIREBASE_PROJECT")
    firebase_issuer: str | None = Field(default=None, validation_alias="CAREGRAPH_FIREBASE_ISSUER")
    firebase_jwks_url: HttpAddress = Field(default=FIREBASE_JWKS_URL, validation_alias="CAREGRAPH_FIREBASE_JWKS_URL")
    unclaimed_role: str | None = Field(default=None, validation_alias="CAREGRAPH_UNCLAIMED_ROLE")
    service_accounts: Annotated[dict[str, str], NoDecode, BeforeValidator(parse_json)] = Field(
        default_factory=dict, validation_alias="CAREGRAPH_SERVICE_ACCOUNTS"
    )
    api_audience: str | None = Field(default=None, validation_alias="CAREGRAPH_API_AUDIENCE")
    service_issuer: str = Field(default=GOOGLE_ISSUER, validation_alias="CAREGRAPH_SERVICE_ISSUER")
    service_jwks_url: HttpAddress = Field(default=GOOGLE_JWKS_URL, validation_alias="CAREGRAPH_SERVICE_JWKS_URL")
    oidc_issuers: Annotated[tuple[OidcIssuer, ...], NoDecode, BeforeValidator(parse_json_list)] = Field(
        default=(), validation_alias="CAREGRAPH_OIDC_ISSUERS"
    )
    jwt_configurations: Annotated[tuple[JwtConfiguration, ...], NoDecode, BeforeValidator(parse_json_list)] = Field(
        default=(), validation_alias="HASURA_GRAPHQL_JWT_SECRET"
    )
    own_unauthorized_role: str | None = Field(default=None, validation_alias="CAREGRAPH_UNAUTHORIZED_ROLE")
    hasura_unauthorized_role: str | None = Field(default=None, validation_alias="HASURA_GRAPHQL_UNAUTHORIZED_ROLE")

    @model_validator(mode="after")
    def _check(self) -> Self:
        problems = []
        own, hasura = self.own_admin_secret, self.hasura_admin_secret
        if own is not None and hasura is not None and own != hasura:
            problems.append("CAREGRAPH_ADMIN_SECRET and HASURA_GRAPHQL_ADMIN_SECRET differ: set one of them")
        if self.service_accounts and self.api_audience is None:
            problems.append("CAREGRAPH_SERVICE_ACCOUNTS needs CAREGRAPH_API_AUDIENCE, the base URL of this API")
        if self.firebase_issuer is not None and self.firebase_project is None:
            problems.append("CAREGRAPH_FIREBASE_ISSUER needs CAREGRAPH_FIREBASE_PROJECT")
        if self.unclaimed_role is not None and self.firebase_project is None:
            problems.append("CAREGRAPH_UNCLAIMED_ROLE needs CAREGRAPH_FIREBASE_PROJECT")
        if self.unclaimed_role in _TRUSTED_ROLES:
            problems.append("CAREGRAPH_UNCLAIMED_ROLE is the role of strangers: newcomer, not one of people known here")
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def admin_secret(self) -> SecretStr | None:
        """The admin secret, if there is one."""
        return self.own_admin_secret or self.hasura_admin_secret

    @property
    def unauthorized_role(self) -> str | None:
        """The role of requests without credentials, or None when they are refused."""
        named = self.own_unauthorized_role or self.hasura_unauthorized_role
        if named is None and self.hasura_admin_secret is None and not self.jwt_configurations:
            return ANONYMOUS
        return named

    @property
    def firebase(self) -> FirebaseIssuer | None:
        """The Firebase project whose tokens are accepted, if any."""
        if self.firebase_project is None:
            return None
        issuer = self.firebase_issuer or f"https://securetoken.google.com/{self.firebase_project}"
        return FirebaseIssuer(
            project=self.firebase_project,
            issuer=issuer,
            jwks_url=self.firebase_jwks_url,
            unclaimed_role=self.unclaimed_role,
        )

    @property
    def service(self) -> ServiceIssuer | None:
        """The issuer of service accounts' tokens, if any account is known."""
        if not self.service_accounts or self.api_audience is None:
            return None
        return ServiceIssuer(
            issuer=self.service_issuer,
            jwks_url=self.service_jwks_url,
            audience=self.api_audience,
            accounts={email.lower(): agent for email, agent in self.service_accounts.items()},
        )


def read_authentication_settings() -> AuthenticationSettings:
    """The settings in the environment; raises AuthenticationSettingsError that names everything wrong with them."""
    try:
        return AuthenticationSettings()
    except ValidationError as error:
        problems = [line for problem in error.errors(include_input=False) for line in _sentences(problem)]
        # Without its cause: pydantic's own report could show parts of secrets.
        raise AuthenticationSettingsError(problems) from None


def _sentences(problem: Any) -> list[str]:
    location = [str(part) for part in problem["loc"]]
    message: str = problem["msg"].removeprefix("Value error, ").rstrip(".")
    if not location:
        return message.splitlines()
    # The index of a list's item means something only when there may be several.
    inner = [part for part in location[1:] if not part.isdecimal() or location[0] == "CAREGRAPH_OIDC_ISSUERS"]
    return [f"{location[0]}{''.join(f'.{part}' for part in inner)}: {message[:1].lower()}{message[1:]}"]
