"""A webhook of the pharmacy network is taken only when a secret in force has signed it, body and moment, just now."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from integrations.pharmacy.signature import SIGNATURE_HEADER, TIMESTAMP_HEADER, TOLERANCE, SignatureError, sign, verify

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECRET = SecretStr("s3cret")
OTHER = SecretStr("0ther")
BODY = b'{"id": "evt_1", "type": "order.shipped"}'


def code(
    body: bytes, headers: dict[str, str], *, secrets: tuple[SecretStr, ...] = (SECRET,), now: datetime = NOW
) -> str:
    """Why a webhook is refused; empty when it is taken."""
    try:
        verify(body, headers, secrets=secrets, now=now)
    except SignatureError as error:
        return error.code
    return ""


def test_what_the_network_signed_is_taken() -> None:
    assert code(BODY, sign(BODY, secret=SECRET, at=NOW)) == ""


def test_the_signature_is_the_documented_one() -> None:
    # printf '1795262400.{}' | openssl dgst -sha256 -hmac s3cret
    headers = sign(b"{}", secret=SECRET, at=NOW)
    assert headers == {
        TIMESTAMP_HEADER: "1795262400",
        SIGNATURE_HEADER: "v1=b548b0c17d54f73cd51a864d604b637498c7ca646fb146ee65c29976deecf36a",
    }


@pytest.mark.parametrize("changed", [BODY + b" ", BODY.replace(b"shipped", b"delivered"), b""])
def test_another_body_is_refused(changed: bytes) -> None:
    assert code(changed, sign(BODY, secret=SECRET, at=NOW)) == "signature_wrong"


def test_another_moment_is_refused_although_body_and_signature_are_right() -> None:
    headers = sign(BODY, secret=SECRET, at=NOW - timedelta(days=1))
    assert code(BODY, {**headers, TIMESTAMP_HEADER: str(int(NOW.timestamp()))}) == "signature_wrong"


@pytest.mark.parametrize(
    "late", [TOLERANCE + timedelta(seconds=1), timedelta(days=365), -TOLERANCE - timedelta(seconds=1)]
)
def test_an_old_webhook_is_refused_and_one_from_the_future(late: timedelta) -> None:
    assert code(BODY, sign(BODY, secret=SECRET, at=NOW), now=NOW + late) == "signature_stale"


@pytest.mark.parametrize("late", [TOLERANCE, -TOLERANCE, timedelta()])
def test_a_clock_may_be_off_by_minutes(late: timedelta) -> None:
    assert code(BODY, sign(BODY, secret=SECRET, at=NOW), now=NOW + late) == ""


def test_another_secret_is_refused_and_two_are_in_force_while_they_are_changed() -> None:
    old = sign(BODY, secret=SECRET, at=NOW)
    new = sign(BODY, secret=OTHER, at=NOW)
    both = {**old, SIGNATURE_HEADER: f"{old[SIGNATURE_HEADER]}, {new[SIGNATURE_HEADER]}"}
    assert code(BODY, old, secrets=(OTHER,)) == "signature_wrong"
    assert code(BODY, old, secrets=(OTHER, SECRET)) == ""
    assert code(BODY, both, secrets=(OTHER,)) == ""


def test_without_a_secret_nothing_is_taken() -> None:
    assert code(BODY, sign(BODY, secret=SECRET, at=NOW), secrets=()) == "signature_wrong"


@pytest.mark.parametrize("name", [TIMESTAMP_HEADER, SIGNATURE_HEADER])
def test_a_header_that_is_missing_is_named(name: str) -> None:
    headers = sign(BODY, secret=SECRET, at=NOW)
    del headers[name]
    with pytest.raises(SignatureError, match=name) as refused:
        verify(BODY, headers, secrets=[SECRET], now=NOW)
    assert refused.value.code == "signature_missing"


@pytest.mark.parametrize(
    "wrong",
    [
        {SIGNATURE_HEADER: "v2=abc"},
        {SIGNATURE_HEADER: "nonsense"},
        {TIMESTAMP_HEADER: "yesterday"},
        {TIMESTAMP_HEADER: "-1"},
        {TIMESTAMP_HEADER: "1" * 40},
        {TIMESTAMP_HEADER: "1795262400.0"},
        {TIMESTAMP_HEADER: "١٧٩٥٢٦٢٤٠٠"},
    ],
)
def test_headers_that_cannot_be_read_are_refused_before_anything_is_compared(wrong: dict[str, str]) -> None:
    assert code(BODY, {**sign(BODY, secret=SECRET, at=NOW), **wrong}) == "signature_malformed"


@pytest.mark.parametrize("signature", ["v1=", "v1=zz", "v1=é", "v1=" + "0" * 64, "v2=x,v1=00"])
def test_a_signature_that_is_no_signature_is_wrong(signature: str) -> None:
    assert code(BODY, {**sign(BODY, secret=SECRET, at=NOW), SIGNATURE_HEADER: signature}) == "signature_wrong"
