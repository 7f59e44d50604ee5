"""Opaque cursors of pages: where a page ended, as the text values of its sort keys.

PostgreSQL writes them (`sql/page.py`), this module reads them back. Base64url of the JSON array
`[fingerprint, value, …]`; the fingerprint names the order, so that a cursor is refused in any other.
"""

import base64
import binascii
import hashlib

import orjson

from resolvers.values import WrongKind


def fingerprint(order: tuple[tuple[str, str, str], ...]) -> str:
    """A short name for an order: table, and column with direction of each key."""
    return hashlib.sha256(repr(order).encode()).hexdigest()[:12]


def decode_cursor(cursor: object, expected: str, length: int) -> list[str | None]:
    """The values in a cursor. Raises WrongKind for anything that no page of this order gave."""
    if not isinstance(cursor, str):
        raise WrongKind("expected a cursor that a page gave")
    try:
        decoded = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise WrongKind("this is no cursor that a page gave") from None
    is_ours = isinstance(decoded, list) and len(decoded) == length + 1
    if not is_ours or not all(value is None or isinstance(value, str) for value in decoded):
        raise WrongKind("this is no cursor that a page gave")
    if decoded[0] != expected:
        raise WrongKind("the cursor was given by a page of another table or order")
    values: list[str | None] = decoded[1:]
    return values
