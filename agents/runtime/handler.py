"""What an agent is made of: handlers of typed events, the work at hand, and the write-back they give.

A handler is a function of an event, the work at hand and the clients it uses; an agent's `app.py` binds the clients::

    async def contract_inserted(event: ContractInserted, work: Work, *, graphql, chargebee) -> WriteBack:
        async with work.step("set-contract", system="chargebee", action="update_subscription_contract") as step:
            subscription = await chargebee.update_subscription_contract(..., step.idempotency_key)
            step.id = subscription.id
        return WriteBack(mutations=(...,))

It may be called twice for one event, also at the same time in two processes: it reads before it writes, gives every
outside call the step's idempotency key, and leaves all of its own writing to the write-back.
"""

import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from agents.events.envelope import derived_id
from agents.events.payload import DomainEvent, Event
from agents.graphql.operations import Mutation
from agents.runtime.jobs import Job, Jobs
from agents.runtime.operations import publish_event

if TYPE_CHECKING:
    from agents.runtime.webhooks import Door

E = TypeVar("E", bound=Event)


@dataclass(slots=True, kw_only=True)
class Step:
    """One outside call while it runs. Mutable: what it made is known only at its end."""

    #: The same for every attempt at the event, so that the outside system does the work once.
    idempotency_key: str
    #: What it made or changed, by the outside system's id.
    id: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskRef:
    """A scheduled task as it was handed over."""

    #: `events.scheduled_task.id`.
    id: uuid.UUID
    #: How often it was planned anew; only the latest counts.
    generation: int


@dataclass(slots=True, kw_only=True)
class Work:
    """One attempt at one event, and what was done outside so far."""

    #: The event's id; for a scheduled task, an id that is the same for every attempt at this generation of it.
    event_id: uuid.UUID
    #: The scheduled task that this is, if it is one.
    task: TaskRef | None = None
    #: Counts from 1, over all deliveries as far as they are known.
    attempt: int
    #: As recorded in `events.delivery`: `{system, action, id, at, ms}`, and `error` or `skipped` where it applies.
    effects: list[dict[str, Any]] = field(default_factory=list)

    @asynccontextmanager
    async def step(self, name: str, *, system: str, action: str, id: str | None = None) -> AsyncIterator[Step]:  # noqa: A002 - the record's word
        """Time and record one outside call; `name` tells apart the steps of one event and never changes."""
        step = Step(idempotency_key=f"{self.event_id}:{name}", id=id)
        effect: dict[str, Any] = {"system": system, "action": action, "at": datetime.now(UTC).isoformat()}
        started = time.perf_counter()
        try:
            yield step
        except BaseException as error:
            effect["error"] = type(error).__name__
            raise
        finally:
            effect |= {"id": step.id, "ms": round((time.perf_counter() - started) * 1000, 1)}
            self.effects.append(effect)

    def skip(self, *, system: str, action: str, reason: str) -> None:
        """Record that an outside call wasn't needed, and why."""
        now = datetime.now(UTC).isoformat()
        self.effects.append({"system": system, "action": action, "id": None, "at": now, "ms": 0.0, "skipped": reason})

    def publish(self, event: DomainEvent) -> Mutation:
        """The write-back that publishes `event`; doing it again for the same work publishes nothing more."""
        return publish_event(
            id=derived_id(self.event_id, event.TYPE), type=event.TYPE, subject=event.subject, data=event.data()
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class WriteBack:
    """What a handler wants written, all of it together with the event's inbox row or not at all."""

    mutations: tuple[Mutation, ...] = ()
    #: Why there was nothing to do; None when something was done.
    skipped: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Handler(Generic[E]):
    """What one event type sets off."""

    event: type[E]
    handle: Callable[[E, Work], Awaitable[WriteBack]]

    async def __call__(self, data: bytes, work: Work) -> WriteBack:
        """Handle the event in `data`; raises MalformedEvent when it doesn't fit the type."""
        return await self.handle(self.event.parse(data), work)


class Handlers:
    """The handlers of one agent, by event type, those of its scheduled tasks, by kind, and its jobs, by name."""

    def __init__(
        self,
        handlers: Iterable[Handler[Any]],
        *,
        tasks: Iterable[Handler[Any]] = (),
        jobs: Iterable[Job] = (),
        doors: Iterable["Door"] = (),
    ) -> None:
        """Raises ValueError when two handlers claim one type, or two jobs one name."""
        self._tasks = tuple(tasks)
        #: What it does by the clock.
        self.jobs = Jobs(jobs)
        #: Where outside systems' webhooks come in.
        self.doors = tuple(doors)
        self._by_type: dict[str, Handler[Any]] = {}
        for handler in handlers:
            if handler.event.TYPE in self._by_type:
                raise ValueError(f"two handlers for {handler.event.TYPE}; let one do what both do")
            self._by_type[handler.event.TYPE] = handler

    def find(self, event_type: str) -> Handler[Any] | None:
        """The handler of a type, or None: the agent has nothing to do with it."""
        return self._by_type.get(event_type)

    @property
    def tasks(self) -> "Handlers":
        """The handlers of scheduled tasks."""
        return Handlers(self._tasks)

    def __iter__(self) -> Iterator[str]:
        """The types that are handled."""
        return iter(self._by_type)
