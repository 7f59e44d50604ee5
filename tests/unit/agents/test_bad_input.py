"""Bad input at an agent: each kind has its outcome, and a log line that names the event (docs/events.md lists them)."""

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from agents.graphql.client import GraphQLClient
from agents.runtime.handler import Work, WriteBack
from agents.runtime.operations import begin_task
from agents.runtime.processing import Ending
from agents.runtime.push import Delivery, NotOurEvent, parse_push
from integrations.telemetry.metrics import REGISTRY
from tests.unit.agents.scripted_endpoint import ScriptedEndpoint, on, refusal
from tests.unit.agents.test_processing import Agent, Probed, agent, delivery, endpoint, graphql

__all__ = ["agent", "endpoint", "graphql"]


async def process(agent: Agent, delivered: Delivery) -> tuple[Ending, list[str]]:
    """How it ended, and the names of the log lines that name the event."""
    with capture_logs() as lines:
        ending = await agent.processor.process(delivered)
    return ending, [line["event"] for line in lines if line.get("event_id") == str(delivered.envelope.id)]


async def test_a_type_that_nobody_knows_is_acknowledged(agent: Agent, endpoint: ScriptedEndpoint) -> None:
    ending, logged = await process(agent, delivery(event_type="probe.unheard_of"))

    assert (ending.end, ending.status) == ("ignored", 204)
    assert logged == ["event.ignored"]
    assert endpoint.rows("events_inbox") == []


async def test_data_that_does_not_fit_is_given_up_at_once(agent: Agent, endpoint: ScriptedEndpoint) -> None:
    ending, logged = await process(agent, delivery(data=b'{"number": "many"}'))

    assert (ending.end, ending.status) == ("dead_letter", 204)
    assert logged == ["event.dead_letter"]
    assert len(endpoint.rows("events_dead_letter")) == 1


async def test_an_envelope_that_is_not_ours_is_given_up_at_once(agent: Agent, endpoint: ScriptedEndpoint) -> None:
    event_id = uuid.uuid4()
    body = (
        b'{"message": {"messageId": "1", "attributes": {"ce-id": "%s"}}, "subscription": "s"}' % str(event_id).encode()
    )
    with pytest.raises(NotOurEvent) as raised:
        parse_push(body)

    with capture_logs() as lines:
        ending = await agent.processor.refuse(raised.value)

    assert (ending.end, ending.status) == ("dead_letter", 204)
    assert [(line["event"], line["event_id"]) for line in lines] == [("event.unreadable", str(event_id))]
    assert len(endpoint.rows("events_dead_letter")) == 1


async def test_a_handler_that_never_returns_is_ended_and_logged(graphql: GraphQLClient) -> None:
    agent = Agent(graphql, time_out=timedelta(milliseconds=50))

    async def handle(_event: Probed, _work: Work) -> WriteBack:
        await asyncio.Event().wait()
        return WriteBack()

    agent.handle = handle
    ending, logged = await process(agent, delivery())

    assert (ending.end, ending.status) == ("retry", 500)
    assert logged == ["event.timed_out", "event.retry"]


async def test_an_event_of_a_table_that_is_gone_is_given_up_after_some_tries_and_holds_up_nobody(
    agent: Agent, graphql: GraphQLClient, endpoint: ScriptedEndpoint
) -> None:
    async def handle(_event: Probed, _work: Work) -> WriteBack:
        # The endpoint no longer has the field that this agent asks for.
        await graphql.mutate(begin_task(id=uuid.uuid4(), generation=0))
        return WriteBack()

    gone = 'field "contract_by_pk" not found in type: "query_root"'
    answer = refusal("validation-failed", gone, "$.selectionSet.contract_by_pk")
    endpoint.scripts += [on("BeginTask", answer)] * 10
    agent.handle = handle
    event = delivery()

    ending, logged = await process(agent, event)
    assert (ending.end, ending.status) == ("retry", 500)
    assert logged == ["event.failed", "event.retry"]
    for _ in range(8):
        assert (await agent.processor.process(event)).end == "retry"
    ending, logged = await process(agent, event)
    assert (ending.end, ending.status) == ("dead_letter", 204)
    assert ending.reason == "BeginTask: validation-failed at $.selectionSet.contract_by_pk"
    agent.handle = agent.do_nothing
    assert (await agent.processor.process(delivery())).end == "done"


@pytest.mark.parametrize("skew", [timedelta(days=1), timedelta(days=-1)], ids=["future", "past"])
async def test_a_clock_that_goes_wrong_hinders_no_event_and_makes_no_negative_delay(
    agent: Agent, skew: timedelta
) -> None:
    def delays() -> float:
        labels = {"agent": "probe", "type": "probe.probed"}
        return REGISTRY.get_sample_value("caregraph_agent_event_delay_seconds_sum", labels) or 0.0

    before = delays()
    event = delivery()
    skewed = replace(event, envelope=replace(event.envelope, time=datetime.now(UTC) + skew))
    ending, logged = await process(agent, skewed)

    assert ending.end == "done"
    assert logged == ["event.done"]
    grown: Any = delays() - before
    assert grown == pytest.approx(max(-skew.total_seconds(), 0), abs=5)
