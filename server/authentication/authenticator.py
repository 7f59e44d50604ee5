"""From headers to a session: the decision itself.

In this order (Hasura's rules):

1. An admin secret: right, and the request runs as `x-hasura-role` or `admin`, with the other `x-hasura-*` headers as
   session variables; wrong, and it is refused, whatever else it carries.
2. A token: verified by the issuer it names, and the request runs as `x-hasura-role` if the token grants that role, or
   as the token's default role. Other `x-hasura-*` headers mean nothing.
3. Neither: the role for requests without credentials, or a refusal when there is none.
"""

import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from hmac import compare_digest
from typing import Final

import httpx
from pydantic import SecretStr

from integrations.identity.errors import KeysUnavailableError, TokenError
from integrations.identity.verification import UnverifiedToken, expiry_of, quote, read_unverified, verify_token
from permissions.session import VARIABLE_PREFIX, Session
from server.authentication.credentials import (
    ACCESS_KEY,
    ADMIN_SECRET,
    AUTHORIZATION,
    BEARER,
    ROLE,
    Credentials,
    Headers,
    LocationKind,
    OfferedToken,
    read_credentials,
    read_text,
)
from server.authentication.errors import AuthenticationCode, AuthenticationError
from server.authentication.issuers import Issuer, build_issuers
from server.authentication.session_cache import CachedGrant, SessionCache, digest
from server.authentication.settings import AuthenticationSettings

ADMIN: Final = "admin"
#: Sessions by admin secret that are kept.
_ADMIN_SESSIONS: Final = 64
_VARIABLES: Final = VARIABLE_PREFIX.encode()
#: Headers that begin like session variables and are none.
_NO_VARIABLES: Final = frozenset({ADMIN_SECRET, ACCESS_KEY, ROLE})


class Authenticator:
    """Decides who is asking; one a process, used from one event loop."""

    def __init__(
        self,
        *,
        issuers: Sequence[Issuer] = (),
        admin_secret: SecretStr | None = None,
        unauthorized_role: str | None = None,
        cache_size: int = 10_000,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock` tells Unix time in seconds. Whoever built the issuers closes their HTTP client."""
        self._issuers = tuple(issuers)
        self._locations = frozenset(issuer.location for issuer in self._issuers) or frozenset({BEARER})
        self._admin_secret = None if admin_secret is None else digest(admin_secret.get_secret_value().encode())
        self._unauthorized = None if unauthorized_role is None else Session(role=unauthorized_role)
        self._cache = SessionCache(size=cache_size)
        #: Sessions by admin secret alone, by the role header as it came.
        self._admin_sessions: dict[bytes | None, Session] = {}
        self._clock = clock
        # Headers that `find_session` must see; where tokens stand elsewhere, only `authenticate` knows how to look.
        elsewhere = {
            b"cookie" if location.kind is LocationKind.COOKIE else location.name.encode()
            for location in self._locations
            if location.kind is not LocationKind.AUTHORIZATION
        }
        self._watched = frozenset({AUTHORIZATION, ROLE, ADMIN_SECRET, ACCESS_KEY, *elsewhere})

    def authenticate_cached(self, authorization: bytes, role: bytes | None) -> Session | None:
        """The session of a bearer token that was verified before, or None when `authenticate` has to look at it.

        Takes the values of the `Authorization` and `x-hasura-role` headers as they came, and about 1 µs. Only right
        when the request carries no admin secret, which goes before any token; `find_session` sees to that.
        """
        entry = self._cache.find(authorization, self._clock())
        return None if entry is None else entry.sessions.get(role)

    def find_session(self, headers: Collection[tuple[bytes, bytes]]) -> Session | None:
        """The session when it is at hand, without waiting; None when `authenticate` has to be asked.

        `headers` are ASGI's, with lower-case names. At hand are tokens verified before, the admin secret without
        further session variables, and requests without credentials. Never raises: what is to be refused is None here,
        too.
        """
        authorization = role = secret = None
        for name, value in headers:
            if name not in self._watched:
                continue
            if name == AUTHORIZATION and authorization is None:
                authorization = value
            elif name == ROLE and role is None:
                role = value
            elif name == ADMIN_SECRET and secret is None:
                secret = value
            else:
                # A token elsewhere, or a header that is there twice.
                return None
        if secret is not None:
            return self._admin_sessions.get(role) if self._is_bare_admin(headers, secret) else None
        if authorization is None:
            return self._unauthorized
        return self.authenticate_cached(authorization, role)

    def _is_bare_admin(self, headers: Collection[tuple[bytes, bytes]], secret: bytes) -> bool:
        """Whether the secret is right, and the role is all that the headers say of the session."""
        if not self._is_admin_secret(secret):
            return False
        for name, _ in headers:  # noqa: SIM110 - a generator would take twice as long, and this is each request's way
            if name.startswith(_VARIABLES) and name not in _NO_VARIABLES:
                return False
        return True

    def _is_admin_secret(self, secret: bytes) -> bool:
        # Digests have equal lengths, so that the comparison takes the same time for every guess.
        return self._admin_secret is not None and compare_digest(digest(secret), self._admin_secret)

    async def authenticate(self, headers: Headers) -> Session:
        """The session that these headers grant.

        Takes ASGI's header pairs or a mapping (`connection_init.payload.headers`); names in any case. Raises
        AuthenticationError. Verifying a token may fetch its issuer's keys, for a few seconds at most.
        """
        credentials = read_credentials(headers)
        secret = credentials.admin_secret
        if secret is not None:
            return self._admin_session(credentials, secret)
        offered = credentials.find_token(self._locations)
        if offered is not None:
            return await self._token_session(credentials, offered)
        if self._unauthorized is not None:
            return self._unauthorized
        raise self._missing_credentials()

    def _admin_session(self, credentials: Credentials, secret: bytes) -> Session:
        if self._admin_secret is None:
            raise AuthenticationError(
                AuthenticationCode.ACCESS_DENIED,
                "No admin secret is set on this server (CAREGRAPH_ADMIN_SECRET); leave the x-hasura-admin-secret "
                "header out and send a token.",
            )
        if not self._is_admin_secret(secret):
            raise AuthenticationError(
                AuthenticationCode.ACCESS_DENIED, "invalid x-hasura-admin-secret/x-hasura-access-key"
            )
        variables = credentials.variables()
        session = Session(role=credentials.role or ADMIN, variables=variables, has_admin_secret=True)
        header = credentials.headers.get(ROLE)
        # As with tokens, spaces and all; the names of roles are made up by whoever knows the secret, so a few will do.
        if not variables and (header is None or read_text(header) == session.role):
            if len(self._admin_sessions) >= _ADMIN_SESSIONS:
                self._admin_sessions.clear()
            self._admin_sessions[header] = session
        return session

    async def _token_session(self, credentials: Credentials, offered: OfferedToken) -> Session:
        entry = self._cache.find(offered.cache_key, self._clock())
        if entry is None:
            entry = await self._verify(offered)
        session = entry.grant.session(credentials.role, expires_at=entry.expires_at)
        # Only granted roles come so far, so the sessions of one token are few; headers may spell them with spaces.
        header = credentials.headers.get(ROLE)
        if header is None or read_text(header) == session.role:
            entry.sessions[header] = session
        return session

    async def _verify(self, offered: OfferedToken) -> CachedGrant:
        try:
            token = read_unverified(offered.token)
            candidates = self._candidates(token, offered)
            for issuer in candidates[:-1]:
                try:
                    return await self._verify_with(issuer, token, offered)
                except (TokenError, KeysUnavailableError):
                    continue
            return await self._verify_with(candidates[-1], token, offered)
        except KeysUnavailableError as error:
            raise AuthenticationError(
                AuthenticationCode.INVALID_JWT, f"Could not verify JWT: {error}", retryable=True
            ) from error
        except TokenError as error:
            raise AuthenticationError(AuthenticationCode.INVALID_JWT, f"Could not verify JWT: {error}") from error

    async def _verify_with(self, issuer: Issuer, token: UnverifiedToken, offered: OfferedToken) -> CachedGrant:
        now = self._clock()
        claims = await verify_token(token, issuer.rules, now=now)
        grant = issuer.claims.grant(claims)
        return self._cache.keep(offered.cache_key, grant, expires_at=expiry_of(claims, issuer.rules), now=now)

    def _candidates(self, token: UnverifiedToken, offered: OfferedToken) -> list[Issuer]:
        """The issuers that may have signed the token, by what it says of itself; at least one.

        An issuer that is named goes before those that are configured without a name, which would take any. Of several
        with one name (one tenant, several audiences) those for the token's audience count.
        """
        here = [issuer for issuer in self._issuers if issuer.location == offered.location]
        named = [issuer for issuer in here if token.issuer in issuer.rules.issuers]
        candidates = named or [issuer for issuer in here if not issuer.rules.issuers]
        if not here:
            raise TokenError(
                "this server accepts no tokens; set CAREGRAPH_FIREBASE_PROJECT, CAREGRAPH_SERVICE_ACCOUNTS, "
                "CAREGRAPH_OIDC_ISSUERS or HASURA_GRAPHQL_JWT_SECRET"
            )
        if not candidates:
            known = sorted({name for issuer in here for name in issuer.rules.issuers})
            stated = "no issuer (`iss`)" if token.issuer is None else f"the issuer {quote(token.issuer)}"
            raise TokenError(f"the token names {stated}, accepted are {', '.join(known)}")
        audiences = frozenset(token.audiences)
        return [issuer for issuer in candidates if not issuer.rules.audiences.isdisjoint(audiences)] or candidates

    def _missing_credentials(self) -> AuthenticationError:
        if self._issuers:
            return AuthenticationError(
                AuthenticationCode.INVALID_HEADERS,
                "Missing 'Authorization' or 'Cookie' header in JWT authentication mode",
            )
        return AuthenticationError(
            AuthenticationCode.ACCESS_DENIED, "x-hasura-admin-secret/x-hasura-access-key required, but not found"
        )


@asynccontextmanager
async def open_authenticator(
    settings: AuthenticationSettings, *, clock: Callable[[], float] = time.time
) -> AsyncIterator[Authenticator]:
    """An authenticator by these settings, with an HTTP client of its own for issuers' keys."""
    timeout = httpx.Timeout(5.0)
    async with httpx.AsyncClient(timeout=timeout, limits=httpx.Limits(max_connections=8)) as client:
        yield Authenticator(
            issuers=build_issuers(settings, client=client),
            admin_secret=settings.admin_secret,
            unauthorized_role=settings.unauthorized_role,
            clock=clock,
        )
