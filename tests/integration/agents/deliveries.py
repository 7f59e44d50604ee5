"""Events as the outbox has them, delivered as Pub/Sub does; and rows to make them with."""

import asyncio
import base64
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

import asyncpg
import httpx

from tests.integration.agents.surroundings import Surroundings

SUBSCRIPTION = "projects/caregraph-local/subscriptions/test"
#: More requests than any test makes.
MANY = 10_000


@dataclass(frozen=True, kw_only=True)
class Event:
    """A row of the outbox."""

    id: uuid.UUID
    type: str
    subject: str
    data: Mapping[str, Any]
    created_at: datetime
    traceparent: str = field(default_factory=lambda: f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01")

    @property
    def trace_id(self) -> str:
        return self.traceparent.split("-")[1]

    def push(self, *, attempt: int | None = None, attributes: Mapping[str, str | None] | None = None) -> bytes:
        """The push body, with some attributes changed or (None) left out."""
        given: dict[str, str | None] = {
            "ce-id": str(self.id),
            "ce-type": self.type,
            "ce-source": "/caregraph/development",
            "ce-subject": self.subject,
            "ce-time": self.created_at.isoformat(),
            "ce-specversion": "1.0",
            "traceparent": self.traceparent,
            "content-type": "application/json",
        }
        kept = {name: value for name, value in (given | dict(attributes or {})).items() if value is not None}
        message = {
            "attributes": kept,
            "data": base64.b64encode(json.dumps(self.data).encode()).decode(),
            "messageId": str(uuid.uuid4().int % 10**15),
            "orderingKey": self.subject,
        }
        body: dict[str, Any] = {"message": message, "subscription": SUBSCRIPTION}
        if attempt is not None:
            body["deliveryAttempt"] = attempt
        return json.dumps(body).encode()

    def with_data(self, data: Mapping[str, Any]) -> "Event":
        return replace(self, data=data)


@dataclass(frozen=True, kw_only=True)
class Target:
    """An agent that listens."""

    url: str
    client: httpx.AsyncClient
    token: str

    async def deliver(self, event: Event, **changes: Any) -> httpx.Response:
        """Push one event."""
        return await self.post(event.push(**changes))

    async def post(self, body: bytes, *, token: str | None = "") -> httpx.Response:
        """Push a body; `token` None sends none, empty the right one."""
        headers = {} if token is None else {"authorization": f"Bearer {token or self.token}"}
        return await self.client.post(f"{self.url}/events", content=body, headers=headers)


@dataclass(frozen=True, kw_only=True)
class World:
    """The surroundings, seen by one test: rows, events, what was written."""

    surroundings: Surroundings
    database: asyncpg.Connection
    client: httpx.AsyncClient
    #: The stand-ins that were told to misbehave.
    misbehaving: set[str] = field(default_factory=set)

    async def begin(self) -> None:
        """Have the stand-ins forget what earlier tests, or programs that these killed, asked of them."""
        await asyncio.gather(*(self.client.delete(f"{url}/_received") for url in self.surroundings.outside.values()))

    async def end(self) -> None:
        """Leave stand-ins behind that behave."""
        for service in list(self.misbehaving):
            await self.behave(service)

    async def row(self, statement: str, *values: Any) -> asyncpg.Record:
        row = await self.database.fetchrow(statement, *values)
        assert row is not None, f"no row: {statement} {values}"
        return row

    async def rows(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in await self.database.fetch(statement, *values)]

    async def event(self, event_type: str, subject: object) -> Event:
        """The newest event of that type about that subject."""
        row = await self.row(
            """
            SELECT id, type, subject, data, created_at FROM events.outbox
            WHERE type = $1 AND subject = $2 ORDER BY sequence DESC LIMIT 1
            """,
            event_type,
            str(subject),
        )
        return Event(**{**row, "data": json.loads(row["data"])})

    async def publish(self, event_type: str, subject: object, data: Mapping[str, Any]) -> Event:
        """A domain event, published as the endpoint does."""
        await self.row("SELECT * FROM events.publish($1, $2, $3)", event_type, str(subject), json.dumps(data))
        return await self.event(event_type, subject)

    async def customer(self, **columns: Any) -> uuid.UUID:
        """A new customer with a name, an address and a number, unless told otherwise."""
        unique = uuid.uuid4()
        given: dict[str, Any] = {
            "first_name": "Ada",
            "last_name": "Lovelace",
            "email": f"{unique.hex}@example.com",
            "phone": f"+1202{unique.int % 10**7:07}",
        }
        return await self.insert("public.customer", given | columns)

    async def treatment(self, **columns: Any) -> uuid.UUID:
        """A new treatment."""
        given = {"name": uuid.uuid4().hex, "monthly_item_price_id": "monthly", "monthly_price": 9900}
        return await self.insert("public.treatment", given | columns)

    async def contract(self, **columns: Any) -> uuid.UUID:
        """A new contract of a new customer for a new treatment."""
        given = {
            "customer_id": columns.get("customer_id") or await self.customer(),
            "treatment_id": columns.get("treatment_id") or await self.treatment(),
            "start_date": date(2026, 1, 31),
        }
        return await self.insert("public.contract", given | columns)

    async def insert(self, table: str, columns: Mapping[str, Any]) -> uuid.UUID:
        """A new row; its id."""
        names = ", ".join(columns)
        places = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
        # Table and columns are this file's own, values are binds.
        statement = f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING id"  # noqa: S608
        row = await self.row(statement, *columns.values())
        inserted: uuid.UUID = row["id"]
        return inserted

    async def deliveries(self, event: Event, agent: str) -> list[dict[str, Any]]:
        """The agent's attempts at the event, in order."""
        rows = await self.rows(
            """
            SELECT outcome, attempt, error, effects, started_at, finished_at FROM events.delivery
            WHERE event_id = $1 AND agent = $2 ORDER BY started_at, finished_at
            """,
            event.id,
            agent,
        )
        return [{**row, "effects": json.loads(row["effects"])} for row in rows]

    async def in_inbox(self, event: Event, agent: str) -> bool:
        row = await self.row("SELECT count(*) FROM events.inbox WHERE event_id = $1 AND agent = $2", event.id, agent)
        return bool(row["count"])

    async def dead_letters(self, event_id: uuid.UUID, agent: str) -> list[dict[str, Any]]:
        return await self.rows(
            "SELECT reason, attempts, event FROM events.dead_letter WHERE event_id = $1 AND agent = $2", event_id, agent
        )

    async def received(self, service: str, **query: Any) -> list[dict[str, Any]]:
        """What a stand-in received of this test, oldest first; `at_least` and `wait_s` wait for it."""
        url = self.surroundings.outside[service]
        answer = await self.client.get(f"{url}/_received", params={"limit": MANY} | query, timeout=30)
        received: list[dict[str, Any]] = answer.json()["received"]
        # As many as that are the oldest of more: what a test looks for would be missing.
        assert len(received) < MANY
        return received

    async def misbehave(self, service: str, **fault: Any) -> None:
        """Have a stand-in fail, be slow or drop connections."""
        url = self.surroundings.outside[service]
        self.misbehaving.add(service)
        answer = await self.client.post(f"{url}/_control/faults", json=fault)
        assert answer.status_code == 200, answer.text

    async def behave(self, service: str) -> None:
        """Have a stand-in forget its faults."""
        await self.client.delete(f"{self.surroundings.outside[service]}/_control/faults")
        self.misbehaving.discard(service)


async def all_of(*responses: Any) -> list[int]:
    """The status codes of several deliveries at once."""
    return [response.status_code for response in await asyncio.gather(*responses)]
