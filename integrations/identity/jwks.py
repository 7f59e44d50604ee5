"""An issuer's public keys, fetched over HTTP when needed and kept between requests.

Both forms that Google serves are understood: a JWK set (`{"keys": [...]}`, RFC 7517) and a map from key id to X.509
certificate in PEM. Each key is bound to exactly one algorithm when it is read, so a token can never choose how it is
checked (RFC 8725, section 3.1).

When the cache goes to the issuer:

- when it has no keys yet, or the answer's `Cache-Control: max-age` has run out;
- when a token names a key it does not know, since issuers rotate keys; at most once in `unknown_key_interval_s`, so
  that made-up key ids cannot turn this process against its issuer.

When the issuer does not answer, the cache backs off (1 s, doubling to 60 s) and keeps using the keys it has, for
`max_stale_s` past their age at most: an outage of the issuer must not sign everyone out, and a withdrawn key must not
live for ever.
"""

import asyncio
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import httpx
import jwt
import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_pem_x509_certificate

from integrations.identity.errors import KeysUnavailableError, TokenError

_log = structlog.get_logger(__name__)

#: Algorithms whose verifying key may be published. HMAC's may not, so a key set can never bring one.
PUBLIC_KEY_ALGORITHMS: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
_EC_ALGORITHMS: Final = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_MIN_RSA_BITS: Final = 2048
_MAX_DOCUMENT_BYTES: Final = 1 << 20
_MAX_AGE: Final = re.compile(r"(?:^|[\s,])max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)
#: How long an answer without `Cache-Control` is good for, and the bounds put on one that has it.
_DEFAULT_AGE_S: Final = 300.0
_AGE_BOUNDS_S: Final = (30.0, 86_400.0)
_BACK_OFF_S: Final = (1.0, 60.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """One public key (or shared secret) and the only algorithm it may be used with."""

    #: The `kid` in the headers of tokens that it signed, if the issuer gives it one.
    key_id: str | None
    #: The JOSE name, such as `RS256`.
    algorithm: str
    #: What PyJWT wants: a `cryptography` public key, or bytes for HMAC.
    key: Any


class KeySource(Protocol):
    """Where the key that signed a token comes from."""

    async def get(self, key_id: str | None) -> SigningKey:
        """The key with this id; raises TokenError when there is none, KeysUnavailableError when nobody can tell."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FixedKey:
    """A key source for an issuer whose single key is configured; the key id in the token does not matter."""

    key: SigningKey

    async def get(self, key_id: str | None) -> SigningKey:  # noqa: ARG002 - the protocol's parameter
        """The configured key."""
        return self.key


class JwksCache:
    """The keys published at one URL; use one instance a URL and process, from one event loop."""

    def __init__(
        self,
        url: str,
        *,
        client: httpx.AsyncClient,
        algorithms: Iterable[str] = PUBLIC_KEY_ALGORITHMS,
        timeout_s: float = 5.0,
        unknown_key_interval_s: float = 10.0,
        max_stale_s: float = 86_400.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is fetched yet; the caller owns and closes `client`. Keys for other `algorithms` are left out."""
        self.url = url
        self._client = client
        self._algorithms = frozenset(algorithms) & PUBLIC_KEY_ALGORITHMS
        self._timeout_s = timeout_s
        self._unknown_key_interval_s = unknown_key_interval_s
        self._max_stale_s = max_stale_s
        self._clock = clock
        self._keys: dict[str | None, SigningKey] = {}
        self._fetched_at = float("-inf")
        self._fresh_until = float("-inf")
        self._failures = 0
        self._retry_at = float("-inf")
        self._lock = asyncio.Lock()

    async def get(self, key_id: str | None) -> SigningKey:
        """The key with this id, from memory or from the issuer.

        A token without key id is checked by the set's only key; when there are several it is refused.
        """
        key = self._find(key_id)
        if key is None or self._clock() >= self._fresh_until:
            await self._refresh(key_is_known=key is not None)
            key = self._find(key_id)
        too_old = self._clock() >= self._fresh_until + self._max_stale_s
        # An unknown key may be a new one that the issuer cannot tell us of right now.
        if too_old or (key is None and self._failures):
            raise KeysUnavailableError(
                f"the signing keys at {self.url} cannot be fetched right now; the token may be fine, try again shortly"
            )
        if key is None:
            named = "names no signing key" if key_id is None else f"is signed with key {_shorten(key_id)}"
            raise TokenError(f"the token {named}, which is not among the keys published at {self.url}")
        return key

    def _find(self, key_id: str | None) -> SigningKey | None:
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    async def _refresh(self, *, key_is_known: bool) -> None:
        asked_at = self._clock()
        async with self._lock:
            # Whoever held the lock before may have done the work, or found out that it cannot be done now.
            now = self._clock()
            if self._fetched_at >= asked_at or now < self._retry_at:
                return
            wanted_for_unknown_key = not key_is_known and now < self._fresh_until
            if wanted_for_unknown_key and now < self._fetched_at + self._unknown_key_interval_s:
                return
            try:
                keys, max_age_s = await self._fetch()
            except (httpx.HTTPError, ValueError, TimeoutError) as error:
                self._failures += 1
                delay_s = min(_BACK_OFF_S[0] * 2 ** (self._failures - 1), _BACK_OFF_S[1])
                self._retry_at = self._clock() + delay_s
                _log.warning(
                    "jwks.fetch_failed", url=self.url, error=str(error) or type(error).__name__, retry_in_s=delay_s
                )
                return
            self._keys = {key.key_id: key for key in keys}
            self._failures = 0
            self._fetched_at = self._clock()
            self._fresh_until = self._fetched_at + max_age_s
            _log.info("jwks.fetched", url=self.url, key_ids=[key.key_id for key in keys], max_age_s=max_age_s)

    async def _fetch(self) -> tuple[list[SigningKey], float]:
        async with asyncio.timeout(self._timeout_s):
            response = await self._client.get(self.url, headers={"Accept": "application/json"})
        if response.status_code != 200:
            raise ValueError(f"the answer has status {response.status_code}")
        if len(response.content) > _MAX_DOCUMENT_BYTES:
            raise ValueError(f"the answer has {len(response.content)} bytes, more than any key set needs")
        keys = parse_key_set(response.json(), algorithms=self._algorithms)
        if not keys:
            raise ValueError(f"the answer holds no usable key for {', '.join(sorted(self._algorithms))}")
        return keys, _max_age_s(response.headers)


def parse_key_set(document: object, *, algorithms: Iterable[str] = PUBLIC_KEY_ALGORITHMS) -> list[SigningKey]:
    """The usable public keys in a JWK set or a map of certificates, in the document's order.

    Left out: keys meant for encryption, shared secrets, RSA keys under 2,048 bits, and keys whose algorithm is not in
    `algorithms`. An RSA key that states no algorithm takes the one RSA algorithm in `algorithms`, or RS256 when
    there are several. Raises ValueError when the document has neither form.
    """
    if not isinstance(document, dict):
        raise ValueError("the key set is not a JSON object")  # noqa: TRY004 - the document is wrong, not the call
    allowed = frozenset(algorithms)
    if "keys" in document:
        entries = document["keys"]
        if not isinstance(entries, list):
            raise ValueError("`keys` of the key set is not a list")
        found = [_read_jwk(entry, allowed) for entry in entries if isinstance(entry, dict)]
    else:
        found = [_read_certificate(key_id, pem, allowed) for key_id, pem in document.items()]
    return [key for key in found if key is not None]


def _read_jwk(entry: Mapping[str, Any], allowed: frozenset[str]) -> SigningKey | None:
    key_id = entry.get("kid")
    algorithm = entry.get("alg") or _implied_algorithm(entry, allowed)
    if entry.get("use", "sig") != "sig" or algorithm not in allowed or not isinstance(key_id, str | None):
        return None
    try:
        jwk = jwt.PyJWK(dict(entry), algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None
    if isinstance(jwk.key, RSAPublicKey) and jwk.key.key_size < _MIN_RSA_BITS:
        return None
    return SigningKey(key_id=key_id, algorithm=algorithm, key=jwk.key)


def _implied_algorithm(entry: Mapping[str, Any], allowed: frozenset[str]) -> str | None:
    match entry.get("kty"):
        case "RSA":
            candidates = [name for name in allowed if name.startswith(("RS", "PS"))]
            return candidates[0] if len(candidates) == 1 else "RS256"
        case "EC":
            return _EC_ALGORITHMS.get(entry.get("crv", ""))
        case "OKP":
            return "EdDSA"
        case _:
            return None


def _read_certificate(key_id: str, pem: object, allowed: frozenset[str]) -> SigningKey | None:
    if not isinstance(pem, str):
        raise ValueError("the key set has neither `keys` nor certificates")  # noqa: TRY004 - the document is wrong
    key = load_pem_x509_certificate(pem.encode()).public_key()
    if not isinstance(key, RSAPublicKey) or key.key_size < _MIN_RSA_BITS or "RS256" not in allowed:
        return None
    return SigningKey(key_id=key_id, algorithm="RS256", key=key)


def _max_age_s(headers: Mapping[str, str]) -> float:
    found = _MAX_AGE.search(headers.get("cache-control", ""))
    if found is None:
        return _DEFAULT_AGE_S
    # `Age` is the time the answer has already spent in caches on the way (RFC 9111, section 4.2.1).
    age = headers.get("age", "")
    spent_s = float(age) if age.isdecimal() else 0.0
    return min(max(float(found[1]) - spent_s, _AGE_BOUNDS_S[0]), _AGE_BOUNDS_S[1])


def _shorten(text: str, limit: int = 64) -> str:
    return repr(text if len(text) <= limit else text[:limit] + "…")
