"""One trace, as a collector gets it by OTLP: from a mutation to what an agent did about it, and back."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest
from google.protobuf.duration_pb2 import Duration
from google.pubsub_v1 import PublisherClient, SubscriberClient
from google.pubsub_v1.services.publisher.transports import PublisherGrpcTransport
from google.pubsub_v1.services.subscriber.transports import SubscriberGrpcTransport
from google.pubsub_v1.types import PushConfig, Subscription

from tests.integration.agents.behaviour import agent_process
from tests.integration.agents.deliveries import World
from tests.integration.agents.serving import NO_TLS
from tests.integration.agents.surroundings import ADMIN_SECRET, PUSH_ACCOUNT, Surroundings, surroundings_of
from tests.integration.agents.test_zendesk_agent import TestZendeskAgent as Zendesk
from tests.integration.pubsub.server import Server, insecure_channel
from tests.integration.tracing.collector import Collector, Span
from tests.integration.triggers.relays import RelayProcess

PROJECT = "caregraph-local"
TOPIC = f"projects/{PROJECT}/topics/customer-events"
INSERT = """
    mutation ($customer: customer_insert_input!) { insert_customer_one(object: $customer) { id } }
"""


class TracedZendesk(Zendesk):
    """The Zendesk agent as a process that exports its spans."""

    exporting: dict[str, str]

    def environment(self, world: World, url: str) -> dict[str, str]:
        return super().environment(world, url) | self.exporting


@dataclass(frozen=True, kw_only=True)
class Traced:
    """Every program of an event's way, all exporting to one collector."""

    collector: Collector
    world: World
    surroundings: Surroundings


@pytest.fixture
async def traced(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Traced]:
    with Collector() as collector:
        # A hundred milliseconds in place of five seconds until a batch of spans leaves.
        exporting = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.endpoint, "OTEL_BSP_SCHEDULE_DELAY": "100"}
        for name, value in exporting.items():
            monkeypatch.setenv(name, value)
        with surroundings_of(database_url, tmp_path) as surroundings:
            pubsub = Server(home=tmp_path / "pubsub", environment={"CAREGRAPH_IDENTITY_URL": surroundings.identity})
            pubsub.start()
            relay = RelayProcess.start(
                {
                    "DATABASE_URL": database_url,
                    "GOOGLE_CLOUD_PROJECT": PROJECT,
                    "PUBSUB_EMULATOR_HOST": pubsub.address,
                    "CAREGRAPH_ENVIRONMENT": "development",
                },
                tmp_path,
            )
            database = await asyncpg.connect(database_url)
            async with httpx.AsyncClient(timeout=30, trust_env=False, verify=NO_TLS) as client:
                world = World(surroundings=surroundings, database=database, client=client)
                agent = TracedZendesk()
                agent.exporting = exporting
                folder = tmp_path / "agent"
                folder.mkdir()
                async with agent_process(agent, world, folder) as (_, target):
                    await asyncio.to_thread(subscribe, pubsub.address, target.url)
                    yield Traced(collector=collector, world=world, surroundings=surroundings)
            await database.close()
            relay.stop()
            pubsub.stop()


def subscribe(address: str, url: str) -> None:
    with insecure_channel(address) as channel:
        PublisherClient(transport=PublisherGrpcTransport(channel=channel)).create_topic(name=TOPIC)
        SubscriberClient(transport=SubscriberGrpcTransport(channel=channel)).create_subscription(
            Subscription(
                name=f"projects/{PROJECT}/subscriptions/zendesk-customer-events",
                topic=TOPIC,
                enable_message_ordering=True,
                push_config=PushConfig(
                    push_endpoint=f"{url}/events",
                    oidc_token=PushConfig.OidcToken(service_account_email=PUSH_ACCOUNT, audience=url),
                ),
                ack_deadline_seconds=60,
                message_retention_duration=Duration(seconds=3600),
            )
        )


async def test_one_trace_spans_mutation_relay_agent_outside_call_and_write_back(traced: Traced) -> None:
    trace_id, root = uuid.uuid4().hex, uuid.uuid4().hex[:16]
    answer = await traced.world.client.post(
        f"{traced.surroundings.api}/v1/graphql",
        json={
            "query": INSERT,
            "variables": {"customer": {"email": "ada@example.com", "first_name": "Ada", "last_name": "Lovelace"}},
        },
        headers={"x-hasura-admin-secret": ADMIN_SECRET, "traceparent": f"00-{trace_id}-{root}-01"},
    )
    customer_id = answer.json()["data"]["insert_customer_one"]["id"]

    def is_complete(spans: list[Span]) -> bool:
        known = {span.span_id for span in spans} | {root}
        parents = {span.parent_id for span in spans}
        calls = [span for span in spans if span.service == "zendesk-agent" and span.kind == "CLIENT"]
        # Each program sends its spans when it likes: what has a parent waits for it, what asks for who answers.
        return (
            any("RecordInbox" in call.name for call in calls)
            and all(call.span_id in parents for call in calls)
            and parents <= known
        )

    spans = await asyncio.to_thread(traced.collector.wait_for, trace_id, is_complete)
    by_id = {span.span_id: span for span in spans}

    def ancestors(span: Span) -> list[tuple[str, str]]:
        found = []
        while span.parent_id != root:
            span = by_id[span.parent_id]
            found.append((span.service, span.kind))
        return found

    row = await traced.world.row(
        "SELECT id, traceparent FROM events.outbox WHERE type = 'customer.inserted' AND subject = $1", customer_id
    )
    assert row["traceparent"].split("-")[1] == trace_id
    # The mutation, the relay's publishing below it, the agent's handling below that.
    mutation = next(span for span in spans if span.parent_id == root)
    assert (mutation.service, mutation.kind) == ("surroundings", "SERVER")
    way = [("relay", "PRODUCER"), ("surroundings", "SERVER")]
    handling = next(
        span
        for span in spans
        if span.attributes.get("cloudevents.event_id") == str(row["id"]) and span.kind == "CONSUMER"
    )
    assert handling.service == "zendesk-agent"
    assert ancestors(handling) == way
    # Zendesk's answer (the stand-in joins the trace) and the write-back's, each below the agent's own call.
    calls = [span for span in spans if span.parent_id == handling.span_id and span.kind == "CLIENT"]
    answers = {call.name: [span for span in spans if span.parent_id == call.span_id] for call in calls}
    assert {span.service for answer in answers.values() for span in answer} == {"surroundings"}
    assert all(answers.values()), answers
    assert any("zendesk" in name for name in answers)
    assert any("RecordInbox" in name for name in answers)
    # What the write-back changed is an event as well, and hangs below it; nothing hangs nowhere.
    assert all(
        ("zendesk-agent", "CLIENT") in ancestors(span)
        for span in spans
        if span.parent_id in by_id and span.service == "relay" and by_id[span.parent_id] is not mutation
    )
    delivery = await traced.world.row("SELECT outcome, effects FROM events.delivery WHERE event_id = $1", row["id"])
    assert delivery["outcome"] == "done"
    assert [effect["system"] for effect in json.loads(delivery["effects"])] == ["zendesk"]
    followed = await traced.world.rows(
        "SELECT traceparent FROM events.outbox WHERE subject = $1 AND id <> $2", customer_id, row["id"]
    )
    assert {each["traceparent"].split("-")[1] for each in followed} <= {trace_id}
    # Nothing about the customer is in it.
    assert "Lovelace" not in repr(spans)
    assert "ada@example.com" not in repr(spans)
