"""What the operations have in common: who asks, statements that answer in JSON, refusals, events.

An operation goes in this order, in the mutation's transaction: lock the row that decides, if the caller may work on it;
read its state, in a statement of its own, so that it sees what others committed while it waited; refuse or change;
publish. Whoever clicks twice waits for the lock and then finds the work done: the second answer is that of the first,
with `repeated` true, and there is no second event.
"""

import uuid
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import orjson

from permissions.session import USER_ID_VARIABLE
from resolvers.errors import GraphQLRequestError
from resolvers.exact_numbers import write_json
from resolvers.hand_written import OperationContext
from resolvers.operations.statements import load_statement

#: The namespace of ids of events that operations publish; never change it, or what was published once is again.
_PUBLISHED: Final = uuid.UUID("0b8f6f0e-3a55-5c0b-8d43-6c9b1f5a7e20")


class Refused(GraphQLRequestError):
    """The operation's rules forbid it. `argument` is the one that is at fault, if it is one."""

    def __init__(self, code: StrEnum, message: str, operation: str, argument: str | None = None) -> None:
        place = f".{argument}" if argument else ""
        super().__init__(code.value, message, f"$.selectionSet.{operation}.args{place}")


def my_id(context: OperationContext) -> str:
    """The caller's `x-hasura-user-id`; raises GraphQLRequestError (not-found) for a session without one."""
    user_id = context.session.user_id
    if user_id is None:
        raise GraphQLRequestError("not-found", f'missing session variable: "{USER_ID_VARIABLE}"')
    return user_id


async def ask(context: OperationContext, statement: str, *arguments: Any) -> Any:
    """What `sql/{statement}.sql` answers, parsed from JSON; None when it gives no row. Arguments are text or null."""
    answer = await context.transaction.fetch_value(load_statement(statement), *arguments)
    return None if answer is None else orjson.loads(answer)


def event_id(event_type: str, *parts: object) -> str:
    """The id of the event that tells of this: the same each time it is asked for."""
    return str(uuid.uuid5(_PUBLISHED, ":".join((event_type, *map(str, parts)))))


async def publish(
    context: OperationContext,
    event_type: str,
    *,
    subject: str,
    data: Mapping[str, object],
    id: str,  # noqa: A002 -- as events.publish calls it
) -> None:
    """A domain event into the outbox; nothing happens when the id is there already."""
    await context.transaction.fetch_value(load_statement("publish"), event_type, subject, write_json(data).decode(), id)
