"""Who isn't a source is told so, whatever they send; what a source doesn't send is malformed."""

from typing import Any

import pytest

from agents.event_routing.doors import Verification
from agents.event_routing.settings import WebhookSettings
from agents.event_routing.webhooks import ChargebeeWebhook
from agents.events.payload import MalformedEvent
from agents.runtime.handler import Handler, Work, WriteBack
from agents.runtime.webhooks import Door, Stranger
from integrations.pharmacy.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER

#: Headers are bytes; servers read them as Latin-1.
STRANGE = (
    "",
    "Basic",
    "Basic \u00e9",
    "Basic ====",
    "\u00e9",
    "9" * 40,
    "-1",
    "v1=\u00e9",
    "v1=",
    "AA==",
    "2026-13-01T00:00:00Z",
)


@pytest.fixture
def verification(monkeypatch: pytest.MonkeyPatch) -> Verification:
    for name in ("CHARGEBEE_WEBHOOK_USERNAME", "CHARGEBEE_WEBHOOK_PASSWORD", "ITERABLE_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, "secret")
    for name in ("ZENDESK_WEBHOOK_SECRET", "PHARMACY_WEBHOOK_SECRET"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("ZENDESK_USER_ID", "1")
    return Verification(WebhookSettings())


@pytest.mark.parametrize("source", ["chargebee", "iterable", "zendesk", "pharmacy"])
@pytest.mark.parametrize("strange", STRANGE)
def test_strange_credentials_are_a_stranger_s(verification: Verification, source: str, strange: str) -> None:
    names = (
        *("authorization", "x-zendesk-webhook-signature", "x-zendesk-webhook-signature-timestamp"),
        *(TIMESTAMP_HEADER, SIGNATURE_HEADER),
    )
    verify = getattr(verification, source)
    for other in ("1", strange):
        for name in names:
            with pytest.raises(Stranger):
                verify(b"{}", dict.fromkeys(names, other) | {name: strange})


async def _handle(_event: Any, _work: Work) -> WriteBack:
    return WriteBack()


def test_a_moment_on_no_calendar_is_malformed() -> None:
    door = Door(
        source="chargebee", verify=lambda _body, _headers: None, handler=Handler(event=ChargebeeWebhook, handle=_handle)
    )
    body = b'{"id": "ev_1", "event_type": "invoice_updated", "occurred_at": 1%s, "content": {}}'
    assert door.open(body % b"", {}).envelope.message_id == "ev_1"
    for zeros in (b"0" * 12, b"0" * 18):
        with pytest.raises(MalformedEvent):
            door.open(body % zeros, {})
