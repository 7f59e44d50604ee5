"""The receiving side: topics, subscriptions and what came; and a Pub/Sub that fails as told, before the real one."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import grpc
import grpc.aio
from google.pubsub_v1 import PublisherAsyncClient, SubscriberAsyncClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcAsyncIOTransport
from google.pubsub_v1.types import PublishRequest

from triggers.settings import RelaySettings
from triggers.topics import TOPICS

TIMEOUT_S = 20.0
_OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message as it came."""

    attributes: dict[str, str]
    ordering_key: str
    data: dict[str, Any]

    @property
    def id(self) -> str:
        return self.attributes["ce-id"]

    @property
    def type(self) -> str:
        return self.attributes["ce-type"]

    @property
    def number(self) -> int:
        """The number of `Records.touch`; 0 for the insert."""
        text = self.data["data"]["new"]["subscription_id"]
        return int(text.removeprefix("sub_")) if text else 0


@dataclass(kw_only=True)
class Project:
    """A project with every topic and an ordered subscription to each."""

    address: str
    name: str
    subscriber: SubscriberAsyncClient
    received: list[Received] = field(default_factory=list)

    def settings(self, database_url: str, **changes: Any) -> RelaySettings:
        """Settings of a relay between that database and this project: quick, so that tests are."""
        fields: dict[str, Any] = {
            "database_url": database_url,
            "project": self.name,
            "emulator_host": self.address,
            "tick": timedelta(milliseconds=100),
            **changes,
        }
        return RelaySettings(**fields)

    def environment(self, database_url: str) -> dict[str, str]:
        """The same for a relay that is a process."""
        return {
            "DATABASE_URL": database_url,
            "GOOGLE_CLOUD_PROJECT": self.name,
            "PUBSUB_EMULATOR_HOST": self.address,
            "CAREGRAPH_RELAY_TICK_S": "0.1",
            "CAREGRAPH_ENVIRONMENT": "development",
            "CAREGRAPH_LOG_FORMAT": "json",
        }

    async def receive(self, until: Callable[[], bool], *, topic: str = "contract-events") -> list[Received]:
        """Take messages until `until()` says that enough have come; everything that came so far, in order."""
        subscription = f"projects/{self.name}/subscriptions/all-{topic}"
        async with asyncio.timeout(TIMEOUT_S):
            while not until():
                try:
                    response = await self.subscriber.pull(
                        subscription=subscription, max_messages=1_000, retry=None, timeout=2
                    )
                except Exception as error:
                    if getattr(error, "grpc_status_code", None) is not grpc.StatusCode.DEADLINE_EXCEEDED:
                        raise
                    continue
                self.received += [
                    Received(
                        attributes=dict(each.message.attributes),
                        ordering_key=each.message.ordering_key,
                        data=json.loads(each.message.data),
                    )
                    for each in response.received_messages
                ]
                if response.received_messages:
                    await self.subscriber.acknowledge(
                        subscription=subscription, ack_ids=[each.ack_id for each in response.received_messages]
                    )
        return self.received

    async def receive_ids(self, ids: set[str], *, topic: str = "contract-events") -> list[Received]:
        """Take messages until all these events have come at least once."""
        return await self.receive(lambda: ids <= {each.id for each in self.received}, topic=topic)

    async def receive_count(self, count: int, *, topic: str = "contract-events") -> list[Received]:
        """Take messages until so many have come."""
        return await self.receive(lambda: len(self.received) >= count, topic=topic)

    def first_occurrences(self, key: str) -> list[str]:
        """Ids of a key's events in the order in which they first came."""
        return list(dict.fromkeys(each.id for each in self.received if each.ordering_key == key))


@asynccontextmanager
async def open_project(address: str, name: str) -> AsyncIterator[Project]:
    """A project on that Pub/Sub, with topics and subscriptions."""
    async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
        publisher = PublisherAsyncClient(transport=PublisherGrpcAsyncIOTransport(channel=channel))
        subscriber = SubscriberAsyncClient(transport=SubscriberGrpcAsyncIOTransport(channel=channel))
        for topic in TOPICS:
            await publisher.create_topic(name=f"projects/{name}/topics/{topic.name}")
            await subscriber.create_subscription(
                request={
                    "name": f"projects/{name}/subscriptions/all-{topic.name}",
                    "topic": f"projects/{name}/topics/{topic.name}",
                    "enable_message_ordering": True,
                    "ack_deadline_seconds": 60,
                }
            )
        yield Project(address=address, name=name, subscriber=subscriber)


@dataclass(kw_only=True)
class FaultyPubSub:
    """Passes publish requests on to the real Pub/Sub, after what `before` does to them: wait, or raise `Refuse`."""

    address: str
    before: Callable[[Any], Awaitable[None]]
    #: Requests by ordering key, however they ended.
    requests: Counter[str] = field(default_factory=Counter)
    #: Requests being handled now, and the most there were.
    open: int = 0
    most_open: int = 0


class Refuse(Exception):
    """What `FaultyPubSub.before` raises to answer with a status."""

    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__(code.name)
        self.code = code


@asynccontextmanager
async def faulty_pubsub(behind: str, before: Callable[[Any], Awaitable[None]]) -> AsyncIterator[FaultyPubSub]:
    """A Pub/Sub for publishers that fails as `before` tells, on a port of its own."""
    async with grpc.aio.insecure_channel(behind, options=_OPTIONS) as channel:
        forward = channel.unary_unary("/google.pubsub.v1.Publisher/Publish", None, None)

        async def publish(body: bytes, context: Any) -> Any:
            request = PublishRequest.pb().FromString(body)
            faulty.requests[request.messages[0].ordering_key] += 1
            faulty.open += 1
            faulty.most_open = max(faulty.most_open, faulty.open)
            try:
                await faulty.before(request)
                return await forward(body)
            except Refuse as refusal:
                await context.abort(refusal.code, "as told")
            except grpc.aio.AioRpcError as error:
                await context.abort(error.code(), error.details())
            finally:
                faulty.open -= 1

        server = grpc.aio.server(options=_OPTIONS)
        handler = grpc.unary_unary_rpc_method_handler(publish)
        server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("google.pubsub.v1.Publisher", {"Publish": handler}),)
        )
        faulty = FaultyPubSub(address=f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}", before=before)
        await server.start()
        try:
            yield faulty
        finally:
            await server.stop(None)
