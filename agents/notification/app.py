"""The notification agent's application: one handler for every event type in the table of templates."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette

from agents.events.payload import DomainEvent
from agents.graphql.client import GraphQLClient
from agents.notification.handlers import Means, notify, send_later
from agents.notification.sending import Sender
from agents.notification.settings import Settings, read_settings
from agents.notification.templates import MESSAGES, OVERTAKEN, Message, Overtaking
from agents.notification.waiting import SendLater
from agents.runtime.app import build_app
from agents.runtime.clock import Clock, read_clock
from agents.runtime.handler import Handler, Handlers
from integrations.flags.flags import open_flags
from integrations.iterable.client import IterableClient


def create_app(settings: Settings | None = None, *, clock: Clock = read_clock) -> Starlette:
    """The agent as an ASGI application; without settings, they are read from the environment.

    `clock` tells the time by which it is night for a customer.
    """
    settings = settings or read_settings()

    @asynccontextmanager
    async def open_handlers(graphql: GraphQLClient) -> AsyncIterator[Handlers]:
        by_event: dict[type[DomainEvent], list[Message]] = {}
        for message in MESSAGES:
            by_event.setdefault(message.event, []).append(message)
        overtakings: dict[type[DomainEvent], list[Overtaking]] = {}
        for overtaking in OVERTAKEN:
            overtakings.setdefault(overtaking.event, []).append(overtaking)
        async with IterableClient(settings.iterable) as iterable, open_flags(settings.flags) as flags:
            sender = Sender(graphql=graphql, iterable=iterable, send_time_out=settings.sending.send_time_out)
            means = Means(graphql=graphql, sender=sender, flags=flags, clock=clock)
            yield Handlers(
                (
                    Handler(
                        event=event,
                        handle=partial(
                            notify,
                            messages=by_event.get(event, ()),
                            overtakings=overtakings.get(event, ()),
                            means=means,
                        ),
                    )
                    for event in by_event | overtakings
                ),
                tasks=[Handler(event=SendLater, handle=partial(send_later, messages=MESSAGES, means=means))],
            )

    return build_app(name="notification", settings=settings.runtime, open_handlers=open_handlers)
