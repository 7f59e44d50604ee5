"""Topics and push subscriptions as the code declares them: `python -m local.provision`.

`triggers.topics` says which topics there are, `agents.registry` which agent listens to which, `local.layout` where each
agent is. What is missing is created, what differs is changed, what was declared once and no longer is goes; running it
again does nothing. It speaks to any Pub/Sub without credentials: the local one, or Google's emulator.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import grpc
import structlog
from google.api_core.exceptions import GoogleAPICallError, NotFound, RetryError
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from google.pubsub_v1.types import ExpirationPolicy, PushConfig, RetryPolicy, Subscription, Topic

from agents.registry import AGENTS
from integrations.telemetry import configure_telemetry
from local.environment import PUSH_SERVICE_ACCOUNT
from local.layout import HOST, PROJECT, Layout, LayoutError, read_layout
from triggers.topics import TOPICS

ACK_DEADLINE_S: Final = 60
BACKOFF_S: Final = (1, 60)
_READY_TIMEOUT_S: Final = 30.0
_CALL_TIMEOUT_S: Final = 10.0
#: Marks what this program made, so that it takes away nothing else.
_LABELS: Final = {"managed-by": "caregraph"}
#: What can be changed; the rest is fixed when a subscription is created.
_MUTABLE: Final = ("push_config", "ack_deadline_seconds", "retry_policy", "expiration_policy", "labels")
_FIXED: Final = ("topic", "enable_message_ordering", "filter")

_log = structlog.get_logger(__name__)


class ProvisionError(Exception):
    """Pub/Sub doesn't answer, or refuses; the message says which and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PushSubscription:
    """One agent's subscription to one topic. Names are ids, without the project."""

    name: str
    topic: str
    endpoint: str
    #: Audience of the tokens that come with the pushes.
    audience: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a run did, by full resource name."""

    created: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """How many in all; 0 when everything was as declared."""
        return len(self.created) + len(self.updated) + len(self.deleted)


def declared_topics() -> tuple[str, ...]:
    """The ids of the topics that events go to."""
    return tuple(topic.name for topic in TOPICS)


def declared_subscriptions(layout: Layout) -> tuple[PushSubscription, ...]:
    """A subscription for each agent and topic that it listens to, pushed to where the layout has the agent."""
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


def provision(
    *,
    address: str,
    project: str,
    topics: Iterable[str],
    subscriptions: Iterable[PushSubscription],
    timeout_s: float = _READY_TIMEOUT_S,
) -> Changes:
    """Make the Pub/Sub at `address` (`127.0.0.1:8085`) as declared; what had to be changed.

    Waits up to `timeout_s` for it to answer. A subscription that differs in what is fixed at creation (topic, filter,
    order) is made anew and loses its backlog. Raises ProvisionError.
    """
    with grpc.insecure_channel(address) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=timeout_s)
        except grpc.FutureTimeoutError:
            raise ProvisionError(
                f"No Pub/Sub answers at {address} within {timeout_s:g} s. Start it (`python -m local.pubsub`), "
                "or set PUBSUB_EMULATOR_HOST to where it is."
            ) from None
        try:
            return _Provisioning(channel, project).run(tuple(topics), tuple(subscriptions))
        except (GoogleAPICallError, RetryError) as error:
            raise ProvisionError(f"The Pub/Sub at {address} refused: {error}") from error


class _Provisioning:
    """One run over one channel."""

    def __init__(self, channel: grpc.Channel, project: str) -> None:
        self._publisher = PublisherClient(transport=PublisherGrpcTransport(channel=channel))
        self._subscriber = SubscriberClient(transport=SubscriberGrpcTransport(channel=channel))
        self._project = f"projects/{project}"
        self._created: list[str] = []
        self._updated: list[str] = []
        self._deleted: list[str] = []

    def run(self, topics: Sequence[str], subscriptions: Sequence[PushSubscription]) -> Changes:
        existing = {topic.name for topic in self._publisher.list_topics(project=self._project, timeout=_CALL_TIMEOUT_S)}
        for topic in (f"{self._project}/topics/{each}" for each in topics):
            if topic not in existing:
                self._publisher.create_topic(request=Topic(name=topic, labels=_LABELS), timeout=_CALL_TIMEOUT_S)
                self._created.append(topic)
        wanted = [self._wanted(each) for each in subscriptions]
        found = {each.name: each for each in self._subscriber.list_subscriptions(project=self._project)}
        self._delete_undeclared(found.values(), {each.name for each in wanted})
        for each in wanted:
            self._bring_about(each, found.get(each.name))
        return Changes(created=tuple(self._created), updated=tuple(self._updated), deleted=tuple(self._deleted))

    def _wanted(self, declared: PushSubscription) -> Subscription:
        return Subscription(
            name=f"{self._project}/subscriptions/{declared.name}",
            topic=f"{self._project}/topics/{declared.topic}",
            push_config=PushConfig(
                push_endpoint=declared.endpoint,
                oidc_token=PushConfig.OidcToken(service_account_email=PUSH_SERVICE_ACCOUNT, audience=declared.audience),
            ),
            ack_deadline_seconds=ACK_DEADLINE_S,
            enable_message_ordering=True,
            retry_policy=RetryPolicy(
                minimum_backoff=Duration(seconds=BACKOFF_S[0]), maximum_backoff=Duration(seconds=BACKOFF_S[1])
            ),
            # Never: a platform that was off for a month finds its subscriptions again.
            expiration_policy=ExpirationPolicy(),
            labels=_LABELS,
        )

    def _bring_about(self, wanted: Subscription, found: Subscription | None) -> None:
        if found is not None and any(getattr(found, field) != getattr(wanted, field) for field in _FIXED):
            _log.warning("provision.made_anew", subscription=wanted.name)
            self._delete(wanted.name)
            found = None
        if found is None:
            self._subscriber.create_subscription(request=wanted, timeout=_CALL_TIMEOUT_S)
            self._created.append(wanted.name)
            return
        differing = [field for field in _MUTABLE if getattr(found, field) != getattr(wanted, field)]
        if differing:
            self._subscriber.update_subscription(
                subscription=wanted, update_mask=FieldMask(paths=differing), timeout=_CALL_TIMEOUT_S
            )
            self._updated.append(wanted.name)

    def _delete_undeclared(self, found: Iterable[Subscription], declared: set[str]) -> None:
        for each in found:
            if dict(each.labels) == _LABELS and each.name not in declared:
                self._delete(each.name)

    def _delete(self, name: str) -> None:
        try:
            self._subscriber.delete_subscription(subscription=name, timeout=_CALL_TIMEOUT_S)
        except NotFound:
            return
        self._deleted.append(name)


def main() -> int:
    """Provision the Pub/Sub that the environment names, else the layout's; 1 with a sentence when that fails."""
    configure_telemetry("provision")
    try:
        layout = read_layout()
        changes = provision(
            address=os.environ.get("PUBSUB_EMULATOR_HOST") or f"{HOST}:{layout.ports['pubsub']}",
            project=os.environ.get("GOOGLE_CLOUD_PROJECT") or PROJECT,
            topics=declared_topics(),
            subscriptions=declared_subscriptions(layout),
        )
    except (LayoutError, ProvisionError) as error:
        print(f"Topics and subscriptions can't be set up: {error}", file=sys.stderr)  # noqa: T201 - for people
        return 1
    _log.info(
        "provision.done", created=list(changes.created), updated=list(changes.updated), deleted=list(changes.deleted)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
