"""Whether a webhook comes from the pharmacy network: HMAC-SHA256 over its moment and body.

The network sends two headers with each webhook::

    Pharmacy-Timestamp: 1795262400                     seconds since the epoch, when it was sent
    Pharmacy-Signature: v1=6ffbb59b…,v1=0f1e2d3c…      hex; one for each secret that is in force

Each signature is HMAC-SHA256 with a secret as key over the timestamp as it stands in the header, a dot, and the body to
the byte. What is signed is thus dated, so that a copy of an old webhook can't be sent again later; what is recent and
comes twice is told by its event id. Two secrets are in force while they are being changed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import SecretStr

TIMESTAMP_HEADER: Final = "pharmacy-timestamp"
SIGNATURE_HEADER: Final = "pharmacy-signature"

#: How far a webhook's moment may be from ours, either way: the network's time-out and a clock that is off.
TOLERANCE: Final = timedelta(minutes=5)

_SCHEME: Final = "v1"
# Ten digits until 2286; a longer number is no moment of ours, and would overflow the calendar.
_TIMESTAMP: Final = re.compile(r"[0-9]{1,11}")


class SignatureError(Exception):
    """A webhook isn't, or isn't provably, the network's. ``code`` is for programs; the message repeats no header."""

    def __init__(self, code: str, message: str) -> None:
        #: `signature_missing`, `signature_malformed`, `signature_wrong` or `signature_stale`.
        self.code = code
        super().__init__(message)


def sign(body: bytes, *, secret: SecretStr, at: datetime) -> dict[str, str]:
    """The two headers that the network sends with this body at that moment."""
    timestamp = str(int(at.timestamp()))
    return {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: f"{_SCHEME}={_digest(body, timestamp, secret)}"}


def verify(
    body: bytes,
    headers: Mapping[str, str],
    *,
    secrets: Sequence[SecretStr],
    now: datetime | None = None,
    tolerance: timedelta = TOLERANCE,
) -> None:
    """Return when one of the secrets has signed this body within the tolerance; raises SignatureError otherwise.

    `headers` are looked up in lower case, as Starlette has them. Every signature is compared with that of every secret
    in constant time. The moment is judged last, so that only who knows a secret learns what our clock says.
    """
    timestamp, listed = headers.get(TIMESTAMP_HEADER), headers.get(SIGNATURE_HEADER)
    if not timestamp or not listed:
        missing = TIMESTAMP_HEADER if not timestamp else SIGNATURE_HEADER
        raise SignatureError("signature_missing", f"the header {missing} is missing")
    given = [part.strip().removeprefix(f"{_SCHEME}=") for part in listed.split(",") if _is_ours(part)]
    if not given or not _TIMESTAMP.fullmatch(timestamp):
        wrong = SIGNATURE_HEADER if not given else TIMESTAMP_HEADER
        raise SignatureError("signature_malformed", f"the header {wrong} can't be read; see integrations/pharmacy")
    expected = [_digest(body, timestamp, secret) for secret in secrets]
    # A list, not a generator: `any` would stop at the first match.
    matches = [hmac.compare_digest(one.encode(), other.encode()) for one in expected for other in given]
    if not any(matches):
        raise SignatureError("signature_wrong", "no secret in force has signed this webhook")
    sent_at = datetime.fromtimestamp(int(timestamp), UTC)
    if abs((now or datetime.now(UTC)) - sent_at) > tolerance:
        raise SignatureError(
            "signature_stale",
            f"the webhook was sent more than {tolerance.total_seconds():g} s ago, or a clock is wrong",
        )


def _is_ours(part: str) -> bool:
    # Other schemes may stand beside ours when the network moves to a newer one.
    return part.strip().startswith(f"{_SCHEME}=")


def _digest(body: bytes, timestamp: str, secret: SecretStr) -> str:
    key = secret.get_secret_value().encode()
    return hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
