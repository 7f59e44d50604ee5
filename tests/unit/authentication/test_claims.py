import json
from typing import Any

import pytest

from server.authentication.claims import Grant, MappedClaim, MappedClaims, NamespacedClaims
from server.authentication.errors import AuthenticationCode, AuthenticationError
from server.authentication.json_path import parse_json_path
from tests.unit.authentication.signing import NAMESPACE, hasura_claims


def refusal(rule: NamespacedClaims | MappedClaims, claims: dict[str, Any]) -> tuple[AuthenticationCode, str]:
    with pytest.raises(AuthenticationError) as caught:
        rule.grant(claims)
    return caught.value.code, caught.value.message


def test_names_of_claims_count_in_any_case() -> None:
    grant = NamespacedClaims().grant(
        {NAMESPACE: {"X-Hasura-Allowed-Roles": ["user"], "X-HASURA-DEFAULT-ROLE": "user", "X-Hasura-User-Id": "7"}}
    )
    assert grant == Grant(allowed_roles=("user",), default_role="user", variables={"x-hasura-user-id": "7"})


def test_claims_of_other_names_are_left_out() -> None:
    grant = NamespacedClaims().grant({NAMESPACE: {**hasura_claims(), "theme": {"dark": True}}})
    assert grant.variables == {}


def test_token_without_the_namespace_is_told_so() -> None:
    code, message = refusal(NamespacedClaims(), {"sub": "person-1"})
    assert code == "jwt-invalid-claims"
    assert f"claims key: '{NAMESPACE}' not found" in message


@pytest.mark.parametrize("shape", [None, "text", 7, ["user"], True])
def test_namespace_that_is_no_object_is_refused(shape: object) -> None:
    assert refusal(NamespacedClaims(), {NAMESPACE: shape})[0] == "jwt-invalid-claims"


@pytest.mark.parametrize("missing", ["x-hasura-allowed-roles", "x-hasura-default-role"])
def test_missing_role_claim_has_a_code_of_its_own(missing: str) -> None:
    claims = hasura_claims()
    del claims[missing]
    code, message = refusal(NamespacedClaims(), {NAMESPACE: claims})
    assert code == "jwt-missing-role-claims"
    assert missing in message


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-hasura-allowed-roles", "user"),
        ("x-hasura-allowed-roles", ["user", 7]),
        ("x-hasura-allowed-roles", [""]),
        ("x-hasura-allowed-roles", None),
        ("x-hasura-default-role", ["user"]),
        ("x-hasura-default-role", ""),
        ("x-hasura-user-id", 7),
        ("x-hasura-user-id", None),
        ("x-hasura-tags", ["a"]),
    ],
)
def test_claim_of_another_shape_is_named(name: str, value: object) -> None:
    code, message = refusal(NamespacedClaims(), {NAMESPACE: {**hasura_claims(), name: value}})
    assert code == "jwt-invalid-claims"
    assert name in message


def test_claims_may_be_the_text_of_an_object() -> None:
    rule = NamespacedClaims(stringified=True)
    assert rule.grant({NAMESPACE: json.dumps(hasura_claims(user_id="7"))}).variables == {"x-hasura-user-id": "7"}


@pytest.mark.parametrize("found", [hasura_claims(), "{not json", "[1]", "null", None])
def test_stringified_claims_of_another_shape_are_refused(found: object) -> None:
    assert refusal(NamespacedClaims(stringified=True), {NAMESPACE: found})[0] == "jwt-invalid-claims"


def test_text_that_is_no_json_is_not_repeated_to_the_client() -> None:
    _, message = refusal(NamespacedClaims(stringified=True), {NAMESPACE: "{secret"})
    assert "secret" not in message


def test_namespace_may_be_a_path() -> None:
    rule = NamespacedClaims(at=parse_json_path("$.app['https://claims'].hasura"))
    assert rule.grant({"app": {"https://claims": {"hasura": hasura_claims()}}}).default_role == "user"
    assert refusal(rule, {"app": {}})[0] == "jwt-invalid-claims"


def mapped(**places: MappedClaim) -> MappedClaims:
    full = {
        "x-hasura-allowed-roles": MappedClaim(path=parse_json_path("$.user.all_roles")),
        "x-hasura-default-role": MappedClaim(path=parse_json_path("$.user.all_roles[0]")),
        "x-hasura-user-id": MappedClaim(path=parse_json_path("$.user.id")),
    }
    return MappedClaims(places={**full, **{name.replace("_", "-"): place for name, place in places.items()}})


def test_mapped_claims_come_from_paths_into_the_token() -> None:
    grant = mapped().grant({"user": {"id": "7", "all_roles": ["editor", "user"]}})
    assert grant == Grant(allowed_roles=("editor", "user"), default_role="editor", variables={"x-hasura-user-id": "7"})


def test_mapped_claims_may_be_fixed_or_have_defaults() -> None:
    rule = mapped(
        x_hasura_allowed_roles=MappedClaim(value=["user"]),
        x_hasura_default_role=MappedClaim(path=parse_json_path("$.role"), value="user"),
        x_hasura_user_id=MappedClaim(path=parse_json_path("$.id"), value="nobody"),
    )
    grant = rule.grant({})
    assert grant == Grant(allowed_roles=("user",), default_role="user", variables={"x-hasura-user-id": "nobody"})


def test_mapped_claim_without_value_is_refused_by_name() -> None:
    code, message = refusal(mapped(), {"user": {"all_roles": ["user"]}})
    assert (code, message) == ("jwt-invalid-claims", "JWT claim from claims_map, x-hasura-user-id not found")


def test_mapped_roles_without_value_are_missing_role_claims() -> None:
    assert refusal(mapped(), {"user": {"id": "7"}})[0] == "jwt-missing-role-claims"


def test_mapped_value_of_another_shape_is_refused() -> None:
    assert refusal(mapped(), {"user": {"id": 7, "all_roles": ["user"]}})[0] == "jwt-invalid-claims"
    assert refusal(mapped(), {"user": {"id": "7", "all_roles": "user"}})[0] == "jwt-invalid-claims"


def test_requested_role_is_granted_only_when_allowed() -> None:
    grant = Grant(allowed_roles=("user", "provider"), default_role="user", variables={"x-hasura-user-id": "7"})
    session = grant.session("provider", expires_at=9.0)
    assert (session.role, session.user_id, session.expires_at) == ("provider", "7", 9.0)
    assert grant.session(None, expires_at=None).role == "user"
    with pytest.raises(AuthenticationError, match="'admin' is not in allowed roles") as caught:
        grant.session("admin", expires_at=None)
    assert caught.value.code == "access-denied"


def test_default_role_that_is_not_allowed_is_refused() -> None:
    grant = Grant(allowed_roles=("user",), default_role="admin")
    with pytest.raises(AuthenticationError, match="default role"):
        grant.session(None, expires_at=None)
