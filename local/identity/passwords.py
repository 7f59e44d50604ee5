"""Passwords of local accounts, kept as scrypt digests (RFC 7914)."""

import hashlib
import hmac
import os
from typing import Final

#: The password of every demo account.
DEMO_PASSWORD: Final = "caregraph-demo"  # noqa: S105 - known to everyone, opens nothing outside this machine
#: Firebase Auth's own minimum.
MIN_LENGTH: Final = 6
_SALT_BYTES: Final = 16
_COST: Final = 2**12


def hash_password(password: str) -> str:
    """Salt and digest as `salt:digest` in hexadecimal; takes a few milliseconds."""
    salt = os.urandom(_SALT_BYTES)
    return f"{salt.hex()}:{_digest(password, salt).hex()}"


def is_password(password: str, stored: str) -> bool:
    """Whether `password` is the one that `stored` was made of."""
    salt, _, digest = stored.partition(":")
    return hmac.compare_digest(_digest(password, bytes.fromhex(salt)).hex(), digest)


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=_COST, r=8, p=1)
