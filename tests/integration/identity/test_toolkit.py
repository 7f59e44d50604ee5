"""What the Firebase JavaScript SDK asks of the local identity service, request by request."""

import time
from typing import Any

import pytest

from integrations.identity.verification import read_unverified
from local.identity.accounts import AccountStore
from local.identity.keys import KeyRing
from server.authentication.claims import HASURA_NAMESPACE
from tests.integration.identity.conftest import Identity

V1 = "/identitytoolkit.googleapis.com/v1"
DEMO = {"email": "ada@example.com", "password": "caregraph-demo", "returnSecureToken": True}


async def call(identity: Identity, operation: str, **body: Any) -> dict[str, Any]:
    answer = await identity.http.post(f"{V1}/accounts:{operation}?key=local", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def refusal(identity: Identity, operation: str, **body: Any) -> str:
    answer = await identity.http.post(f"{V1}/accounts:{operation}?key=local", json=body)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (400, 400)
    message: str = error["message"]
    return message


async def refresh(identity: Identity, refresh_token: str) -> tuple[int, dict[str, Any]]:
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    answer = await identity.http.post("/securetoken.googleapis.com/v1/token?key=local", data=form)
    return answer.status_code, answer.json()


async def test_demo_person_signs_in_with_the_demo_password(identity: Identity) -> None:
    signed_in = await call(identity, "signInWithPassword", **DEMO)
    claims = identity.service.mint.read_id_token(signed_in["idToken"])
    now = time.time()
    assert claims["iss"] == "https://securetoken.google.com/caregraph-local"
    assert (claims["aud"], claims["sub"], claims["user_id"]) == ("caregraph-local", "demo-ada", "demo-ada")
    assert claims["auth_time"] <= claims["iat"] <= now < claims["exp"] <= now + 3_600
    assert claims["firebase"] == {"identities": {"email": ["ada@example.com"]}, "sign_in_provider": "password"}
    assert (claims["email"], claims["email_verified"], claims["name"]) == ("ada@example.com", True, "Ada Lindqvist")
    assert claims[HASURA_NAMESPACE]["x-hasura-user-id"] == "customer-ada"
    assert read_unverified(signed_in["idToken"]).algorithm == "RS256"
    assert (signed_in["localId"], signed_in["registered"], signed_in["expiresIn"]) == ("demo-ada", True, "3600")


async def test_unknown_person_and_wrong_password_look_the_same(identity: Identity) -> None:
    assert await refusal(identity, "signInWithPassword", **{**DEMO, "password": "wrong one"}) == (
        await refusal(identity, "signInWithPassword", **{**DEMO, "email": "nobody@example.com"})
    )


async def test_new_person_signs_up_looks_herself_up_and_leaves(identity: Identity) -> None:
    signed_up = await call(identity, "signUp", email="New@Example.com", password="long enough")
    token = signed_up["idToken"]
    (user,) = (await call(identity, "lookup", idToken=token))["users"]
    assert (user["email"], user["emailVerified"], user["localId"]) == ("new@example.com", False, signed_up["localId"])
    changed = await call(identity, "update", idToken=token, displayName="New", returnSecureToken=True)
    assert identity.service.mint.read_id_token(changed["idToken"])["name"] == "New"
    await call(identity, "delete", idToken=token)
    assert await refusal(identity, "lookup", idToken=token) == "USER_NOT_FOUND"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"email": "ada@example.com", "password": "long enough"}, "EMAIL_EXISTS"),
        ({"email": "new@example.com", "password": "short"}, "WEAK_PASSWORD"),
        ({"email": "new@example.com"}, "MISSING_PASSWORD"),
        ({"email": "no address", "password": "long enough"}, "INVALID_EMAIL"),
        ({}, "ADMIN_ONLY_OPERATION"),
        ({"email": 7, "password": "long enough"}, "INVALID_ARGUMENT"),
    ],
)
async def test_sign_up_that_cannot_be_is_refused_in_googles_words(
    identity: Identity, body: dict[str, Any], code: str
) -> None:
    assert (await refusal(identity, "signUp", **body)).split(" : ")[0] == code


async def test_people_cannot_give_themselves_claims_or_another_uid(identity: Identity) -> None:
    signed_up = await call(
        identity,
        "signUp",
        email="new@example.com",
        password="long enough",
        localId="chosen",
        emailVerified=True,
        customAttributes='{"admin": true}',
    )
    assert signed_up["localId"] != "chosen"
    token = signed_up["idToken"]
    await call(
        identity, "update", idToken=token, customAttributes='{"admin": true}', emailVerified=True, disableUser=True
    )
    (user,) = (await call(identity, "lookup", idToken=token))["users"]
    assert "customAttributes" not in user
    assert (user["emailVerified"], user["disabled"]) == (False, False)


async def test_refresh_token_brings_a_new_id_token_of_the_same_sign_in(identity: Identity) -> None:
    signed_in = await call(identity, "signInWithPassword", **DEMO)
    status, answer = await refresh(identity, signed_in["refreshToken"])
    assert status == 200
    old, new = (identity.service.mint.read_id_token(token) for token in (signed_in["idToken"], answer["id_token"]))
    assert (new["sub"], new["auth_time"]) == (old["sub"], old["auth_time"])
    assert (answer["user_id"], answer["project_id"], answer["token_type"]) == ("demo-ada", "caregraph-local", "Bearer")


async def test_unknown_refresh_token_is_refused(identity: Identity) -> None:
    assert (await refresh(identity, "made up"))[1]["error"]["message"] == "INVALID_REFRESH_TOKEN"
    assert (await refresh(identity, ""))[1]["error"]["message"] == "MISSING_REFRESH_TOKEN"


@pytest.mark.parametrize("token", ["", "nonsense", 7, None])
async def test_id_token_from_elsewhere_is_refused(identity: Identity, token: object) -> None:
    assert await refusal(identity, "lookup", idToken=token) == "INVALID_ID_TOKEN"


async def test_token_of_a_service_account_is_no_persons_token(identity: Identity) -> None:
    assert await refusal(identity, "lookup", idToken=await identity.token("service")) == "INVALID_ID_TOKEN"


async def test_forgotten_password_is_reset_with_the_code_of_the_link(identity: Identity) -> None:
    sent = await call(identity, "sendOobCode", requestType="PASSWORD_RESET", email="ada@example.com")
    assert "oobCode" not in sent
    owner = {"authorization": "Bearer owner"}
    codes = (await identity.http.get("/emulator/v1/projects/caregraph-local/oobCodes", headers=owner)).json()[
        "oobCodes"
    ]
    code = codes[0]["oobCode"]
    assert (await call(identity, "resetPassword", oobCode=code))["email"] == "ada@example.com"
    await call(identity, "resetPassword", oobCode=code, newPassword="another one")
    assert await refusal(identity, "resetPassword", oobCode=code, newPassword="a third") == "INVALID_OOB_CODE"
    assert await refusal(identity, "signInWithPassword", **DEMO) == "INVALID_LOGIN_CREDENTIALS"
    await call(identity, "signInWithPassword", **{**DEMO, "password": "another one"})


async def test_address_is_verified_with_the_code_of_the_link(identity: Identity) -> None:
    token = (await call(identity, "signUp", email="new@example.com", password="long enough"))["idToken"]
    await call(identity, "sendOobCode", requestType="VERIFY_EMAIL", idToken=token)
    (code,) = identity.service.accounts.codes()
    await call(identity, "update", oobCode=code.code)
    (user,) = (await call(identity, "lookup", idToken=token))["users"]
    assert user["emailVerified"]


async def test_code_for_an_unknown_address_is_not_sent_and_nobody_learns_of_it(identity: Identity) -> None:
    await call(identity, "sendOobCode", requestType="PASSWORD_RESET", email="nobody@example.com")
    assert identity.service.accounts.codes() == []


@pytest.mark.parametrize("operation", ["signInWithCustomToken", "signInWithIdp"])
async def test_ways_to_sign_in_that_rest_on_unsigned_tokens_are_refused(identity: Identity, operation: str) -> None:
    assert (await refusal(identity, operation, token="x.y.")).startswith("OPERATION_NOT_ALLOWED")


@pytest.mark.parametrize("body", [b"[1]", b"{", b"\xff", b"7"])
async def test_body_that_is_no_object_is_refused(identity: Identity, body: bytes) -> None:
    answer = await identity.http.post(f"{V1}/accounts:signUp", content=body)
    assert (answer.status_code, answer.json()["error"]["message"].split(" ")[0]) == (400, "INVALID_ARGUMENT")


async def test_portals_on_this_machine_may_call_and_other_pages_may_not(identity: Identity) -> None:
    async def allowed(origin: str, path: str) -> str | None:
        preflight = {"origin": origin, "access-control-request-method": "POST"}
        preflight["access-control-request-headers"] = "content-type,x-client-version"
        answer = await identity.http.options(path, headers=preflight)
        origins: str | None = answer.headers.get("access-control-allow-origin")
        return origins

    sign_in = f"{V1}/accounts:signInWithPassword"
    assert await allowed("http://localhost:5173", sign_in) == "http://localhost:5173"
    assert await allowed("https://evil.example", sign_in) is None
    assert await allowed("http://localhost.evil.example", sign_in) is None


async def test_service_answers_to_names_of_this_machine_only(identity: Identity) -> None:
    assert (await identity.http.get("/healthz", headers={"host": "evil.example"})).status_code == 400
    assert (await identity.http.get("/healthz", headers={"host": "localhost:8099"})).status_code == 200


async def test_accounts_and_keys_survive_a_restart(identity: Identity) -> None:
    await call(identity, "signUp", email="new@example.com", password="long enough")
    folder = identity.settings.folder
    with AccountStore(folder / "accounts.sqlite") as again:
        assert again.find_by_email("new@example.com") is not None
        assert again.is_seeded
    assert KeyRing(folder / "keys" / "firebase", name="x").key_id == identity.service.mint.firebase_keys.key_id


async def test_signing_keys_are_readable_by_their_owner_only(identity: Identity) -> None:
    identity.service.mint.firebase_keys.rotate()
    newest = max((identity.settings.folder / "keys" / "firebase").glob("*.pem"))
    assert newest.stat().st_mode & 0o777 == 0o600
