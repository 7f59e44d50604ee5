"""Google's own clients on the Pub/Sub under test, and short ways to say what the tests say often."""

import itertools
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import grpc
import httpx
from google.cloud.pubsub_v1 import PublisherClient, SubscriberClient
from google.cloud.pubsub_v1.types import PublisherOptions
from google.pubsub_v1 import PublisherAsyncClient
from google.pubsub_v1 import PublisherClient as RequestClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport, PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from google.pubsub_v1.types import PubsubMessage, ReceivedMessage, Subscription

from tests.integration.pubsub.server import insecure_channel

PROJECT = "caregraph-local"
TIMEOUT_S = 20.0


def project_path() -> str:
    return f"projects/{PROJECT}"


def async_publisher(address: str) -> PublisherAsyncClient:
    """What the relay uses."""
    transport = PublisherGrpcAsyncIOTransport(channel=grpc.aio.insecure_channel(address))
    return PublisherAsyncClient(transport=transport)


@dataclass(kw_only=True)
class PubSub:
    """A publisher and a subscriber on one server, and names that no other test uses."""

    address: str
    #: Whether it's ours, so that what only ours does can be tested.
    is_local: bool = True
    #: Base URL of its status page, if it has one.
    status_url: str = ""
    publisher: PublisherClient = field(init=False)
    subscriber: SubscriberClient = field(init=False)
    _names: "Iterable[int]" = field(default_factory=itertools.count, init=False)

    def __post_init__(self) -> None:
        self._channel = insecure_channel(self.address)
        self._run = uuid.uuid4().hex[:8]
        self.publisher = PublisherClient(
            publisher_options=PublisherOptions(enable_message_ordering=True),
            transport=PublisherGrpcTransport(channel=self._channel),
        )
        self._requests = RequestClient(transport=PublisherGrpcTransport(channel=self._channel))
        self.subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=self._channel))

    def close(self) -> None:
        self.publisher.stop()
        self._channel.close()

    def name(self, collection: str) -> str:
        """A fresh name: `projects/…/topics/…`."""
        return f"{project_path()}/{collection}/t-{self._run}-{next(iter(self._names))}"

    def topic(self, **fields: Any) -> str:
        """Create a topic; its name."""
        name = self.name("topics")
        self.publisher.create_topic(request={"name": name, **fields}, timeout=TIMEOUT_S)
        return name

    def subscription(self, topic: str, **fields: Any) -> str:
        """Create a subscription; its name."""
        return self.create_subscription(topic, **fields).name

    def create_subscription(self, topic: str, **fields: Any) -> Subscription:
        """Create a subscription; what the server answers."""
        created: Subscription = self.subscriber.create_subscription(
            request={"name": self.name("subscriptions"), "topic": topic, **fields}, timeout=TIMEOUT_S
        )
        return created

    def publish(self, topic: str, *data: str, key: str = "", **attributes: str) -> list[str]:
        """Publish in one request, in this order; the ids."""
        messages = [
            PubsubMessage(data=each.encode(), ordering_key=key, attributes=attributes) for each in data or ("",)
        ]
        return self.publish_messages(topic, messages)

    def publish_messages(self, topic: str, messages: Sequence[PubsubMessage | dict[str, Any]]) -> list[str]:
        """One Publish request, as the relay makes them: no batching by the client in between."""
        response = self._requests.publish(request={"topic": topic, "messages": messages}, retry=None, timeout=TIMEOUT_S)
        return list(response.message_ids)

    def pull(self, subscription: str, count: int = 100, *, now: bool = False) -> list[ReceivedMessage]:
        """One Pull: waits for something, unless `now`."""
        request: dict[str, Any] = {"subscription": subscription, "max_messages": count}
        if now:
            request["return_immediately"] = True
        with warnings.catch_warnings():
            # `return_immediately` is deprecated, and the one way to learn that there is nothing without waiting.
            warnings.simplefilter("ignore", DeprecationWarning)
            response = self.subscriber.pull(request=request, retry=None, timeout=TIMEOUT_S)
        return list(response.received_messages)

    def pull_all(self, subscription: str, count: int) -> list[ReceivedMessage]:
        """Pull until `count` messages have come."""
        found: list[ReceivedMessage] = []
        while len(found) < count:
            more = self.pull(subscription, count - len(found))
            assert more, f"{len(found)} of {count} messages came"
            found += more
        return found

    def take(self, subscription: str, count: int) -> list[str]:
        """Pull and acknowledge until `count` messages have come; their data, in that order."""
        found: list[ReceivedMessage] = []
        while len(found) < count:
            more = self.pull(subscription, count - len(found))
            assert more, f"{len(found)} of {count} messages came"
            self.ack(subscription, more)
            found += more
        return texts(found)

    def status(self, subscription: str) -> dict[str, Any]:
        """What the status page shows of a subscription."""
        page = httpx.get(f"{self.status_url}/").json()
        found: dict[str, Any] = next(each for each in page["subscriptions"] if each["name"] == subscription)
        return found

    def ack(self, subscription: str, received: Iterable[ReceivedMessage]) -> None:
        self.subscriber.acknowledge(
            request={"subscription": subscription, "ack_ids": [each.ack_id for each in received]}, timeout=TIMEOUT_S
        )

    def nack(self, subscription: str, received: Iterable[ReceivedMessage]) -> None:
        self.modify(subscription, received, 0)

    def modify(self, subscription: str, received: Iterable[ReceivedMessage], seconds: int) -> None:
        self.subscriber.modify_ack_deadline(
            request={
                "subscription": subscription,
                "ack_ids": [each.ack_id for each in received],
                "ack_deadline_seconds": seconds,
            },
            timeout=TIMEOUT_S,
        )


def texts(received: Iterable[ReceivedMessage]) -> list[str]:
    """Their data."""
    return [each.message.data.decode() for each in received]


def wait_until(condition: Callable[[], bool], *, within_s: float = TIMEOUT_S) -> None:
    """For what can't be awaited: ask a process every few milliseconds."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, f"not within {within_s} s"
        time.sleep(0.01)
