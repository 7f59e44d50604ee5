import logging
from typing import Any

import pytest
from pydantic import SecretStr

from integrations.identity.errors import KeysUnavailableError
from integrations.identity.jwks import FixedKey, SigningKey
from integrations.identity.oidc import google_token_rules
from integrations.identity.verification import TokenRules
from server.authentication.authenticator import Authenticator
from server.authentication.claims import NamespacedClaims
from server.authentication.credentials import LocationKind, TokenLocation
from server.authentication.errors import AuthenticationError
from server.authentication.issuers import Issuer, ServiceAccountClaims
from tests.unit.authentication.signing import (
    NAMESPACE,
    NOW,
    SECRET,
    claims,
    forge,
    hasura_claims,
    known_rsa_keys,
    rsa_key,
    sign,
)

Headers = list[tuple[bytes, bytes]]


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


class Keys:
    """A key source that counts how often it is asked, and can be out of order."""

    def __init__(self) -> None:
        self.asked = 0
        self.broken = False

    async def get(self, key_id: str | None) -> SigningKey:
        self.asked += 1
        if self.broken:
            raise KeysUnavailableError("the keys cannot be fetched right now")
        return await known_rsa_keys(k1=rsa_key()).get(key_id)


def issuer(name: str = "https://issuer.example", audience: str = "caregraph", **members: Any) -> Issuer:
    rules = TokenRules(
        keys=members.pop("keys", None) or known_rsa_keys(k1=rsa_key()),
        issuers=frozenset({name} if name else ()),
        audiences=frozenset({audience}),
    )
    return Issuer(name="test", rules=rules, claims=NamespacedClaims(), **members)


def bearer(token: str, *more: tuple[bytes, bytes]) -> Headers:
    return [(b"host", b"localhost"), (b"authorization", b"Bearer " + token.encode()), *more]


def role(name: str) -> tuple[bytes, bytes]:
    return (b"x-hasura-role", name.encode())


async def refusal(authenticator: Authenticator, headers: Any) -> AuthenticationError:
    with pytest.raises(AuthenticationError) as caught:
        await authenticator.authenticate(headers)
    return caught.value


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def authenticator(clock: Clock) -> Authenticator:
    return Authenticator(
        issuers=[issuer()], admin_secret=SecretStr("open sesame"), unauthorized_role="anonymous", clock=clock
    )


# No credentials


async def test_request_without_credentials_gets_the_role_for_it(authenticator: Authenticator) -> None:
    session = await authenticator.authenticate([(b"host", b"localhost")])
    assert (session.role, session.variables, session.expires_at) == ("anonymous", {"x-hasura-role": "anonymous"}, None)


async def test_role_and_variables_mean_nothing_without_credentials(authenticator: Authenticator) -> None:
    session = await authenticator.authenticate([role("admin"), (b"x-hasura-user-id", b"7")])
    assert session.variables == {"x-hasura-role": "anonymous"}


async def test_request_without_credentials_is_refused_when_no_role_is_named_for_it() -> None:
    error = await refusal(Authenticator(issuers=[issuer()]), [])
    assert error.code == "invalid-headers"
    assert "Missing 'Authorization'" in error.message
    error = await refusal(Authenticator(admin_secret=SecretStr("s")), [])
    assert error.code == "access-denied"
    assert "x-hasura-admin-secret" in error.message


# Admin secret


@pytest.mark.parametrize("header", [b"x-hasura-admin-secret", b"X-Hasura-Admin-Secret", b"x-hasura-access-key"])
async def test_admin_secret_grants_the_role_admin(authenticator: Authenticator, header: bytes) -> None:
    session = await authenticator.authenticate([(header, b"open sesame")])
    assert (session.role, session.variables) == ("admin", {"x-hasura-role": "admin"})


async def test_admin_secret_lets_the_caller_choose_role_and_variables(authenticator: Authenticator) -> None:
    session = await authenticator.authenticate(
        {"x-hasura-admin-secret": "open sesame", "X-Hasura-Role": "user", "X-Hasura-User-Id": "7", "x-other": "no"}
    )
    assert session.variables == {"x-hasura-role": "user", "x-hasura-user-id": "7"}


@pytest.mark.parametrize("guess", [b"", b"open", b"open sesame ", b"OPEN SESAME", b"\xff\xfe"])
async def test_wrong_admin_secret_is_refused(authenticator: Authenticator, guess: bytes) -> None:
    error = await refusal(authenticator, [(b"x-hasura-admin-secret", guess)])
    assert error.code == "access-denied"
    assert "sesame" not in error.message


async def test_wrong_admin_secret_is_refused_although_the_token_is_good(authenticator: Authenticator) -> None:
    headers = bearer(sign(claims()), (b"x-hasura-admin-secret", b"wrong"))
    assert (await refusal(authenticator, headers)).code == "access-denied"
    assert authenticator.find_session(headers) is None


async def test_admin_secret_is_refused_when_none_is_set() -> None:
    authenticator = Authenticator(unauthorized_role="anonymous")
    assert (await refusal(authenticator, [(b"x-hasura-admin-secret", b"")])).code == "access-denied"


# Tokens


async def test_token_grants_its_default_role_and_variables(authenticator: Authenticator) -> None:
    session = await authenticator.authenticate(bearer(sign(claims())))
    assert session.variables == {"x-hasura-role": "user", "x-hasura-user-id": "7"}
    assert session.expires_at == NOW + 3_600


async def test_token_grants_another_of_its_roles_on_request(authenticator: Authenticator) -> None:
    assert (await authenticator.authenticate(bearer(sign(claims()), role("provider")))).role == "provider"


async def test_role_that_the_token_does_not_grant_is_refused(authenticator: Authenticator) -> None:
    token = sign(claims())
    error = await refusal(authenticator, bearer(token, role("admin")))
    assert error.code == "access-denied"
    assert "user, provider" in error.message
    # Still so when the token is known by then.
    await authenticator.authenticate(bearer(token))
    assert (await refusal(authenticator, bearer(token, role("admin")))).code == "access-denied"
    assert (await refusal(authenticator, bearer(token, role("User")))).code == "access-denied"


async def test_variables_in_headers_do_not_replace_those_of_the_token(authenticator: Authenticator) -> None:
    session = await authenticator.authenticate(bearer(sign(claims()), (b"x-hasura-user-id", b"8")))
    assert session.user_id == "7"


async def test_header_names_and_the_scheme_count_in_any_case(authenticator: Authenticator) -> None:
    session = await authenticator.authenticate(
        {"AUTHORIZATION": f"bearer  {sign(claims())} ", "X-HASURA-ROLE": " provider "}
    )
    assert session.role == "provider"


@pytest.mark.parametrize("value", ["", "Bearer", "Bearer ", "Basic dTpw", "Bearer a b", "token"])
async def test_malformed_authorization_header_is_refused(authenticator: Authenticator, value: str) -> None:
    assert (await refusal(authenticator, {"authorization": value})).code == "invalid-headers"


@pytest.mark.parametrize("name", [b"authorization", b"x-hasura-role", b"x-hasura-admin-secret"])
async def test_credential_that_is_there_twice_is_refused(authenticator: Authenticator, name: bytes) -> None:
    headers = [(name, b"Bearer one"), (name, b"Bearer two")]
    assert (await refusal(authenticator, headers)).code == "invalid-headers"
    assert authenticator.find_session(headers) is None


async def test_header_value_that_is_no_string_is_refused(authenticator: Authenticator) -> None:
    assert (await refusal(authenticator, {"authorization": ["Bearer a"]})).code == "invalid-headers"
    assert (await authenticator.authenticate({"authorization": None})).role == "anonymous"


@pytest.mark.parametrize(
    "token",
    [
        "nonsense",
        sign(claims(exp=NOW - 1)),
        sign(claims(nbf=NOW + 60)),
        sign(claims(aud="other")),
        sign(claims(iss="https://other.example")),
        sign(claims(iss=None)),
        sign(claims(), key_id="k2"),
        sign(claims(), rsa_key(2)),
        forge(claims(), header={"alg": "none"}),
        forge(claims(), header={"alg": "none", "kid": "k1"}),
    ],
    ids=[
        "nonsense",
        "expired",
        "early",
        "audience",
        "issuer",
        "no issuer",
        "unknown key",
        "foreign key",
        "unsigned",
        "unsigned with key id",
    ],
)
async def test_bad_token_is_invalid_and_never_repeated(
    authenticator: Authenticator, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        error = await refusal(authenticator, bearer(token))
    assert error.code == "invalid-jwt"
    assert error.message.startswith("Could not verify JWT: ")
    assert token not in error.message
    assert token not in caplog.text
    assert not error.retryable


async def test_foreign_token_is_told_which_issuers_count(authenticator: Authenticator) -> None:
    error = await refusal(authenticator, bearer(sign(claims(iss="https://other.example"))))
    assert "'https://other.example'" in error.message
    assert "https://issuer.example" in error.message


async def test_token_without_hasura_claims_is_told_so(authenticator: Authenticator) -> None:
    error = await refusal(authenticator, bearer(sign(claims(**{NAMESPACE: None}))))
    assert error.code == "jwt-invalid-claims"
    error = await refusal(authenticator, bearer(sign(claims(**{NAMESPACE: {"x-hasura-default-role": "user"}}))))
    assert error.code == "jwt-missing-role-claims"


async def test_token_is_refused_with_advice_when_no_issuer_is_set() -> None:
    error = await refusal(Authenticator(unauthorized_role="anonymous"), bearer(sign(claims())))
    assert error.code == "invalid-jwt"
    assert "CAREGRAPH_FIREBASE_PROJECT" in error.message


async def test_unavailable_keys_are_a_reason_to_try_again(clock: Clock) -> None:
    keys = Keys()
    keys.broken = True
    authenticator = Authenticator(issuers=[issuer(keys=keys)], clock=clock)
    error = await refusal(authenticator, bearer(sign(claims())))
    assert (error.code, error.retryable) == ("invalid-jwt", True)
    keys.broken = False
    assert (await authenticator.authenticate(bearer(sign(claims())))).role == "user"


# Remembered tokens


async def test_verified_token_is_found_without_waiting(authenticator: Authenticator) -> None:
    headers = bearer(sign(claims()), role("provider"))
    assert authenticator.find_session(headers) is None
    session = await authenticator.authenticate(headers)
    assert authenticator.find_session(headers) is session
    assert authenticator.authenticate_cached(headers[1][1], b"provider") is session
    assert authenticator.authenticate_cached(headers[1][1], None) is None


async def test_admin_secret_is_recognised_without_waiting(authenticator: Authenticator) -> None:
    secret = (b"x-hasura-admin-secret", b"open sesame")
    for headers, expected in [([secret], "admin"), ([secret, role("user")], "user"), ([role("cct"), secret], "cct")]:
        assert authenticator.find_session(headers) is None
        session = await authenticator.authenticate(headers)
        assert authenticator.find_session([*headers, (b"host", b"localhost")]) is session
        assert session.role == expected


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x-hasura-admin-secret", b"close sesame")],
        [(b"x-hasura-admin-secret", b"open sesame"), (b"x-hasura-admin-secret", b"open sesame")],
        [(b"x-hasura-admin-secret", b"open sesame"), (b"x-hasura-user-id", b"7")],
        [(b"x-hasura-access-key", b"open sesame")],
        [(b"x-hasura-admin-secret", b"open sesame"), (b"x-hasura-access-key", b"close sesame")],
    ],
)
async def test_a_remembered_admin_session_is_for_the_right_secret_alone(
    authenticator: Authenticator, headers: list[tuple[bytes, bytes]]
) -> None:
    await authenticator.authenticate([(b"x-hasura-admin-secret", b"open sesame")])
    assert authenticator.find_session(headers) is None


async def test_an_admin_session_with_variables_is_not_remembered(authenticator: Authenticator) -> None:
    secret = (b"x-hasura-admin-secret", b"open sesame")
    session = await authenticator.authenticate([secret, role("user"), (b"x-hasura-user-id", b"7")])
    assert session.user_id == "7"
    assert authenticator.find_session([secret, role("user")]) is None


async def test_a_few_admin_sessions_are_remembered_whatever_roles_are_made_up(authenticator: Authenticator) -> None:
    secret = (b"x-hasura-admin-secret", b"open sesame")
    for number in range(1_000):
        assert (await authenticator.authenticate([secret, role(f"role-{number}")])).role == f"role-{number}"
    found = [authenticator.find_session([secret, role(f"role-{number}")]) for number in range(1_000)]
    assert 0 < sum(session is not None for session in found) <= 64


async def test_request_without_credentials_needs_no_waiting(authenticator: Authenticator) -> None:
    session = authenticator.find_session([(b"host", b"localhost"), role("admin")])
    assert session is not None
    assert session.role == "anonymous"
    assert Authenticator(issuers=[issuer()]).find_session([]) is None


async def test_token_is_verified_once(clock: Clock) -> None:
    keys = Keys()
    authenticator = Authenticator(issuers=[issuer(keys=keys)], clock=clock)
    for name in ("user", "provider", "user"):
        assert (await authenticator.authenticate(bearer(sign(claims()), role(name)))).role == name
    assert keys.asked == 1


async def test_remembered_token_ends_with_its_exp(authenticator: Authenticator, clock: Clock) -> None:
    headers = bearer(sign(claims(exp=NOW + 10)))
    await authenticator.authenticate(headers)
    clock.now = NOW + 10
    assert authenticator.find_session(headers) is None
    assert "expired" in (await refusal(authenticator, headers)).message


async def test_remembered_token_is_verified_again_after_an_hour(clock: Clock) -> None:
    keys = Keys()
    authenticator = Authenticator(issuers=[issuer(keys=keys)], clock=clock)
    headers = bearer(sign(claims(exp=NOW + 90_000)))
    await authenticator.authenticate(headers)
    clock.now = NOW + 3_600
    assert authenticator.find_session(headers) is None
    await authenticator.authenticate(headers)
    assert keys.asked == 2


async def test_at_most_so_many_tokens_are_remembered(clock: Clock) -> None:
    authenticator = Authenticator(issuers=[issuer()], cache_size=2, clock=clock)
    first, second, third = (bearer(sign(claims(sub=f"person-{number}"))) for number in range(3))
    await authenticator.authenticate(first)
    await authenticator.authenticate(second)
    assert authenticator.find_session(first) is not None
    await authenticator.authenticate(third)
    found = [authenticator.find_session(headers) is not None for headers in (first, second, third)]
    assert found == [True, False, True]


# Several issuers


async def test_each_token_goes_to_the_issuer_that_it_names(clock: Clock) -> None:
    theirs = issuer("https://second.example", keys=known_rsa_keys(k1=rsa_key(2)))
    authenticator = Authenticator(issuers=[issuer(), theirs], clock=clock)
    second = claims(iss="https://second.example")
    assert (await authenticator.authenticate(bearer(sign(claims())))).role == "user"
    assert (await authenticator.authenticate(bearer(sign(second, rsa_key(2))))).role == "user"
    # One issuer's key does not vouch for the other's tokens.
    assert (await refusal(authenticator, bearer(sign(second)))).code == "invalid-jwt"


async def test_issuers_of_one_name_are_told_apart_by_audience(clock: Clock) -> None:
    admins = Issuer(
        name="test",
        rules=issuer(audience="admins").rules,
        claims=NamespacedClaims(at="admins"),
    )
    authenticator = Authenticator(issuers=[issuer(), admins], clock=clock)
    token = sign(claims(aud="admins", admins=hasura_claims(("admin",), "admin")))
    assert (await authenticator.authenticate(bearer(token))).role == "admin"
    assert "'other'" in (await refusal(authenticator, bearer(sign(claims(aud="other"))))).message


async def test_issuer_without_name_takes_only_tokens_that_name_no_other(clock: Clock) -> None:
    shared = SigningKey(key_id=None, algorithm="HS256", key=SECRET.encode())
    nameless = Issuer(name="test", rules=TokenRules(keys=FixedKey(key=shared)), claims=NamespacedClaims())
    authenticator = Authenticator(issuers=[issuer(), nameless], clock=clock)
    secret_signed = sign(claims(iss="https://anyone.example"), SECRET, algorithm="HS256")
    assert (await authenticator.authenticate(bearer(secret_signed))).role == "user"
    pretender = sign(claims(), SECRET, algorithm="HS256")
    assert (await refusal(authenticator, bearer(pretender))).code == "invalid-jwt"


# Service accounts


def service_issuer() -> Issuer:
    return Issuer(
        name="test",
        rules=google_token_rules(
            issuer="https://accounts.google.com",
            audiences=frozenset({"http://api"}),
            keys=known_rsa_keys(k1=rsa_key()),
        ),
        claims=ServiceAccountClaims(agents={"contract-agent@project.iam.gserviceaccount.com": "contract"}),
    )


def service_claims(**changes: Any) -> dict[str, Any]:
    return claims(
        **{
            "iss": "https://accounts.google.com",
            "aud": "http://api",
            "email": "contract-agent@project.iam.gserviceaccount.com",
            "email_verified": True,
            NAMESPACE: None,
            **changes,
        }
    )


@pytest.mark.parametrize("name", ["https://accounts.google.com", "accounts.google.com"])
async def test_service_account_is_the_agent_of_that_name(clock: Clock, name: str) -> None:
    authenticator = Authenticator(issuers=[service_issuer()], clock=clock)
    session = await authenticator.authenticate(bearer(sign(service_claims(iss=name))))
    assert session.variables == {"x-hasura-role": "service", "x-hasura-user-id": "contract"}
    assert (await refusal(authenticator, bearer(sign(service_claims()), role("admin")))).code == "access-denied"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"email": "stranger@gmail.com"}, "access-denied"),
        ({"email": None}, "invalid-jwt"),
        ({"email_verified": False}, "invalid-jwt"),
        ({"email_verified": "true"}, "invalid-jwt"),
        ({"aud": "http://elsewhere"}, "invalid-jwt"),
        ({"exp": None}, "invalid-jwt"),
        # Hasura's claims mean nothing in such a token: Google lets nobody set them.
        ({"email": "stranger@gmail.com", NAMESPACE: hasura_claims(("admin",), "admin")}, "access-denied"),
    ],
)
async def test_other_google_tokens_are_refused(clock: Clock, changes: dict[str, Any], code: str) -> None:
    authenticator = Authenticator(issuers=[service_issuer()], clock=clock)
    assert (await refusal(authenticator, bearer(sign(service_claims(**changes))))).code == code


# Tokens elsewhere


COOKIE = TokenLocation(kind=LocationKind.COOKIE, name="session")
CUSTOM = TokenLocation(kind=LocationKind.CUSTOM_HEADER, name="x-token")


async def test_token_may_stand_in_a_cookie(clock: Clock) -> None:
    authenticator = Authenticator(issuers=[issuer(location=COOKIE)], unauthorized_role="anonymous", clock=clock)
    token = sign(claims())
    cookies = f'theme=dark; broken[]="; session={token}; last=1'
    assert (await authenticator.authenticate([(b"cookie", cookies.encode()), role("provider")])).role == "provider"
    split = [(b"cookie", b"theme=dark"), (b"cookie", b"session=" + token.encode())]
    assert (await authenticator.authenticate(split)).role == "user"
    assert (await authenticator.authenticate([(b"cookie", b"theme=dark")])).role == "anonymous"


async def test_bad_token_in_a_cookie_is_refused(clock: Clock) -> None:
    authenticator = Authenticator(issuers=[issuer(location=COOKIE)], unauthorized_role="anonymous", clock=clock)
    assert (await refusal(authenticator, {"cookie": f"session={sign(claims(exp=NOW))}"})).code == "invalid-jwt"


async def test_issuer_of_cookies_takes_no_bearer_tokens(clock: Clock) -> None:
    authenticator = Authenticator(issuers=[issuer(location=COOKIE)], clock=clock)
    token = sign(claims())
    await authenticator.authenticate({"cookie": f"session={token}"})
    assert (await refusal(authenticator, bearer(token))).code == "invalid-headers"


async def test_token_may_stand_in_a_header_of_its_own(clock: Clock) -> None:
    authenticator = Authenticator(issuers=[issuer(location=CUSTOM)], clock=clock)
    token = sign(claims())
    assert (await authenticator.authenticate({"X-Token": token})).role == "user"
    assert (await authenticator.authenticate({"X-Token": f"Bearer {token}"})).role == "user"


async def test_bearer_token_goes_before_a_cookie(clock: Clock) -> None:
    authenticator = Authenticator(issuers=[issuer(), issuer(location=COOKIE)], clock=clock)
    other = claims(**{NAMESPACE: hasura_claims(user_id="8")})
    headers = bearer(sign(claims()), (b"cookie", f"session={sign(other)}".encode()))
    assert (await authenticator.authenticate(headers)).user_id == "7"
    assert authenticator.find_session(headers) is None
