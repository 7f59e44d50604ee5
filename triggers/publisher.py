"""Publishing to Pub/Sub with Google's client, and its errors as ours."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, Final

import grpc
import grpc.aio
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.pubsub_v1 import PublisherAsyncClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport
from google.pubsub_v1.types import PublishRequest, PubsubMessage

from triggers.errors import PublishError, RefusedError
from triggers.settings import RelaySettings

#: A channel that lost its server tries again soon (gRPC's own limit is two minutes), and notices one that went silent.
_CHANNEL_OPTIONS: Final = (
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_send_message_length", -1),
)
_REFUSALS: Final = frozenset({grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.OUT_OF_RANGE})


class Publisher:
    """Publishes batches; made by `open_publisher`."""

    def __init__(self, client: PublisherAsyncClient, *, project: str, timeout: timedelta) -> None:
        self._client = client
        self._project = project
        self._timeout_s = timeout.total_seconds()

    async def publish(self, topic: str, messages: Sequence[PubsubMessage]) -> list[str]:
        """Publish messages of one ordering key; their ids, in the same order.

        Raises RefusedError when Pub/Sub won't ever take one of them, PublishError when it may another time. Then it is
        unknown whether they were published. Nothing is tried again here.
        """
        raw = PublishRequest.pb()(
            topic=f"projects/{self._project}/topics/{topic}",
            messages=[PubsubMessage.pb(message) for message in messages],
        )
        try:
            response = await self._client.publish(request=PublishRequest.wrap(raw), retry=None, timeout=self._timeout_s)
        except GoogleAPICallError as error:
            code: Any = error.grpc_status_code
            if code in _REFUSALS:
                raise RefusedError(f"{code.name}: {error.message}") from error
            name = code.name if code is not None else type(error).__name__
            raise PublishError(f"{name}: {error.message}", code=name) from error
        except (RetryError, grpc.RpcError, OSError) as error:
            raise PublishError(f"{type(error).__name__}: {error}", code=type(error).__name__) from error
        ids = list(response.message_ids)
        if len(ids) != len(messages):
            raise PublishError(f"{len(messages)} messages were sent and {len(ids)} acknowledged", code="INTERNAL")
        return ids


@asynccontextmanager
async def open_publisher(settings: RelaySettings) -> AsyncIterator[Publisher]:
    """A publisher for the length of the block. It connects when first used."""
    if settings.emulator_host:
        # The async client doesn't look at PUBSUB_EMULATOR_HOST by itself.
        channel = grpc.aio.insecure_channel(settings.emulator_host, options=_CHANNEL_OPTIONS)
    else:
        channel = PublisherGrpcAsyncIOTransport.create_channel("pubsub.googleapis.com:443", options=_CHANNEL_OPTIONS)
    client = PublisherAsyncClient(transport=PublisherGrpcAsyncIOTransport(channel=channel))
    try:
        yield Publisher(client, project=settings.project, timeout=settings.publish_timeout)
    finally:
        await channel.close(grace=1)
