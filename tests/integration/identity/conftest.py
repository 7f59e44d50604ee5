"""The local identity service on a port of its own, with a few people who can sign in."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from local.identity.app import create_app
from local.identity.keys import KeyRing
from local.identity.seed import Person
from local.identity.service import IdentityService
from local.identity.settings import IdentitySettings
from local.layout import PROJECT, service_account
from local.standin.gate import keep_transport
from tests.integration.identity.serving import http_client, loopback_socket, serve

PEOPLE = (
    Person(uid="demo-ada", email="ada@example.com", name="Ada Lindqvist", role="user", user_id="customer-ada"),
    Person(uid="demo-bo", email="bo@example.com", name="Bo Marchetti", role="user", user_id="customer-bo"),
    Person(uid="demo-mira", email="mira@example.com", name="Mira Solberg", role="provider", user_id="staff-mira"),
    Person(uid="demo-ines", email="ines@example.com", name="Ines Okoye", role="admin", user_id="staff-ines"),
)
API = "http://127.0.0.1:1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A running identity service."""

    url: str
    settings: IdentitySettings
    #: The service itself, for what has no address: its keys and its clock.
    service: IdentityService
    http: httpx.AsyncClient

    @property
    def firebase_jwks_url(self) -> str:
        return f"{self.url}/service_accounts/v1/jwk/securetoken@system.gserviceaccount.com"

    @property
    def google_jwks_url(self) -> str:
        return f"{self.url}/oauth2/v3/certs"

    async def token(self, role: str, user_id: str | None = None) -> str:
        """A developer token."""
        answer = await self.http.post("/dev/token", json={"role": role, "user_id": user_id})
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["id_token"]
        return token


@pytest.fixture(scope="session")
def signing_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of keys to copy: making them takes longer than any test."""
    folder = tmp_path_factory.mktemp("keys")
    KeyRing(folder / "firebase", name="firebase")
    KeyRing(folder / "google", name="google")
    return folder


@pytest.fixture
async def identity(tmp_path: Path, signing_keys: Path) -> AsyncIterator[Identity]:
    shutil.copytree(signing_keys, tmp_path / "identity" / "keys")
    listener = loopback_socket()
    settings = IdentitySettings(
        folder=tmp_path / "identity",
        port=listener.getsockname()[1],
        api_audience=API,
        api_origins=(API,),
        service_accounts={service_account(agent): agent for agent in ("contract", "zendesk")},
    )
    app = create_app(settings, people=lambda: PEOPLE)
    async with (
        serve(keep_transport(app), listener) as url,
        http_client(url) as http,
    ):
        yield Identity(url=url, settings=settings, service=app.state.service, http=http)


@pytest.fixture
def firebase_environment(identity: Identity, monkeypatch: pytest.MonkeyPatch) -> Identity:
    """firebase-admin goes to the local identity service."""
    monkeypatch.setenv("FIREBASE_AUTH_EMULATOR_HOST", identity.url.removeprefix("http://"))
    monkeypatch.setenv("CAREGRAPH_FIREBASE_PROJECT", PROJECT)
    return identity
