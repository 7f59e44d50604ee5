"""Dry runs: a mutation carried out, looked at, and undone.

The events that it would have caused are read from the outbox inside its transaction. They are described, not shown:
a payload may hold columns that the caller's role does not see.
"""

from typing import Final

from resolvers.pool import Connection

_BEFORE: Final = "SELECT coalesce(max(sequence), 0)::text FROM events.outbox"
_EVENTS: Final = """
SELECT coalesce(json_agg(json_build_object('type', type, 'topic', topic, 'subject', subject) ORDER BY sequence), '[]')
FROM events.outbox
WHERE sequence > $1::text::bigint
  AND xmin::text::bigint = pg_current_xact_id()::text::bigint % 4294967296
"""


async def outbox_position(connection: Connection) -> str:
    """Where the outbox ends before the mutation."""
    return str(await connection.fetch_value(_BEFORE))


async def events_since(connection: Connection, position: str) -> bytes:
    """What the transaction has put into the outbox, as JSON: `[{"type", "topic", "subject"}]`."""
    events: bytes = await connection.fetch_value(_EVENTS, position)
    return events
