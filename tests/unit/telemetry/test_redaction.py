from datetime import date

import pytest

from integrations.telemetry.redaction import REDACTED, redact, scrub


@pytest.mark.parametrize(
    "name",
    [
        "authorization",
        "Authorization",
        "x-hasura-admin-secret",
        "CAREGRAPH_ADMIN_SECRET",
        "api_key",
        "apiKey",
        "id_token",
        "password",
        "db_password_old",
        "set-cookie",
        "private_key",
    ],
)
def test_a_field_whose_name_looks_like_a_secret_is_redacted(name: str) -> None:
    assert redact({name: "s3cr3t"}) == {name: REDACTED}


@pytest.mark.parametrize("name", ["first_name", "email", "dateOfBirth", "phone", "diagnosis", "dosage", "note"])
def test_a_field_that_holds_personal_or_health_data_is_redacted(name: str) -> None:
    assert redact({name: "value"}) == {name: REDACTED}
    assert redact({name: date(1990, 1, 1)}) == {name: REDACTED}
    assert redact({"patient": {name: ["value"]}}) == {"patient": {name: REDACTED}}


@pytest.mark.parametrize("name", ["variables", "payload", "old", "new", "data", "rows", "session_variables"])
def test_whole_objects_are_redacted_and_counts_pass(name: str) -> None:
    assert redact({name: {"anything": 1}, "deep": [{name: "text"}]}) == {name: REDACTED, "deep": [{name: REDACTED}]}
    assert redact({name: 12}) == {name: 12}
    assert redact({name: None}) == {name: None}


def test_identifiers_counts_and_names_of_things_pass() -> None:
    fields = {
        "event_id": "0198c9a2-1111-7000-8000-000000000000",
        "customer_id": "c-1",
        "topic": "contract-events",
        "count": 3,
        "duration_ms": 1.25,
        "ok": True,
        "error": "connection refused",
        "path": "/v1/graphql",
        "template": "welcome",
        "agent": "contract",
    }
    assert redact(fields) == fields


def test_depth_has_an_end() -> None:
    loop: dict[str, object] = {}
    loop["again"] = loop
    assert REDACTED in str(redact(loop))


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgresql://app:hunter2@db:5432/x", f"postgresql://app:{REDACTED}@db:5432/x"),
        ("got Bearer abcdefgh12345 from", f"got Bearer {REDACTED} from"),
        ("token eyJhbGciOi.eyJzdWIi.c2ln was", f"token {REDACTED} was"),
        ("Key (email)=(ada@example.org) already exists.", f"Key (email)=({REDACTED}) already exists."),
        ("Key (a, b)=(x (y), z) is not present", f"Key (a, b)=({REDACTED}) is not present"),
        ("Failing row contains (1, Ada, (2)).", f"Failing row contains ({REDACTED})."),
        ("wrote to ada.l+x@example.org", f"wrote to {REDACTED}"),
    ],
)
def test_text_loses_what_must_not_be_read(text: str, clean: str) -> None:
    assert scrub(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "push from pubsub-push@caregraph-local.iam.gserviceaccount.com",
        "http://127.0.0.1:8101/events answered 503",
        "the bearer of bad news",
        "f(a)=(b",
    ],
)
def test_text_without_secrets_is_left_alone(text: str) -> None:
    assert scrub(text) == text
