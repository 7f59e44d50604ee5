"""The checks that every token goes through, whoever issued it.

The signature is PyJWT's work; the algorithm is the key's, never the token's. Issuer, audience and times are checked
here, against a clock that the caller passes in, so that what a person reads says what is wrong and what to do about it.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

import jwt
from jwt.types import Options

from integrations.identity.errors import TokenError
from integrations.identity.jwks import KeySource

#: Larger than any real token, smaller than what is worth decoding for a stranger.
MAX_TOKEN_BYTES: Final = 16_384

#: PyJWT checks the signature; the rest it would check by its own clock and tell in its own words.
_SIGNATURE_ONLY: Final[Options] = {
    "verify_signature": True,
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
    "verify_iss": False,
    "verify_sub": False,
    "verify_jti": False,
}

Claims = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnverifiedToken:
    """What a token says of itself before anyone has checked it: good for choosing the issuer, and nothing else."""

    token: str = field(repr=False)
    algorithm: str | None
    key_id: str | None
    issuer: str | None
    #: The `aud` claim as a list of names; empty when it is absent or has another type.
    audiences: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRules:
    """What one issuer's tokens must look like."""

    keys: KeySource
    #: Accepted `iss` values; empty accepts any, which is only right for a key that one issuer alone holds.
    issuers: frozenset[str] = frozenset()
    #: Accepted `aud` values; empty does not look at the claim.
    audiences: frozenset[str] = frozenset()
    #: Claims that must be there and not empty.
    required: frozenset[str] = frozenset()
    #: Claims that hold a time which must not lie in the future.
    past: frozenset[str] = frozenset({"iat"})
    #: Seconds that a token is good for after its `exp`.
    expiry_skew_s: float = 0.0
    #: Seconds that the issuer's clock may be ahead of ours.
    future_skew_s: float = 0.0


def read_unverified(token: str) -> UnverifiedToken:
    """What the token claims to be, without any check; raises TokenError when it is not a signed JWT at all."""
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenError(f"the token has {len(token)} characters, the limit is {MAX_TOKEN_BYTES}")
    try:
        decoded = jwt.decode_complete(token, options={"verify_signature": False})
    # PyJWT lets UnicodeEncodeError (a ValueError) and RecursionError of its JSON parser through.
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise TokenError("the token is not a JSON Web Token (three base64url parts joined by dots)") from error
    header, payload = decoded["header"], decoded["payload"]
    issuer, key_id, algorithm = payload.get("iss"), header.get("kid"), header.get("alg")
    return UnverifiedToken(
        token=token,
        algorithm=algorithm if isinstance(algorithm, str) else None,
        key_id=key_id if isinstance(key_id, str) else None,
        issuer=issuer if isinstance(issuer, str) else None,
        audiences=_audiences(payload),
    )


def read_unverified_expiry(token: str) -> float:
    """When a token of our own ends, as Unix time in seconds; raises TokenError when it is not a JWT with `exp`."""
    try:
        claims: Claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise TokenError("what was handed out is not a JSON Web Token") from error
    if "exp" not in claims:
        raise TokenError("the token that was handed out has no `exp`")
    return _time(claims, "exp")


async def verify_token(token: UnverifiedToken, rules: TokenRules, *, now: float) -> dict[str, Any]:
    """The token's claims, once signature, issuer, audience and times have been checked by `rules`.

    `now` is Unix time in seconds. Raises TokenError with the reason, or KeysUnavailableError when the issuer's keys
    cannot be had. Fetches keys when they are not at hand.
    """
    signing_key = await rules.keys.get(token.key_id)
    if token.algorithm != signing_key.algorithm:
        stated = "no algorithm" if token.algorithm is None else f"the algorithm {token.algorithm[:16]!r}"
        raise TokenError(f"the token states {stated} in its header, its issuer signs with {signing_key.algorithm}")
    try:
        claims: dict[str, Any] = jwt.decode(
            token.token,
            signing_key.key,
            algorithms=[signing_key.algorithm],
            options=_SIGNATURE_ONLY,
        )
    except jwt.InvalidSignatureError as error:
        raise TokenError("the signature does not match: the token was altered or signed by someone else") from error
    except (jwt.PyJWTError, TypeError, ValueError, RecursionError) as error:
        raise TokenError(f"the token cannot be checked ({type(error).__name__})") from error
    _check_claims(claims, rules, now)
    return claims


def expiry_of(claims: Claims, rules: TokenRules) -> float | None:
    """When a verified token stops being accepted, as Unix time in seconds, or None when it carries no `exp`."""
    return float(claims["exp"]) + rules.expiry_skew_s if "exp" in claims else None


def quote(text: str, limit: int = 120) -> str:
    """Text that a stranger chose, safe to show: quoted, escaped and cut."""
    return repr(text if len(text) <= limit else text[:limit] + "…")


def _check_claims(claims: Claims, rules: TokenRules, now: float) -> None:
    missing = sorted(name for name in rules.required if claims.get(name) in (None, ""))
    if missing:
        raise TokenError(f"the token lacks the claim {', '.join(repr(name) for name in missing)}")
    if not isinstance(claims.get("sub", ""), str):
        raise TokenError("the token's `sub` is not a string")
    issuer = claims.get("iss")
    if rules.issuers and issuer not in rules.issuers:
        stated = f"issued by {quote(issuer)}" if isinstance(issuer, str) else "without an issuer (`iss`)"
        raise TokenError(f"the token is {stated}, expected {_either(rules.issuers)}")
    if rules.audiences and rules.audiences.isdisjoint(_audiences(claims)):
        stated = " and ".join(quote(name) for name in _audiences(claims)[:3]) or "nobody (no `aud`)"
        raise TokenError(f"the token is meant for {stated}, not for {_either(rules.audiences)}")
    _check_times(claims, rules, now)


def _check_times(claims: Claims, rules: TokenRules, now: float) -> None:
    if "exp" in claims:
        expires_at = _time(claims, "exp")
        if now >= expires_at + rules.expiry_skew_s:
            raise TokenError(
                f"the token expired {_span(now - expires_at)} ago (at {_moment(expires_at)}); "
                "sign in again or fetch a new one"
            )
    if "nbf" in claims:
        starts_at = _time(claims, "nbf")
        if starts_at > now + rules.future_skew_s:
            raise TokenError(f"the token is not valid before {_moment(starts_at)}, {_span(starts_at - now)} from now")
    for name in sorted(rules.past & claims.keys()):
        happened_at = _time(claims, name)
        if happened_at > now + rules.future_skew_s:
            raise TokenError(
                f"the token's `{name}` lies {_span(happened_at - now)} in the future; compare the clocks of both sides"
            )


def _time(claims: Claims, name: str) -> float:
    value = claims[name]
    # bool is an int, and Python's JSON parser takes NaN and Infinity, which would never expire.
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise TokenError(f"the token's `{name}` is not a number of seconds since 1970")
    return float(value)


def _audiences(claims: Claims) -> tuple[str, ...]:
    audience = claims.get("aud")
    if isinstance(audience, str):
        return (audience,)
    if isinstance(audience, list):
        return tuple(name for name in audience if isinstance(name, str))
    return ()


def _either(names: Iterable[str]) -> str:
    return " or ".join(repr(name) for name in sorted(names))


def _span(seconds: float) -> str:
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size:
            count = int(seconds // size)
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"{int(seconds)} s"


def _moment(timestamp: float) -> str:
    try:
        return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return f"{timestamp:.0f}"
