"""Rows for tests: a customer, a treatment, and contracts."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

_OUTBOX = """
SELECT
    o.*, o.data::text AS json, o.session_variables::text AS session,
    p.published_at, p.message_id, p.dead_lettered_at,
    coalesce(p.attempts, w.attempts) AS attempts, coalesce(p.last_error, w.last_error) AS last_error
FROM events.outbox AS o
LEFT JOIN events.publication AS p USING (sequence)
LEFT JOIN events.waiting AS w USING (lane, sequence)
ORDER BY o.sequence
"""
_WRITE = """
WITH written AS (
    INSERT INTO events.outbox (type, topic, ordering_key, lane, subject, source, data, traceparent, trace_id)
    SELECT $1, $2, key, events.lane_of(key), key, $4, $5, $6, events.trace_id($6) FROM unnest($3::text[]) AS key
    RETURNING lane, sequence
)
INSERT INTO events.waiting (lane, sequence, attempts)
SELECT w.lane, w.sequence, CASE WHEN events.somebody_waits() THEN events.announce_events() ELSE 0 END FROM written AS w
RETURNING sequence
"""


async def write_events(
    connection: asyncpg.Connection,
    type_: str,
    *keys: str,
    topic: str = "contract-events",
    data: str = "{}",
    source: str | None = None,
    traceparent: str | None = None,
) -> list[int]:
    """An event of each key as no trigger would write it; their sequence numbers."""
    rows = await connection.fetch(_WRITE, type_, topic, keys, source, data, traceparent)
    return [row["sequence"] for row in rows]


async def mark_published(connection: asyncpg.Connection, event_ids: Sequence[uuid.UUID] | None = None) -> None:
    """What a relay does to the events, or to all that wait, when Pub/Sub has taken them, 3 ms after they came."""
    await connection.execute(
        """
        WITH done AS (
            DELETE FROM events.waiting AS w
            USING events.outbox AS o
            WHERE o.sequence = w.sequence AND ($1::uuid[] IS NULL OR o.id = ANY ($1))
            RETURNING o.sequence, o.created_at
        )
        INSERT INTO events.publication (sequence, published_at, message_id, attempts)
        SELECT d.sequence, d.created_at + interval '3 ms', '17', 1 FROM done AS d
        """,
        event_ids,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Records:
    """Makes and changes rows, each call on the connection it is given, in that connection's transaction."""

    connection: asyncpg.Connection
    customer_id: uuid.UUID
    treatment_id: uuid.UUID

    @classmethod
    async def create(cls, connection: asyncpg.Connection) -> "Records":
        """The customer and the treatment that the rest needs."""
        return cls(
            connection=connection,
            customer_id=await connection.fetchval(
                "INSERT INTO public.customer (email, first_name, last_name, date_of_birth, phone)"
                " VALUES ('ada@example.com', 'Ada', 'Lovelace', '1985-12-10', '+12025550142') RETURNING id"
            ),
            treatment_id=await connection.fetchval(
                "INSERT INTO public.treatment (name, monthly_item_price_id, monthly_price)"
                " VALUES ('Sleep', 'sleep-monthly', 9900) RETURNING id"
            ),
        )

    async def insert_contract(self, connection: asyncpg.Connection | None = None) -> uuid.UUID:
        """A contract's id."""
        contract_id: uuid.UUID = await (connection or self.connection).fetchval(
            "INSERT INTO public.contract (customer_id, treatment_id) VALUES ($1, $2) RETURNING id",
            self.customer_id,
            self.treatment_id,
        )
        return contract_id

    async def touch(self, contract_id: uuid.UUID, number: int, connection: asyncpg.Connection | None = None) -> None:
        """Change a contract so that its event can be told from others: its subscription is `sub_{number}`."""
        await (connection or self.connection).execute(
            "UPDATE public.contract SET subscription_id = $2 WHERE id = $1", contract_id, f"sub_{number}"
        )

    async def outbox(self) -> list[Any]:
        """All events, in order, with what became of them."""
        return list(await self.connection.fetch(_OUTBOX))

    async def write(self, type_: str, key: str, data: str = "{}", topic: str = "contract-events") -> int:
        """An event as no trigger would write it; its sequence number."""
        (sequence,) = await write_events(self.connection, type_, key, topic=topic, data=data)
        return sequence
