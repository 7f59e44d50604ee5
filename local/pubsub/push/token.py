"""OIDC tokens of service accounts, from the local identity stand-in, kept until shortly before they expire.

`POST {identity}/oidc/token` with `{"email": …, "audience": …}` answers `{"id_token": …}`: what Google's token service
does for Pub/Sub inside its own walls.
"""

import asyncio
import base64
import binascii
import time
from typing import Final

import orjson

from local.pubsub.push.http import BrokenConnectionError, Endpoint, UnreachableError

_TIMEOUT_S: Final = 5.0
#: A token is replaced this long before it expires, or at half its life if that is shorter.
_SPARE_S: Final = 300.0


class NoTokenError(Exception):
    """The identity stand-in gives no token now."""


class TokenSource:
    """Tokens by service account and audience."""

    def __init__(self, identity_url: str) -> None:
        self._endpoint = Endpoint(f"{identity_url.rstrip('/')}/oidc/token")
        self._tokens: dict[tuple[str, str], tuple[str, float]] = {}
        self._locks: dict[tuple[str, str], asyncio.Lock] = {}

    async def get(self, email: str, audience: str) -> str:
        """A token that is good for a while. Raises NoTokenError."""
        key = (email, audience)
        token, fresh_until = self._tokens.get(key, ("", 0.0))
        if time.time() < fresh_until:
            return token
        # One asks, the others wait for what it gets.
        async with self._locks.setdefault(key, asyncio.Lock()):
            token, fresh_until = self._tokens.get(key, ("", 0.0))
            if time.time() >= fresh_until:
                token = await self._mint(email, audience)
                self._tokens[key] = token, _fresh_until(token)
            return token

    def close(self) -> None:
        """Close the connections."""
        self._endpoint.close()

    async def _mint(self, email: str, audience: str) -> str:
        try:
            answer = await self._endpoint.post(
                orjson.dumps({"email": email, "audience": audience}),
                {"Content-Type": "application/json", "Accept": "application/json"},
                timeout_s=_TIMEOUT_S,
            )
        except (UnreachableError, BrokenConnectionError, TimeoutError) as error:
            raise NoTokenError(f"{self._endpoint.url} doesn't answer: {str(error) or type(error).__name__}") from error
        try:
            token = orjson.loads(answer.body)["id_token"] if answer.status == 200 else None
        except (orjson.JSONDecodeError, KeyError, TypeError):
            token = None
        if not isinstance(token, str):
            raise NoTokenError(f"{self._endpoint.url} answered {answer.status} without a token for {email}.")
        return token


def _fresh_until(token: str) -> float:
    """When to replace a token, by its `exp`; at once when it can't be read. The signature is for the receiver."""
    now = time.time()
    try:
        payload = token.split(".")[1]
        claims = orjson.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        expires_at = float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error):
        return now
    return expires_at - min(_SPARE_S, (expires_at - now) / 2)
