"""The service `google.pubsub.v1.Subscriber`: subscriptions, pulling from them, snapshots."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import grpc

from local.pubsub import limits, replay, wire
from local.pubsub.broker import Broker
from local.pubsub.delivery import Delivery
from local.pubsub.errors import InvalidAckIdsError, InvalidArgumentError
from local.pubsub.pages import page_of
from local.pubsub.streaming import serve_stream
from local.pubsub.subscription import Subscription

_Context = grpc.aio.ServicerContext[wire.Message, wire.Message]

#: A Pull answers with at most so many messages, whatever it asks for.
_MAX_PULL: Final = 1_000
#: A Pull that finds nothing is answered after this long, or shortly before its own deadline.
_LONG_POLL_S: Final = 30.0
_ANSWER_BEFORE_DEADLINE_S: Final = 0.5
_MAX_ACK_DEADLINE_S: Final = 600


class SubscriberService:
    """The methods of the service. An answer means that what was asked for survives a crash of the server."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._journal = broker.journal

    async def create_subscription(self, request: wire.Message, _: _Context) -> wire.Message:
        """Subscription → Subscription."""
        subscription = self._broker.create_subscription(request)
        await self._journal.committed()
        return _shown(subscription)

    async def get_subscription(self, request: wire.Message, _: _Context) -> wire.Message:
        """GetSubscriptionRequest → Subscription."""
        return _shown(self._broker.get_subscription(request.subscription))

    async def update_subscription(self, request: wire.Message, _: _Context) -> wire.Message:
        """UpdateSubscriptionRequest → Subscription."""
        subscription = self._broker.update_subscription(request.subscription, list(request.update_mask.paths))
        await self._journal.committed()
        return _shown(subscription)

    async def list_subscriptions(self, request: wire.Message, _: _Context) -> wire.Message:
        """ListSubscriptionsRequest → ListSubscriptionsResponse."""
        found, token = page_of(self._broker.subscriptions_of(request.project), request, key=lambda each: each.name)
        return wire.ListSubscriptionsResponse(subscriptions=[_shown(each) for each in found], next_page_token=token)

    async def delete_subscription(self, request: wire.Message, _: _Context) -> wire.Message:
        """DeleteSubscriptionRequest → Empty."""
        self._broker.delete_subscription(request.subscription)
        await self._journal.committed()
        return wire.Empty()

    async def modify_push_config(self, request: wire.Message, _: _Context) -> wire.Message:
        """ModifyPushConfigRequest → Empty."""
        self._broker.modify_push_config(request.subscription, request.push_config)
        await self._journal.committed()
        return wire.Empty()

    async def pull(self, request: wire.Message, context: _Context) -> wire.Message:
        """PullRequest → PullResponse; waits for a message unless it says `return_immediately`."""
        subscription = self._broker.get_subscription(request.subscription)
        limits.check_between("max_messages", request.max_messages, 1, float("inf"))
        subscription.check_pullable()
        deliveries = await self._take(subscription, request, context)
        if context.cancelled():
            # The client has gone: nobody would acknowledge them.
            for delivery in deliveries:
                subscription.put_back(delivery.lease)
        response = wire.PullResponse()
        for delivery in deliveries:
            delivery.add_to(response)
        return response

    async def streaming_pull(self, requests: AsyncIterator[wire.Message], context: _Context) -> None:
        """Stream of StreamingPullRequest ↔ stream of StreamingPullResponse."""
        await serve_stream(self._broker, requests, context)

    async def acknowledge(self, request: wire.Message, _: _Context) -> wire.Message:
        """AcknowledgeRequest → Empty."""
        subscription = self._broker.get_subscription(request.subscription)
        limits.check_ack_request(request)
        invalid = subscription.acknowledge(request.ack_ids)
        await self._journal.committed()
        _report_invalid(subscription, invalid)
        return wire.Empty()

    async def modify_ack_deadline(self, request: wire.Message, _: _Context) -> wire.Message:
        """ModifyAckDeadlineRequest → Empty."""
        subscription = self._broker.get_subscription(request.subscription)
        limits.check_ack_request(request)
        limits.check_between("ack_deadline_seconds", request.ack_deadline_seconds, 0, _MAX_ACK_DEADLINE_S)
        invalid = subscription.modify_deadlines(request.ack_ids, request.ack_deadline_seconds)
        await self._journal.committed()
        _report_invalid(subscription, invalid)
        return wire.Empty()

    async def create_snapshot(self, request: wire.Message, _: _Context) -> wire.Message:
        """CreateSnapshotRequest → Snapshot."""
        snapshot = replay.create_snapshot(self._broker, request)
        await self._journal.committed()
        return snapshot.config

    async def get_snapshot(self, request: wire.Message, _: _Context) -> wire.Message:
        """GetSnapshotRequest → Snapshot."""
        return self._broker.get_snapshot(request.snapshot).config

    async def update_snapshot(self, request: wire.Message, _: _Context) -> wire.Message:
        """UpdateSnapshotRequest → Snapshot."""
        snapshot = replay.update_snapshot(self._broker, request.snapshot, list(request.update_mask.paths))
        await self._journal.committed()
        return snapshot.config

    async def list_snapshots(self, request: wire.Message, _: _Context) -> wire.Message:
        """ListSnapshotsRequest → ListSnapshotsResponse."""
        found, token = page_of(self._broker.snapshots_of(request.project), request, key=lambda each: each.name)
        return wire.ListSnapshotsResponse(snapshots=[each.config for each in found], next_page_token=token)

    async def delete_snapshot(self, request: wire.Message, _: _Context) -> wire.Message:
        """DeleteSnapshotRequest → Empty."""
        self._broker.delete_snapshot(request.snapshot)
        await self._journal.committed()
        return wire.Empty()

    async def seek(self, request: wire.Message, _: _Context) -> wire.Message:
        """SeekRequest → SeekResponse."""
        target = request.WhichOneof("target")
        if target == "time":
            replay.seek_to_time(self._broker, request.subscription, wire.timestamp_us(request.time))
        elif target == "snapshot":
            replay.seek_to_snapshot(self._broker, request.subscription, request.snapshot)
        else:
            raise InvalidArgumentError("A Seek request needs a target: a time or a snapshot.")
        await self._journal.committed()
        return wire.SeekResponse()

    async def _take(self, subscription: Subscription, request: wire.Message, context: _Context) -> list[Delivery]:
        loop = asyncio.get_running_loop()
        remaining_s = context.time_remaining()
        wait_s = _LONG_POLL_S if remaining_s is None else min(_LONG_POLL_S, remaining_s - _ANSWER_BEFORE_DEADLINE_S)
        give_up_at = loop.time() + (0 if request.return_immediately else wait_s)
        changed = asyncio.Event()
        subscription.listeners[changed] = None
        try:
            while True:
                changed.clear()
                deliveries = subscription.take(
                    count=min(request.max_messages, _MAX_PULL), deadline_s=subscription.config.ack_deadline_seconds
                )
                if deliveries:
                    return deliveries
                if subscription.has_more:
                    # Thousands of filtered messages so far: let others have a turn, then look on.
                    await asyncio.sleep(0)
                    continue
                if loop.time() >= give_up_at:
                    return []
                async with asyncio.timeout_at(give_up_at):
                    await changed.wait()
        except TimeoutError:
            return []
        finally:
            del subscription.listeners[changed]


def _shown(subscription: Subscription) -> wire.Message:
    """The Subscription message, with what it inherits from its topic."""
    topic = subscription.topic
    if topic is None or topic.retention_us is None:
        return subscription.config
    shown = wire.Subscription()
    shown.CopyFrom(subscription.config)
    shown.topic_message_retention_duration.CopyFrom(topic.config.message_retention_duration)
    return shown


def _report_invalid(subscription: Subscription, ack_ids: list[str]) -> None:
    # Google tells only where it promises that an acknowledged message doesn't come again.
    if ack_ids and subscription.config.enable_exactly_once_delivery:
        raise InvalidAckIdsError(ack_ids)
