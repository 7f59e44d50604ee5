import json

from permissions.session import Session


def test_names_of_variables_are_lower_cased() -> None:
    session = Session(role="user", variables={"X-Hasura-User-Id": "7"})
    assert session.variables == {"x-hasura-user-id": "7", "x-hasura-role": "user"}
    assert session.user_id == "7"


def test_the_role_variable_always_equals_the_role() -> None:
    assert Session(role="user", variables={"x-hasura-Role": "admin"}).variables["x-hasura-role"] == "user"


def test_the_json_text_is_what_the_database_reads_back() -> None:
    session = Session(role="user", variables={"x-hasura-note": 'a "quoted" ü'})
    assert json.loads(session.json) == session.variables


def test_equal_sessions_are_one_key_in_a_dictionary() -> None:
    first, second = (Session(role="user", variables={"x-hasura-user-id": "7"}) for _ in range(2))
    assert {first: 1}[second] == 1
    assert first != Session(role="user", variables={"x-hasura-user-id": "8"})


def test_a_session_ends_when_its_credential_does() -> None:
    assert Session(role="user", expires_at=100.0).is_expired(100.0)
    assert not Session(role="user", expires_at=100.0).is_expired(99.9)
    assert not Session(role="anonymous").is_expired(1e12)
