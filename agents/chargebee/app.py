"""The chargebee agent's application: its handlers and its job, bound to the clients they use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette

from agents.chargebee.attempts import FirstPayment
from agents.chargebee.etl import run_etl
from agents.chargebee.first_payment import Billing, first_payment, payment_source_changed
from agents.chargebee.handlers import contract_came, customer_came, customer_updated
from agents.chargebee.reading import Pace, Reader
from agents.chargebee.settings import Settings, read_settings
from agents.events.contract import ContractInserted, ContractUpdated
from agents.events.customer import CustomerInserted, CustomerPaymentSourceChanged, CustomerSignedUp, CustomerUpdated
from agents.graphql.client import GraphQLClient
from agents.runtime.app import build_app
from agents.runtime.clock import Clock, read_clock
from agents.runtime.handler import Handler, Handlers
from agents.runtime.jobs import Job
from integrations.chargebee.client import ChargebeeClient
from integrations.zendesk.client import ZendeskClient


def create_app(settings: Settings | None = None, *, clock: Clock = read_clock) -> Starlette:
    """The agent as an ASGI application; without settings, they are read from the environment."""
    settings = settings or read_settings()
    etl = settings.etl

    @asynccontextmanager
    async def open_handlers(graphql: GraphQLClient) -> AsyncIterator[Handlers]:
        async with ChargebeeClient(settings.chargebee) as chargebee, ZendeskClient(settings.zendesk) as zendesk:
            reader = Reader(graphql=graphql, chargebee=chargebee, pace=Pace(overlap=etl.overlap, lease=etl.lease))
            came = partial(customer_came, graphql=graphql, chargebee=chargebee)
            billing = Billing(
                graphql=graphql,
                chargebee=chargebee,
                zendesk=zendesk,
                clock=clock,
                retry_days=settings.retries.retry_days,
            )
            contract = partial(contract_came, use=billing)
            yield Handlers(
                [
                    Handler(event=CustomerInserted, handle=came),
                    Handler(event=CustomerSignedUp, handle=came),
                    Handler(
                        event=CustomerUpdated, handle=partial(customer_updated, graphql=graphql, chargebee=chargebee)
                    ),
                    Handler(event=ContractInserted, handle=contract),
                    Handler(event=ContractUpdated, handle=contract),
                    Handler(event=CustomerPaymentSourceChanged, handle=partial(payment_source_changed, use=billing)),
                ],
                tasks=[Handler(event=FirstPayment, handle=partial(first_payment, use=billing))],
                jobs=[Job(name="etl", run=partial(run_etl, reader=reader, budget=etl.budget))],
            )

    return build_app(name="chargebee", settings=settings.runtime, open_handlers=open_handlers)
