"""The Zendesk agent's application: its handlers, bound to the clients they use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette

from agents.events.contract import ContractCreated
from agents.events.customer import CustomerInserted, CustomerSignedUp, CustomerUpdated
from agents.events.ticket import TicketCommented, TicketInserted, TicketUpdated
from agents.graphql.client import GraphQLClient
from agents.runtime.app import build_app
from agents.runtime.handler import Handler, Handlers
from agents.zendesk.handlers import contract_created, customer_inserted, customer_signed_up, customer_updated
from agents.zendesk.settings import Settings, read_settings
from agents.zendesk.tickets import ticket_commented, ticket_inserted, ticket_updated
from integrations.zendesk.client import ZendeskClient


def create_app(settings: Settings | None = None) -> Starlette:
    """The agent as an ASGI application; without settings, they are read from the environment."""
    settings = settings or read_settings()

    @asynccontextmanager
    async def open_handlers(graphql: GraphQLClient) -> AsyncIterator[Handlers]:
        async with ZendeskClient(settings.zendesk) as zendesk:
            yield Handlers(
                [
                    Handler(event=ContractCreated, handle=partial(contract_created, graphql=graphql, zendesk=zendesk)),
                    Handler(
                        event=CustomerInserted, handle=partial(customer_inserted, graphql=graphql, zendesk=zendesk)
                    ),
                    Handler(
                        event=CustomerSignedUp, handle=partial(customer_signed_up, graphql=graphql, zendesk=zendesk)
                    ),
                    Handler(event=CustomerUpdated, handle=partial(customer_updated, graphql=graphql, zendesk=zendesk)),
                    Handler(event=TicketInserted, handle=partial(ticket_inserted, graphql=graphql, zendesk=zendesk)),
                    Handler(event=TicketUpdated, handle=partial(ticket_updated, graphql=graphql, zendesk=zendesk)),
                    Handler(event=TicketCommented, handle=partial(ticket_commented, graphql=graphql, zendesk=zendesk)),
                ]
            )

    return build_app(name="zendesk", settings=settings.runtime, open_handlers=open_handlers)
