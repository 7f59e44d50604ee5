"""`POST /v1/graphql`: from bytes to bytes (HASURA_DIALECT §10).

A bare ASGI application, since every layer on the way costs as much as a small read does (ARCHITECTURE.md, 1). GraphQL
answers always have status 200: what went wrong is in the body.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final

import orjson
from starlette.types import Receive, Scope, Send

from integrations.telemetry.tracing import current_traceparent
from permissions.session import Session
from resolvers.columns import Columns, read_columns
from resolvers.engine import Engine
from resolvers.errors import GraphQLRequestError, error_body
from resolvers.exact_numbers import read_json
from server.authentication.authenticator import Authenticator
from server.authentication.errors import AuthenticationError
from server.limits import KnownOperations, RateLimiter

CONTENT_TYPE: Final = b"application/json; charset=utf-8"
_HEADERS: Final = [(b"content-type", CONTENT_TYPE)]
#: `x-caregraph-dry-run: true`: mutations run, say what they would do, and are undone.
DRY_RUN: Final = b"x-caregraph-dry-run"
#: Operations that one request may batch.
MAX_BATCH: Final = 100


class _ClientLeft(Exception):
    """The client closed the connection before its request was whole."""


class GraphQLEndpoint:
    """The ASGI application behind `/v1/graphql`."""

    def __init__(
        self,
        *,
        engine: Engine,
        authenticator: Authenticator,
        max_request_bytes: int,
        operations: KnownOperations,
        rate_limiter: RateLimiter,
    ) -> None:
        self._engine = engine
        self._authenticator = authenticator
        self._max_request_bytes = max_request_bytes
        self._operations = operations
        self._rate_limiter = None if rate_limiter.is_idle else rate_limiter

    @property
    def limits_rates(self) -> bool:
        """Whether somebody may ask only so often, so that clients' addresses matter."""
        return self._rate_limiter is not None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        if scope["method"] != "POST":
            await _method_not_allowed(send)
            return
        try:
            raw, is_whole = await self._read(receive)
        except _ClientLeft:
            return
        client = scope.get("client")
        headers = scope["headers"]
        dry_run = any(name == DRY_RUN and is_true(value) for name, value in headers)
        body = await self.answer(headers, raw, client[0] if client else "", dry_run=dry_run)
        lines = [*_HEADERS, (b"content-length", str(len(body)).encode())]
        if not is_whole:
            # Nobody wants the rest.
            lines.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": 200, "headers": lines})
        await send({"type": "http.response.body", "body": body})

    async def answer(
        self, headers: Collection[tuple[bytes, bytes]], raw: bytes, address: str, *, dry_run: bool
    ) -> bytes:
        """The body of the response to a POST with these headers and this body, from a client at `address`."""
        try:
            if len(raw) > self._max_request_bytes:
                raise self._too_large(headers, raw)
            session = self._authenticator.find_session(headers)
            if session is None:
                session = await self._authenticator.authenticate(headers)
            if self._rate_limiter is not None:
                await self._rate_limiter.check(session, address)
            request = read_json(raw)
            if isinstance(request, dict):
                return await self._execute(session, request, dry_run=dry_run)
            return await self._batch(session, request, address, dry_run=dry_run)
        except GraphQLRequestError as error:
            return error_body(error)
        except AuthenticationError as error:
            return error_body(GraphQLRequestError(error.code.value, error.message))
        except orjson.JSONDecodeError as error:
            return error_body(GraphQLRequestError("invalid-json", f"the request body is not valid JSON: {error.msg}"))

    def _too_large(self, headers: Collection[tuple[bytes, bytes]], raw: bytes) -> GraphQLRequestError:
        return GraphQLRequestError(
            "validation-failed",
            "the request goes over the limit CAREGRAPH_MAX_REQUEST_BYTES: "
            f"{self._max_request_bytes} bytes allowed, {_length(headers) or f'{len(raw)} or more'} sent",
        )

    async def _batch(self, session: Session, request: Any, address: str, *, dry_run: bool) -> bytes:
        if not isinstance(request, list):
            raise GraphQLRequestError("parse-failed", "expected an object with a query, or a list of such objects")
        if len(request) > MAX_BATCH:
            raise GraphQLRequestError(
                "validation-failed", f"a request may batch {MAX_BATCH} operations at most, this one has {len(request)}"
            )
        if self._rate_limiter is not None and len(request) > 1:
            await self._rate_limiter.check(session, address, len(request) - 1)
        return b"[" + b",".join([await self._item(session, item, dry_run=dry_run) for item in request]) + b"]"

    async def _item(self, session: Session, item: Any, *, dry_run: bool) -> bytes:
        """One operation of a batch: its errors are its own."""
        if not isinstance(item, dict):
            return error_body(GraphQLRequestError("parse-failed", "expected an object with a query"))
        try:
            return await self._execute(session, item, dry_run=dry_run)
        except GraphQLRequestError as error:
            return error_body(error)

    async def _execute(self, session: Session, request: Mapping[str, Any], *, dry_run: bool) -> bytes:
        query = request.get("query") if "extensions" not in request else self._operations.find_document(request)
        if not isinstance(query, str):
            problem = "key 'query' not found" if query is None else "expected a string for 'query'"
            raise GraphQLRequestError("parse-failed", problem, "$" if query is None else "$.query")
        variables = request.get("variables")
        if variables is not None and not isinstance(variables, dict):
            raise GraphQLRequestError("parse-failed", "expected an object for 'variables'", "$.variables")
        name = request.get("operationName")
        if name is not None and not isinstance(name, str):
            raise GraphQLRequestError("parse-failed", "expected a string for 'operationName'", "$.operationName")
        self._operations.check(session.role, query)
        columns: dict[str, Columns] = {}
        extensions = request.get("extensions")
        if type(extensions) is dict and "columns" in extensions:
            variables, columns = _by_columns(variables or {}, extensions["columns"])
        return await self._engine.execute(
            session, query, variables, name, traceparent, columns=columns, dry_run=dry_run
        )

    async def _read(self, receive: Receive) -> tuple[bytes, bool]:
        """The body, and whether it is whole: of one that is too large the beginning, more than a request may have."""
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _ClientLeft
        body: bytes = message.get("body", b"")
        if message.get("more_body"):
            parts, size = [body], len(body)
            while message.get("more_body"):
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise _ClientLeft
                parts.append(message.get("body", b""))
                size += len(parts[-1])
                if size > self._max_request_bytes:
                    break
            body = b"".join(parts)
        return body, not message.get("more_body")


def traceparent() -> str:
    """The current trace, as the database is told of it; empty outside any."""
    return current_traceparent() or ""


def _by_columns(variables: Mapping[str, Any], names: Any) -> tuple[dict[str, Any], dict[str, Columns]]:
    """The variables that came as ever, and those that came as columns, as the request says.

    Raises GraphQLRequestError.
    """
    if type(names) is not list or {type(name) for name in names} - {str}:
        raise GraphQLRequestError(
            "parse-failed", "expected a list of variables' names for 'columns'", "$.extensions.columns"
        )
    rest, columns = dict(variables), {}
    for name in names:
        read = read_columns(rest.pop(name, None))
        if read is None:
            raise GraphQLRequestError(
                "parse-failed",
                "'columns' names variables that are given as objects of lists of one length, and this isn't one",
                f"$.variables.{name}",
            )
        columns[name] = read
    return rest, columns


def is_true(value: bytes) -> bool:
    """What a header's value has to be for yes."""
    return value.lower() == b"true"


def _length(headers: Collection[tuple[bytes, bytes]]) -> int | None:
    """What the request says of its own length."""
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return None


async def _method_not_allowed(send: Send) -> None:
    body = error_body(GraphQLRequestError("not-supported", "send GraphQL operations with POST"))
    headers = [*_HEADERS, (b"allow", b"POST"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 405, "headers": headers})
    await send({"type": "http.response.body", "body": body})
