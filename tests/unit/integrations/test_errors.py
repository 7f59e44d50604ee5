import pytest

from integrations.errors import (
    CredentialsRefused,
    IntegrationError,
    NotFound,
    PermanentError,
    RateLimited,
    ServerFault,
    TemporaryError,
    TimedOut,
    error_for_status,
    redact,
)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, PermanentError),
        (401, CredentialsRefused),
        (403, CredentialsRefused),
        (404, NotFound),
        (408, TimedOut),
        (409, PermanentError),
        (410, NotFound),
        (422, PermanentError),
        (429, RateLimited),
        (500, ServerFault),
        (503, ServerFault),
    ],
)
def test_a_status_means_what_a_caller_can_do(status: int, kind: type[IntegrationError]) -> None:
    error = error_for_status(status, service="zendesk", operation="create_ticket")
    assert type(error) is kind
    assert error.status == status


def test_wrong_credentials_are_tried_again_later_but_not_at_once() -> None:
    error = error_for_status(401, service="zendesk", operation="create_ticket")
    assert isinstance(error, TemporaryError)
    assert not error.retry_now


def test_an_error_says_where_and_what_and_never_what_the_service_wrote() -> None:
    error = error_for_status(
        400,
        service="chargebee",
        operation="create_customer",
        code="duplicate_entry",
        param="email",
        detail="The e-mail ada@example.com of Ada Lovelace is already present.",
    )
    assert str(error) == "chargebee.create_customer: duplicate_entry, parameter email, HTTP 400"
    assert error.detail == "The e-mail [email] of Ada Lovelace is already present."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("call +1 555 123 4567 now", "call [number] now"),
        ("<ada@example.com>", "<[email]>"),
        ("amount 1999 in 2026", "amount 1999 in 2026"),
        ("x" * 1000, "x" * 300),
    ],
)
def test_redacting_strikes_out_addresses_and_numbers(text: str, expected: str) -> None:
    assert redact(text) == expected
