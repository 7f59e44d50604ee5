"""What `HASURA_GRAPHQL_JWT_SECRET` and `CAREGRAPH_OIDC_ISSUERS` say, checked at start.

The first has Hasura's members (its "JWT mode" page): `type` and `key`, or `jwk_url`; `issuer`, `audience`,
`allowed_skew`, `header`, `claims_format`, `claims_namespace` or `claims_namespace_path`, `claims_map`. A member we do
not know is refused, because a misspelt `audience` would otherwise accept everyone's tokens.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal, Self

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, SECP521R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from integrations.identity.jwks import SigningKey
from permissions.session import VARIABLE_PREFIX
from server.authentication.claims import (
    ALLOWED_ROLES,
    DEFAULT_ROLE,
    HASURA_NAMESPACE,
    ClaimsRule,
    MappedClaim,
    MappedClaims,
    NamespacedClaims,
)
from server.authentication.credentials import LocationKind, TokenLocation
from server.authentication.json_path import MISSING, parse_json_path

KeyType = Literal["HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA"]
_CURVES: Final = {"ES256": SECP256R1, "ES384": SECP384R1, "ES512": SECP521R1}
_MIN_RSA_BITS: Final = 2048


def _require_http(url: str) -> str:
    scheme, _, rest = url.partition("://")
    if scheme.lower() not in ("http", "https") or not rest.strip("/"):
        raise ValueError("should be an address that starts with https:// or http://")
    return url


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


HttpAddress = Annotated[str, AfterValidator(_require_http)]
Audiences = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_as_list)]


class _Configuration(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class OidcIssuer(_Configuration):
    """An OpenID Connect issuer whose tokens count; `audience` may be one name or a list."""

    issuer: str = Field(min_length=1)
    audience: Audiences = Field(min_length=1)
    jwks_url: HttpAddress
    claims_namespace: str = HASURA_NAMESPACE


class TokenHeader(_Configuration):
    """Where tokens stand (`header`); a name goes with Cookie and CustomHeader."""

    type: LocationKind
    name: str = ""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.type is not LocationKind.AUTHORIZATION and not self.name:
            raise ValueError(f"`name` is missing: which one is it for type {self.type}?")
        return self


class PlaceInToken(_Configuration):
    """Where `claims_map` finds one value."""

    path: str
    default: str | list[str] | None = None


class JwtConfiguration(_Configuration):
    """One member of Hasura's JWT configuration; see the module."""

    type: KeyType | None = None
    key: SecretStr | None = None
    jwk_url: HttpAddress | None = None
    issuer: str | None = None
    audience: Audiences = ()
    #: Seconds.
    allowed_skew: float = Field(default=0.0, ge=0, le=3_600)
    header: TokenHeader = TokenHeader(type=LocationKind.AUTHORIZATION)
    claims_format: Literal["json", "stringified_json"] = "json"
    claims_namespace: str | None = None
    claims_namespace_path: str | None = None
    claims_map: dict[str, str | list[str] | PlaceInToken] | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.key is None) == (self.jwk_url is None):
            raise ValueError("exactly one of `key` and `jwk_url` should be there")
        if self.claims_namespace is not None and self.claims_namespace_path is not None:
            raise ValueError("`claims_namespace` and `claims_namespace_path` exclude each other")
        if self.jwk_url is not None and self.type is not None and self.type.startswith("HS"):
            raise ValueError(f"`type` {self.type} needs a shared secret, which no `jwk_url` can publish")
        # Built once here, so that what cannot work stops the start and not the first request.
        if self.key is not None:
            self.signing_key()
        self.claims_rule()
        return self

    @property
    def algorithm(self) -> str | None:
        """The JOSE algorithm that tokens must be signed with, or None when the published keys say."""
        return "EdDSA" if self.type == "Ed25519" else self.type

    def location(self) -> TokenLocation:
        """Where this issuer's tokens stand."""
        name = self.header.name
        return TokenLocation(
            kind=self.header.type, name=name.lower() if self.header.type is LocationKind.CUSTOM_HEADER else name
        )

    def signing_key(self) -> SigningKey:
        """The configured `key`, bound to its algorithm; raises ValueError when the two do not go together."""
        if self.type is None or self.algorithm is None:
            raise ValueError("`type` is missing: it says which algorithm `key` is for")
        assert self.key is not None
        text = self.key.get_secret_value()
        return SigningKey(key_id=None, algorithm=self.algorithm, key=_read_key(self.algorithm, text))

    def claims_rule(self) -> ClaimsRule:
        """Where in a token its claims stand; raises ValueError when that is not clear."""
        if self.claims_map is not None:
            return _mapped_claims(self.claims_map)
        at = (
            parse_json_path(self.claims_namespace_path)
            if self.claims_namespace_path is not None
            else self.claims_namespace or HASURA_NAMESPACE
        )
        return NamespacedClaims(at=at, stringified=self.claims_format == "stringified_json")


def _read_key(algorithm: str, text: str) -> Any:
    if algorithm.startswith("HS"):
        needed = int(algorithm[2:]) // 8
        if "-----BEGIN" in text:
            raise ValueError(f"`key` is a PEM document, but `type` {algorithm} takes a shared secret")
        if len(text.encode()) < needed:
            raise ValueError(f"`key` is too short: {algorithm} needs {needed} bytes or more (RFC 7518, section 3.2)")
        return text.encode()
    key = _read_public_key(text)
    match key:
        case RSAPublicKey():
            fits = algorithm.startswith("RS")
            if key.key_size < _MIN_RSA_BITS:
                raise ValueError(f"`key` has {key.key_size} bits, RSA keys need {_MIN_RSA_BITS} or more")
        case EllipticCurvePublicKey():
            fits = algorithm in _CURVES and isinstance(key.curve, _CURVES[algorithm])
        case Ed25519PublicKey():
            fits = algorithm == "EdDSA"
        case _:
            fits = False
    if not fits:
        raise ValueError(f"`key` is of another kind than `type` {algorithm} needs")
    return key


def _read_public_key(text: str) -> Any:
    if "PRIVATE KEY" in text:
        raise ValueError("`key` is a private key; give the public key or the certificate")
    data = text.replace("\\n", "\n").encode()
    try:
        if "BEGIN CERTIFICATE" in text:
            return load_pem_x509_certificate(data).public_key()
        return load_pem_public_key(data)
    except ValueError as error:
        raise ValueError("`key` is neither a public key nor a certificate in PEM form") from error


def _mapped_claims(claims_map: Mapping[str, str | list[str] | PlaceInToken]) -> MappedClaims:
    places: dict[str, MappedClaim] = {}
    for raw_name, place in claims_map.items():
        name = raw_name.lower()
        if not name.startswith(VARIABLE_PREFIX):
            raise ValueError(f"`claims_map` has {raw_name!r}, names in it start with {VARIABLE_PREFIX}")
        fixed = place.default if isinstance(place, PlaceInToken) else place
        expects_list = name == ALLOWED_ROLES
        if fixed is not None and isinstance(fixed, list) != expects_list:
            kind = "a list of roles" if expects_list else "a string"
            raise ValueError(f"`claims_map` gives {raw_name!r} a value that is not {kind}")
        path = parse_json_path(place.path) if isinstance(place, PlaceInToken) else None
        places[name] = MappedClaim(path=path, value=MISSING if fixed is None else fixed)
    for name in (ALLOWED_ROLES, DEFAULT_ROLE):
        if name not in places:
            raise ValueError(f"`claims_map` says nothing of {name}")
    return MappedClaims(places=places)
