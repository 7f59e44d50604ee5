"""Publishing what was read: lane by lane, key by key in order, with every outcome written down."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any, Final

import structlog

from integrations.telemetry.metrics import observe_all
from integrations.telemetry.tracing import SpanKind, enter_trace, records_spans
from triggers import metrics
from triggers.envelope import (
    ENVELOPE_BYTES,
    MAX_REQUEST_BYTES,
    POSTGRES_EPOCH,
    OutboxEvent,
    created_us,
    encode_message,
)
from triggers.errors import PublishError, RefusedError, TooLargeError
from triggers.holds import HeldKeys
from triggers.outages import Outages
from triggers.outbox import OutboxReader, OutboxWriter
from triggers.publisher import Publisher
from triggers.settings import RelaySettings

#: Events and bytes of one publish request, unless a single event is larger.
_MAX_EVENTS: Final = 200
_MAX_BYTES: Final = 1_000_000
#: A lane of which nothing gets through for so long is read on, without the keys that are still under way.
_PATIENCE_S: Final = 0.25
_MICROSECOND: Final = timedelta(microseconds=1)

_log = structlog.get_logger(__name__)


class Dispatcher:
    """Publishes events in tasks of the given group. What it holds in memory is what `submit` gave it and isn't done."""

    def __init__(
        self,
        group: asyncio.TaskGroup,
        *,
        publisher: Publisher,
        reader: OutboxReader,
        writer: OutboxWriter,
        holds: HeldKeys,
        outages: Outages,
        settings: RelaySettings,
        on_progress: Callable[[], None],
    ) -> None:
        self._group = group
        self._publisher = publisher
        self._reader = reader
        self._writer = writer
        self._holds = holds
        self._outages = outages
        self._source = settings.source
        self._max_refusals = settings.max_refusals
        self._requests = asyncio.Semaphore(settings.requests)
        #: Large events are loaded one at a time, so that memory stays bounded.
        self._large = asyncio.Semaphore(1)
        self._on_progress = on_progress
        self._reading_blocked: set[int] = set()
        #: Keys whose event is tried although its topic rests.
        self._probes: set[str] = set()
        self._under_way: Counter[int] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        #: Events submitted and not done.
        self.in_flight = 0
        #: Those of which Pub/Sub hasn't answered yet.
        self._unanswered = 0

    @property
    def blocked_lanes(self) -> set[int]:
        """Lanes that must not be read now, because what was read of them isn't marked yet."""
        return self._reading_blocked

    @property
    def busy_lanes(self) -> set[int]:
        """Lanes of which something is under way, and that must not be given to another relay."""
        return {lane for lane, events in self._under_way.items() if events}

    def submit(self, events: Sequence[OutboxEvent], *, is_probe: bool = False) -> None:
        """Begin to publish events, which must be the oldest that wait of their keys, in order.

        Those of a topic that has begun to rest when their turn comes are left to be read anew, but for a probe.
        """
        if is_probe:
            self._probes.update(event.ordering_key for event in events)
        lanes: dict[int, dict[str, list[OutboxEvent]]] = {}
        for event in events:
            lanes.setdefault(event.lane, {}).setdefault(event.ordering_key, []).append(event)
        for lane, keys in lanes.items():
            # Counted from here on and not when the tasks begin, so that the lane isn't given away in between.
            waiting = sum(len(waiting) for waiting in keys.values())
            self._under_way[lane] += waiting
            self.in_flight += waiting
            self._unanswered += waiting
            self._reading_blocked.add(lane)
            self._spawn(self._publish_lane(lane, keys))

    async def finish(self, *, timeout_s: float) -> bool:
        """Wait until nothing is under way; False when that took too long."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        # Again and again: a lane's task that had not begun yet starts one for each of its keys.
        while self._tasks:
            _, pending = await asyncio.wait(self._tasks, timeout=deadline - asyncio.get_running_loop().time())
            if pending:
                return False
        return True

    def cancel(self) -> None:
        """Drop what is under way. What was published and not marked will be published again."""
        for task in self._tasks:
            task.cancel()

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._group.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _publish_lane(self, lane: int, keys: dict[str, list[OutboxEvent]]) -> None:
        tasks = {self._spawn(self._publish_key(lane, events)): key for key, events in keys.items()}
        waiting = len(tasks)
        while True:
            _, slow = await asyncio.wait(tasks, timeout=_PATIENCE_S)
            if len(slow) in {0, waiting}:
                break
            # It goes on: under load everything takes its time, and nobody is held for that.
            waiting = len(slow)
        for task in slow:
            key = tasks[task]
            self._holds.hold_slow(key)
            task.add_done_callback(partial(self._release_slow, key))
        self._reading_blocked.discard(lane)
        self._on_progress()

    def _release_slow(self, key: str, _: asyncio.Task[None]) -> None:
        self._holds.release_slow(key)
        self._on_progress()

    async def _publish_key(self, lane: int, events: list[OutboxEvent]) -> None:
        marks: list[asyncio.Future[None]] = []
        try:
            try:
                for batch in self._batches(events):
                    if not await self._publish_batch(batch, marks):
                        break
            finally:
                self._unanswered -= len(events)
            if not self._unanswered:
                self._writer.hurry()
            if marks:
                await asyncio.wait(marks)
        finally:
            self.in_flight -= len(events)
            self._under_way[lane] -= len(events)
            self._probes.discard(events[0].ordering_key)

    def _batches(self, events: list[OutboxEvent]) -> Iterator[list[OutboxEvent]]:
        """Requests of one topic and bounded size. Asked for one at a time: each outcome may change the next."""
        start = 0
        while start < len(events):
            first = events[start]
            end = start + 1
            size = first.data_bytes
            if not first.is_apart and not self._holds.sends_one_by_one(first.ordering_key):
                for event in islice(events, end, start + _MAX_EVENTS):
                    size += event.data_bytes
                    if event.topic != first.topic or event.data is None or size > _MAX_BYTES:
                        break
                    end += 1
            yield events[start:end]
            start = end

    async def _publish_batch(self, batch: list[OutboxEvent], marks: "list[asyncio.Future[None]]") -> bool:
        """Publish events of one key together; whether its later ones may follow."""
        first = batch[0]
        try:
            async with self._requests:
                if self._outages.is_resting(first.topic) and first.ordering_key not in self._probes:
                    return False
                message_ids = await self._send(batch)
        except TooLargeError as error:
            self._outages.proved_nothing(first.topic, now=asyncio.get_running_loop().time())
            await self._give_up(first, str(error))
            return True
        except RefusedError as error:
            return await self._refused(batch, error)
        except PublishError as error:
            self._failed(first, error)
            return False
        self._holds.passed(first.ordering_key, len(batch))
        if self._outages.passed(first.topic, now=asyncio.get_running_loop().time()):
            self._holds.release_topic(first.topic)
            _log.info("relay.topic_recovered", topic=first.topic)
        marks.append(self._writer.mark_published(batch, message_ids))
        metrics.PUBLISHED.labels(first.topic).inc(len(batch))
        now_us = (datetime.now(UTC) - POSTGRES_EPOCH) // _MICROSECOND
        delays_s = [(now_us - at_us) / 1e6 for at_us in created_us(batch)]
        if min(delays_s) < 0:
            # PostgreSQL's clock is ahead.
            delays_s = [max(delay_s, 0.0) for delay_s in delays_s]
        observe_all(metrics.DELAY.labels(first.topic), delays_s)
        return True

    async def _send(self, batch: list[OutboxEvent]) -> list[str]:
        async with AsyncExitStack() as stack:
            if batch[0].is_apart:
                await stack.enter_async_context(self._large)
                messages = [self._encode(batch[0], await self._read_large(batch[0]), stack)]
            elif records_spans():
                messages = [self._encode(event, (event.data or "").encode(), stack) for event in batch]
            else:
                source = self._source
                messages = [
                    encode_message(
                        event, (event.data or "").encode(), at_us=at_us, source=source, traceparent=event.traceparent
                    )
                    for event, at_us in zip(batch, created_us(batch), strict=True)
                ]
            return await self._publish(batch[0].topic, messages)

    async def _publish(self, topic: str, messages: list[bytes]) -> list[str]:
        started = time.perf_counter()
        message_ids = await self._publisher.publish(topic, messages)
        metrics.PUBLISH_LATENCY.labels(topic).observe(time.perf_counter() - started)
        metrics.BATCH.observe(len(messages))
        return message_ids

    async def _read_large(self, event: OutboxEvent) -> bytes:
        """The data of an event that came without it; raises TooLargeError when Pub/Sub can't take it."""
        if event.is_too_large:
            raise TooLargeError(event.data_bytes)
        data = (await self._reader.read_data(event)).encode()
        if len(data) + ENVELOPE_BYTES > MAX_REQUEST_BYTES:
            raise TooLargeError(len(data))
        return data

    def _encode(self, event: OutboxEvent, data: bytes, stack: AsyncExitStack) -> bytes:
        """The event's message, below a span of its own, where spans are recorded, that ends with the stack."""
        scope = stack.enter_context(
            enter_trace(
                event.traceparent,
                f"publish {event.type}",
                kind=SpanKind.PRODUCER,
                attributes={"messaging.destination.name": event.topic, "cloudevents.event_id": event.event_id},
            )
        )
        # The agent's span hangs below the publishing only where that is recorded; else below the mutation.
        traceparent = scope.trace.traceparent if scope.recorded else event.traceparent
        (at_us,) = created_us([event])
        return encode_message(event, data, at_us=at_us, source=self._source, traceparent=traceparent)

    async def _refused(self, batch: list[OutboxEvent], error: RefusedError) -> bool:
        first = batch[0]
        metrics.FAILED.labels(first.topic, "REFUSED").inc()
        now = asyncio.get_running_loop().time()
        refusals = self._holds.refused(
            first.ordering_key,
            first.topic,
            together=len(batch),
            now=now,
            passed_at=self._outages.passed_at(first.topic),
        )
        _log.warning(
            "relay.refused",
            event_id=first.event_id,
            event_type=first.type,
            topic=first.topic,
            together=len(batch),
            refusals=refusals,
            error=str(error),
        )
        if len(batch) > 1:
            return False
        is_own_fault = self._holds.is_own_fault(first.ordering_key)
        if is_own_fault:
            self._outages.proved_nothing(first.topic, now=now)
        else:
            self._note_outage(first, str(error), now=now)
        # When many keys are refused and nothing goes through it isn't for the events: a wrong project, say. They wait.
        if refusals >= self._max_refusals and (is_own_fault or not self._outages.is_resting(first.topic)):
            await self._give_up(first, f"Pub/Sub refused it {refusals} times: {error}")
            return True
        self._writer.note_failure(first, str(error))
        return False

    def _failed(self, event: OutboxEvent, error: PublishError) -> None:
        now = asyncio.get_running_loop().time()
        metrics.FAILED.labels(event.topic, error.code).inc()
        self._holds.failed(event.ordering_key, event.topic, now=now)
        self._note_outage(event, str(error), now=now)
        _log.info(
            "relay.publish_failed", event_id=event.event_id, event_type=event.type, topic=event.topic, code=error.code
        )
        self._writer.note_failure(event, str(error))

    def _note_outage(self, event: OutboxEvent, error: str, *, now: float) -> None:
        if self._outages.failed(event.topic, event.ordering_key, now=now):
            _log.warning("relay.topic_rests", topic=event.topic, error=error)

    async def _give_up(self, event: OutboxEvent, reason: str) -> None:
        await self._writer.give_up(event, reason)
        self._holds.passed(event.ordering_key, 1)
        metrics.DEAD_LETTERS.labels(event.topic).inc()
        _log.error(
            "relay.dead_letter", event_id=event.event_id, event_type=event.type, topic=event.topic, reason=reason
        )
