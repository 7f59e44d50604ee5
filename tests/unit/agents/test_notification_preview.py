"""What an event would send, said beforehand."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner

from agents.notification.cli import notifications
from agents.notification.preview import NoPreview, Outcome, preview_event
from agents.notification.templates import MESSAGES

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
MIDNIGHT = datetime(2026, 1, 15, 23, 59, tzinfo=UTC)
CUSTOMER = {
    "id": str(uuid.uuid4()),
    "email": "ada@example.com",
    "phone": "+12025550142",
    "first_name": "Ada",
    "email_opt_out": False,
    "sms_opt_out": False,
    "timezone": "UTC",
    "quiet_hours_start": "21:00:00",
    "quiet_hours_end": "08:00:00",
    "deleted_at": None,
}
FAILED = {"invoice_id": "inv-1", "customer_id": CUSTOMER["id"]}


def outcomes(now: datetime = NOON, data: dict[str, Any] = FAILED, **changes: Any) -> dict[str, Outcome]:
    def ask(_document: str, variables: dict[str, Any]) -> Any:
        assert variables == {"id": CUSTOMER["id"]}
        return {"customer": CUSTOMER | changes}

    return {one.channel: one for one in preview_event("invoice.payment_failed", data, now=now, ask=ask)}


def test_by_day_everything_is_sent_at_once() -> None:
    found = outcomes()
    assert {one.what for one in found.values()} == {"sent at once"}
    assert "invoice_id" in found["email"].fields


def test_by_night_a_text_message_waits() -> None:
    found = outcomes(MIDNIGHT)
    assert found["email"].what == "sent at once"
    assert found["sms"].what == "waits until 2026-01-16 08:00 UTC, when the customer's quiet hours end"


def test_who_is_not_told_is_named_with_the_reason() -> None:
    assert outcomes(sms_opt_out=True)["sms"].what == "not sent: the customer opted out of text messages"


def test_an_event_that_sends_nothing_has_no_messages() -> None:
    assert preview_event("contract.inserted", {}, now=NOON, ask=lambda *_: None) == []


def test_an_event_that_could_not_be_handled_cannot_be_shown() -> None:
    with pytest.raises(NoPreview, match="customer_id"):
        outcomes(data={"invoice_id": "inv-1"})


def test_the_table_names_every_message_in_a_line_and_whom_it_is_for() -> None:
    printed = CliRunner().invoke(notifications, ["table"])
    assert printed.exit_code == 0, printed.output
    lines = [line.split(maxsplit=4) for line in printed.output.splitlines()]
    for message in MESSAGES:
        words = message.audience.words if message.audience else "everyone"
        essential = "yes" if message.essential else "no"
        assert [message.event.TYPE, message.template, message.channel, essential, words] in [
            [cell.strip() for cell in line] for line in lines
        ]


def test_what_is_no_id_is_refused_before_anybody_is_asked() -> None:
    printed = CliRunner().invoke(notifications, ["preview", "yesterday"])
    assert printed.exit_code == 2
    assert "UUID" in printed.output


@pytest.mark.parametrize(
    "at", ["2026-01-15T23:59", "2026-01-15T23:59Z", "2026-01-15T23:59:00.000Z", "2026-01-16T01:59+02:00"]
)
def test_a_preview_is_of_any_moment_that_is_written_as_people_and_logs_write_it(
    monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    def ask(document: str, _variables: dict[str, Any]) -> Any:
        event = {"type": "invoice.payment_failed", "data": FAILED}
        return {"events": [event]} if "PreviewedEvent" in document else {"customer": CUSTOMER}

    monkeypatch.setattr("agents.notification.cli._ask", ask)
    printed = CliRunner().invoke(notifications, ["preview", str(uuid.uuid4()), "--at", at])
    assert printed.exit_code == 0, printed.output
    assert "waits until 2026-01-16 08:00 UTC" in printed.output


def test_what_is_no_moment_is_refused_with_what_one_looks_like() -> None:
    printed = CliRunner().invoke(notifications, ["preview", str(uuid.uuid4()), "--at", "tonight"])
    assert printed.exit_code == 2
    assert "2026-01-31T22:00Z" in printed.output


def test_without_an_endpoint_a_preview_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAREGRAPH_GRAPHQL_URL", "http://127.0.0.1:1/v1/graphql")
    printed = CliRunner().invoke(notifications, ["preview", str(CUSTOMER["id"])])
    assert printed.exit_code == 1
    assert "caregraph up" in printed.output
