"""What a request's headers offer by way of credentials, before any of it is believed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http.cookies import CookieError, SimpleCookie
from typing import Final

from permissions.session import ROLE_VARIABLE, VARIABLE_PREFIX
from server.authentication.errors import AuthenticationCode, AuthenticationError

#: Raw header pairs as ASGI has them, or names and values as `connection_init.payload.headers` has them.
Headers = Iterable[tuple[bytes, bytes]] | Mapping[str, object]

AUTHORIZATION: Final = b"authorization"
COOKIE: Final = b"cookie"
ROLE: Final = ROLE_VARIABLE.encode()
ADMIN_SECRET: Final = b"x-hasura-admin-secret"
#: Hasura's older name for the same header.
ACCESS_KEY: Final = b"x-hasura-access-key"
ADMIN_SECRETS: Final = frozenset({ADMIN_SECRET, ACCESS_KEY})
#: Two different values of one of these would let a proxy and this server see different callers.
_SINGLE: Final = frozenset({AUTHORIZATION, ROLE, ADMIN_SECRET, ACCESS_KEY})


class LocationKind(StrEnum):
    """Where in a request tokens stand."""

    AUTHORIZATION = "Authorization"
    COOKIE = "Cookie"
    CUSTOM_HEADER = "CustomHeader"


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenLocation:
    """Where one issuer's tokens stand: `Authorization: Bearer`, a cookie, or a header of their own."""

    kind: LocationKind = LocationKind.AUTHORIZATION
    #: The cookie's name, or the header's in lower case; empty for `Authorization`.
    name: str = ""


BEARER: Final = TokenLocation()


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedToken:
    """A token as it came, and where it stood."""

    location: TokenLocation
    token: str = field(repr=False)
    #: What the session cache knows this credential by.
    cache_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Everything in the headers that authentication looks at; header names in lower case."""

    #: Each header once; where one may come several times (cookies), the values joined.
    headers: Mapping[bytes, bytes] = field(repr=False)

    @property
    def admin_secret(self) -> bytes | None:
        """The admin secret that was sent, if any."""
        return self.headers.get(ADMIN_SECRET, self.headers.get(ACCESS_KEY))

    @property
    def role(self) -> str | None:
        """The role that is asked for, if any."""
        return read_text(self.headers.get(ROLE, b"")).strip() or None

    def variables(self) -> dict[str, str]:
        """The session variables among the headers: only an admin secret makes them count."""
        prefix = VARIABLE_PREFIX.encode()
        return {
            name.decode("latin-1"): read_text(value)
            for name, value in self.headers.items()
            if name.startswith(prefix) and name not in ADMIN_SECRETS and name != ROLE
        }

    def find_token(self, locations: Iterable[TokenLocation]) -> OfferedToken | None:
        """The token in the first of these locations that has one.

        `Authorization` goes before a header of its own and that before a cookie, whatever their order, because a
        browser sends cookies unasked. Raises AuthenticationError (invalid-headers) when `Authorization` is malformed.
        """
        for location in sorted(locations, key=lambda location: _PRECEDENCE[location.kind]):
            match location.kind:
                case LocationKind.AUTHORIZATION:
                    token = self._bearer_token()
                    key = self.headers.get(AUTHORIZATION, b"")
                case LocationKind.CUSTOM_HEADER:
                    token = _without_scheme(read_text(self.headers.get(location.name.encode(), b"")))
                    key = _cache_key(location, token)
                case LocationKind.COOKIE:
                    token = self._cookie(location.name)
                    key = _cache_key(location, token)
            if token:
                return OfferedToken(location=location, token=token, cache_key=key)
        return None

    def _bearer_token(self) -> str | None:
        header = self.headers.get(AUTHORIZATION)
        if header is None:
            return None
        scheme, _, token = read_text(header).strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token or " " in token:
            raise AuthenticationError(
                AuthenticationCode.INVALID_HEADERS,
                "Malformed Authorization header: send `Authorization: Bearer TOKEN`, or leave the header out.",
            )
        return token

    def _cookie(self, name: str) -> str | None:
        # A cookie that Python's parser dislikes must not hide the one we look for, so each is parsed alone.
        for part in read_text(self.headers.get(COOKIE, b"")).split(";"):
            key, _, value = part.strip().partition("=")
            if key == name:
                try:
                    parsed = SimpleCookie(f"token={value}").get("token")
                except CookieError:
                    parsed = None
                return parsed.value if parsed is not None else value
        return None


_PRECEDENCE: Final = {LocationKind.AUTHORIZATION: 0, LocationKind.CUSTOM_HEADER: 1, LocationKind.COOKIE: 2}


def read_credentials(headers: Headers) -> Credentials:
    """The headers by lower-case name.

    Raises AuthenticationError (invalid-headers) when a credential is there twice, or when a value of a mapping is not
    a string.
    """
    found: dict[bytes, bytes] = {}
    pairs = _mapping_pairs(headers) if isinstance(headers, Mapping) else headers
    for raw_name, value in pairs:
        name = raw_name.lower()
        if name in _SINGLE and found.get(name, value) != value:
            raise AuthenticationError(
                AuthenticationCode.INVALID_HEADERS, f"The header {name.decode()} is there twice; send it once."
            )
        found[name] = found[name] + b"; " + value if name == COOKIE and name in found else value
    return Credentials(headers=found)


def read_text(value: bytes) -> str:
    """A header value as text: UTF-8, or Latin-1 when it is not."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _mapping_pairs(headers: Mapping[str, object]) -> Iterable[tuple[bytes, bytes]]:
    for name, value in headers.items():
        if isinstance(value, str):
            yield name.encode(errors="replace"), value.encode(errors="replace")
        elif value is not None:
            raise AuthenticationError(
                AuthenticationCode.INVALID_HEADERS, f"The value of header {name[:64]!r} is not a string."
            )


def _without_scheme(value: str) -> str:
    scheme, _, token = value.strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else value.strip()


def _cache_key(location: TokenLocation, token: str | None) -> bytes:
    # A line break cannot occur in a header, so no `Authorization` header is ever taken for one of these.
    return f"{location.kind}\n{location.name}\n{token}".encode(errors="replace")
