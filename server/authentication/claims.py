"""From a verified token's claims to the roles it grants and the session variables it carries.

Hasura's claims object looks so, names in any case:

    {"x-hasura-allowed-roles": ["user", "provider"], "x-hasura-default-role": "user", "x-hasura-user-id": "7b0e…"}

It stands under a namespace (or at a path) in the token, as an object or as the text of one; or `claims_map` says for
each of its members where in the token its value is.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from permissions.session import VARIABLE_PREFIX, Session, SignIn
from server.authentication.errors import AuthenticationCode, AuthenticationError
from server.authentication.json_path import MISSING, JsonPath

HASURA_NAMESPACE: Final = "https://hasura.io/jwt/claims"
ALLOWED_ROLES: Final = "x-hasura-allowed-roles"
DEFAULT_ROLE: Final = "x-hasura-default-role"


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a credential allows: any of these roles, with these session variables."""

    allowed_roles: tuple[str, ...]
    default_role: str
    #: Lower-case names; without the two role claims.
    variables: Mapping[str, str] = field(default_factory=dict)
    #: Of a person who has no roles yet.
    sign_in: SignIn | None = None

    def session(self, requested_role: str | None, *, expires_at: float | None) -> Session:
        """The session for the requested role, or for the default role when none is requested.

        Raises AuthenticationError (access-denied) when that role is not granted.
        """
        role = requested_role or self.default_role
        if role not in self.allowed_roles:
            asked = "The requested role" if requested_role else "The token's default role"
            raise AuthenticationError(
                AuthenticationCode.ACCESS_DENIED,
                f"{asked} {role[:64]!r} is not in allowed roles: the token grants {', '.join(self.allowed_roles)}. "
                "Send another x-hasura-role, or none for the default role.",
            )
        return Session(role=role, variables=self.variables, expires_at=expires_at, sign_in=self.sign_in)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespacedClaims:
    """The claims object stands in one place in the token."""

    #: A claim's name, or a path to the object.
    at: str | JsonPath = HASURA_NAMESPACE
    #: The object is JSON in a string (`claims_format: stringified_json`).
    stringified: bool = False

    def grant(self, claims: Mapping[str, Any]) -> Grant:
        """What the token grants; raises AuthenticationError when the claims object is absent or has another shape."""
        place = self.at.text if isinstance(self.at, JsonPath) else self.at
        found = self.at.find(claims) if isinstance(self.at, JsonPath) else claims.get(self.at, MISSING)
        if found is MISSING:
            raise _invalid(
                f"claims key: '{place}' not found; this token says nothing of roles, "
                "the account may not have been given any yet"
            )
        if self.stringified:
            found = _parse_stringified(found, place)
        if not isinstance(found, dict):
            raise _invalid(f"expecting a json object at '{place}', found {_kind(found)}")
        return _read_grant({name.lower(): value for name, value in found.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedClaim:
    """Where one value comes from: a fixed value, or a path with an optional default."""

    path: JsonPath | None = None
    #: The fixed value, or what is used when there is nothing at the path; MISSING when there is none.
    value: object = MISSING

    def find(self, claims: Mapping[str, Any]) -> object:
        """The value in this token, or MISSING."""
        found = self.path.find(claims) if self.path is not None else MISSING
        return self.value if found is MISSING else found


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedClaims:
    """Each value has its own place in the token (`claims_map`)."""

    #: By lower-case `x-hasura-…` name; the two role claims are always there.
    places: Mapping[str, MappedClaim]

    def grant(self, claims: Mapping[str, Any]) -> Grant:
        """What the token grants; raises AuthenticationError when a place is empty or holds another shape."""
        found = {name: place.find(claims) for name, place in self.places.items()}
        for name, value in found.items():
            if value is MISSING and name not in (ALLOWED_ROLES, DEFAULT_ROLE):
                raise _invalid(f"JWT claim from claims_map, {name} not found")
        return _read_grant({name: value for name, value in found.items() if value is not MISSING})


ClaimsRule = NamespacedClaims | MappedClaims


def _read_grant(claims: Mapping[str, object]) -> Grant:
    roles = _require_role_claim(claims, ALLOWED_ROLES)
    if not isinstance(roles, list) or not all(isinstance(role, str) and role for role in roles):
        raise _invalid(f"invalid {ALLOWED_ROLES}; should be a list of roles")
    default = _require_role_claim(claims, DEFAULT_ROLE)
    if not isinstance(default, str) or not default:
        raise _invalid(f"invalid {DEFAULT_ROLE}; should be a single role name")
    variables: dict[str, str] = {}
    for name, value in claims.items():
        if not name.startswith(VARIABLE_PREFIX) or name in (ALLOWED_ROLES, DEFAULT_ROLE):
            continue
        if not isinstance(value, str):
            raise _invalid(f"invalid {name}; session variables are strings, found {_kind(value)}")
        variables[name] = value
    return Grant(allowed_roles=tuple(roles), default_role=default, variables=variables)


def _require_role_claim(claims: Mapping[str, object], name: str) -> object:
    if name not in claims:
        raise AuthenticationError(
            AuthenticationCode.JWT_MISSING_ROLE_CLAIMS, f"JWT claim does not contain {name}; its issuer must add it"
        )
    return claims[name]


def _parse_stringified(found: object, place: str) -> object:
    if not isinstance(found, str):
        raise _invalid(f"expecting a string at '{place}' when claims_format is stringified_json, found {_kind(found)}")
    try:
        parsed: object = json.loads(found)
    except (ValueError, RecursionError) as error:
        raise _invalid(f"expecting stringified json at '{place}', found text that is not JSON") from error
    return parsed


def _invalid(message: str) -> AuthenticationError:
    return AuthenticationError(AuthenticationCode.JWT_INVALID_CLAIMS, message)


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
