"""What was given up stays given up: its dead letters are settled, and say by whom and why.

The way for what came from outside, which is in no outbox and so can't be replayed: once its sender has sent it again,
or nobody wants it any more.
"""

from collections.abc import Sequence
from uuid import UUID

from triggers.connection import Connection
from triggers.errors import UnknownEventError
from triggers.statements import load_statement


async def discard(connection: Connection, ids: Sequence[UUID], *, agent: str | None, reason: str, by: str) -> int:
    """Settle the open dead letters of these events, of one agent or of all; how many there were.

    All or none: raises UnknownEventError, which names them, when one of the events was never given up.
    """
    async with connection.transaction():
        row = await connection.fetchrow(load_statement("history/discard"), ids, agent, reason, by)
        assert row is not None
        if row["unknown"]:
            whom = f" by {agent}" if agent else ""
            listed = ", ".join(str(one) for one in row["unknown"])
            message = f"Nothing was given up{whom} of {listed}; nothing was discarded. "
            raise UnknownEventError(message + "`caregraph events list --state dead` shows what was.")
        discarded: int = row["discarded"]
        return discarded
