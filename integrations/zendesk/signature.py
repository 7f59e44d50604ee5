"""Whether a webhook comes from Zendesk: HMAC-SHA256 over its moment and body, in base64.

https://developer.zendesk.com/documentation/webhooks/verifying/: ``X-Zendesk-Webhook-Signature-Timestamp`` has the
moment of sending in RFC 3339, ``X-Zendesk-Webhook-Signature`` base64(HMAC-SHA256(secret, timestamp + body)).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import SecretStr

TIMESTAMP_HEADER: Final = "x-zendesk-webhook-signature-timestamp"
SIGNATURE_HEADER: Final = "x-zendesk-webhook-signature"

#: How far a webhook's moment may be from ours, either way. Zendesk signs anew when it sends again.
TOLERANCE: Final = timedelta(minutes=5)


class SignatureError(Exception):
    """A webhook isn't, or isn't provably, Zendesk's; the message repeats nothing that was sent."""


def sign(body: bytes, *, secret: SecretStr, at: datetime) -> dict[str, str]:
    """The two headers that Zendesk sends with this body at that moment."""
    timestamp = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: _digest(body, timestamp, secret)}


def verify(
    body: bytes,
    headers: Mapping[str, str],
    *,
    secrets: Sequence[SecretStr],
    now: datetime | None = None,
    tolerance: timedelta = TOLERANCE,
) -> None:
    """Return when one of the secrets has signed this body within the tolerance; raises SignatureError otherwise.

    `headers` are looked up in lower case, as Starlette has them. The moment is judged last, so that only who knows a
    secret learns what our clock says.
    """
    timestamp, signature = headers.get(TIMESTAMP_HEADER), headers.get(SIGNATURE_HEADER)
    if not timestamp or not signature:
        raise SignatureError(f"the header {TIMESTAMP_HEADER if not timestamp else SIGNATURE_HEADER} is missing")
    given = signature.encode()
    # A list, not a generator: `any` would stop at the first match.
    matches = [hmac.compare_digest(_digest(body, timestamp, one).encode(), given) for one in secrets]
    if not any(matches):
        raise SignatureError("no secret in force has signed this webhook")
    try:
        sent_at = datetime.fromisoformat(timestamp)
        age = abs((now or datetime.now(UTC)) - sent_at)
    except (ValueError, TypeError):
        # Not a moment, or one without its offset.
        raise SignatureError(f"the header {TIMESTAMP_HEADER} holds no RFC 3339 moment") from None
    if age > tolerance:
        raise SignatureError(f"the webhook was sent more than {tolerance.total_seconds():g} s ago, or a clock is wrong")


def _digest(body: bytes, timestamp: str, secret: SecretStr) -> str:
    digest = hmac.new(secret.get_secret_value().encode(), timestamp.encode() + body, hashlib.sha256).digest()
    return base64.b64encode(digest).decode()
