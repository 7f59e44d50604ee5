"""The subscription_change agent's application: its handler, bound to the clients it uses."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette

from agents.events.customer import SubscriptionChanged
from agents.graphql.client import GraphQLClient
from agents.runtime.app import build_app
from agents.runtime.handler import Handler, Handlers
from agents.subscription_change.handlers import subscription_changed
from agents.subscription_change.settings import Settings, read_settings
from integrations.chargebee.client import ChargebeeClient
from integrations.zendesk.client import ZendeskClient


def create_app(settings: Settings | None = None) -> Starlette:
    """The agent as an ASGI application; without settings, they are read from the environment."""
    settings = settings or read_settings()

    @asynccontextmanager
    async def open_handlers(graphql: GraphQLClient) -> AsyncIterator[Handlers]:
        async with ChargebeeClient(settings.chargebee) as chargebee, ZendeskClient(settings.zendesk) as zendesk:
            yield Handlers(
                [
                    Handler(
                        event=SubscriptionChanged,
                        handle=partial(subscription_changed, graphql=graphql, chargebee=chargebee, zendesk=zendesk),
                    )
                ]
            )

    return build_app(name="subscription_change", settings=settings.runtime, open_handlers=open_handlers)
