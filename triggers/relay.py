"""The relay: takes events out of the outbox and publishes them, for as long as it runs.

One round: read the oldest waiting events of the lanes it owns, hand them to the dispatcher, decide whether writers
should notify, and wait for whatever comes first: a notification, progress of what is under way, the end of a key's or a
topic's wait, or the poll. Everything it knows it can lose: what is in the table decides.

When PostgreSQL goes, everything under way is dropped and the relay starts over with new connections. An event that
was published and not marked is published again; consumers know it by its id, and order is kept, because every relay
publishes a key's waiting events from the first one on.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Final

import structlog

from integrations.telemetry.http import ReadinessCheck
from triggers import metrics
from triggers.connection import CONNECTION_ERRORS, Connection, connect
from triggers.dispatch import Dispatcher
from triggers.errors import ConnectionLostError, PublishError
from triggers.holds import HeldKeys
from triggers.meter import keep_measuring
from triggers.outages import Outages
from triggers.outbox import OutboxReader, OutboxWriter
from triggers.presence import Presence, come_to_work
from triggers.publisher import Publisher, open_publisher
from triggers.rotation import Rotation
from triggers.settings import RelaySettings
from triggers.sleep import Mode, SleepCycle

#: The channel of the wake-up, as in `announce.sql`.
CHANNEL: Final = "caregraph_outbox"
#: How often, in ticks, the outbox is measured for the metrics.
_MEASURE_EVERY: Final = 5
#: A stop waits this much longer than a publish request may take.
_STOP_GRACE_S: Final = 5.0

_log = structlog.get_logger(__name__)


async def run_relay(settings: RelaySettings, stop: asyncio.Event) -> None:
    """Run a relay until `stop` is set; then what is under way is finished and marked. For embedding in a process."""
    async with open_publisher(settings) as publisher:
        await Relay(settings, publisher).run(stop)


class Relay:
    """One relay. `run` it once."""

    def __init__(self, settings: RelaySettings, publisher: Publisher) -> None:
        self._settings = settings
        self._publisher = publisher
        self._holds = HeldKeys(settings.key_backoff)
        self._outages = Outages(settings.topic_backoff)
        self._connected = False

    def readiness(self) -> Mapping[str, ReadinessCheck]:
        """Checks for `/readyz`: `database` and `pubsub`."""

        async def database() -> None:
            if not self._connected:
                raise ConnectionLostError("the relay has no connection to PostgreSQL")

        async def pubsub() -> None:
            if resting := self._outages.resting():
                raise PublishError(f"these topics take no events: {', '.join(resting)}", code="UNAVAILABLE")

        return {"database": database, "pubsub": pubsub}

    async def run(self, stop: asyncio.Event) -> None:
        """Relay events until `stop` is set. Lost connections are made again; other errors are raised."""
        failures = 0
        while not stop.is_set():
            began = asyncio.get_running_loop().time()
            try:
                await self._run_session(stop)
            except* (*CONNECTION_ERRORS, ConnectionLostError) as group:
                self._connected = False
                lasted_s = asyncio.get_running_loop().time() - began
                failures = 1 if lasted_s > self._settings.connection_backoff.longest.total_seconds() else failures + 1
                wait_s = self._settings.connection_backoff.seconds_after(failures)
                metrics.RECONNECTS.inc()
                error = _first(group)
                _log.warning(
                    "relay.interrupted",
                    error=str(error),
                    error_type=type(error).__name__,
                    retry_in_s=round(wait_s, 2),
                )
                await _wait(stop, wait_s)
        self._connected = False

    async def _run_session(self, stop: asyncio.Event) -> None:
        """Relay events on one set of connections until `stop`, or until one of them fails."""
        settings = self._settings
        url = settings.database_url.get_secret_value()
        async with AsyncExitStack() as stack:
            control = await stack.enter_async_context(connect(url, statement_timeout="10000"))
            reading = await stack.enter_async_context(connect(url, **OutboxReader.SETTINGS))
            writing = await stack.enter_async_context(connect(url, **OutboxWriter.SETTINGS))
            measuring = await stack.enter_async_context(connect(url, **OutboxReader.SETTINGS))
            connections = (control, reading, writing, measuring)
            presence = await stack.enter_async_context(come_to_work(control, expiry=settings.expiry))
            async with asyncio.TaskGroup() as group:
                session = _Session(
                    settings,
                    group,
                    presence=presence,
                    reader=OutboxReader(reading),
                    writer=OutboxWriter(writing),
                    measuring=measuring,
                    publisher=self._publisher,
                    holds=self._holds,
                    outages=self._outages,
                )
                for connection in connections:
                    connection.add_termination_listener(session.lose_connection)
                await control.add_listener(CHANNEL, session.notice)
                await session.begin()
                self._connected = True
                _log.info("relay.started", relay_id=str(presence.relay_id), lanes=len(presence.lanes))
                await session.run(stop)
                await control.remove_listener(CHANNEL, session.notice)
            for connection in connections:
                connection.remove_termination_listener(session.lose_connection)
        _log.info("relay.stopped", relay_id=str(presence.relay_id))


class _Session:
    """The rounds of a relay on one set of connections."""

    def __init__(
        self,
        settings: RelaySettings,
        group: asyncio.TaskGroup,
        *,
        presence: Presence,
        reader: OutboxReader,
        writer: OutboxWriter,
        measuring: Connection,
        publisher: Publisher,
        holds: HeldKeys,
        outages: Outages,
    ) -> None:
        self._settings = settings
        self._group = group
        self._presence = presence
        self._reader = reader
        self._writer = writer
        self._measuring = measuring
        self._holds = holds
        self._outages = outages
        self._wake = asyncio.Event()
        self._lost = False
        self._cycle = SleepCycle(
            fast_poll=settings.fast_poll,
            slow_poll=settings.slow_poll,
            busy_rate=settings.busy_rate,
            window=settings.busy_window,
        )
        self._dispatcher = Dispatcher(
            group,
            publisher=publisher,
            reader=reader,
            writer=writer,
            holds=holds,
            outages=outages,
            settings=settings,
            on_progress=self._wake.set,
        )
        #: What goes on beside the rounds, until the end.
        self._beside: list[asyncio.Task[None]] = []
        self._next_tick = 0.0
        self._kept_at = _now()
        self._rotation = Rotation()

    def notice(self, *_: object) -> None:
        """A writer has committed events."""
        self._wake.set()

    def lose_connection(self, *_: object) -> None:
        """One of the connections has ended."""
        self._lost = True
        self._wake.set()

    async def begin(self) -> None:
        """Take lanes and do the first round, which shows whether everything is there."""
        self._outages.forget_probes()
        measuring = keep_measuring(self._measuring, every=self._settings.tick * _MEASURE_EVERY)
        self._beside += [self._group.create_task(each) for each in (self._writer.run(), measuring)]
        await self._round()

    async def run(self, stop: asyncio.Event) -> None:
        """Rounds until `stop`; then finish what is under way."""
        self._beside.append(self._group.create_task(self._wake_when(stop)))
        while not stop.is_set():
            await self._round()
        finished = await self._dispatcher.finish(
            timeout_s=self._settings.publish_timeout.total_seconds() + _STOP_GRACE_S
        )
        if not finished:
            _log.warning("relay.stopped_early", in_flight=self._dispatcher.in_flight)
            self._dispatcher.cancel()
        for task in self._beside:
            task.cancel()

    async def _wake_when(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._wake.set()

    async def _round(self) -> None:
        if self._lost:
            raise ConnectionLostError("PostgreSQL has closed a connection of the relay")
        now = _now()
        if now >= self._next_tick:
            await self._tick(now)
        # From here on every notification and every progress counts for the next round.
        self._wake.clear()
        again = self._may_read() and await self._read()
        if self._cycle.should_wake:
            await self._presence.set_awake()
            self._cycle.woke()
        elif self._cycle.should_sleep:
            self._cycle.fell_drowsy(await self._presence.set_asleep())
        metrics.AWAKE.set(self._cycle.mode is Mode.AWAKE)
        metrics.IN_FLIGHT.set(self._dispatcher.in_flight)
        if not again:
            await _wait(self._wake, self._wait_s())

    def _may_read(self) -> bool:
        """Whether there is room, in memory and among the held keys. Not for a few: small reads cost most."""
        return self._room * 2 >= min(self._settings.batch, self._settings.in_flight) and not self._holds.is_full(
            now=_now()
        )

    @property
    def _room(self) -> int:
        """How many more events may be in memory."""
        return self._settings.in_flight - self._dispatcher.in_flight

    async def _read(self) -> bool:
        """Read once and hand over what came; whether there may be more to read at once."""
        now = _now()
        held = self._holds.held(now=now)
        lanes = self._presence.lanes - self._dispatcher.blocked_lanes
        probe = self._outages.begin_probe(now=now)
        # Whether everything was looked at, as going to sleep asks for.
        whole = probe is None
        if probe is not None:
            for without in (held + self._holds.tried(probe), held):
                # A key that hasn't failed says most; those that have, if there is no other.
                read = await self._reader.read(
                    sorted(lanes),
                    without_keys=without,
                    only_topic=probe,
                    per_lane=1,
                    limit=self._outages.probe_size(probe),
                )
                if read.events:
                    break
            if not read.events:
                self._outages.found_nothing(probe, now=now, some_held=self._holds.holds_any_of(probe))
        else:
            stretch = self._rotation.next_stretch(lanes, limit=min(self._settings.batch, self._room))
            read = await self._reader.read(
                stretch.lanes,
                without_keys=held,
                without_topics=self._outages.resting(),
                per_lane=stretch.per_lane,
                limit=stretch.limit,
            )
            self._rotation.saw(stretch, len(read.events), len({event.lane for event in read.events}))
            whole = len(stretch.lanes) == len(lanes)
        self._cycle.saw(len(read.events), horizon=read.horizon if whole else 0, now=_now())
        self._dispatcher.submit(read.events, is_probe=probe is not None)
        return bool(read.events) or (probe is None and not whole)

    async def _tick(self, now: float) -> None:
        self._next_tick = now + self._settings.tick.total_seconds()
        changed = await self._presence.share_lanes(self._dispatcher.busy_lanes)
        if changed or now - self._kept_at > self._settings.expiry.total_seconds() / 3:
            await self._keep(now)
        metrics.LANES_OWNED.set(len(self._presence.lanes))
        metrics.RELAYS.set(self._presence.living)
        metrics.HELD_KEYS.set(len(self._holds))
        metrics.RESTING_TOPICS.set(len(self._outages.resting()))

    async def _keep(self, now: float) -> None:
        if not await self._presence.keep():
            raise ConnectionLostError("somebody has removed the relay's row")
        if now - self._kept_at > self._settings.expiry.total_seconds() and self._cycle.mode is not Mode.AWAKE:
            # This process stood still for so long that writers had stopped notifying.
            self._cycle.fell_drowsy(await self._presence.set_asleep())
        self._kept_at = now

    def _wait_s(self) -> float:
        """Until when nothing needs to be done, unless somebody wakes us."""
        now = _now()
        ends = [self._next_tick, self._holds.next_release(), self._outages.next_probe()]
        return max(min(self._cycle.poll_wait_s(), *(end - now for end in ends if end is not None)), 0.0)


async def _wait(event: asyncio.Event, timeout_s: float) -> None:
    """Until the event is set, or the time is over."""
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        pass


def _now() -> float:
    return asyncio.get_running_loop().time()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error inside, for the log."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
