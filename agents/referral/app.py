"""The referral agent's application: its handlers, bound to the clients they use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette

from agents.events.contract import ContractActivated
from agents.events.customer import CustomerUpdated
from agents.graphql.client import GraphQLClient
from agents.referral.handlers import contract_activated, customer_updated
from agents.referral.settings import Settings, read_settings
from agents.runtime.app import build_app
from agents.runtime.handler import Handler, Handlers
from integrations.chargebee.client import ChargebeeClient


def create_app(settings: Settings | None = None) -> Starlette:
    """The agent as an ASGI application; without settings, they are read from the environment."""
    settings = settings or read_settings()

    @asynccontextmanager
    async def open_handlers(graphql: GraphQLClient) -> AsyncIterator[Handlers]:
        async with ChargebeeClient(settings.chargebee) as chargebee:
            yield Handlers(
                [
                    Handler(
                        event=ContractActivated,
                        handle=partial(
                            contract_activated, graphql=graphql, chargebee=chargebee, amounts=settings.rewards.amounts
                        ),
                    ),
                    Handler(
                        event=CustomerUpdated,
                        handle=partial(customer_updated, graphql=graphql, chargebee=chargebee),
                    ),
                ]
            )

    return build_app(name="referral", settings=settings.runtime, open_handlers=open_handlers)
