"""What agents live among, all of it real: identity, the API over PostgreSQL, and the stand-ins of outside systems.

They run as one process of their own (`surroundings_program`), so that a test's event loop and its faults stay apart.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from agents.runtime.settings import RuntimeSettings
from local.layout import PROJECT, service_account
from tests.integration.agents.serving import NO_TLS

ADMIN_SECRET = "administrator"
#: A service account of role `service` that is no agent's.
STRANGER = "stranger"
PUSH_ACCOUNT = f"pubsub-push@{PROJECT}.iam.gserviceaccount.com"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Addresses of everything."""

    database_url: str
    identity: str
    api: str
    chargebee: str
    iterable: str
    zendesk: str
    pharmacy: str
    #: What they all keep.
    folder: str

    @property
    def outside(self) -> dict[str, str]:
        """The stand-ins by name."""
        return {
            "chargebee": self.chargebee,
            "iterable": self.iterable,
            "zendesk": self.zendesk,
            "pharmacy": self.pharmacy,
            "firebase": self.identity,
        }

    def runtime_settings(self, agent: str, url: str, **changes: Any) -> RuntimeSettings:
        """The settings of an agent that listens at `url`."""
        return RuntimeSettings(**(self.runtime_environment(agent, url) | changes))

    def runtime_environment(self, agent: str, url: str) -> dict[str, Any]:
        """The same by the names of the settings' fields."""
        return {
            "graphql_url": f"{self.api}/v1/graphql",
            "id_token_url": self._identity_of(service_account(agent)),
            "push_audience": url,
            "push_service_account": PUSH_ACCOUNT,
            "service_jwks_url": f"{self.identity}/oauth2/v3/certs",
        }

    async def push_token(self, audience: str, *, account: str = PUSH_ACCOUNT) -> str:
        """A token as Pub/Sub sends it."""
        async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as client:
            answer = await client.get(
                self._identity_of(account),
                params={"audience": audience, "format": "full"},
                headers={"metadata-flavor": "Google"},
            )
        answer.raise_for_status()
        return answer.text

    async def credentials(self, agent: str) -> dict[str, str]:
        """The headers by which the API knows an agent."""
        return {"authorization": f"Bearer {await self.push_token(self.api, account=service_account(agent))}"}

    def _identity_of(self, account: str) -> str:
        return f"{self.identity}/computeMetadata/v1/instance/service-accounts/{account}/identity"


@contextmanager
def surroundings_of(database_url: str, folder: Path) -> Iterator[Surroundings]:
    """Everything, in a process of its own that ends with the block."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.agents.surroundings_program", database_url, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            line = process.stdout.readline()
            assert line, (folder / "log").read_text()
            yield Surroundings(**json.loads(line))
        finally:
            process.stdin.close()
            process.wait(timeout=20)
            process.stdout.close()
