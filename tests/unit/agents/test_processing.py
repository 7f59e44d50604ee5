"""One delivery from inbox to answer, with handlers and an endpoint that do what each test says."""

import asyncio
import base64
import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from structlog.testing import capture_logs

from agents.events.payload import DomainEvent
from agents.graphql.client import GraphQLClient
from agents.runtime.errors import Rejected, RetryLater
from agents.runtime.handler import Handler, Handlers, Work, WriteBack
from agents.runtime.operations import publish_event
from agents.runtime.processing import Processor
from agents.runtime.push import Delivery, NotOurEvent, parse_push
from agents.runtime.settings import RuntimeSettings
from integrations.errors import NotFound, RateLimited
from integrations.telemetry.metrics import REGISTRY
from integrations.telemetry.tracing import current_trace
from tests.unit.agents.scripted_endpoint import InProcess, ScriptedEndpoint, Token, on, refusal, unavailable

TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


class Probed(DomainEvent):
    """What the tests deliver."""

    TYPE: ClassVar[str] = "probe.probed"

    number: int


Handle = Callable[[Probed, Work], Awaitable[WriteBack]]


class Agent:
    """A processor whose handler the test chooses."""

    def __init__(self, graphql: GraphQLClient, **settings: Any) -> None:
        self.handle: Handle = self.do_nothing
        self.calls = 0
        self.processor = Processor(
            agent="probe",
            handlers=Handlers([Handler(event=Probed, handle=self._handle)]),
            graphql=graphql,
            settings=RuntimeSettings(
                graphql_url="http://api/v1/graphql",
                push_audience="http://agent",
                push_service_account="push@example.iam.gserviceaccount.com",
                **settings,
            ),
        )

    async def _handle(self, event: Probed, work: Work) -> WriteBack:
        self.calls += 1
        return await self.handle(event, work)

    @staticmethod
    async def do_nothing(_event: Probed, _work: Work) -> WriteBack:
        return WriteBack()

    def fails_with(self, *errors: Exception) -> None:
        """Raise these one after the other, then succeed."""
        left = list(errors)

        async def handle(_event: Probed, work: Work) -> WriteBack:
            async with work.step("call", system="outside", action="call"):
                if left:
                    raise left.pop(0)
            return WriteBack()

        self.handle = handle


@pytest.fixture
def endpoint() -> ScriptedEndpoint:
    return ScriptedEndpoint()


@pytest.fixture
async def graphql(endpoint: ScriptedEndpoint) -> GraphQLClient:
    return GraphQLClient(endpoint=InProcess(endpoint.app()), token=Token(), deadline_s=5)


@pytest.fixture
def agent(graphql: GraphQLClient) -> Agent:
    return Agent(graphql)


def delivery(
    *,
    event_id: uuid.UUID | None = None,
    event_type: str = "probe.probed",
    data: bytes = b'{"number": 1}',
    attempt: int | None = None,
) -> Delivery:
    attributes = {
        "ce-id": str(event_id or uuid.uuid4()),
        "ce-type": event_type,
        "ce-source": "/caregraph/development",
        "ce-subject": "s",
        "ce-time": datetime.now(UTC).isoformat(),
        "ce-specversion": "1.0",
        "traceparent": TRACE,
    }
    message = {"attributes": attributes, "data": base64.b64encode(data).decode(), "messageId": "1"}
    body: dict[str, Any] = {"message": message, "subscription": "projects/p/subscriptions/s"}
    if attempt is not None:
        body["deliveryAttempt"] = attempt
    return parse_push(json.dumps(body).encode())


async def test_a_handled_event_leaves_inbox_delivery_and_write_back_in_one_mutation(
    agent: Agent, endpoint: ScriptedEndpoint
) -> None:
    async def handle(event: Probed, work: Work) -> WriteBack:
        async with work.step("call", system="outside", action="call") as step:
            step.id = "o-1"
        return WriteBack(
            mutations=(publish_event(id=work.event_id, type="t", subject="s", data={"number": event.number}),)
        )

    agent.handle = handle
    pushed = delivery()

    ending = await agent.processor.process(pushed)

    assert (ending.end, ending.status) == ("done", 204)
    assert [name for name, _ in endpoint.written] == ["insert_events_inbox", "insert_events_delivery", "publish_event"]
    assert len([name for name, _ in endpoint.requests if name.startswith("RecordInbox")]) == 1
    (row,) = endpoint.rows("events_delivery")
    assert row["event_id"] == str(pushed.envelope.id)
    assert (row["outcome"], row["attempt"], row["error"]) == ("done", 1, None)
    assert [(effect["system"], effect["id"]) for effect in row["effects"]] == [("outside", "o-1")]
    assert datetime.fromisoformat(row["started_at"]) <= datetime.fromisoformat(row["finished_at"])


async def test_an_event_that_asks_for_nothing_is_recorded_as_skipped(agent: Agent, endpoint: ScriptedEndpoint) -> None:
    async def handle(_event: Probed, _work: Work) -> WriteBack:
        return WriteBack(skipped="nothing to do")

    agent.handle = handle

    ending = await agent.processor.process(delivery())

    assert (ending.end, ending.status) == ("skipped", 204)
    (row,) = endpoint.rows("events_delivery")
    assert (row["outcome"], row["error"]) == ("skipped", "nothing to do")
    assert len(endpoint.inbox) == 1


async def test_a_type_without_a_handler_is_acknowledged_without_asking_anyone(
    agent: Agent, endpoint: ScriptedEndpoint
) -> None:
    ending = await agent.processor.process(delivery(event_type="probe.unknown", data=b"not json"))

    assert (ending.end, ending.status) == ("ignored", 204)
    assert endpoint.requests == []


async def test_a_second_delivery_calls_nobody_outside(agent: Agent, endpoint: ScriptedEndpoint) -> None:
    pushed = delivery()

    ends = [(await agent.processor.process(pushed)).end for _ in range(2)]

    assert ends == ["done", "duplicate"]
    assert agent.calls == 1
    assert [row["outcome"] for row in endpoint.rows("events_delivery")] == ["done", "duplicate"]


async def test_two_deliveries_at_once_are_handled_once(agent: Agent, endpoint: ScriptedEndpoint) -> None:
    pushed = delivery()

    endings = await asyncio.gather(*(agent.processor.process(pushed) for _ in range(4)))

    assert sorted(ending.end for ending in endings) == ["done", "duplicate", "duplicate", "duplicate"]
    assert agent.calls == 1
    assert len(endpoint.rows("events_inbox")) == 1


async def test_of_two_processes_the_faster_one_wins(graphql: GraphQLClient, endpoint: ScriptedEndpoint) -> None:
    agents = [Agent(graphql), Agent(graphql)]
    both_at_it = asyncio.Barrier(2)

    async def handle(_event: Probed, work: Work) -> WriteBack:
        await both_at_it.wait()
        return WriteBack(mutations=(publish_event(id=work.event_id, type="t", subject="s", data={}),))

    pushed = delivery()
    for agent in agents:
        agent.handle = handle

    endings = await asyncio.gather(*(agent.processor.process(pushed) for agent in agents))

    assert sorted(ending.end for ending in endings) == ["done", "duplicate"]
    assert {ending.status for ending in endings} == {204}
    assert len([name for name, _ in endpoint.written if name == "publish_event"]) == 1


async def test_a_write_back_whose_answer_got_lost_is_done(agent: Agent, endpoint: ScriptedEndpoint) -> None:
    endpoint.lost_answers.append("RecordInbox_RecordDelivery")

    ending = await agent.processor.process(delivery())

    assert ending.status == 204
    assert len(endpoint.rows("events_inbox")) == 1


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (RetryLater("the pharmacy sleeps"), 503, "the pharmacy sleeps"),
        (RateLimited(service="outside", operation="call", code="rate_limited"), 503, "outside.call: rate_limited"),
        (RuntimeError("ada@example.com"), 500, "unexpected RuntimeError"),
    ],
)
async def test_a_failed_attempt_is_recorded_and_asked_for_again(
    agent: Agent, endpoint: ScriptedEndpoint, error: Exception, status: int, reason: str
) -> None:
    agent.fails_with(error)
    pushed = delivery()

    with capture_logs() as logs:
        first = await agent.processor.process(pushed)
    second = await agent.processor.process(pushed)

    assert (first.end, first.status, first.reason) == ("retry", status, reason)
    assert (second.end, second.status) == ("done", 204)
    rows = endpoint.rows("events_delivery")
    assert [(row["outcome"], row["attempt"], row["error"]) for row in rows] == [("retry", 1, reason), ("done", 2, None)]
    assert rows[0]["effects"][0]["error"] == type(error).__name__
    assert any(line.get("event_id") == str(pushed.envelope.id) for line in logs)


async def test_an_outside_system_is_left_alone_as_long_as_it_asked_for(
    agent: Agent, endpoint: ScriptedEndpoint
) -> None:
    agent.fails_with(RetryLater("too many requests", after=timedelta(seconds=60)))
    pushed = delivery()

    first = await agent.processor.process(pushed)
    second = await agent.processor.process(pushed)

    assert first.retry_after == timedelta(seconds=60)
    assert (second.end, second.status) == ("busy", 503)
    assert second.retry_after is not None
    assert timedelta(seconds=50) < second.retry_after <= timedelta(seconds=60)
    assert agent.calls == 1
    assert len(endpoint.rows("events_delivery")) == 1


@pytest.mark.parametrize(
    "error", [Rejected("no such treatment"), NotFound(service="outside", operation="call", code="not_found")]
)
async def test_what_can_never_succeed_becomes_a_dead_letter_at_once(
    agent: Agent, endpoint: ScriptedEndpoint, error: Exception
) -> None:
    agent.fails_with(error)
    pushed = delivery()

    ending = await agent.processor.process(pushed)

    assert (ending.end, ending.status) == ("dead_letter", 204)
    (letter,) = endpoint.rows("events_dead_letter")
    assert letter["event_id"] == str(pushed.envelope.id)
    assert (letter["reason"], letter["attempts"]) == (str(error), 1)
    assert letter["event"] == {"attributes": pushed.attributes, "data": {"number": 1}}
    assert [row["outcome"] for row in endpoint.rows("events_delivery")] == ["dead_letter"]
    # Not in the inbox: a replay, after the cause is gone, must be handled.
    assert endpoint.inbox == set()
    assert (await agent.processor.process(pushed)).end == "done"


@pytest.mark.parametrize("data", [b"{}", b"[]", b"not json", b'{"number": "many"}', b"", b"\xff"])
async def test_data_that_does_not_fit_its_type_is_a_dead_letter_that_says_why(
    agent: Agent, endpoint: ScriptedEndpoint, data: bytes
) -> None:
    ending = await agent.processor.process(delivery(data=data))

    assert (ending.end, ending.status) == ("dead_letter", 204)
    assert agent.calls == 0
    (letter,) = endpoint.rows("events_dead_letter")
    assert letter["reason"].startswith("probe.probed: ")


async def test_our_own_fault_is_tried_ten_times_then_given_up(
    graphql: GraphQLClient, endpoint: ScriptedEndpoint
) -> None:
    agent = Agent(graphql, fault_attempts=3)
    agent.fails_with(*(ValueError("bug") for _ in range(9)))
    pushed = delivery()

    ends = [(await agent.processor.process(pushed)).end for _ in range(3)]

    assert ends == ["retry", "retry", "dead_letter"]
    assert endpoint.rows("events_dead_letter")[0]["attempts"] == 3


async def test_attempts_that_pubsub_counted_before_a_restart_count(
    graphql: GraphQLClient, endpoint: ScriptedEndpoint
) -> None:
    agent = Agent(graphql, fault_attempts=10)
    agent.fails_with(ValueError("bug"))

    ending = await agent.processor.process(delivery(attempt=10))

    assert ending.end == "dead_letter"
    assert endpoint.rows("events_delivery")[0]["attempt"] == 10


@pytest.mark.parametrize("counted", [False, True])
async def test_someone_elses_trouble_uses_up_no_tries_of_our_own_faults(graphql: GraphQLClient, counted: bool) -> None:
    agent = Agent(graphql, fault_attempts=2, attempts=40)
    agent.fails_with(*(RetryLater("down") for _ in range(5)), *(ValueError("bug") for _ in range(2)))
    event_id = uuid.uuid4()

    ends = [
        (await agent.processor.process(delivery(event_id=event_id, attempt=number if counted else None))).end
        for number in range(1, 8)
    ]

    assert ends == ["retry"] * 6 + ["dead_letter"]


async def test_deliveries_that_found_no_turn_use_up_no_tries(graphql: GraphQLClient) -> None:
    agent = Agent(graphql, fault_attempts=2, concurrency=1, turn_time_out=timedelta(milliseconds=10))
    go_on = asyncio.Event()

    async def wait(_event: Probed, _work: Work) -> WriteBack:
        await go_on.wait()
        return WriteBack()

    agent.handle = wait
    slow = asyncio.create_task(agent.processor.process(delivery()))
    await asyncio.sleep(0)
    event_id = uuid.uuid4()
    ends = [(await agent.processor.process(delivery(event_id=event_id, attempt=number))).end for number in range(1, 6)]
    go_on.set()
    await slow
    agent.fails_with(*(ValueError("bug") for _ in range(2)))
    ends += [(await agent.processor.process(delivery(event_id=event_id, attempt=number))).end for number in (6, 7)]

    assert ends == ["busy"] * 5 + ["retry", "dead_letter"]


async def test_someone_elses_trouble_is_borne_longer_than_our_own(graphql: GraphQLClient) -> None:
    agent = Agent(graphql, fault_attempts=2, attempts=40)
    agent.fails_with(*(RetryLater("down") for _ in range(3)))
    event_id = uuid.uuid4()

    ends = [
        (await agent.processor.process(delivery(event_id=event_id, attempt=attempt))).end for attempt in (38, 39, 40)
    ]

    assert ends == ["retry", "retry", "dead_letter"]


async def test_a_dead_letter_that_cannot_be_written_is_not_acknowledged(
    agent: Agent, endpoint: ScriptedEndpoint
) -> None:
    agent.fails_with(Rejected("never"))
    endpoint.scripts.append(on("RecordDeadLetter", refusal("unexpected")))

    ending = await agent.processor.process(delivery())

    assert (ending.end, ending.status) == ("retry", 503)


async def test_an_attempt_that_cannot_be_recorded_is_still_an_attempt(agent: Agent, endpoint: ScriptedEndpoint) -> None:
    agent.fails_with(RetryLater("down"))
    endpoint.scripts.append(on("RecordDelivery", refusal("unexpected")))

    assert (await agent.processor.process(delivery())).status == 503


async def test_without_the_endpoint_nothing_is_done_outside(agent: Agent, endpoint: ScriptedEndpoint) -> None:
    endpoint.scripts += [on("", unavailable()) for _ in range(9)]

    ending = await agent.processor.process(delivery())

    assert (ending.end, ending.status) == ("retry", 503)
    assert agent.calls == 0


async def test_a_handler_that_never_returns_is_ended_and_tried_again(
    graphql: GraphQLClient, endpoint: ScriptedEndpoint
) -> None:
    agent = Agent(graphql, time_out=timedelta(milliseconds=50))
    stopped = asyncio.Event()

    async def handle(_event: Probed, _work: Work) -> WriteBack:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return WriteBack()

    agent.handle = handle

    with capture_logs() as logs:
        ending = await agent.processor.process(delivery())

    assert (ending.end, ending.status) == ("retry", 500)
    assert ending.reason == "handler: no end within 0.05 s"
    assert stopped.is_set()
    assert any(line["event"] == "event.timed_out" for line in logs)
    assert endpoint.rows("events_delivery")[0]["outcome"] == "retry"


async def test_a_slow_event_does_not_hold_up_another(agent: Agent) -> None:
    slow, quick = uuid.uuid4(), uuid.uuid4()
    go_on = asyncio.Event()

    async def handle(_event: Probed, work: Work) -> WriteBack:
        if work.event_id == slow:
            await go_on.wait()
        return WriteBack()

    agent.handle = handle
    slow_one = asyncio.create_task(agent.processor.process(delivery(event_id=slow)))

    async with asyncio.timeout(5):
        assert (await agent.processor.process(delivery(event_id=quick))).end == "done"
    assert not slow_one.done()
    go_on.set()
    assert (await slow_one).end == "done"


async def test_when_all_hands_are_full_pubsub_is_asked_to_slow_down(
    graphql: GraphQLClient, endpoint: ScriptedEndpoint
) -> None:
    agent = Agent(graphql, concurrency=1, turn_time_out=timedelta(milliseconds=30))
    go_on = asyncio.Event()
    begun = asyncio.Event()

    async def handle(_event: Probed, _work: Work) -> WriteBack:
        begun.set()
        await go_on.wait()
        return WriteBack()

    agent.handle = handle
    first = asyncio.create_task(agent.processor.process(delivery()))
    await begun.wait()

    refused = await agent.processor.process(delivery())

    assert (refused.end, refused.status) == ("busy", 429)
    go_on.set()
    assert (await first).end == "done"
    assert [row["attempt"] for row in endpoint.rows("events_delivery")] == [1]


async def test_an_attempt_killed_midway_leaves_nothing_and_is_repeated_with_the_same_key(
    graphql: GraphQLClient, endpoint: ScriptedEndpoint
) -> None:
    keys: list[str] = []
    called = asyncio.Event()

    async def handle(_event: Probed, work: Work) -> WriteBack:
        async with work.step("call", system="outside", action="call") as step:
            keys.append(step.idempotency_key)
            called.set()
        return WriteBack()

    pushed = delivery()
    endpoint.open.clear()
    dying = Agent(graphql)
    dying.handle = handle
    task = asyncio.create_task(dying.processor.process(pushed))
    await called.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert endpoint.written == []

    endpoint.open.set()
    successor = Agent(graphql)
    successor.handle = handle

    assert (await successor.processor.process(pushed)).end == "done"
    assert keys == [f"{pushed.envelope.id}:call"] * 2


async def test_the_trace_of_the_event_goes_on_through_handler_and_endpoint(
    agent: Agent, endpoint: ScriptedEndpoint
) -> None:
    seen: list[str] = []

    async def handle(_event: Probed, _work: Work) -> WriteBack:
        trace = current_trace()
        seen.append(trace.trace_id if trace else "")
        return WriteBack()

    agent.handle = handle

    await agent.processor.process(delivery())

    assert seen == ["a" * 32]
    assert {headers["traceparent"].split("-")[1] for _, headers in endpoint.requests} == {"a" * 32}


async def test_a_message_that_is_no_event_of_ours_is_kept_and_acknowledged(
    agent: Agent, endpoint: ScriptedEndpoint
) -> None:
    message = {"attributes": {"ce-id": str(uuid.uuid4())}, "data": "e30=", "messageId": "7"}
    with pytest.raises(NotOurEvent) as caught:
        parse_push(json.dumps({"message": message, "subscription": "s", "deliveryAttempt": 4}).encode())

    ending = await agent.processor.refuse(caught.value)

    assert (ending.end, ending.status) == ("dead_letter", 204)
    (letter,) = endpoint.rows("events_dead_letter")
    assert letter["event_id"] == message["attributes"]["ce-id"]  # type: ignore[index]
    assert letter["attempts"] == 4
    assert "attribute ce-type is missing" in letter["reason"]


async def test_endings_are_counted_and_strange_types_share_a_label(agent: Agent) -> None:
    def count(event_type: str, end: str) -> float:
        labels = {"agent": "probe", "type": event_type, "end": end}
        return REGISTRY.get_sample_value("caregraph_agent_events_total", labels) or 0.0

    before = count("probe.probed", "done"), count("other", "ignored")

    await agent.processor.process(delivery())
    await agent.processor.process(delivery(event_type="strange.one"))
    await agent.processor.process(delivery(event_type="strange.two"))

    assert (count("probe.probed", "done"), count("other", "ignored")) == (before[0] + 1, before[1] + 2)
