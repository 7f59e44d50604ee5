"""The API over the demo data, and the programs that generate and run clients of it.

These programs come from npm and PyPI when they are first needed, so the tests run only when asked for by name:
`make test-clients`.
"""

import json
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncpg
import pytest

from agents.registry import AGENTS
from server.application import create_application
from server.authentication.settings import AuthenticationSettings
from server.settings import ServerSettings
from tests.clients.tools import AriadneCodegen, Node, install_ariadne_codegen, install_node_packages
from tests.databases import create_database, database_name, drop_database
from tests.integration.identity.serving import serve
from tests.integration.live.sockets import ADMIN_SECRET, SECRET, bearer

collect_ignore_glob = [] if os.environ.get("CAREGRAPH_TEST_CLIENTS") else ["test_*.py"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """A running API, and somebody to ask as."""

    graphql_url: str
    customer_id: str

    @property
    def user_token(self) -> str:
        """The customer's token."""
        return bearer("user", self.customer_id)["Authorization"].removeprefix("Bearer ")

    @property
    def service_tokens(self) -> dict[str, str]:
        """Each agent's token: it sees its own part of the role alone."""
        return {name: bearer("service", name)["Authorization"].removeprefix("Bearer ") for name in AGENTS}

    def environment(self) -> dict[str, str]:
        """What scripts read of all this."""
        return {
            "CAREGRAPH_GRAPHQL_URL": self.graphql_url,
            "CAREGRAPH_USER_TOKEN": self.user_token,
            "CAREGRAPH_SERVICE_TOKENS": json.dumps(self.service_tokens),
            "CAREGRAPH_CUSTOMER": self.customer_id,
        }


@pytest.fixture
async def api(postgres_server: str, demo_database_url: str) -> AsyncIterator[Api]:
    """The API on a socket, over a copy of the demo data."""
    database_url = await create_database(postgres_server, template=database_name(demo_database_url))
    connection = await asyncpg.connect(database_url, timeout=10)
    customer = await connection.fetchval(
        """SELECT customer_id::text FROM public.contract JOIN public.customer ON customer.id = customer_id
        WHERE deleted_at IS NULL GROUP BY customer_id ORDER BY count(*) DESC, customer_id LIMIT 1"""
    )
    await connection.close()
    authentication = AuthenticationSettings(
        own_admin_secret=ADMIN_SECRET, jwt_configurations=({"type": "HS256", "key": SECRET},)
    )
    application = create_application(ServerSettings(database_url=database_url), authentication)
    async with serve(application) as url:
        yield Api(graphql_url=f"{url}/v1/graphql", customer_id=customer)
    await drop_database(postgres_server, database_url)


@pytest.fixture(scope="session")
def node() -> Node:
    """Node.js with the packages of `node/package-lock.json`."""
    return install_node_packages()


@pytest.fixture(scope="session")
def ariadne_codegen() -> AriadneCodegen:
    """ariadne-codegen in an environment of its own."""
    return install_ariadne_codegen()
