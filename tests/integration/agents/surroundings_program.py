"""`python -m tests.integration.agents.surroundings_program DATABASE_URL FOLDER`: see `surroundings`.

It writes the addresses as one line of JSON and serves until its standard input ends.
"""

import asyncio
import json
import sys
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path

from pydantic import SecretStr

from agents.registry import AGENTS
from integrations.telemetry import configure_telemetry
from local.chargebee.service import ChargebeeService
from local.identity.app import create_app as create_identity
from local.identity.settings import IdentitySettings
from local.iterable.service import build as build_iterable
from local.layout import service_account
from local.pharmacy.service import PharmacyService
from local.standin.run import running
from local.zendesk.service import build as build_zendesk
from server.application import create_application
from server.authentication.settings import AuthenticationSettings
from server.settings import ServerSettings
from tests.integration.agents.faulty import Faulty
from tests.integration.agents.serving import serving
from tests.integration.agents.surroundings import ADMIN_SECRET, STRANGER, Surroundings


async def serve(database_url: str, folder: Path) -> None:
    """Serve everything in this event loop until standard input ends."""
    accounts = {service_account(agent): agent for agent in (*AGENTS, STRANGER)}

    async with AsyncExitStack() as stack:
        identity = await stack.enter_async_context(
            serving(
                lambda url: Faulty(
                    app=create_identity(
                        IdentitySettings(
                            folder=folder / "identity", port=0, api_audience=url, service_accounts=accounts
                        )
                    ),
                    watched="/identitytoolkit",
                )
            )
        )
        api = await stack.enter_async_context(
            serving(
                lambda url: create_application(
                    ServerSettings(database_url=SecretStr(database_url), pool_size=8),
                    AuthenticationSettings(
                        own_admin_secret=SecretStr(ADMIN_SECRET),
                        service_accounts=accounts,
                        api_audience=url,
                        service_jwks_url=f"{identity}/oauth2/v3/certs",
                    ),
                )
            )
        )
        outside = {
            name: (await stack.enter_async_context(running(build, folder / name))).url
            for name, build in (
                ("chargebee", ChargebeeService),
                ("iterable", build_iterable),
                ("zendesk", build_zendesk),
                ("pharmacy", PharmacyService),
            )
        }
        surroundings = Surroundings(
            database_url=database_url, identity=identity, api=api, folder=str(folder), **outside
        )
        sys.stdout.write(json.dumps(asdict(surroundings)) + "\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    # Log lines go to standard error then.
    configure_telemetry("surroundings")
    asyncio.run(serve(sys.argv[1], Path(sys.argv[2])))
