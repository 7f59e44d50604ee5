"""`StreamingPull`: messages down, acknowledgements up, on one stream, within the client's flow control."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from itertools import groupby
from typing import Final

import grpc

from local.pubsub import wire
from local.pubsub.broker import Broker
from local.pubsub.delivery import Delivery
from local.pubsub.errors import InvalidArgumentError
from local.pubsub.limits import check_between
from local.pubsub.subscription import MAX_DELIVERY_BYTES, Subscription

#: One response carries at most so many messages: several streams on a subscription share its backlog fairly.
_MAX_BATCH: Final = 500
#: Clients of protocol version 1 and later get an empty response when nothing else went for this long.
_KEEPALIVE_S: Final = 15.0
_ACK_DEADLINE_S: Final = (10, 600)


async def serve_stream(
    broker: Broker,
    requests: AsyncIterator[wire.Message],
    context: "grpc.aio.ServicerContext[wire.Message, wire.Message]",
) -> None:
    """Serve one stream until the client ends it. Raises PubSubError when it has to end with an error."""
    first = await anext(requests, None)
    if first is None:
        return
    subscription = broker.get_subscription(first.subscription)
    subscription.check_pullable()
    stream = _Stream(broker, subscription, first, context)
    subscription.listeners[stream.wake] = None
    reading = asyncio.create_task(stream.read(first, requests))
    writing = asyncio.create_task(stream.write())
    try:
        done, _ = await asyncio.wait((reading, writing), return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        del subscription.listeners[stream.wake]
        for task in (reading, writing):
            task.cancel()
        await asyncio.wait((reading, writing))


class _Stream:
    """One client's stream; as a `leases.Holder` it counts what the client has and hasn't acknowledged.

    What is out when the stream ends stays leased until its deadline, as at Google.
    """

    def __init__(
        self,
        broker: Broker,
        subscription: Subscription,
        first: wire.Message,
        context: "grpc.aio.ServicerContext[wire.Message, wire.Message]",
    ) -> None:
        self.wake = asyncio.Event()
        self._journal = broker.journal
        self._subscription = subscription
        self._context = context
        self._deadline_s = _deadline_s(first)
        self._sends_keepalive = first.protocol_version >= 1
        self._max_messages = first.max_outstanding_messages if first.max_outstanding_messages > 0 else None
        self._max_bytes = first.max_outstanding_bytes if first.max_outstanding_bytes > 0 else None
        self._messages = 0
        self._bytes = 0
        self._confirmations: list[wire.Message] = []

    def release(self, size_bytes: int) -> None:
        """A message was acknowledged, refused or has expired."""
        self._messages -= 1
        self._bytes -= size_bytes
        self.wake.set()

    async def write(self) -> None:
        """Send messages as they come and as the client has room for them; ends only with an error."""
        while True:
            self.wake.clear()
            confirmations, self._confirmations = self._confirmations, []
            for confirmation in confirmations:
                await self._send(confirmation)
            deliveries = self._take()
            if deliveries:
                response = wire.StreamingPullResponse()
                for delivery in deliveries:
                    delivery.add_to(response)
                await self._send(response)
                continue
            try:
                async with asyncio.timeout(_KEEPALIVE_S):
                    await self.wake.wait()
            except TimeoutError:
                if self._sends_keepalive:
                    await self._send(wire.StreamingPullResponse())

    async def read(self, first: wire.Message, requests: AsyncIterator[wire.Message]) -> None:
        """Carry out what the client says, until it ends the stream."""
        await self._carry_out(first)
        async for request in requests:
            if request.subscription or request.client_id or request.max_outstanding_messages:
                raise InvalidArgumentError("Only the first request of a stream may say what the stream is for.")
            if request.stream_ack_deadline_seconds:
                self._deadline_s = _deadline_s(request)
            await self._carry_out(request)

    def _take(self) -> list[Delivery]:
        self._subscription.check_pullable()
        room = _MAX_BATCH if self._max_messages is None else min(_MAX_BATCH, self._max_messages - self._messages)
        room_bytes = MAX_DELIVERY_BYTES if self._max_bytes is None else self._max_bytes - self._bytes
        if room_bytes <= 0:
            room = 0
        deliveries = self._subscription.take(
            count=room, size_bytes=room_bytes, deadline_s=self._deadline_s, holder=self
        )
        self._messages += len(deliveries)
        self._bytes += sum(delivery.lease.size_bytes for delivery in deliveries)
        return deliveries

    async def _carry_out(self, request: wire.Message) -> None:
        subscription = self._subscription
        ids, seconds = request.modify_deadline_ack_ids, request.modify_deadline_seconds
        if len(ids) != len(seconds):
            raise InvalidArgumentError("modify_deadline_ack_ids and modify_deadline_seconds differ in length.")
        if request.ack_ids:
            invalid = subscription.acknowledge(request.ack_ids)
            await self._confirm("acknowledge_confirmation", request.ack_ids, invalid)
        # Nearly always they all have the same deadline.
        for each, group in groupby(zip(ids, seconds, strict=True), key=lambda pair: pair[1]):
            check_between("modify_deadline_seconds", each, 0, _ACK_DEADLINE_S[1])
            changed = [ack_id for ack_id, _ in group]
            invalid = subscription.modify_deadlines(changed, each)
            await self._confirm("modify_ack_deadline_confirmation", changed, invalid)

    async def _confirm(self, field: str, ack_ids: Iterable[str], invalid: list[str]) -> None:
        """With exactly-once delivery, tell the client what became of its ids, once that is durable."""
        if not self._subscription.config.enable_exactly_once_delivery:
            return
        await self._journal.committed()
        response = wire.StreamingPullResponse()
        confirmation = getattr(response, field)
        refused = set(invalid)
        confirmation.ack_ids.extend(ack_id for ack_id in ack_ids if ack_id not in refused)
        confirmation.invalid_ack_ids.extend(invalid)
        self._confirmations.append(response)
        self.wake.set()

    async def _send(self, response: wire.Message) -> None:
        config = self._subscription.config
        properties = response.subscription_properties
        properties.exactly_once_delivery_enabled = config.enable_exactly_once_delivery
        properties.message_ordering_enabled = config.enable_message_ordering
        await self._context.write(response)


def _deadline_s(request: wire.Message) -> int:
    check_between("stream_ack_deadline_seconds", request.stream_ack_deadline_seconds, *_ACK_DEADLINE_S)
    return int(request.stream_ack_deadline_seconds)
