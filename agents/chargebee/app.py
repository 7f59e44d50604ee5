"""The chargebee agent's application: its handlers and its job, bound to the clients they use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette

from agents.chargebee.etl import run_etl
from agents.chargebee.handlers import contract_came, customer_came, customer_updated
from agents.chargebee.reading import Pace, Reader
from agents.chargebee.settings import Settings, read_settings
from agents.events.contract import ContractInserted, ContractUpdated
from agents.events.customer import CustomerInserted, CustomerSignedUp, CustomerUpdated
from agents.graphql.client import GraphQLClient
from agents.runtime.app import build_app
from agents.runtime.handler import Handler, Handlers
from agents.runtime.jobs import Job
from integrations.chargebee.client import ChargebeeClient


def create_app(settings: Settings | None = None) -> Starlette:
    """The agent as an ASGI application; without settings, they are read from the environment."""
    settings = settings or read_settings()
    etl = settings.etl

    @asynccontextmanager
    async def open_handlers(graphql: GraphQLClient) -> AsyncIterator[Handlers]:
        async with ChargebeeClient(settings.chargebee) as chargebee:
            reader = Reader(graphql=graphql, chargebee=chargebee, pace=Pace(overlap=etl.overlap, lease=etl.lease))
            came = partial(customer_came, graphql=graphql, chargebee=chargebee)
            contract = partial(contract_came, graphql=graphql, chargebee=chargebee)
            yield Handlers(
                [
                    Handler(event=CustomerInserted, handle=came),
                    Handler(event=CustomerSignedUp, handle=came),
                    Handler(
                        event=CustomerUpdated, handle=partial(customer_updated, graphql=graphql, chargebee=chargebee)
                    ),
                    Handler(event=ContractInserted, handle=contract),
                    Handler(event=ContractUpdated, handle=contract),
                ],
                jobs=[Job(name="etl", run=partial(run_etl, reader=reader, budget=etl.budget))],
            )

    return build_app(name="chargebee", settings=settings.runtime, open_handlers=open_handlers)
