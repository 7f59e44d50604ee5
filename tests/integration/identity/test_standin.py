"""Firebase Auth's stand-in lists what it is asked, and fails when it is told to."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from integrations.errors import ServerFault
from integrations.identity.accounts import Accounts
from integrations.identity.settings import FirebaseSettings
from integrations.settings import load
from tests.integration.identity.conftest import Identity

TOOLKIT = "/identitytoolkit.googleapis.com/v1"


@pytest.fixture
async def accounts(firebase_environment: Identity, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Accounts]:
    assert firebase_environment.url
    monkeypatch.setenv("FIREBASE_RETRY_WAIT", "0.01")
    async with Accounts(load(FirebaseSettings)) as accounts:
        yield accounts


async def received(identity: Identity, **query: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await identity.http.get("/_received", params=query)).json()["received"]
    return found


async def test_what_it_is_asked_is_listed_but_no_passwords(identity: Identity) -> None:
    await identity.http.post(
        f"{TOOLKIT}/accounts:signInWithPassword?key=any", json={"email": "a@example.com", "password": "open sesame"}
    )
    await identity.http.get("/oauth2/v3/certs")
    [request] = await received(identity)
    assert (request["method"], request["path"], request["status"]) == (
        "POST",
        f"{TOOLKIT}/accounts:signInWithPassword",
        400,
    )
    assert request["body"] == {"email": "a@example.com", "password": "[not kept]"}
    page = (await identity.http.get("/")).text
    assert "Firebase Auth stand-in" in page
    assert "ada@example.com" in page
    assert "open sesame" not in page


async def test_an_account_whose_answer_was_lost_is_made_once(accounts: Accounts, identity: Identity) -> None:
    await identity.http.post("/_control/faults", json={"drop": True, "after_work": True, "path": "/accounts$"})
    made = await accounts.create(uid="new-1", email="new@example.com")
    assert made.uid == "new-1"
    lost = (await received(identity, path="/accounts"))[0]
    assert (lost["status"], lost["fault"]) == (None, "connection dropped, work done")


async def test_a_failure_is_told_by_google_s_words_and_ends(accounts: Accounts, identity: Identity) -> None:
    await identity.http.post("/_control/faults", json={"status": 500, "times": 1000})
    with pytest.raises(ServerFault):
        await accounts.find("demo-ada")
    assert len(await received(identity)) == FirebaseSettings.model_fields["attempts"].default
    await identity.http.delete("/_control/faults")
    assert await accounts.find("demo-ada") is not None


async def test_only_what_means_something_here_can_be_told(identity: Identity) -> None:
    assert set((await identity.http.get("/_control")).json()["controls"]) == {"faults"}
    refused = await identity.http.post("/_control/clock", json={"advance_s": 5})
    assert refused.status_code == 404
    wrong = await identity.http.post("/_control/faults", json={"status": 200})
    assert "from 400 to 599" in wrong.json()["error"]


async def test_keys_and_tokens_of_the_platform_never_fail(identity: Identity) -> None:
    await identity.http.post("/_control/faults", json={"status": 500, "times": 1000})
    assert (await identity.http.get("/oauth2/v3/certs")).status_code == 200
    assert (await identity.http.post("/dev/token", json={"role": "user"})).status_code == 200
