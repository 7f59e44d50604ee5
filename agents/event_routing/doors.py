"""How each source proves that it is the one."""

import base64
import hmac
from collections.abc import Mapping, Sequence

from pydantic import SecretStr

from agents.event_routing.settings import WebhookSettings
from agents.runtime.webhooks import Stranger
from integrations.pharmacy import signature as pharmacy_signature
from integrations.zendesk import signature as zendesk_signature


class Verification:
    """The four ways, with the secrets they need."""

    def __init__(self, settings: WebhookSettings) -> None:
        self._settings = settings

    def chargebee(self, _body: bytes, headers: Mapping[str, str]) -> None:
        """Basic authentication (https://www.chargebee.com/docs/2.0/webhook_settings.html); raises Stranger."""
        scheme, _, encoded = headers.get("authorization", "").partition(" ")
        try:
            given = base64.b64decode(encoded, validate=True) if scheme.lower() == "basic" else b""
        except ValueError:
            # binascii.Error is one, and letters beyond ASCII are another.
            given = b""
        name = f"{self._settings.chargebee_username}:".encode()
        if not _is_one_of(given, [name + _bytes(password) for password in self._settings.chargebee_passwords]):
            raise Stranger("name or password of the basic authentication is missing or wrong")

    def iterable(self, _body: bytes, headers: Mapping[str, str]) -> None:
        """The webhook's auth token: `Authorization: <auth type> <auth token>`, or the token alone; raises Stranger."""
        given = headers.get("authorization", "").rpartition(" ")[2]
        if not _is_one_of(given.encode(), [_bytes(secret) for secret in self._settings.iterable_secrets]):
            raise Stranger("the auth token is missing or wrong")

    def zendesk(self, body: bytes, headers: Mapping[str, str]) -> None:
        """The signature over moment and body; raises Stranger."""
        try:
            zendesk_signature.verify(body, headers, secrets=self._settings.zendesk_secrets)
        except zendesk_signature.SignatureError as error:
            raise Stranger(str(error)) from None

    def pharmacy(self, body: bytes, headers: Mapping[str, str]) -> None:
        """The signature over moment and body; raises Stranger."""
        try:
            pharmacy_signature.verify(body, headers, secrets=self._settings.pharmacy_secrets)
        except pharmacy_signature.SignatureError as error:
            raise Stranger(str(error)) from None


def _is_one_of(given: bytes, known: Sequence[bytes]) -> bool:
    # A list, not a generator: `any` would stop at the first match.
    matches = [hmac.compare_digest(given, one) for one in known]
    return any(matches)


def _bytes(secret: SecretStr) -> bytes:
    return secret.get_secret_value().encode()
