"""A look inside over HTTP, when `CAREGRAPH_PUBSUB_STATUS_PORT` is set: `/` as JSON, and health and metrics."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import uvicorn
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from integrations.telemetry.http import operational_routes
from integrations.telemetry.metrics import REGISTRY
from local.pubsub.broker import Broker
from local.pubsub.names import id_of
from local.pubsub.subscription import Subscription
from local.pubsub.topic import system_clock

_STOP_TIMEOUT_S: Final = 5.0


@contextlib.asynccontextmanager
async def status_server(broker: Broker, host: str, port: int) -> AsyncIterator[None]:
    """Serve the status page meanwhile."""
    config = uvicorn.Config(
        status_app(broker), host=host, port=port, log_config=None, access_log=False, log_level="warning", lifespan="off"
    )
    server = _Server(config)
    collector = BrokerCollector(broker)
    REGISTRY.register(collector)
    serving = asyncio.create_task(server.serve())
    try:
        yield
    finally:
        server.should_exit = True
        await asyncio.wait([serving], timeout=_STOP_TIMEOUT_S)
        REGISTRY.unregister(collector)


def status_app(broker: Broker) -> Starlette:
    """The application: `/`, `/healthz`, `/readyz`, `/metrics`."""

    async def journal_is_writable() -> None:
        broker.journal.flush()

    async def show(_: Request) -> JSONResponse:
        return JSONResponse(describe(broker))

    return Starlette(routes=[Route("/", show), *operational_routes({"journal": journal_is_writable})])


def describe(broker: Broker) -> dict[str, Any]:
    """Every topic and subscription with its figures: `{"topics": […], "subscriptions": […]}`."""
    return {
        "topics": [
            {"name": topic.name, "published": topic.published_count, "published_bytes": topic.published_bytes}
            for topic in broker.topics.values()
        ],
        "subscriptions": [
            {
                "name": subscription.name,
                "topic": subscription.config.topic,
                "push_endpoint": subscription.config.push_config.push_endpoint or None,
                "backlog": subscription.backlog.open_count if subscription.backlog is not None else 0,
                "oldest_unacknowledged_s": _oldest_s(subscription),
                "outstanding": len(subscription.leases),
                **dict(subscription.counts.items()),
            }
            for subscription in broker.subscriptions.values()
        ],
    }


class BrokerCollector(Collector):
    """The same figures for Prometheus, computed when it asks."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def collect(self) -> Iterator[Metric]:
        """Families of samples, labelled by topic or subscription id."""
        published = CounterMetricFamily(
            "caregraph_local_pubsub_published_messages", "Messages published.", labels=["topic"]
        )
        for topic in self._broker.topics.values():
            published.add_metric([id_of(topic.name)], topic.published_count)
        yield published
        backlog = GaugeMetricFamily(
            "caregraph_local_pubsub_backlog_messages", "Messages not acknowledged.", labels=["subscription"]
        )
        outstanding = GaugeMetricFamily(
            "caregraph_local_pubsub_outstanding_messages", "Messages with a consumer.", labels=["subscription"]
        )
        oldest = GaugeMetricFamily(
            "caregraph_local_pubsub_oldest_unacknowledged_seconds",
            "Age of the oldest message not acknowledged.",
            labels=["subscription"],
        )
        outcomes = CounterMetricFamily(
            "caregraph_local_pubsub_deliveries", "Deliveries by outcome.", labels=["subscription", "outcome"]
        )
        for subscription in self._broker.subscriptions.values():
            labels = [id_of(subscription.name)]
            if subscription.backlog is not None:
                backlog.add_metric(labels, subscription.backlog.open_count)
            outstanding.add_metric(labels, len(subscription.leases))
            oldest.add_metric(labels, _oldest_s(subscription) or 0.0)
            for outcome, count in subscription.counts.items():
                outcomes.add_metric([*labels, outcome], count)
        yield from (backlog, outstanding, oldest, outcomes)


class _Server(uvicorn.Server):
    """uvicorn without signal handlers: the program has its own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _oldest_s(subscription: Subscription) -> float | None:
    topic, backlog = subscription.topic, subscription.backlog
    if topic is None or backlog is None or not backlog.open_count:
        return None
    rows = topic.page(backlog.window.floor + 1, 1)
    return max(0.0, (system_clock() - rows[0].published_us) / 1e6) if rows else None
