"""The identity agent's application: its handlers, bound to the clients they use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette

from agents.events.customer import (
    CustomerDeleted,
    CustomerInserted,
    CustomerRoleChanged,
    CustomerSignedUp,
    CustomerUpdated,
)
from agents.graphql.client import GraphQLClient
from agents.identity.handlers import (
    customer_deleted,
    customer_inserted,
    customer_role_changed,
    customer_signed_up,
    customer_updated,
)
from agents.identity.settings import Settings, read_settings
from agents.runtime.app import build_app
from agents.runtime.handler import Handler, Handlers
from integrations.identity.accounts import Accounts


def create_app(settings: Settings | None = None) -> Starlette:
    """The agent as an ASGI application; without settings, they are read from the environment."""
    settings = settings or read_settings()

    @asynccontextmanager
    async def open_handlers(graphql: GraphQLClient) -> AsyncIterator[Handlers]:
        async with Accounts(settings.firebase) as accounts:
            yield Handlers(
                [
                    Handler(
                        event=CustomerInserted, handle=partial(customer_inserted, graphql=graphql, accounts=accounts)
                    ),
                    Handler(
                        event=CustomerUpdated, handle=partial(customer_updated, graphql=graphql, accounts=accounts)
                    ),
                    Handler(
                        event=CustomerSignedUp, handle=partial(customer_signed_up, graphql=graphql, accounts=accounts)
                    ),
                    Handler(
                        event=CustomerDeleted, handle=partial(customer_deleted, graphql=graphql, accounts=accounts)
                    ),
                    Handler(
                        event=CustomerRoleChanged,
                        handle=partial(customer_role_changed, graphql=graphql, accounts=accounts),
                    ),
                ]
            )

    return build_app(name="identity", settings=settings.runtime, open_handlers=open_handlers)
