"""The invoice agent's application: its handlers, bound to the clients they use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette

from agents.events.customer import CustomerPaymentSourceChanged
from agents.events.invoice import (
    InvoiceInserted,
    InvoicePaymentExhausted,
    InvoicePaymentFailed,
    InvoicePaymentRecovered,
    InvoicePaymentSucceeded,
    InvoiceRefunded,
    InvoiceUpdated,
)
from agents.graphql.client import GraphQLClient
from agents.invoice.check import recovery_check
from agents.invoice.handlers import Sources, invoice_inserted, invoice_updated
from agents.invoice.new_card import NewCard, payment_new_card, payment_source_changed
from agents.invoice.payments import Accounting, payment_succeeded, refunded
from agents.invoice.recovery import Recovering, payment_exhausted, payment_failed, payment_recovered
from agents.invoice.retry import payment_retry
from agents.invoice.schedule import PaymentRetry
from agents.invoice.settings import Settings, read_settings
from agents.runtime.app import build_app
from agents.runtime.clock import Clock, read_clock
from agents.runtime.handler import Handler, Handlers
from agents.runtime.jobs import Job
from integrations.chargebee.client import ChargebeeClient
from integrations.iterable.client import IterableClient
from integrations.zendesk.client import ZendeskClient


def create_app(settings: Settings | None = None, *, clock: Clock = read_clock) -> Starlette:
    """The agent as an ASGI application; without settings, they are read from the environment."""
    settings = settings or read_settings()

    @asynccontextmanager
    async def open_handlers(graphql: GraphQLClient) -> AsyncIterator[Handlers]:
        async with (
            ChargebeeClient(settings.chargebee) as chargebee,
            IterableClient(settings.iterable) as iterable,
            ZendeskClient(settings.zendesk) as zendesk,
        ):
            sources = Sources(
                graphql=graphql, chargebee=chargebee, zendesk=zendesk, clock=clock, window=settings.recovery.window
            )
            accounting = Accounting(graphql=graphql, chargebee=chargebee, iterable=iterable)
            recovering = Recovering(
                graphql=graphql,
                chargebee=chargebee,
                iterable=iterable,
                zendesk=zendesk,
                clock=clock,
                retry_days=settings.recovery.retry_days,
                policy=settings.recovery.exhausted,
            )
            yield Handlers(
                [
                    Handler(event=InvoiceInserted, handle=partial(invoice_inserted, sources=sources)),
                    Handler(event=InvoiceUpdated, handle=partial(invoice_updated, sources=sources)),
                    Handler(event=InvoicePaymentSucceeded, handle=partial(payment_succeeded, use=accounting)),
                    Handler(event=InvoiceRefunded, handle=partial(refunded, use=accounting)),
                    Handler(event=InvoicePaymentFailed, handle=partial(payment_failed, use=recovering)),
                    Handler(event=InvoicePaymentRecovered, handle=partial(payment_recovered, use=recovering)),
                    Handler(event=InvoicePaymentExhausted, handle=partial(payment_exhausted, use=recovering)),
                    Handler(event=CustomerPaymentSourceChanged, handle=partial(payment_source_changed, use=recovering)),
                ],
                tasks=[
                    Handler(event=PaymentRetry, handle=partial(payment_retry, use=recovering)),
                    Handler(event=NewCard, handle=partial(payment_new_card, use=recovering)),
                ],
                jobs=[Job(name="recovery-check", run=partial(recovery_check, graphql=graphql, clock=clock))],
            )

    return build_app(name="invoice", settings=settings.runtime, open_handlers=open_handlers)
