"""The server's authentication against the local identity service, by the settings that the local platform has."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from integrations.identity.verification import read_unverified
from local.layout import PROJECT, service_account
from permissions.session import SignIn
from server.authentication.authenticator import Authenticator, open_authenticator
from server.authentication.claims import HASURA_NAMESPACE
from server.authentication.errors import AuthenticationError
from server.authentication.issuers import FirebaseClaims
from server.authentication.settings import AuthenticationSettings
from tests.integration.identity.conftest import API, Identity
from tests.integration.identity.serving import loopback_socket
from tests.unit.authentication.signing import forge

SIGN_UP = "/identitytoolkit.googleapis.com/v1/accounts:signUp"


class Clock:
    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def settings(identity: Identity, **changes: Any) -> AuthenticationSettings:
    return AuthenticationSettings(
        **{
            "firebase_project": PROJECT,
            "firebase_jwks_url": identity.firebase_jwks_url,
            "service_jwks_url": identity.google_jwks_url,
            "service_accounts": {service_account("contract"): "contract"},
            "api_audience": API,
            **changes,
        }
    )


@pytest.fixture
async def authenticator(identity: Identity, clock: Clock) -> AsyncIterator[Authenticator]:
    async with open_authenticator(settings(identity), clock=clock) as authenticator:
        yield authenticator


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def refusal(authenticator: Authenticator, token: str, **headers: str) -> AuthenticationError:
    with pytest.raises(AuthenticationError) as caught:
        await authenticator.authenticate({**bearer(token), **headers})
    assert token not in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("role", "user_id"), [("user", "customer-ada"), ("provider", "staff-mira"), ("admin", "staff-ines")]
)
async def test_person_of_each_role_is_recognised(
    authenticator: Authenticator, identity: Identity, role: str, user_id: str
) -> None:
    session = await authenticator.authenticate(bearer(await identity.token(role)))
    assert session.variables == {"x-hasura-role": role, "x-hasura-user-id": user_id}
    assert session.expires_at is not None
    assert 3_500 < session.expires_at - time.time() <= 3_600


async def test_agent_is_recognised_by_its_service_account(authenticator: Authenticator, identity: Identity) -> None:
    session = await authenticator.authenticate(bearer(await identity.token("service", "contract")))
    assert session.variables == {"x-hasura-role": "service", "x-hasura-user-id": "contract"}


async def test_service_account_that_is_no_agent_here_is_refused(
    authenticator: Authenticator, identity: Identity
) -> None:
    error = await refusal(authenticator, await identity.token("service", "zendesk"))
    assert error.code == "access-denied"
    assert "CAREGRAPH_SERVICE_ACCOUNTS" in error.message


async def test_person_without_roles_is_told_so(authenticator: Authenticator, identity: Identity) -> None:
    answer = await identity.http.post(SIGN_UP, json={"email": "new@example.com", "password": "long enough"})
    assert (await refusal(authenticator, answer.json()["idToken"])).code == "jwt-invalid-claims"


async def test_persons_token_ends_after_an_hour(authenticator: Authenticator, identity: Identity, clock: Clock) -> None:
    token = await identity.token("user")
    await authenticator.authenticate(bearer(token))
    clock.ahead_s = 3_601
    assert "expired" in (await refusal(authenticator, token)).message


async def test_person_without_roles_is_a_newcomer_where_the_settings_say_so(identity: Identity) -> None:
    answer = await identity.http.post(SIGN_UP, json={"email": "New@example.com", "password": "secret-1"})
    token = answer.json()["idToken"]
    async with open_authenticator(settings(identity, unclaimed_role="newcomer")) as authenticator:
        session = await authenticator.authenticate(bearer(token))
        assert session.variables == {"x-hasura-role": "newcomer"}
        sign_in = SignIn(uid=answer.json()["localId"], email="new@example.com", email_verified=False)
        assert session.sign_in == sign_in
        assert authenticator.authenticate_cached(f"Bearer {token}".encode(), None) == session
        assert (await refusal(authenticator, token, **{"x-hasura-role": "user"})).code == "access-denied"
        # Whoever has roles has those, and is not asked who they are.
        known = await authenticator.authenticate(bearer(await identity.token("user")))
        assert (known.role, known.sign_in) == ("user", None)


def test_claims_that_are_malformed_do_not_make_a_newcomer() -> None:
    rule = FirebaseClaims(unclaimed_role="newcomer")
    for claims in (
        {"sub": "1", HASURA_NAMESPACE: None},
        {"sub": "1", HASURA_NAMESPACE: {}},
        {"sub": "1", "firebase": {"sign_in_provider": "anonymous"}},
    ):
        with pytest.raises(AuthenticationError):
            rule.grant(claims)


@pytest.mark.parametrize("missing", ["sub", "iat", "exp", "auth_time", "aud", "iss"])
async def test_firebase_token_without_a_required_claim_is_refused(
    authenticator: Authenticator, identity: Identity, missing: str
) -> None:
    mint = identity.service.mint
    claims = mint.read_id_token(await identity.token("user"))
    del claims[missing]
    error = await refusal(authenticator, mint.firebase_keys.sign(claims))
    assert error.code == "invalid-jwt"


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": ""},
        {"sub": 7},
        {"aud": "other-project"},
        {"iss": "https://securetoken.google.com/other-project"},
        {"iss": "https://accounts.google.com"},
        {"auth_time": 9e9},
        {"iat": 9e9},
        {"exp": 1},
    ],
)
async def test_firebase_token_that_breaks_a_rule_is_refused(
    authenticator: Authenticator, identity: Identity, changes: dict[str, Any]
) -> None:
    mint = identity.service.mint
    claims = {**mint.read_id_token(await identity.token("user")), **changes}
    error = await refusal(authenticator, mint.firebase_keys.sign(claims))
    assert error.code == "invalid-jwt"


async def test_keys_of_people_and_of_service_accounts_do_not_mix(
    authenticator: Authenticator, identity: Identity
) -> None:
    mint = identity.service.mint
    claims = mint.read_id_token(await identity.token("user"))
    assert (await refusal(authenticator, mint.google_keys.sign(claims))).code == "invalid-jwt"


async def test_unsigned_token_as_of_firebases_own_emulator_is_refused(
    authenticator: Authenticator, identity: Identity
) -> None:
    token = await identity.token("admin")
    claims = identity.service.mint.read_id_token(token)
    for header in ({"alg": "none", "typ": "JWT"}, {"alg": "none", "kid": read_unverified(token).key_id}):
        assert (await refusal(authenticator, forge(claims, header=header))).code == "invalid-jwt"


async def test_certificates_serve_as_well_as_a_key_set(identity: Identity) -> None:
    certificates = f"{identity.url}/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com"
    async with open_authenticator(settings(identity, firebase_jwks_url=certificates)) as authenticator:
        assert (await authenticator.authenticate(bearer(await identity.token("user")))).role == "user"


async def test_issuer_of_any_name_counts_once_it_is_configured(identity: Identity) -> None:
    issuer = {
        "issuer": identity.settings.firebase_issuer,
        "audience": PROJECT,
        "jwks_url": identity.firebase_jwks_url,
    }
    only = settings(identity, firebase_project=None, oidc_issuers=[issuer])
    async with open_authenticator(only) as authenticator:
        assert (await authenticator.authenticate(bearer(await identity.token("user")))).role == "user"


async def test_keys_that_cannot_be_fetched_are_a_reason_to_try_again(identity: Identity) -> None:
    with loopback_socket() as silent:
        nobody = f"http://127.0.0.1:{silent.getsockname()[1]}/keys"
    async with open_authenticator(settings(identity, firebase_jwks_url=nobody)) as authenticator:
        error = await refusal(authenticator, await identity.token("user"))
    assert (error.code, error.retryable) == ("invalid-jwt", True)
    assert "try again" in error.message
