"""Tokens without a password: the developer endpoint, and `caregraph token` on top of it."""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.identity.seed import demo_people
from local.layout import service_account
from server.authentication.claims import HASURA_NAMESPACE
from tests.integration.identity.conftest import API, Identity
from tests.integration.identity.serving import loopback_socket

CAREGRAPH = Path(sys.executable).with_name("caregraph")


async def ask(identity: Identity, **body: Any) -> dict[str, Any]:
    answer = await identity.http.post("/dev/token", json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def refusal(identity: Identity, **body: Any) -> tuple[int, str]:
    answer = await identity.http.post("/dev/token", json=body)
    return answer.status_code, answer.json()["error"]["message"]


async def test_first_person_of_the_role_is_taken_when_none_is_named(identity: Identity) -> None:
    answer = await ask(identity, role="user")
    assert (answer["uid"], answer["user_id"], answer["email"], answer["role"]) == (
        "demo-ada",
        "customer-ada",
        "ada@example.com",
        "user",
    )
    claims = identity.service.mint.read_id_token(answer["id_token"])
    assert claims[HASURA_NAMESPACE] == {
        "x-hasura-allowed-roles": ["user"],
        "x-hasura-default-role": "user",
        "x-hasura-user-id": "customer-ada",
    }


@pytest.mark.parametrize("name", ["demo-bo", "bo@example.com", "BO@example.com", "customer-bo"])
async def test_person_may_be_named_by_uid_address_or_id(identity: Identity, name: str) -> None:
    assert (await ask(identity, role="user", user_id=name))["uid"] == "demo-bo"


async def test_agent_may_be_named_by_name_or_account(identity: Identity) -> None:
    for name in ("zendesk", service_account("zendesk")):
        answer = await ask(identity, role="service", user_id=name)
        claims = identity.service.mint.google_keys.verify(
            answer["id_token"], audience=API, issuer="https://accounts.google.com"
        )
        assert claims["email"] == answer["email"] == service_account("zendesk")
        assert answer["user_id"] == "zendesk"
    assert (await ask(identity, role="service"))["user_id"] == "contract"


async def test_requested_role_becomes_the_tokens_default_role(identity: Identity) -> None:
    await identity.http.post(
        "/identitytoolkit.googleapis.com/v1/projects/caregraph-local/accounts:update",
        headers={"authorization": "Bearer owner"},
        json={
            "localId": "demo-mira",
            "customAttributes": json.dumps(
                {HASURA_NAMESPACE: {"x-hasura-allowed-roles": ["provider", "cct"], "x-hasura-default-role": "provider"}}
            ),
        },
    )
    answer = await ask(identity, role="cct", user_id="demo-mira")
    claims = identity.service.mint.read_id_token(answer["id_token"])
    assert claims[HASURA_NAMESPACE]["x-hasura-default-role"] == "cct"


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({}, 400, "send"),
        ({"role": "anonymous"}, 400, "needs no token"),
        ({"role": "user", "user_id": "nobody"}, 404, "no account has the uid, e-mail address"),
        ({"role": "admin", "user_id": "demo-ada"}, 409, "does not have the role 'admin', but the roles user"),
        ({"role": "pharmacist"}, 404, "there is no role 'pharmacist'; there are user, provider, cct,"),
        ({"role": "service", "user_id": "nobody"}, 404, "there are contract, zendesk"),
        ({"role": 7}, 400, "role is not a string"),
    ],
)
async def test_token_that_cannot_be_is_refused_with_advice(
    identity: Identity, body: dict[str, Any], status: int, sentence: str
) -> None:
    found, message = await refusal(identity, **body)
    assert found == status
    assert sentence in message


async def test_disabled_person_gets_no_token(identity: Identity) -> None:
    await identity.http.post(
        "/identitytoolkit.googleapis.com/v1/projects/caregraph-local/accounts:update",
        headers={"authorization": "Bearer owner"},
        json={"localId": "demo-ada", "disableUser": True},
    )
    assert (await refusal(identity, role="user", user_id="demo-ada"))[0] == 409
    assert (await ask(identity, role="user"))["uid"] == "demo-bo"


async def test_identities_are_listed_for_the_one_who_chooses(identity: Identity) -> None:
    people = (await identity.http.get("/dev/identities")).json()
    assert [(person["role"], person["user_id"]) for person in people] == [
        ("user", "customer-ada"),
        ("user", "customer-bo"),
        ("provider", "staff-mira"),
        ("admin", "staff-ines"),
        ("service", "contract"),
        ("service", "zendesk"),
    ]
    assert all({"role", "user_id", "email", "name"} <= person.keys() for person in people)
    providers = (await identity.http.get("/dev/identities?role=provider")).json()
    assert [person["name"] for person in providers] == ["Mira Solberg"]


async def test_only_the_apis_own_pages_may_ask(identity: Identity) -> None:
    async def allowed(origin: str) -> str | None:
        headers = {"origin": origin, "access-control-request-method": "POST"}
        headers["access-control-request-headers"] = "content-type"
        answer = await identity.http.options("/dev/token", headers=headers)
        found: str | None = answer.headers.get("access-control-allow-origin")
        return found

    assert await allowed(API) == API
    assert await allowed("http://localhost:5173") is None
    assert await allowed("https://evil.example") is None
    # What a page may send without asking first is not taken.
    simple = await identity.http.post("/dev/token", content=b'{"role": "user"}', headers={"content-type": "text/plain"})
    assert simple.status_code == 415


def test_every_role_has_a_demo_person() -> None:
    first: dict[str, str] = {}
    for person in demo_people():
        first.setdefault(person.role, person.email)
    assert first == {
        "user": "ada@example.com",
        "provider": "mira@example.com",
        "cct": "theo@example.com",
        "admin": "ines@example.com",
    }


async def caregraph_token(port: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CAREGRAPH_")}
    environment["CAREGRAPH_PORT_IDENTITY"] = str(port)

    def run() -> subprocess.CompletedProcess[str]:
        command = [str(CAREGRAPH), "token", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=environment)

    return await asyncio.to_thread(run)


async def test_command_prints_the_bare_token(identity: Identity) -> None:
    done = await caregraph_token(identity.settings.port, "--role", "user", "--user", "bo@example.com")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    assert identity.service.mint.read_id_token(done.stdout.strip())["sub"] == "demo-bo"


async def test_command_explains_on_standard_error_what_is_wrong(identity: Identity) -> None:
    done = await caregraph_token(identity.settings.port, "--role", "user", "--user", "nobody")
    assert (done.returncode, done.stdout) == (1, "")
    assert "'nobody'" in done.stderr


async def test_command_says_plainly_that_nothing_runs() -> None:
    with loopback_socket() as silent:
        port: int = silent.getsockname()[1]
    done = await caregraph_token(port, "--role", "user")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Start it with `make up`" in done.stderr
    assert "Traceback" not in done.stderr
