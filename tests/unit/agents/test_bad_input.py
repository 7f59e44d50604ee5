"""Bad input at an agent: each kind has its outcome, and a log line that names the event (docs/events.md lists them)."""

import asyncio
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from structlog.testing import capture_logs

from agents.events.payload import DomainEvent
from agents.graphql.client import GraphQLClient
from agents.runtime.handler import Work, WriteBack
from agents.runtime.operations import begin_task
from agents.runtime.processing import Ending
from agents.runtime.push import Delivery, NotOurEvent, parse_push
from integrations.telemetry.metrics import REGISTRY
from tests.unit.agents.scripted_endpoint import ScriptedEndpoint, on, refusal
from tests.unit.agents.test_processing import Agent, Probed, agent, delivery, endpoint, graphql

__all__ = ["agent", "endpoint", "graphql"]


class Unwanted(DomainEvent):
    """What nobody may hear of."""

    TYPE: ClassVar[str] = "probe.unwanted"

    number: int

    @property
    def subject(self) -> str:
        return "s"


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


async def test_what_is_passed_over_is_seen_at_the_ordinary_log_level_with_its_reason(agent: Agent) -> None:
    unknown = delivery(event_type="probe.unheard_of")
    foreign = delivery()
    foreign = replace(foreign, envelope=replace(foreign.envelope, recipient="zendesk"))

    with capture_logs() as lines:
        for delivered in (unknown, foreign):
            await agent.processor.process(delivered)

    told = [(line["event_id"], line["log_level"], line["reason"]) for line in lines if line["event"] == "event.ignored"]
    assert told == [
        (str(unknown.envelope.id), "info", "this agent has no handler for the type"),
        (str(foreign.envelope.id), "info", "a replay for zendesk alone"),
    ]


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


async def test_a_handler_that_does_not_stop_when_told_to_is_left_behind(
    graphql: GraphQLClient, endpoint: ScriptedEndpoint
) -> None:
    agent = Agent(
        graphql,
        concurrency=1,
        time_out=timedelta(milliseconds=50),
        stop_grace=timedelta(milliseconds=20),
        fault_attempts=2,
    )
    let_go = asyncio.Event()
    ended = asyncio.Event()

    async def handle(_event: Probed, work: Work) -> WriteBack:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue
        ended.set()
        return WriteBack(mutations=(work.publish(Unwanted(number=1)),))

    def living() -> float:
        return REGISTRY.get_sample_value("caregraph_agent_abandoned", {"agent": "probe"}) or 0.0

    agent.handle = handle
    event = delivery()
    async with asyncio.timeout(5):
        first, logged = await process(agent, event)
        # Its place is free again: the only one there is.
        second, _ = await process(agent, event)
        agent.handle = agent.do_nothing
        other, _ = await process(agent, delivery())
    assert living() == 2
    let_go.set()
    await asyncio.wait_for(ended.wait(), 5)
    await asyncio.sleep(0)

    assert (first.end, first.status, first.reason) == ("retry", 500, "handler: no end within 0.05 s")
    assert logged == ["event.abandoned", "event.timed_out", "event.retry"]
    assert (second.end, second.status) == ("dead_letter", 204)
    assert other.end == "done"
    # What it came to in the end is not written.
    assert "publish_event" not in [name for name, _ in endpoint.written]
    assert living() == 0


async def test_a_handler_that_ends_as_cancelled_by_itself_is_a_fault(agent: Agent) -> None:
    async def handle(_event: Probed, _work: Work) -> WriteBack:
        raise asyncio.CancelledError

    agent.handle = handle
    ending, logged = await process(agent, delivery())

    assert (ending.end, ending.status, ending.reason) == ("retry", 500, "unexpected CancelledItself")
    assert logged == ["event.failed", "event.retry"]


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
