"""The service `google.pubsub.v1.Publisher`: topics, and publishing to them."""

import grpc

from local.pubsub import limits, wire
from local.pubsub.broker import Broker
from local.pubsub.pages import page_of

_Context = grpc.aio.ServicerContext[wire.Message, wire.Message]


class PublisherService:
    """The methods of the service. An answer means that what was asked for survives a crash of the server."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._journal = broker.journal

    async def create_topic(self, request: wire.Message, _: _Context) -> wire.Message:
        """Topic → Topic."""
        topic = self._broker.create_topic(request)
        await self._journal.committed()
        return topic.config

    async def update_topic(self, request: wire.Message, _: _Context) -> wire.Message:
        """UpdateTopicRequest → Topic."""
        topic = self._broker.update_topic(request.topic, list(request.update_mask.paths))
        await self._journal.committed()
        return topic.config

    async def publish(self, request: wire.Message, _: _Context) -> wire.Message:
        """PublishRequest → PublishResponse with the ids in the messages' order."""
        topic = self._broker.get_topic(request.topic)
        limits.check_publish(request)
        ids = topic.publish(request.messages)
        await self._journal.committed()
        return wire.PublishResponse(message_ids=ids)

    async def get_topic(self, request: wire.Message, _: _Context) -> wire.Message:
        """GetTopicRequest → Topic."""
        return self._broker.get_topic(request.topic).config

    async def list_topics(self, request: wire.Message, _: _Context) -> wire.Message:
        """ListTopicsRequest → ListTopicsResponse."""
        topics, token = page_of(self._broker.topics_of(request.project), request, key=lambda topic: topic.name)
        return wire.ListTopicsResponse(topics=[topic.config for topic in topics], next_page_token=token)

    async def list_topic_subscriptions(self, request: wire.Message, _: _Context) -> wire.Message:
        """ListTopicSubscriptionsRequest → ListTopicSubscriptionsResponse."""
        topic = self._broker.get_topic(request.topic)
        names = sorted(each.name for each in self._broker.subscriptions.values() if each.topic is topic)
        found, token = page_of(names, request, key=str)
        return wire.ListTopicSubscriptionsResponse(subscriptions=found, next_page_token=token)

    async def list_topic_snapshots(self, request: wire.Message, _: _Context) -> wire.Message:
        """ListTopicSnapshotsRequest → ListTopicSnapshotsResponse."""
        topic = self._broker.get_topic(request.topic)
        names = sorted(each.name for each in self._broker.snapshots.values() if each.topic is topic)
        found, token = page_of(names, request, key=str)
        return wire.ListTopicSnapshotsResponse(snapshots=found, next_page_token=token)

    async def delete_topic(self, request: wire.Message, _: _Context) -> wire.Message:
        """DeleteTopicRequest → Empty."""
        self._broker.delete_topic(request.topic)
        await self._journal.committed()
        return wire.Empty()

    async def detach_subscription(self, request: wire.Message, _: _Context) -> wire.Message:
        """DetachSubscriptionRequest → DetachSubscriptionResponse."""
        self._broker.detach_subscription(request.subscription)
        await self._journal.committed()
        return wire.DetachSubscriptionResponse()
