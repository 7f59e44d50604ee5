"""What agents live among, all of it real: identity, the API over PostgreSQL, and the stand-ins of outside systems."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from agents.registry import AGENTS
from agents.runtime.settings import RuntimeSettings
from local.identity.app import create_app as create_identity
from local.identity.settings import IdentitySettings
from local.iterable.service import build as build_iterable
from local.layout import PROJECT, service_account
from local.standin.run import Running, running
from local.zendesk.service import build as build_zendesk
from server.application import create_application
from server.authentication.settings import AuthenticationSettings
from server.settings import ServerSettings
from tests.integration.agents.serving import serving

PUSH_ACCOUNT = f"pubsub-push@{PROJECT}.iam.gserviceaccount.com"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Addresses of everything."""

    database_url: str
    identity_url: str
    api_url: str
    iterable: Running
    zendesk: Running

    @property
    def outside(self) -> tuple[str, ...]:
        """The names of the stand-ins."""
        return ("iterable", "zendesk")

    def runtime_settings(self, agent: str, url: str, **changes: Any) -> RuntimeSettings:
        """The settings of an agent that listens at `url`."""
        return RuntimeSettings(**(self.runtime_environment(agent, url) | changes))

    def runtime_environment(self, agent: str, url: str) -> dict[str, Any]:
        """The same by the names of the settings' fields."""
        return {
            "graphql_url": f"{self.api_url}/v1/graphql",
            "id_token_url": self._identity_of(service_account(agent)),
            "push_audience": url,
            "push_service_account": PUSH_ACCOUNT,
            "service_jwks_url": f"{self.identity_url}/oauth2/v3/certs",
        }

    async def push_token(self, audience: str, *, account: str = PUSH_ACCOUNT) -> str:
        """A token as Pub/Sub sends it."""
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.get(
                self._identity_of(account),
                params={"audience": audience, "format": "full"},
                headers={"metadata-flavor": "Google"},
            )
        answer.raise_for_status()
        return answer.text

    def _identity_of(self, account: str) -> str:
        return f"{self.identity_url}/computeMetadata/v1/instance/service-accounts/{account}/identity"


@asynccontextmanager
async def open_surroundings(database_url: str, folder: Path) -> AsyncIterator[Surroundings]:
    """Everything, served in this event loop."""
    accounts = {service_account(agent): agent for agent in AGENTS}

    async with AsyncExitStack() as stack:
        identity_url = await stack.enter_async_context(
            serving(
                lambda url: create_identity(
                    IdentitySettings(folder=folder / "identity", port=0, api_audience=url, service_accounts=accounts)
                )
            )
        )
        api_url = await stack.enter_async_context(
            serving(
                lambda url: create_application(
                    ServerSettings(database_url=SecretStr(database_url), pool_size=8),
                    AuthenticationSettings(
                        service_accounts=accounts,
                        api_audience=url,
                        service_jwks_url=f"{identity_url}/oauth2/v3/certs",
                    ),
                )
            )
        )
        iterable = await stack.enter_async_context(running(build_iterable, folder / "iterable"))
        zendesk = await stack.enter_async_context(running(build_zendesk, folder / "zendesk"))
        yield Surroundings(
            database_url=database_url,
            identity_url=identity_url,
            api_url=api_url,
            iterable=iterable,
            zendesk=zendesk,
        )
