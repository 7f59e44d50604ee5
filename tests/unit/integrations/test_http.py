from datetime import UTC, datetime, timedelta

import httpx
import pytest

from integrations.errors import TimedOut, Unreachable
from integrations.http import path, retry_after, translate

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("7", timedelta(seconds=7)),
        ("0", timedelta()),
        ("-3", timedelta()),
        ("Sun, 01 Mar 2026 12:00:30 GMT", timedelta(seconds=30)),
        ("Sun, 01 Mar 2026 11:00:00 GMT", timedelta()),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str, expected: timedelta | None) -> None:
    assert retry_after({"retry-after": value}, now=NOW) == expected


def test_no_retry_after_is_none() -> None:
    assert retry_after({}) is None


def test_a_value_in_a_path_cannot_become_another_path() -> None:
    assert path("/api/users/{email}", email="a/../b?x=1@example.com") == "/api/users/a%2F..%2Fb%3Fx%3D1%40example.com"


@pytest.mark.parametrize(
    ("failure", "kind", "code"),
    [
        (httpx.ReadTimeout("t"), TimedOut, "read_timeout"),
        (httpx.ConnectTimeout("t"), TimedOut, "connect_timeout"),
        (httpx.ConnectError("refused"), Unreachable, "connect_error"),
        (httpx.RemoteProtocolError("closed"), Unreachable, "remote_protocol_error"),
    ],
)
def test_failures_on_the_wire_are_translated(failure: httpx.HTTPError, kind: type, code: str) -> None:
    error = translate(failure, service="iterable", operation="send_email")
    assert type(error) is kind
    assert error.code == code
