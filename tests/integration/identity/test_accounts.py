"""firebase-admin, through our client of it, against the local identity service."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from firebase_admin import auth, delete_app, initialize_app
from pydantic import ValidationError

from integrations.errors import AlreadyExists, NotFound, PermanentError, TemporaryError
from integrations.identity.accounts import HASURA_NAMESPACE, Account, Accounts
from integrations.identity.settings import FirebaseSettings
from integrations.identity.verification import read_unverified
from integrations.settings import load
from local.layout import PROJECT
from tests.integration.identity.conftest import Identity
from tests.integration.identity.serving import loopback_socket

SIGN_IN = "/identitytoolkit.googleapis.com/v1/accounts:signInWithPassword?key=local"


@pytest.fixture
async def accounts(firebase_environment: Identity) -> AsyncIterator[Accounts]:
    assert firebase_environment.url
    async with Accounts(load(FirebaseSettings)) as accounts:
        yield accounts


async def test_account_is_created_found_and_deleted(accounts: Accounts) -> None:
    created = await accounts.create(uid="u1", email="New@Example.com", display_name="New", password="long enough")
    assert created == Account(
        uid="u1", email="new@example.com", email_verified=False, display_name="New", disabled=False
    )
    assert await accounts.find("u1") == created
    assert await accounts.find_by_email("NEW@example.com") == created
    assert await accounts.delete("u1")
    assert await accounts.find("u1") is None
    assert not await accounts.delete("u1")


async def test_creating_an_account_twice_makes_one(accounts: Accounts) -> None:
    first = await accounts.create(uid="u1", email="new@example.com")
    assert await accounts.create(uid="u1", email="new@example.com") == first


async def test_taken_address_or_uid_is_refused(accounts: Accounts) -> None:
    with pytest.raises(AlreadyExists):
        await accounts.create(uid="u1", email="ada@example.com")
    with pytest.raises(AlreadyExists):
        await accounts.create(uid="demo-ada", email="new@example.com")


async def test_unusable_values_are_refused(accounts: Accounts) -> None:
    with pytest.raises(PermanentError):
        await accounts.create(uid="u1", email="no address")
    with pytest.raises(PermanentError):
        await accounts.create(uid="u1", email="a@example.com", password="short")
    with pytest.raises(PermanentError, match="default_role_not_among_roles"):
        await accounts.set_roles("demo-ada", roles=["user"], default_role="admin", user_id="7")


async def test_roles_stand_in_the_next_token(accounts: Accounts, identity: Identity) -> None:
    await accounts.create(uid="u1", email="new@example.com", password="long enough")
    await accounts.set_roles("u1", roles=["user", "cct"], default_role="user", user_id="7")
    answer = await identity.http.post(SIGN_IN, json={"email": "new@example.com", "password": "long enough"})
    claims = identity.service.mint.read_id_token(answer.json()["idToken"])
    assert claims[HASURA_NAMESPACE] == {
        "x-hasura-allowed-roles": ["user", "cct"],
        "x-hasura-default-role": "user",
        "x-hasura-user-id": "7",
    }


async def test_roles_change_without_touching_other_claims(accounts: Accounts, identity: Identity) -> None:
    ada = identity.service.accounts.find("demo-ada")
    assert ada is not None
    identity.service.accounts.replace(replace(ada, claims={**ada.claims, "beta": True}))
    await accounts.set_roles("demo-ada", roles=["user"], default_role="user", user_id="7")
    found = await accounts.find("demo-ada")
    assert found is not None
    assert found.claims["beta"] is True
    assert found.claims[HASURA_NAMESPACE]["x-hasura-user-id"] == "7"
    await accounts.remove_roles("demo-ada")
    await accounts.remove_roles("demo-ada")
    found = await accounts.find("demo-ada")
    assert found is not None
    assert found.claims == {"beta": True}


async def test_disabled_account_cannot_sign_in_until_it_is_enabled(accounts: Accounts, identity: Identity) -> None:
    body = {"email": "ada@example.com", "password": "caregraph-demo"}
    await accounts.set_disabled("demo-ada", disabled=True)
    refused = await identity.http.post(SIGN_IN, json=body)
    assert refused.json()["error"]["message"] == "USER_DISABLED"
    await accounts.set_disabled("demo-ada", disabled=False)
    assert (await identity.http.post(SIGN_IN, json=body)).status_code == 200


async def test_ended_sessions_cannot_be_refreshed(accounts: Accounts, identity: Identity) -> None:
    body = {"email": "ada@example.com", "password": "caregraph-demo"}
    session = (await identity.http.post(SIGN_IN, json=body)).json()
    form = {"grant_type": "refresh_token", "refresh_token": session["refreshToken"]}
    refresh = "/securetoken.googleapis.com/v1/token?key=local"
    assert (await identity.http.post(refresh, data=form)).status_code == 200
    # Firebase counts in whole seconds, so that a session of this very second would survive.
    account = identity.service.accounts.find("demo-ada")
    assert account is not None
    await accounts.end_sessions("demo-ada")
    ended = identity.service.accounts.find("demo-ada")
    assert ended is not None
    assert ended.valid_since > account.valid_since
    claims = read_unverified(session["idToken"])
    assert claims.issuer == "https://securetoken.google.com/caregraph-local"


async def test_account_that_does_not_exist_is_said_to(accounts: Accounts) -> None:
    with pytest.raises(NotFound):
        await accounts.set_disabled("nobody", disabled=True)
    with pytest.raises(NotFound):
        await accounts.set_roles("nobody", roles=["user"], default_role="user", user_id="7")


async def test_users_are_listed_page_by_page(firebase_environment: Identity) -> None:
    client = initialize_app(options={"projectId": firebase_environment.settings.project}, name="listing")

    def uids() -> tuple[list[str], list[str]]:
        first = auth.list_users(max_results=3, app=client)
        return [user.uid for user in first.users], [user.uid for user in first.iterate_all()]

    try:
        page, everyone = await asyncio.to_thread(uids)
    finally:
        delete_app(client)
    assert page == ["demo-ada", "demo-bo", "demo-ines"]
    assert everyone == ["demo-ada", "demo-bo", "demo-ines", "demo-mira"]


async def test_unreachable_firebase_is_a_reason_to_try_later(monkeypatch: pytest.MonkeyPatch) -> None:
    with loopback_socket() as silent:
        monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", f"127.0.0.1:{silent.getsockname()[1]}")
    settings = FirebaseSettings(project=PROJECT)
    async with Accounts(settings) as accounts:
        with pytest.raises(TemporaryError):
            await accounts.find("demo-ada")


def test_emulator_is_refused_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", "127.0.0.1:8099")
    monkeypatch.setenv("CAREGRAPH_ENVIRONMENT", "production")
    with pytest.raises(ValidationError, match="remove it"):
        FirebaseSettings(project=PROJECT)


async def test_only_the_administration_may_use_its_paths(identity: Identity) -> None:
    path = f"/identitytoolkit.googleapis.com/v1/projects/{PROJECT}/accounts:lookup"
    body = json.dumps({"localId": ["demo-ada"]})
    assert (await identity.http.post(path, content=body)).status_code == 403
    owner = {"authorization": "Bearer owner"}
    assert (await identity.http.post(path, content=body, headers=owner)).status_code == 200
    other = path.replace(PROJECT, "other-project")
    assert (await identity.http.post(other, content=body, headers=owner)).status_code == 404
