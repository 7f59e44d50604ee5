"""Firebase's stand-in as tests see it: accounts made and looked at, and a firebase-admin that does not repeat calls."""

import json
import uuid
from typing import Any

import pytest
from firebase_admin import _http_client

from integrations.identity.settings import FirebaseSettings
from local.layout import PROJECT
from tests.integration.agents.behaviour import QUICK
from tests.integration.agents.deliveries import World

_ACCOUNTS = f"/identitytoolkit.googleapis.com/v1/projects/{PROJECT}/accounts"
_OWNER = {"authorization": "Bearer owner"}
CLAIMS = "https://hasura.io/jwt/claims"


def settings() -> FirebaseSettings:
    return FirebaseSettings(CAREGRAPH_FIREBASE_PROJECT=PROJECT, **QUICK)


def environment(world: World) -> dict[str, str]:
    host = world.surroundings.identity.removeprefix("http://")
    return {"FIREBASE_AUTH_EMULATOR_HOST": host, "CAREGRAPH_FIREBASE_PROJECT": PROJECT}


def use(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """firebase-admin goes to the stand-in, and leaves repeating to us: it would wait for seconds."""
    for name, value in environment(world).items():
        monkeypatch.setenv(name, value)
    for name in ("status", "connect", "read"):
        monkeypatch.setattr(_http_client.DEFAULT_RETRY_CONFIG, name, 0)


async def account(world: World, uid: object) -> dict[str, Any] | None:
    """The account as Identity Toolkit shows it."""
    found = await _post(world, ":lookup", {"localId": [str(uid)]})
    users: list[dict[str, Any]] = found.get("users", [])
    return users[0] if users else None


async def accounts_with(world: World, email: str) -> list[dict[str, Any]]:
    found = await _post(world, ":lookup", {"email": [email]})
    users: list[dict[str, Any]] = found.get("users", [])
    return users


async def sign_in_account(world: World, email: str | None = None, *, verified: bool = False) -> str:
    """A new account, as a person makes it; its uid."""
    uid = uuid.uuid4().hex
    body = {"localId": uid, "email": email or f"{uid}@example.com", "emailVerified": verified}
    made = await _post(world, "", body)
    return str(made["localId"])


async def set_claims(world: World, uid: str, claims: dict[str, Any]) -> None:
    """Give an account custom claims, as the identity agent does."""
    await _post(world, ":update", {"localId": uid, "customAttributes": json.dumps(claims)})


async def _post(world: World, action: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await world.client.post(f"{world.surroundings.identity}{_ACCOUNTS}{action}", json=body, headers=_OWNER)
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found
