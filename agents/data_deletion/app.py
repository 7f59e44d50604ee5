"""The data_deletion agent's application: its tasks, bound to the clients they use."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from starlette.applications import Starlette

from agents.data_deletion.handlers import CarryOut, Conclude, carry_out, conclude
from agents.data_deletion.settings import Settings, read_settings
from agents.data_deletion.systems import Clients
from agents.graphql.client import GraphQLClient
from agents.runtime.app import build_app
from agents.runtime.handler import Handler, Handlers
from integrations.chargebee.client import ChargebeeClient
from integrations.identity.accounts import Accounts
from integrations.iterable.client import IterableClient
from integrations.pharmacy.client import PharmacyClient
from integrations.zendesk.client import ZendeskClient


def create_app(settings: Settings | None = None) -> Starlette:
    """The agent as an ASGI application; without settings, they are read from the environment."""
    settings = settings or read_settings()

    @asynccontextmanager
    async def open_handlers(graphql: GraphQLClient) -> AsyncIterator[Handlers]:
        async with AsyncExitStack() as stack:
            clients = Clients(
                accounts=await stack.enter_async_context(Accounts(settings.firebase)),
                chargebee=await stack.enter_async_context(ChargebeeClient(settings.chargebee)),
                iterable=await stack.enter_async_context(IterableClient(settings.iterable)),
                zendesk=await stack.enter_async_context(ZendeskClient(settings.zendesk)),
                pharmacy=await stack.enter_async_context(PharmacyClient(settings.pharmacy)),
            )
            yield Handlers(
                (),
                tasks=[
                    Handler(
                        event=CarryOut,
                        handle=partial(
                            carry_out,
                            graphql=graphql,
                            clients=clients,
                            conclude_after=settings.deletion.conclude_after,
                        ),
                    ),
                    Handler(event=Conclude, handle=partial(conclude, graphql=graphql)),
                ],
            )

    return build_app(name="data_deletion", settings=settings.runtime, open_handlers=open_handlers)
