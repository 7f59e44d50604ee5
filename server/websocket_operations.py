"""The operations that come over a socket: to the engine, or to the live queries."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, Final

import orjson
import structlog
from graphql import GraphQLError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError

from resolvers.engine import Engine
from resolvers.errors import GraphQLRequestError
from resolvers.live.queries import LiveQueries
from server.endpoint import traceparent
from server.limits import KnownOperations, RateLimiter
from server.websocket_protocols import Connection, NamedDocument

_LOG = structlog.get_logger(__name__)

#: How the engine's answers begin, unless they are errors.
_DATA: Final = b'{"data":'


class SocketOperations:
    """What Strawberry's handlers take for a schema: operations go to the engine, subscriptions to the live queries."""

    def __init__(
        self, engine: Engine, live: LiveQueries, operations: KnownOperations, rate_limiter: RateLimiter | None
    ) -> None:
        self._engine = engine
        self._live = live
        self._operations = operations
        self._rate_limiter = rate_limiter

    async def stream(
        self, query: object, variables: object, operation_name: object, connection: Connection
    ) -> AsyncGenerator[ExecutionResult, None]:
        """The results of one operation; a PreExecutionError is the last."""
        try:
            async for data in self._data(query, variables, operation_name, connection):
                yield ExecutionResult(data=orjson.Fragment(data), errors=None)  # type: ignore[arg-type] # JSON as it is
        except _Failed as failed:
            yield PreExecutionError(data=None, errors=[_graphql_error(error) for error in failed.errors])
        except GraphQLRequestError as error:
            yield PreExecutionError(data=None, errors=[_graphql_error(error.as_json())])
        except Exception:
            _LOG.exception("socket_operation_failed", operation=operation_name)
            unexpected = GraphQLRequestError("unexpected", "an internal error occurred; it was logged")
            yield PreExecutionError(data=None, errors=[_graphql_error(unexpected.as_json())])

    async def _data(
        self, query: object, variables: object, operation_name: object, connection: Connection
    ) -> AsyncGenerator[bytes, None]:
        session = connection.session
        assert session is not None, "operations come after the acknowledgement"
        if isinstance(query, NamedDocument):
            query = self._operations.find_document(query.payload)
            if query is None:
                raise GraphQLRequestError("parse-failed", "key 'query' not found")
        if not isinstance(query, str):
            raise GraphQLRequestError("parse-failed", "expected a string for 'query'", "$.query")
        if variables is not None and not isinstance(variables, dict):
            raise GraphQLRequestError("parse-failed", "expected an object for 'variables'", "$.variables")
        if operation_name is not None and not isinstance(operation_name, str):
            raise GraphQLRequestError("parse-failed", "expected a string for 'operationName'", "$.operationName")
        if self._rate_limiter is not None:
            client = connection.socket.client
            await self._rate_limiter.check(session, client.host if client else "")
        self._operations.check(session.role, query)
        subscription = self._engine.subscription(session, query, variables, operation_name)
        if subscription is None:
            body = await self._engine.execute(session, query, variables, operation_name, traceparent)
            if not body.startswith(_DATA):
                raise _Failed(orjson.loads(body)["errors"])
            yield body[len(_DATA) : -1]
            return
        async with aclosing(self._live.results(subscription)) as results:
            async for data in results:
                await self._engine.record_result(session, subscription, data)
                yield data


class _Failed(Exception):
    """The engine answered with errors."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__("the operation failed")
        self.errors = errors


def _graphql_error(error: Mapping[str, Any]) -> GraphQLError:
    return GraphQLError(error["message"], extensions=error["extensions"])
