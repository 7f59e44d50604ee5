"""The event_routing agent's application: a door for each source, and the table of rules behind them."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette

from agents.event_routing.context import Context
from agents.event_routing.doors import Verification
from agents.event_routing.handlers import route
from agents.event_routing.settings import Settings, read_settings
from agents.event_routing.webhooks import ChargebeeWebhook, IterableWebhook, PharmacyWebhook, ZendeskWebhook
from agents.graphql.client import GraphQLClient
from agents.runtime.app import build_app
from agents.runtime.handler import Handler, Handlers
from agents.runtime.webhooks import Door, Webhook


def create_app(settings: Settings | None = None) -> Starlette:
    """The agent as an ASGI application; without settings, they are read from the environment."""
    settings = settings or read_settings()
    verification = Verification(settings.webhooks)

    @asynccontextmanager
    async def open_handlers(graphql: GraphQLClient) -> AsyncIterator[Handlers]:
        context = Context(graphql=graphql, zendesk_user_id=settings.webhooks.zendesk_user_id)

        def door(source: str, event: type[Webhook], verify: Callable[[bytes, Mapping[str, str]], None]) -> Door:
            handler = Handler(event=event, handle=partial(route, source=source, context=context))
            return Door(source=source, verify=verify, handler=handler)

        yield Handlers(
            (),
            doors=(
                door("chargebee", ChargebeeWebhook, verification.chargebee),
                door("iterable", IterableWebhook, verification.iterable),
                door("zendesk", ZendeskWebhook, verification.zendesk),
                door("pharmacy", PharmacyWebhook, verification.pharmacy),
            ),
        )

    return build_app(name="event_routing", settings=settings.runtime, open_handlers=open_handlers)
