"""Publishing to Pub/Sub with Google's client, and its errors as ours."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import grpc
import grpc.aio
from google.api_core.gapic_v1.routing_header import to_grpc_metadata
from google.pubsub_v1.services.publisher.transports import PublisherGrpcAsyncIOTransport
from google.pubsub_v1.services.publisher.transports.base import DEFAULT_CLIENT_INFO
from google.pubsub_v1.types import PublishResponse

from triggers.envelope import encode_request
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
    """Publishes batches; made by `open_publisher`.

    Channel, credentials and headers are those of Google's client; the request goes past its method, whose wrappers copy
    and check what is right already, at the cost of three requests, and past its transport, whose interceptor for
    logging makes a task of each request.
    """

    def __init__(self, channel: grpc.aio.Channel, *, project: str, timeout: timedelta) -> None:
        self._publish = channel.unary_unary(
            "/google.pubsub.v1.Publisher/Publish",
            request_serializer=None,
            response_deserializer=PublishResponse.pb().FromString,
        )
        self._project = project
        self._timeout_s = timeout.total_seconds()
        self._client: tuple[str, str] = DEFAULT_CLIENT_INFO.to_grpc_metadata()  # type: ignore[no-untyped-call]

    async def publish(self, topic: str, messages: Sequence[bytes]) -> list[str]:
        """Publish messages of one ordering key (`encode_message`); their ids, in the same order.

        Raises RefusedError when Pub/Sub won't ever take one of them, PublishError when it may another time. Then it is
        unknown whether they were published. Nothing is tried again here.
        """
        name = f"projects/{self._project}/topics/{topic}"
        try:
            response = await self._publish(
                encode_request(name, messages),
                timeout=self._timeout_s,
                metadata=(self._route(name), self._client),
            )
        except grpc.aio.AioRpcError as error:
            code = error.code()
            if code in _REFUSALS:
                raise RefusedError(f"{code.name}: {error.details()}") from error
            raise PublishError(f"{code.name}: {error.details()}", code=code.name) from error
        except (grpc.RpcError, OSError) as error:
            raise PublishError(f"{type(error).__name__}: {error}", code=type(error).__name__) from error
        ids = list(response.message_ids)
        if len(ids) != len(messages):
            raise PublishError(f"{len(messages)} messages were sent and {len(ids)} acknowledged", code="INTERNAL")
        return ids

    @staticmethod
    def _route(topic: str) -> tuple[str, str]:
        """The header by which Google's front ends find the topic."""
        header: tuple[str, str] = to_grpc_metadata((("topic", topic),))  # type: ignore[no-untyped-call]
        return header


@asynccontextmanager
async def open_publisher(settings: RelaySettings) -> AsyncIterator[Publisher]:
    """A publisher for the length of the block. It connects when first used."""
    if settings.emulator_host:
        # The async client doesn't look at PUBSUB_EMULATOR_HOST by itself.
        channel = grpc.aio.insecure_channel(settings.emulator_host, options=_CHANNEL_OPTIONS)
    else:
        channel = PublisherGrpcAsyncIOTransport.create_channel("pubsub.googleapis.com:443", options=_CHANNEL_OPTIONS)
    try:
        yield Publisher(channel, project=settings.project, timeout=settings.publish_timeout)
    finally:
        await channel.close(grace=1)
