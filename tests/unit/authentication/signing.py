"""Tokens and keys for tests: signed here, with any header and any claims."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from integrations.identity.errors import TokenError
from integrations.identity.jwks import SigningKey

NOW = 1_800_000_000.0
NAMESPACE = "https://hasura.io/jwt/claims"
SECRET = "a shared secret of forty-eight bytes and no more!!"


@cache
def rsa_key(number: int = 1) -> rsa.RSAPrivateKey:
    """The RSA key of this number, the same for the whole session."""
    assert number
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@cache
def ed25519_key() -> ed25519.Ed25519PrivateKey:
    return ed25519.Ed25519PrivateKey.generate()


def public_pem(key: Any) -> str:
    """The public half in PEM."""
    pem: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem.decode()


def private_pem(key: Any) -> str:
    pem: bytes = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem.decode()


def jwk(key: rsa.RSAPrivateKey, key_id: str | None, **members: Any) -> dict[str, Any]:
    """The public half as a JWK."""
    described: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    described.pop("key_ops", None)
    return {**described, **({} if key_id is None else {"kid": key_id}), **members}


def hasura_claims(
    roles: tuple[str, ...] = ("user", "provider"), default: str = "user", **variables: str
) -> dict[str, Any]:
    """Hasura's claims object, with `user_id="7"` as `x-hasura-user-id`."""
    named = {f"x-hasura-{name.replace('_', '-')}": value for name, value in variables.items()}
    return {"x-hasura-allowed-roles": list(roles), "x-hasura-default-role": default, **named}


def claims(**changes: Any) -> dict[str, Any]:
    """Claims of a token that is good at NOW; a change to None leaves the claim out."""
    full = {
        "iss": "https://issuer.example",
        "aud": "caregraph",
        "sub": "person-1",
        "iat": NOW - 60,
        "auth_time": NOW - 600,
        "exp": NOW + 3_600,
        NAMESPACE: hasura_claims(user_id="7"),
        **changes,
    }
    return {name: value for name, value in full.items() if value is not None}


def sign(
    payload: Mapping[str, Any], key: Any = None, *, algorithm: str = "RS256", key_id: str | None = "k1", **header: Any
) -> str:
    """A token signed with `key` (an RSA key unless another is given)."""
    headers = {**({} if key_id is None else {"kid": key_id}), **header}
    return jwt.encode(dict(payload), key or rsa_key(), algorithm=algorithm, headers=headers)


def forge(payload: Mapping[str, Any], *, header: Mapping[str, Any], hmac_key: bytes | None = None) -> str:
    """A token with any header at all, signed by HMAC-SHA256 with any bytes, or not at all."""

    def encode(part: bytes) -> str:
        return base64.urlsafe_b64encode(part).rstrip(b"=").decode()

    body = f"{encode(json.dumps(header).encode())}.{encode(json.dumps(payload).encode())}"
    signature = b"" if hmac_key is None else hmac.new(hmac_key, body.encode(), hashlib.sha256).digest()
    return f"{body}.{encode(signature)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownKeys:
    """A key source over keys at hand."""

    keys: Mapping[str | None, SigningKey]

    async def get(self, key_id: str | None) -> SigningKey:
        if key_id not in self.keys:
            raise TokenError(f"the token is signed with key {key_id!r}, which nobody knows")
        return self.keys[key_id]


def known_rsa_keys(**keys: rsa.RSAPrivateKey) -> KnownKeys:
    """A key source of RS256 keys by key id."""
    return KnownKeys(
        keys={
            key_id: SigningKey(key_id=key_id, algorithm="RS256", key=key.public_key()) for key_id, key in keys.items()
        }
    )
