"""The contract agent's application: its handlers, bound to the clients they use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette

from agents.contract.activation import activation
from agents.contract.handlers import contract_inserted, contract_updated
from agents.contract.renewal import ContractRenewal, contract_renewal
from agents.contract.settings import Settings, read_settings
from agents.events.contract import ContractInserted, ContractUpdated
from agents.graphql.client import GraphQLClient
from agents.runtime.app import build_app
from agents.runtime.clock import Clock, read_clock
from agents.runtime.handler import Handler, Handlers
from agents.runtime.jobs import Job
from integrations.chargebee.client import ChargebeeClient


def create_app(settings: Settings | None = None, *, clock: Clock = read_clock) -> Starlette:
    """The agent as an ASGI application; without settings, they are read from the environment."""
    settings = settings or read_settings()

    @asynccontextmanager
    async def open_handlers(graphql: GraphQLClient) -> AsyncIterator[Handlers]:
        async with ChargebeeClient(settings.chargebee) as chargebee:
            yield Handlers(
                [
                    Handler(
                        event=ContractInserted,
                        handle=partial(contract_inserted, graphql=graphql, chargebee=chargebee, clock=clock),
                    ),
                    Handler(
                        event=ContractUpdated,
                        handle=partial(contract_updated, graphql=graphql, chargebee=chargebee, clock=clock),
                    ),
                ],
                tasks=[
                    Handler(
                        event=ContractRenewal,
                        handle=partial(contract_renewal, graphql=graphql, chargebee=chargebee),
                    )
                ],
                jobs=[Job(name="activation", run=partial(activation, graphql=graphql, clock=clock))],
            )

    return build_app(name="contract", settings=settings.runtime, open_handlers=open_handlers)
