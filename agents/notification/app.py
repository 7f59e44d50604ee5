"""The notification agent's application: one handler for every event type in the table of templates."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from starlette.applications import Starlette

from agents.events.payload import DomainEvent
from agents.graphql.client import GraphQLClient
from agents.notification.handlers import notify
from agents.notification.sending import Sender
from agents.notification.settings import Settings, read_settings
from agents.notification.templates import MESSAGES, Message
from agents.runtime.app import build_app
from agents.runtime.handler import Handler, Handlers
from integrations.iterable.client import IterableClient


def create_app(settings: Settings | None = None) -> Starlette:
    """The agent as an ASGI application; without settings, they are read from the environment."""
    settings = settings or read_settings()

    @asynccontextmanager
    async def open_handlers(graphql: GraphQLClient) -> AsyncIterator[Handlers]:
        by_event: dict[type[DomainEvent], list[Message]] = {}
        for message in MESSAGES:
            by_event.setdefault(message.event, []).append(message)
        async with IterableClient(settings.iterable) as iterable:
            sender = Sender(graphql=graphql, iterable=iterable, send_time_out=settings.sending.send_time_out)
            yield Handlers(
                Handler(event=event, handle=partial(notify, messages=messages, graphql=graphql, sender=sender))
                for event, messages in by_event.items()
            )

    return build_app(name="notification", settings=settings.runtime, open_handlers=open_handlers)
