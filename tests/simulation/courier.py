"""Delivers events and due tasks to the agents as Pub/Sub and Cloud Tasks do: at least once, in order per key."""

import asyncio
import json
import random
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import asyncpg
import httpx

from tests.integration.agents.deliveries import Event

#: Keys that are worked on at the same time.
AT_ONCE: Final = 12
#: Deliveries of one event until the simulation gives up on it: a fault of ours, not of the outside world.
PATIENCE: Final = 60
#: Which agents hear of what.
LISTENERS: Final[Mapping[str, tuple[str, ...]]] = {
    "invoice.inserted": ("invoice",),
    "invoice.updated": ("invoice",),
    "invoice.payment_succeeded": ("invoice",),
    "invoice.refunded": ("invoice",),
    "invoice.payment_failed": ("invoice", "notification"),
    "invoice.new_card_needed": ("notification",),
    "invoice.payment_recovered": ("invoice", "notification"),
    "invoice.payment_exhausted": ("invoice", "notification"),
}


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where an agent is, and the tokens that open it."""

    url: str
    push_token: str
    tasks_token: str


@dataclass(kw_only=True)
class Courier:
    """One simulation's deliveries."""

    database: "asyncpg.Pool[Any]"
    client: httpx.AsyncClient
    doors: Mapping[str, Door]
    chance: random.Random
    #: Share of deliveries that come twice.
    twice: float = 0.05
    #: Where the outbox was read up to.
    sequence: int = 0
    deliveries: Counter[str] = field(default_factory=Counter)

    async def deliver_events(self) -> int:
        """Deliver all that is new in the outbox, and what comes of it, until nothing is; how many that were."""
        total = 0
        while batch := await self._read():
            total += len(batch)
            by_key: dict[str, list[Event]] = defaultdict(list)
            for event in batch:
                by_key[event.subject].append(event)
            slots = asyncio.Semaphore(AT_ONCE)
            await asyncio.gather(*(self._deliver_key(events, slots) for events in by_key.values()))
        return total

    async def run_tasks(self, now: datetime) -> int:
        """Send the tasks that are due; how many that were."""
        rows = await self.database.fetch(
            """
            UPDATE events.scheduled_task SET status = 'handed_over', handed_over_at = now()
            WHERE status = 'scheduled' AND target = 'invoice' AND due_at <= $1
            RETURNING id, name, kind, due_at, payload, generation
            """,
            now,
        )
        slots = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._run_task(dict(row), slots) for row in rows))
        return len(rows)

    async def _read(self) -> list[Event]:
        rows = await self.database.fetch(
            """
            SELECT id, type, subject, data, created_at, sequence FROM events.outbox
            WHERE topic = 'invoice-events' AND sequence > $1 ORDER BY sequence
            """,
            self.sequence,
        )
        if rows:
            self.sequence = rows[-1]["sequence"]
        return [
            Event(
                id=row["id"],
                type=row["type"],
                subject=row["subject"],
                data=json.loads(row["data"]),
                created_at=row["created_at"],
            )
            for row in rows
        ]

    async def _deliver_key(self, events: list[Event], slots: asyncio.Semaphore) -> None:
        async with slots:
            for event in events:
                for agent in LISTENERS[event.type]:
                    door = self.doors[agent]
                    await self._until_taken(door, "/events", event.push(), door.push_token, what=event.type)

    async def _run_task(self, task: dict[str, Any], slots: asyncio.Semaphore) -> None:
        body = {
            **{name: task[name] for name in ("name", "kind", "generation")},
            "id": str(task["id"]),
            "due_at": task["due_at"].isoformat(),
            "payload": json.loads(task["payload"]),
        }
        door = self.doors["invoice"]
        async with slots:
            await self._until_taken(door, "/tasks", json.dumps(body).encode(), door.tasks_token, what=str(task["kind"]))

    async def _until_taken(self, door: Door, path: str, body: bytes, token: str, *, what: str) -> None:
        headers = {"authorization": f"Bearer {token}"}
        answer = ""
        wanted = 2 if self.chance.random() < self.twice else 1
        for attempt in range(1, PATIENCE + 1):
            try:
                response = await self.client.post(f"{door.url}{path}", content=body, headers=headers)
            except httpx.TransportError as error:
                # The answer got lost on the way, which Pub/Sub takes for none.
                answer = type(error).__name__
                self.deliveries[f"{what} {answer}"] += 1
                continue
            answer = f"{response.status_code} {response.text}"
            self.deliveries[f"{what} {response.status_code}"] += 1
            if response.status_code == 204:
                wanted -= 1
                if not wanted:
                    return
                continue
            if response.status_code == 401:
                raise AssertionError(f"{what}: {response.text}")
            # Pub/Sub waits, too; the faults here are over after a few calls.
            await asyncio.sleep(min(0.02 * attempt, 0.2))
        raise AssertionError(f"{what} was not taken in {PATIENCE} deliveries: {answer}")
