"""The prescription agent's application: its handlers, bound to the clients they use."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette

from agents.events.prescription import (
    PrescriptionDelivered,
    PrescriptionRejected,
    PrescriptionSigned,
    PrescriptionUpdated,
)
from agents.graphql.client import GraphQLClient
from agents.prescription.check import check_fills
from agents.prescription.handlers import prescription_rejected, prescription_signed, prescription_updated
from agents.prescription.refills import RefillDue, prescription_delivered, refill_due
from agents.prescription.settings import Settings, read_settings
from agents.runtime.app import build_app
from agents.runtime.handler import Handler, Handlers
from agents.runtime.jobs import Job
from integrations.pharmacy.client import PharmacyClient
from integrations.zendesk.client import ZendeskClient


def create_app(settings: Settings | None = None) -> Starlette:
    """The agent as an ASGI application; without settings, they are read from the environment."""
    settings = settings or read_settings()

    @asynccontextmanager
    async def open_handlers(graphql: GraphQLClient) -> AsyncIterator[Handlers]:
        following = settings.following
        async with PharmacyClient(settings.pharmacy) as pharmacy, ZendeskClient(settings.zendesk) as zendesk:
            yield Handlers(
                [
                    Handler(
                        event=PrescriptionSigned,
                        handle=partial(prescription_signed, graphql=graphql, pharmacy=pharmacy, zendesk=zendesk),
                    ),
                    Handler(
                        event=PrescriptionUpdated,
                        handle=partial(prescription_updated, graphql=graphql, pharmacy=pharmacy, zendesk=zendesk),
                    ),
                    Handler(
                        event=PrescriptionRejected,
                        handle=partial(prescription_rejected, graphql=graphql, zendesk=zendesk),
                    ),
                    Handler(
                        event=PrescriptionDelivered,
                        handle=partial(prescription_delivered, graphql=graphql, lead=following.refill_lead),
                    ),
                ],
                tasks=[Handler(event=RefillDue, handle=partial(refill_due, graphql=graphql))],
                jobs=[
                    Job(
                        name="check",
                        run=partial(check_fills, graphql=graphql, pharmacy=pharmacy, stuck_after=following.stuck_after),
                    )
                ],
            )

    return build_app(name="prescription", settings=settings.runtime, open_handlers=open_handlers)
