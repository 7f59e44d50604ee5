"""The clients of a command that acts as this agent, outside of the agent's own program."""

import gc
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import httpx
import uvloop

from agents.chargebee.settings import CommandSettings
from agents.graphql.client import GraphQLClient, open_graphql
from integrations.chargebee.client import ChargebeeClient
from integrations.identity.id_tokens import IdTokenProvider

#: New containers before the youngest are looked at, and how many of those looks before the older ones are.
_COLLECTOR_THRESHOLDS: Final = (50_000, 20, 50)


Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True, slots=True)
class Clients:
    """Both sides."""

    graphql: GraphQLClient
    chargebee: ChargebeeClient


def settle_collector() -> None:
    """Spare the collector all that has been loaded, and let it look less often: pages are thousands of new objects.

    With the SDK's many classes in sight it would take three times as long to read a page as its JSON does.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)


def run(command: Coroutine[Any, Any, Result]) -> Result:
    """What the command returns, run as the endpoint runs: uvloop takes a third less for a page than asyncio's loop."""
    return uvloop.run(command)


@asynccontextmanager
async def open_clients(settings: CommandSettings) -> AsyncIterator[Clients]:
    """The endpoint as service agent `chargebee`, and Chargebee; closed at the end."""
    certificates = ssl.create_default_context()
    endpoint = settings.endpoint
    async with httpx.AsyncClient(timeout=5.0, verify=certificates) as identity:
        token = IdTokenProvider(audience=endpoint.audience, client=identity, url=endpoint.id_token_url)
        async with (
            open_graphql(url=endpoint.graphql_url, token=token, certificates=certificates) as graphql,
            ChargebeeClient(settings.chargebee) as chargebee,
        ):
            yield Clients(graphql=graphql, chargebee=chargebee)
