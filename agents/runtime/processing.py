"""One delivery, from the inbox to the answer that Pub/Sub gets."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, Literal

import structlog

from agents.events.envelope import Envelope
from agents.graphql.client import GraphQLClient
from agents.runtime.attempts import Attempts
from agents.runtime.errors import AlreadyDone, Judgement, Verdict, judge
from agents.runtime.handler import Handler, Handlers, Work
from agents.runtime.hard_end import HardEnd
from agents.runtime.push import Delivery, NotOurEvent
from agents.runtime.record import Record
from agents.runtime.settings import RuntimeSettings
from agents.runtime.turns import Busy, Turns
from integrations.telemetry.context import annotate
from integrations.telemetry.metrics import DELAY_BUCKETS_S, counter, gauge, histogram
from integrations.telemetry.tracing import SpanKind, enter_trace

_log = structlog.get_logger(__name__)

#: How a delivery ended: the outcomes of `events.delivery`, and two that leave no row.
End = Literal["done", "skipped", "duplicate", "retry", "dead_letter", "ignored", "busy"]

#: For records on the way out, when time is short already.
_RECORD_TIME_OUT_S: Final = 5.0
#: Whatever an outside system asks for: events of the same key wait behind this one.
_LONGEST_WAIT: Final = timedelta(minutes=5)
_ACKNOWLEDGED: Final = 204
_BUSY: Final = 429
_FAULT: Final = 500
_LATER: Final = 503


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """What Pub/Sub is told, and why."""

    end: End
    #: HTTP status.
    status: int
    reason: str | None = None
    #: Pub/Sub keeps to its own retry policy; this is for people, and for clients that listen.
    retry_after: timedelta | None = None


class Processor:
    """Handles the deliveries of one agent; never raises for what an event or a handler does."""

    def __init__(self, *, agent: str, handlers: Handlers, graphql: GraphQLClient, settings: RuntimeSettings) -> None:
        self._agent = agent
        self._handlers = handlers
        self._record = Record(agent=agent, graphql=graphql)
        self._settings = settings
        self._time_out_s = settings.time_out.total_seconds()
        self._turns = Turns(at_once=settings.concurrency, time_out=settings.turn_time_out)
        self._attempts = Attempts()
        self._hard_end = HardEnd(agent=agent, grace_s=settings.stop_grace.total_seconds())
        self._endings = counter(
            "caregraph_agent_events_total", "Deliveries by how they ended.", ["agent", "type", "end"]
        )
        self._duration = histogram(
            "caregraph_agent_event_duration_seconds", "Time from a delivery to its end, in seconds.", ["agent", "type"]
        )
        self._delay = histogram(
            "caregraph_agent_event_delay_seconds",
            "Time from an event to its effect, in seconds.",
            ["agent", "type"],
            buckets=DELAY_BUCKETS_S,
        )
        self._at_hand = gauge("caregraph_agent_events_at_hand", "Deliveries being handled or waiting.", ["agent"])

    async def process(self, delivery: Delivery) -> Ending:
        """Handle one delivery."""
        envelope = delivery.envelope
        handler = self._handlers.find(envelope.type)
        if envelope.recipient not in {None, self._agent}:
            # A replay for another agent.
            handler = None
        # An unhandled type comes from outside: as a label it could be anything.
        label = envelope.type if handler else "other"
        started = time.perf_counter()
        annotate(event_id=str(envelope.id), event_type=envelope.type)
        with (
            enter_trace(
                envelope.traceparent,
                f"{self._agent} {label}",
                kind=SpanKind.CONSUMER,
                attributes={"messaging.message.id": envelope.message_id, "cloudevents.event_id": str(envelope.id)},
            ),
            self._at_hand.labels(self._agent).track_inprogress(),
        ):
            if handler is None:
                ending = Ending(end="ignored", status=_ACKNOWLEDGED, reason=self._why_ignored(envelope))
            else:
                ending = await self._in_turn(handler, delivery)
            self._tell(delivery, label, ending, time.perf_counter() - started)
        return ending

    async def refuse(self, error: NotOurEvent) -> Ending:
        """Give up a message whose envelope isn't an event of ours: a dead letter, or another try if that fails."""
        work = Work(event_id=error.event_id, attempt=error.attempt or 1)
        ending = await self._give_up(work, str(error), error.event, datetime.now(UTC))
        self._endings.labels(self._agent, "other", ending.end).inc()
        _log.error("event.unreadable", event_id=str(error.event_id), reason=str(error), end=ending.end)
        return ending

    async def _in_turn(self, handler: Handler[Any], delivery: Delivery) -> Ending:
        event_id = delivery.envelope.id
        wait = self._attempts.wait(event_id)
        if wait is not None:
            self._excuse_if_counted(delivery)
            return Ending(end="busy", status=_LATER, reason="an outside system asked to wait", retry_after=wait)
        try:
            async with self._turns.take(event_id):
                attempt = self._attempts.begin(event_id, delivery.envelope.delivery_attempt)
                work = Work(event_id=event_id, attempt=attempt, task=delivery.task)
                ending = await self._attempt(handler, delivery, work)
        except Busy as busy:
            self._excuse_if_counted(delivery)
            return Ending(end="busy", status=_BUSY, reason=str(busy))
        if ending.status == _ACKNOWLEDGED:
            self._attempts.forget(event_id)
        return ending

    def _excuse_if_counted(self, delivery: Delivery) -> None:
        """A delivery that nobody tried counts with Pub/Sub, if it counts, and not with us."""
        if delivery.envelope.delivery_attempt is not None:
            self._attempts.excuse(delivery.envelope.id)

    async def _attempt(self, handler: Handler[Any], delivery: Delivery, work: Work) -> Ending:
        started_at = datetime.now(UTC)
        at = "check of the inbox"
        try:
            async with asyncio.timeout(self._time_out_s):
                await self._record.check_inbox(work)
                at = "handler"
                write_back = await self._hard_end.run(
                    handler(delivery.data, work), on_abandoned=partial(self._tell_abandoned, delivery)
                )
                at = "write-back"
                await self._record.write_back(work, write_back, started_at=started_at)
        except AlreadyDone:
            await self._try_to_record(work, started_at)
            return Ending(end="duplicate", status=_ACKNOWLEDGED)
        except TimeoutError as error:
            # The time-out of a handler's own ends here too; both mean that the attempt took too long.
            _log.warning("event.timed_out", event_id=str(work.event_id), at=at, error=str(error))
            judgement = Judgement(verdict=Verdict.FAULT, reason=f"{at}: no end within {self._time_out_s:g} s")
        except Exception as error:
            # Whatever it is, Pub/Sub must get an answer and the event an end.
            judgement = judge(error)
            if judgement.verdict is Verdict.FAULT:
                _log.exception("event.failed", event_id=str(work.event_id), event_type=delivery.envelope.type, at=at)
        else:
            self._delay.labels(self._agent, delivery.envelope.type).observe(
                max((datetime.now(UTC) - delivery.envelope.time).total_seconds(), 0.0)
            )
            return Ending(
                end="done" if write_back.skipped is None else "skipped", status=_ACKNOWLEDGED, reason=write_back.skipped
            )
        return await self._failed(judgement, delivery, work, started_at)

    async def _failed(self, judgement: Judgement, delivery: Delivery, work: Work, started_at: datetime) -> Ending:
        if self._is_hopeless(judgement.verdict, work):
            return await self._give_up(work, judgement.reason, delivery.as_json(), started_at)
        if judgement.verdict is Verdict.LATER:
            self._attempts.excuse(work.event_id)
        if judgement.after is not None:
            self._attempts.postpone(work.event_id, min(judgement.after, _LONGEST_WAIT))
        await self._try_to_record(work, started_at, reason=judgement.reason)
        return Ending(
            end="retry",
            status=_FAULT if judgement.verdict is Verdict.FAULT else _LATER,
            reason=judgement.reason,
            retry_after=judgement.after,
        )

    def _is_hopeless(self, verdict: Verdict, work: Work) -> bool:
        if verdict is Verdict.NEVER or work.attempt >= self._settings.attempts:
            return True
        # An outage uses up none of the tries that our own faults have: when it ends, many come at once, and time out.
        faults = self._attempts.inexcusable(work.event_id, work.attempt)
        return verdict is Verdict.FAULT and faults >= self._settings.fault_attempts

    async def _give_up(self, work: Work, reason: str, event: dict[str, Any], started_at: datetime) -> Ending:
        try:
            async with asyncio.timeout(_RECORD_TIME_OUT_S):
                await self._record.give_up(work, reason=reason, event=event, started_at=started_at)
        except Exception as error:
            # Unacknowledged, it comes again, and then the dead letter can be written. Acknowledged, it would be lost.
            _log.exception("event.dead_letter_not_written", event_id=str(work.event_id), reason=reason)
            return Ending(end="retry", status=_LATER, reason=f"dead letter not written: {type(error).__name__}")
        return Ending(end="dead_letter", status=_ACKNOWLEDGED, reason=reason)

    async def _try_to_record(self, work: Work, started_at: datetime, *, reason: str | None = None) -> None:
        """A delivery row if it can be had: the story is nicer with it, and right without."""
        try:
            async with asyncio.timeout(_RECORD_TIME_OUT_S):
                await self._record.attempt(
                    work, "retry" if reason else "duplicate", error=reason, started_at=started_at
                )
        except Exception as error:
            _log.warning("event.attempt_not_recorded", event_id=str(work.event_id), error_type=type(error).__name__)

    def _why_ignored(self, envelope: Envelope) -> str:
        if envelope.recipient not in {None, self._agent}:
            return f"a replay for {envelope.recipient} alone"
        return "this agent has no handler for the type"

    def _tell_abandoned(self, delivery: Delivery) -> None:
        _log.error(
            "event.abandoned",
            event_id=str(delivery.envelope.id),
            event_type=delivery.envelope.type,
            reason="its handler was told to stop and goes on; nobody waits for it any more",
        )

    def _tell(self, delivery: Delivery, label: str, ending: Ending, duration_s: float) -> None:
        envelope = delivery.envelope
        annotate(end=ending.end)
        self._endings.labels(self._agent, label, ending.end).inc()
        self._duration.labels(self._agent, label).observe(duration_s)
        level: Literal["debug", "info", "warning", "error"] = "info"
        if ending.end == "busy":
            level = "debug"
        elif ending.end == "retry":
            level = "warning"
        elif ending.end == "dead_letter":
            level = "error"
        getattr(_log, level)(
            f"event.{ending.end}",
            event_id=str(envelope.id),
            event_type=envelope.type,
            subject=envelope.subject,
            delivery_attempt=envelope.delivery_attempt,
            reason=ending.reason,
            duration_ms=round(duration_s * 1000, 1),
        )
