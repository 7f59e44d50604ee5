import json
import os
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from server.authentication.authenticator import Authenticator
from server.authentication.errors import AuthenticationError, AuthenticationSettingsError
from server.authentication.issuers import build_issuers
from server.authentication.settings import AuthenticationSettings, read_authentication_settings
from tests.unit.authentication.signing import (
    NAMESPACE,
    NOW,
    SECRET,
    claims,
    ec_key,
    ed25519_key,
    hasura_claims,
    private_pem,
    public_pem,
    rsa_key,
    sign,
)

Environment = Callable[..., AuthenticationSettings]


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Environment:
    """The settings that these variables make, and no others; objects are given as JSON."""
    for name in list(os.environ):
        if name.startswith(("CAREGRAPH_", "HASURA_")):
            monkeypatch.delenv(name)

    def read(**variables: Any) -> AuthenticationSettings:
        for name, value in variables.items():
            monkeypatch.setenv(name, value if isinstance(value, str) else json.dumps(value))
        return read_authentication_settings()

    return read


def problems(settings: Environment, **variables: Any) -> tuple[str, ...]:
    with pytest.raises(AuthenticationSettingsError) as caught:
        settings(**variables)
    return caught.value.problems


async def authenticator(settings: AuthenticationSettings) -> Authenticator:
    async with httpx.AsyncClient() as client:
        return Authenticator(
            issuers=build_issuers(settings, client=client),
            admin_secret=settings.admin_secret,
            unauthorized_role=settings.unauthorized_role,
            clock=lambda: NOW,
        )


def test_nothing_set_means_everyone_is_anonymous(settings: Environment) -> None:
    read = settings()
    assert (read.admin_secret, read.firebase, read.service, read.unauthorized_role) == (None, None, None, "anonymous")


def test_empty_variables_count_as_not_set(settings: Environment) -> None:
    read = settings(
        CAREGRAPH_ADMIN_SECRET="",
        CAREGRAPH_FIREBASE_PROJECT="",
        HASURA_GRAPHQL_JWT_SECRET="",
        CAREGRAPH_OIDC_ISSUERS="",
    )
    assert (read.admin_secret, read.firebase, read.unauthorized_role) == (None, None, "anonymous")


def test_firebase_project_alone_means_google_issuer_and_keys(settings: Environment) -> None:
    firebase = settings(CAREGRAPH_FIREBASE_PROJECT="caregraph-prod").firebase
    assert firebase is not None
    assert firebase.issuer == "https://securetoken.google.com/caregraph-prod"
    assert firebase.jwks_url.startswith("https://www.googleapis.com/")


def test_service_accounts_are_known_in_any_case(settings: Environment) -> None:
    service = settings(
        CAREGRAPH_SERVICE_ACCOUNTS={"Contract-Agent@p.iam.gserviceaccount.com": "contract"},
        CAREGRAPH_API_AUDIENCE="https://api.example",
    ).service
    assert service is not None
    assert service.accounts == {"contract-agent@p.iam.gserviceaccount.com": "contract"}
    assert (service.issuer, service.audience) == ("https://accounts.google.com", "https://api.example")


@pytest.mark.parametrize("name", ["CAREGRAPH_ADMIN_SECRET", "HASURA_GRAPHQL_ADMIN_SECRET"])
def test_admin_secret_has_two_names_and_never_prints(settings: Environment, name: str) -> None:
    read = settings(**{name: "open sesame"})
    assert read.admin_secret is not None
    assert read.admin_secret.get_secret_value() == "open sesame"
    assert "sesame" not in repr(read)


@pytest.mark.parametrize(
    ("variables", "role"),
    [
        ({"HASURA_GRAPHQL_ADMIN_SECRET": "s"}, None),
        ({"HASURA_GRAPHQL_JWT_SECRET": {"type": "HS256", "key": SECRET}}, None),
        ({"HASURA_GRAPHQL_ADMIN_SECRET": "s", "HASURA_GRAPHQL_UNAUTHORIZED_ROLE": "public"}, "public"),
        ({"CAREGRAPH_ADMIN_SECRET": "s"}, "anonymous"),
        ({"CAREGRAPH_UNAUTHORIZED_ROLE": "visitor"}, "visitor"),
    ],
)
def test_role_without_credentials_follows_whose_names_are_used(
    settings: Environment, variables: dict[str, Any], role: str | None
) -> None:
    assert settings(**variables).unauthorized_role == role


def test_every_problem_is_named_at_once(settings: Environment) -> None:
    found = problems(
        settings,
        CAREGRAPH_SERVICE_ACCOUNTS="{not json",
        CAREGRAPH_FIREBASE_JWKS_URL="ftp://keys",
        CAREGRAPH_OIDC_ISSUERS=[
            {"issuer": "https://a", "audience": "a", "jwks_url": "https://a/keys"},
            {"issuer": "https://b", "jwks_url": "nonsense"},
        ],
        HASURA_GRAPHQL_JWT_SECRET={"type": "HS256"},
    )
    assert any(line.startswith("CAREGRAPH_SERVICE_ACCOUNTS: should be JSON") for line in found)
    assert any(line.startswith("CAREGRAPH_FIREBASE_JWKS_URL: should be an address") for line in found)
    assert any(line.startswith("CAREGRAPH_OIDC_ISSUERS.1.audience: field required") for line in found)
    assert any(line.startswith("CAREGRAPH_OIDC_ISSUERS.1.jwks_url: should be an address") for line in found)
    assert any(line.startswith("HASURA_GRAPHQL_JWT_SECRET: exactly one of `key` and `jwk_url`") for line in found)


def test_what_belongs_together_is_asked_for(settings: Environment) -> None:
    found = problems(
        settings,
        CAREGRAPH_ADMIN_SECRET="sesame",
        HASURA_GRAPHQL_ADMIN_SECRET="abracadabra",
        CAREGRAPH_SERVICE_ACCOUNTS={"a@b": "contract"},
        CAREGRAPH_FIREBASE_ISSUER="https://issuer",
    )
    assert len(found) == 3
    assert all(secret not in line for line in found for secret in ("sesame", "abracadabra"))


def test_tokens_without_roles_are_refused_unless_a_role_is_named_for_them(settings: Environment) -> None:
    firebase = settings(CAREGRAPH_FIREBASE_PROJECT="caregraph-prod").firebase
    assert firebase is not None
    assert firebase.unclaimed_role is None
    firebase = settings(CAREGRAPH_FIREBASE_PROJECT="caregraph-prod", CAREGRAPH_UNCLAIMED_ROLE="newcomer").firebase
    assert firebase is not None
    assert firebase.unclaimed_role == "newcomer"


@pytest.mark.parametrize("role", ["admin", "service", "cct", "provider", "user"])
def test_strangers_never_get_a_role_of_people_who_are_known(settings: Environment, role: str) -> None:
    (found,) = problems(settings, CAREGRAPH_FIREBASE_PROJECT="caregraph-prod", CAREGRAPH_UNCLAIMED_ROLE=role)
    assert found.startswith("CAREGRAPH_UNCLAIMED_ROLE")


def test_the_role_of_strangers_needs_somebody_who_signs_them_in(settings: Environment) -> None:
    (found,) = problems(settings, CAREGRAPH_UNCLAIMED_ROLE="newcomer")
    assert found == "CAREGRAPH_UNCLAIMED_ROLE needs CAREGRAPH_FIREBASE_PROJECT"


@pytest.mark.parametrize(
    ("configuration", "sentence"),
    [
        ({"key": SECRET}, "`type` is missing"),
        ({"type": "HS256", "key": "short"}, "`key` is too short: HS256 needs 32 bytes"),
        ({"type": "HS512", "key": SECRET}, "`key` is too short: HS512 needs 64 bytes"),
        ({"type": "HS256", "key": public_pem(rsa_key())}, "`key` is a PEM document"),
        ({"type": "RS256", "key": SECRET}, "`key` is neither a public key nor a certificate"),
        ({"type": "RS256", "key": private_pem(rsa_key())}, "`key` is a private key"),
        ({"type": "RS256", "key": public_pem(ec_key())}, "`key` is of another kind"),
        ({"type": "ES384", "key": public_pem(ec_key())}, "`key` is of another kind"),
        ({"type": "none", "key": SECRET}, "HASURA_GRAPHQL_JWT_SECRET.type"),
        ({"type": "HS256", "jwk_url": "https://a/keys"}, "needs a shared secret"),
        ({"type": "HS256", "key": SECRET, "jwk_url": "https://a/keys"}, "exactly one of"),
        ({"type": "HS256", "key": SECRET, "audiance": "x"}, "HASURA_GRAPHQL_JWT_SECRET.audiance: extra inputs"),
        (
            {"type": "HS256", "key": SECRET, "claims_namespace": "a", "claims_namespace_path": "$.a"},
            "exclude each other",
        ),
        ({"type": "HS256", "key": SECRET, "claims_namespace_path": "a.b"}, "does not start with `$`"),
        ({"type": "HS256", "key": SECRET, "claims_map": {}}, "says nothing of x-hasura-allowed-roles"),
        ({"type": "HS256", "key": SECRET, "header": {"type": "Cookie"}}, "`name` is missing"),
        ({"type": "HS256", "key": SECRET, "allowed_skew": -1}, "HASURA_GRAPHQL_JWT_SECRET.allowed_skew"),
        ("[1]", "HASURA_GRAPHQL_JWT_SECRET"),
        ("HS256:secret", "should be JSON"),
    ],
)
def test_jwt_secret_that_cannot_work_stops_the_start(
    settings: Environment, configuration: object, sentence: str
) -> None:
    found = "\n".join(problems(settings, HASURA_GRAPHQL_JWT_SECRET=configuration))
    assert sentence in found
    assert SECRET not in found
    assert "short!" not in found


@pytest.mark.parametrize(
    ("kind", "algorithm", "key"),
    [
        ("RS256", "RS256", rsa_key()),
        ("RS512", "RS512", rsa_key()),
        ("ES256", "ES256", ec_key()),
        ("Ed25519", "EdDSA", ed25519_key()),
    ],
)
async def test_tokens_of_each_kind_of_key_are_accepted(
    settings: Environment, kind: str, algorithm: str, key: Any
) -> None:
    accepting = await authenticator(settings(HASURA_GRAPHQL_JWT_SECRET={"type": kind, "key": public_pem(key)}))
    token = sign(claims(), key, algorithm=algorithm, key_id=None)
    assert (await accepting.authenticate({"authorization": f"Bearer {token}"})).role == "user"
    # The same key with another algorithm does not count.
    other = sign(claims(), SECRET, algorithm="HS256", key_id=None)
    with pytest.raises(AuthenticationError) as caught:
        await accepting.authenticate({"authorization": f"Bearer {other}"})
    assert caught.value.code == "invalid-jwt"


async def test_hasura_documentation_example_with_shared_secret_works(settings: Environment) -> None:
    accepting = await authenticator(settings(HASURA_GRAPHQL_JWT_SECRET={"type": "HS256", "key": SECRET}))
    token = sign({NAMESPACE: hasura_claims(user_id="7"), "sub": "1"}, SECRET, algorithm="HS256", key_id=None)
    session = await accepting.authenticate({"authorization": f"Bearer {token}"})
    assert (session.user_id, session.expires_at) == ("7", None)


async def test_skew_issuer_and_audiences_of_the_configuration_are_honoured(settings: Environment) -> None:
    accepting = await authenticator(
        settings(
            HASURA_GRAPHQL_JWT_SECRET={
                "type": "HS256",
                "key": SECRET,
                "issuer": "https://issuer.example",
                "audience": ["caregraph", "portal"],
                "allowed_skew": 30,
            }
        )
    )

    async def answer(**changes: Any) -> str:
        token = sign(claims(**changes), SECRET, algorithm="HS256")
        try:
            return (await accepting.authenticate({"authorization": f"Bearer {token}"})).role
        except AuthenticationError as error:
            return error.code

    assert await answer(aud="portal", exp=NOW - 29, nbf=NOW + 30) == "user"
    assert await answer(exp=NOW - 30) == "invalid-jwt"
    assert await answer(nbf=NOW + 31) == "invalid-jwt"
    assert await answer(aud="other") == "invalid-jwt"
    assert await answer(iss="https://other.example") == "invalid-jwt"


async def test_cookie_stringified_claims_and_namespace_path_work_together(settings: Environment) -> None:
    accepting = await authenticator(
        settings(
            HASURA_GRAPHQL_JWT_SECRET={
                "type": "HS256",
                "key": SECRET,
                "header": {"type": "Cookie", "name": "session"},
                "claims_format": "stringified_json",
                "claims_namespace_path": "$.app.hasura",
            }
        )
    )
    token = sign({"app": {"hasura": json.dumps(hasura_claims(user_id="7"))}}, SECRET, algorithm="HS256")
    assert (await accepting.authenticate({"cookie": f"a=b; session={token}"})).user_id == "7"
    with pytest.raises(AuthenticationError) as caught:
        await accepting.authenticate({"cookie": "a=b"})
    assert caught.value.code == "invalid-headers"


async def test_claims_map_finds_values_by_path(settings: Environment) -> None:
    accepting = await authenticator(
        settings(
            HASURA_GRAPHQL_JWT_SECRET={
                "type": "HS256",
                "key": SECRET,
                "claims_map": {
                    "x-hasura-allowed-roles": {"path": "$.user.all_roles"},
                    "X-Hasura-Default-Role": "user",
                    "x-hasura-user-id": {"path": "$.user.id", "default": "nobody"},
                    "x-hasura-tenant": "caregraph",
                },
            }
        )
    )
    token = sign({"user": {"all_roles": ["user", "cct"], "id": "7"}}, SECRET, algorithm="HS256")
    session = await accepting.authenticate({"authorization": f"Bearer {token}", "x-hasura-role": "cct"})
    assert session.variables == {"x-hasura-role": "cct", "x-hasura-user-id": "7", "x-hasura-tenant": "caregraph"}


async def test_several_configurations_may_stand_in_a_list(settings: Environment) -> None:
    accepting = await authenticator(
        settings(
            HASURA_GRAPHQL_JWT_SECRET=[
                {"type": "HS256", "key": SECRET, "issuer": "https://one.example"},
                {"type": "RS256", "key": public_pem(rsa_key()), "issuer": "https://two.example"},
            ]
        )
    )
    for name, key, algorithm in (("one", SECRET, "HS256"), ("two", rsa_key(), "RS256")):
        token = sign(claims(iss=f"https://{name}.example"), key, algorithm=algorithm)
        assert (await accepting.authenticate({"authorization": f"Bearer {token}"})).role == "user"
