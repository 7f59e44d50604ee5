"""`python -m local.provision`: create the topics and the agents' push subscriptions in the local Pub/Sub.

What Terraform declares in production, from the same declarations: `triggers.topics` and `agents.registry`. Running it
again is harmless; subscriptions that exist get their push address brought up to date, since ports may have moved.
"""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import grpc
from google.api_core.exceptions import AlreadyExists, GoogleAPICallError
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from google.pubsub_v1.types import PushConfig, RetryPolicy, Subscription, UpdateSubscriptionRequest

from agents.registry import AGENTS
from local.environment import PUSH_SERVICE_ACCOUNT
from local.layout import PROJECT, Layout, read_layout
from triggers.topics import TOPICS

#: How long one call may take, the wait for the server included.
_TIMEOUT_S = 10.0
ACK_DEADLINE = timedelta(seconds=60)
#: Locally nobody wants to wait ten minutes for the next attempt, as production's policy allows.
RETRY_AFTER = (timedelta(seconds=1), timedelta(seconds=60))


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSubscription:
    """An agent's subscription on one of its topics."""

    name: str
    topic: str
    endpoint: str
    #: Audience of the token that each push carries.
    audience: str


def declared_subscriptions(layout: Layout) -> tuple[PushSubscription, ...]:
    """Every subscription that the registered agents need."""
    return tuple(
        PushSubscription(
            name=name,
            topic=topic,
            endpoint=f"{layout.agent_url(agent.name)}/events",
            audience=layout.agent_url(agent.name),
        )
        for agent in AGENTS.values()
        for name, topic in agent.subscriptions.items()
    )


def provision(emulator_host: str, layout: Layout, *, project: str = PROJECT) -> None:
    """Create what is missing, update push addresses; GoogleAPICallError when Pub/Sub refuses or isn't there."""
    with grpc.insecure_channel(emulator_host) as channel:
        publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        for topic in TOPICS:
            try:
                publisher.create_topic(name=_topic(project, topic.name), timeout=_TIMEOUT_S)
            except AlreadyExists:
                continue
        for declared in declared_subscriptions(layout):
            _put_subscription(subscriber, _subscription(declared, project))


def _put_subscription(subscriber: SubscriberClient, subscription: Subscription) -> None:
    try:
        subscriber.create_subscription(request=subscription, timeout=_TIMEOUT_S)
    except AlreadyExists:
        fields = FieldMask(paths=["push_config", "ack_deadline_seconds", "retry_policy"])
        update = UpdateSubscriptionRequest(subscription=subscription, update_mask=fields)
        subscriber.update_subscription(request=update, timeout=_TIMEOUT_S)


def _subscription(declared: PushSubscription, project: str) -> Subscription:
    least, most = RETRY_AFTER
    return Subscription(
        name=f"projects/{project}/subscriptions/{declared.name}",
        topic=_topic(project, declared.topic),
        ack_deadline_seconds=int(ACK_DEADLINE.total_seconds()),
        enable_message_ordering=True,
        retry_policy=RetryPolicy(minimum_backoff=_duration(least), maximum_backoff=_duration(most)),
        push_config=PushConfig(
            push_endpoint=declared.endpoint,
            oidc_token=PushConfig.OidcToken(service_account_email=PUSH_SERVICE_ACCOUNT, audience=declared.audience),
        ),
    )


def _duration(value: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(value)
    return duration


def _topic(project: str, name: str) -> str:
    return f"projects/{project}/topics/{name}"


def main(environ: Mapping[str, str] | None = None) -> None:
    """Provision what PUBSUB_EMULATOR_HOST names, or the layout's own."""
    environ = os.environ if environ is None else environ
    layout = read_layout(environ)
    host = environ.get("PUBSUB_EMULATOR_HOST") or f"127.0.0.1:{layout.ports['pubsub']}"
    try:
        provision(host, layout, project=environ.get("GOOGLE_CLOUD_PROJECT") or PROJECT)
    except GoogleAPICallError as error:
        sys.exit(f"Topics and subscriptions could not be made at {host}: {error.message}")


if __name__ == "__main__":
    main()
