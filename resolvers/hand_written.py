"""Root fields that Strawberry resolves, one at a time, so that they keep their place among the generated ones.

In a mutation they run in the operation's transaction: what they write is undone with everything else.
"""

from dataclasses import dataclass
from typing import Final

import asyncpg

from permissions.parts import Part
from permissions.session import Session
from resolvers import ir
from resolvers.binding import Request
from resolvers.database_errors import translate
from resolvers.errors import GraphQLRequestError, ParseFailed, ValidationFailed
from resolvers.exact_numbers import write_json
from resolvers.pool import Connection, DatabaseUnavailable, Pool
from resolvers.role_schema import RoleSchema

_EXPECTED: Final = (GraphQLRequestError, DatabaseUnavailable)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationContext:
    """What a hand-written resolver gets as `info.context`."""

    request: Request
    #: The transaction's connection in a mutation; None in a query, which takes one from `pool` if it needs it.
    connection: Connection | None
    pool: Pool
    #: The caller's part of the role, where the role is divided.
    part: Part | None = None

    @property
    def session(self) -> Session:
        """Who is asking."""
        return self.request.session

    @property
    def transaction(self) -> Connection:
        """The connection whose transaction the whole mutation runs in."""
        assert self.connection is not None, "only mutations have a transaction"
        return self.connection


async def resolve(schema: RoleSchema, root: ir.RootHandWritten, context: OperationContext) -> bytes:
    """The field's value as JSON. Raises GraphQLRequestError for what the client did, anything else as it came."""
    given = context.request.variables
    variables = {name: given[name] for name in root.variables if name in given}
    result = await schema.execute(root.document, variable_values=variables, context_value=context)
    if result.errors:
        error = result.errors[0]
        original: BaseException | None = error.original_error
        while original is not None and not isinstance(original, _EXPECTED) and original.__cause__ is not None:
            if isinstance(original, asyncpg.DataError):
                # The driver's own, before PostgreSQL saw the value: a scalar of ours takes any JSON.
                raise ParseFailed("an argument's value does not fit its type", f"$.selectionSet.{root.name}.args")
            original = original.__cause__
        # Without a path it came before anything was resolved: a variable that doesn't fit.
        if original is None or not (error.path or isinstance(original, _EXPECTED)):
            raise ValidationFailed(error.message, f"$.selectionSet.{root.name}")
        if isinstance(original, asyncpg.PostgresError):
            raise translate(original, "$") or original
        raise original
    assert result.data is not None
    return write_json(result.data[root.key])
