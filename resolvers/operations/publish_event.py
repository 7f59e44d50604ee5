"""`publish_event`: a domain event into the outbox, in the transaction of the change it tells of.

Agents combine it with their write-back in one mutation. Topic and ordering key come from the declared event types
(`triggers/event_types.py`), which `events.publish` knows. An id that was published before gives that event back.
An agent publishes the types of its part of the role (`permissions/rules/agents.py`).
"""

from typing import Final

import orjson
import strawberry

from resolvers.errors import GraphQLRequestError
from resolvers.exact_numbers import write_json
from resolvers.hand_written import OperationContext
from resolvers.operations.scalars import JSONB, UUID_
from resolvers.role_schema import HandWritten

_SQL: Final = """
SELECT row_to_json(published)
FROM (SELECT id, type, topic FROM events.publish($1::text, $2::text, $3::text::jsonb, $4::text::uuid)) AS published
"""


@strawberry.type(name="published_event", description="An event that waits in the outbox to be delivered.")
class PublishedEvent:
    """What `publish_event` answers."""

    id: UUID_
    type: str
    topic: str


async def _publish_event(
    info: strawberry.Info[OperationContext, None],
    type: str,  # noqa: A002 -- the argument's name
    subject: str,
    data: JSONB,
    id: UUID_ | None = None,  # noqa: A002 -- the field's argument names
) -> PublishedEvent:
    part = info.context.part
    if part is not None and type not in part.events:
        raise GraphQLRequestError(
            "access-denied",
            f"{info.context.session.user_id!r} doesn't publish events of type {type[:64]!r}",
            "$.selectionSet.publish_event.args.type",
        )
    answer = await info.context.transaction.fetch_value(_SQL, type, subject, write_json(data).decode(), id)
    return PublishedEvent(**orjson.loads(answer))


PUBLISH_EVENT: Final = HandWritten(
    field=strawberry.field(
        resolver=_publish_event,
        name="publish_event",
        description="Publish a domain event in this mutation's transaction. The id makes it idempotent.",
    ),
    kind="mutation",
    roles=frozenset({"service"}),
)
