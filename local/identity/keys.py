"""RSA signing keys that outlive the process, published in the two forms that Google uses."""

import hashlib
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

_BITS: Final = 2048
_ALGORITHM: Final = "RS256"
#: The key that signs, and the one before it: its tokens are good for another hour.
_KEPT: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    key_id: str
    private: rsa.RSAPrivateKey
    file: Path


class KeyRing:
    """The keys of one issuer: the newest signs, all are published.

    They stand in `folder`, one PEM file each, readable by the owner only. Opening an empty folder makes the first key.
    """

    def __init__(self, folder: Path, *, name: str) -> None:
        """`name` is the subject of the certificates, such as `securetoken@system.gserviceaccount.com`."""
        self._folder = folder
        self._name = name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._keys = [_read_key(file) for file in sorted(folder.glob("*.pem"))]
        if not self._keys:
            self.rotate()

    @property
    def key_id(self) -> str:
        """The id of the key that signs."""
        return self._keys[-1].key_id

    def rotate(self) -> None:
        """Sign with a new key from now on; the one before stays published, older ones go."""
        self._keys.append(_make_key(self._folder))
        for key in self._keys[:-_KEPT]:
            key.file.unlink(missing_ok=True)
        self._keys = self._keys[-_KEPT:]

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A signed token with these claims."""
        key = self._keys[-1]
        return jwt.encode(dict(claims), key.private, algorithm=_ALGORITHM, headers={"kid": key.key_id})

    def verify(self, token: str, *, audience: str, issuer: str) -> dict[str, Any]:
        """The claims of a token that this ring signed; raises jwt.PyJWTError when it did not, or no longer counts."""
        key_id = jwt.get_unverified_header(token).get("kid")
        key = next((key for key in self._keys if key.key_id == key_id), None)
        if key is None:
            raise jwt.InvalidTokenError("signed with a key that is not ours")
        claims: dict[str, Any] = jwt.decode(
            token, key.private.public_key(), algorithms=[_ALGORITHM], audience=audience, issuer=issuer
        )
        return claims

    def jwks(self) -> dict[str, Any]:
        """The public keys as a JWK set (RFC 7517)."""
        entries = []
        for key in self._keys:
            jwk: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(key.private.public_key(), as_dict=True)
            jwk.pop("key_ops", None)
            entries.append({**jwk, "kid": key.key_id, "use": "sig", "alg": _ALGORITHM})
        return {"keys": entries}

    def certificates(self) -> dict[str, str]:
        """The public keys as self-signed X.509 certificates in PEM, by key id."""
        return {key.key_id: _certificate(key, self._name) for key in self._keys}


def _make_key(folder: Path) -> _Key:
    private = rsa.generate_private_key(public_exponent=65_537, key_size=_BITS)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    # Named by time, so that the order of names is the order of keys.
    file = folder / f"{time.time_ns():020d}.pem"
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(pem)
    return _Key(key_id=_key_id(private), private=private, file=file)


def _read_key(file: Path) -> _Key:
    private = serialization.load_pem_private_key(file.read_bytes(), password=None)
    if not isinstance(private, rsa.RSAPrivateKey):
        raise TypeError(f"{file} does not hold an RSA key; remove it and start again")
    return _Key(key_id=_key_id(private), private=private, file=file)


def _key_id(private: rsa.RSAPrivateKey) -> str:
    der = private.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:40]


def _certificate(key: _Key, name: str) -> str:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3_650))
        .sign(key.private, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
