"""Running plans: statements on connections, and answers joined as bytes."""

import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Hashable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final

import asyncpg
import structlog

from permissions.parts import Part
from resolvers.binding import Request
from resolvers.database_errors import translate
from resolvers.dry_run import events_since, outbox_position
from resolvers.errors import GraphQLRequestError
from resolvers.hand_written import OperationContext, resolve
from resolvers.nested_plans import NestedUpdateSteps
from resolvers.plans import (
    ConstantRoot,
    GeneratedRoot,
    HandWrittenRoot,
    NestedSteps,
    Plan,
    QueryColumn,
    Step,
)
from resolvers.pool import NO_ROW, Connection, DatabaseUnavailable, Pool
from resolvers.response_cache import ResponseCache
from resolvers.role_schema import RoleSchema
from resolvers.run_nested import run_nested_insert, run_nested_update
from resolvers.shared_reads import SharedReads
from resolvers.statement import Statement

_LOG = structlog.get_logger(__name__)

#: A statement that was prepared before the schema changed; it runs when it is prepared anew.
_OUTDATED: Final = (asyncpg.exceptions.InvalidCachedStatementError, asyncpg.FeatureNotSupportedError)
#: Answers of introspection that a role keeps: tools send one or two documents.
_INTROSPECTIONS: Final = 8


@dataclass(slots=True)
class Resolved:
    """What Strawberry resolves for a role; introspection, which takes it long, as it was answered before."""

    #: Tells it from all other roles, and parts of roles.
    key: Hashable
    schema: RoleSchema
    #: Set where callers have parts of the role.
    part: Part | None = None
    introspections: OrderedDict[Hashable, bytes] = field(default_factory=OrderedDict)


class Executor:
    """Runs plans of any role on one database."""

    def __init__(self, pool: Pool, *, has_outbox: bool, shares_reads: bool = True) -> None:
        """`has_outbox`: dry runs can say which events there would have been."""
        self._pool = pool
        self._has_outbox = has_outbox
        self._shared = SharedReads() if shares_reads else None
        self._responses = ResponseCache()

    async def run(self, role: Resolved, plan: Plan, request: Request, *, dry_run: bool = False) -> bytes:
        """The response body. Raises GraphQLRequestError, WrongKind, and DatabaseUnavailable."""
        if plan.subscription is not None:
            raise GraphQLRequestError(
                "unexpected-payload", "subscriptions are not supported over HTTP, use websockets instead"
            )
        if plan.caching is not None and plan.query is not None and not _has_hand_written(plan):
            return await self._run_cached(role, plan, request)
        if plan.is_single_column:
            assert plan.query is not None
            row = await self._read(plan.query, request)
            # Joined, not added: with two copies of a large answer the allocator asks the system for memory each time.
            return b"".join((plan.roots[0][0], row[0] or b"null", b"}}"))
        if plan.is_single_statement and not dry_run:
            root = plan.roots[0][1]
            assert isinstance(root, GeneratedRoot)
            step = root.steps[0]
            assert isinstance(step, Step)
            arguments = step.statement.arguments(request)
            connection = self._pool.take() or await self._pool.acquire()
            try:
                row = await _guarded(connection, step.statement, arguments, root.error_path)
            finally:
                self._pool.release(connection)
            return b"".join((plan.roots[0][0], row[0] or b"null", b"}}"))
        if plan.kind == "query":
            return await self._run_query(role, plan, request)
        return await self._run_mutation(role, plan, request, dry_run=dry_run)

    def _read(self, statement: Statement, request: Request) -> Awaitable[Sequence[Any]]:
        """The statement's row, to be awaited at once."""
        arguments = statement.arguments(request)
        if self._shared is not None and self._shared.is_slow(statement.sql):
            return self._shared.run(statement, arguments, partial(self._read_alone, statement, arguments))
        return self._read_alone(statement, arguments)

    async def _read_alone(self, statement: Statement, arguments: Sequence[Any]) -> Sequence[Any]:
        connection = self._pool.take() or await self._pool.acquire()
        began = time.perf_counter()
        try:
            row = await _guarded(connection, statement, arguments, "$")
        except DatabaseUnavailable:
            # A read may be tried again: the connection may just have been an old one.
            pass
        else:
            if self._shared is not None:
                self._shared.took(statement.sql, time.perf_counter() - began)
            return row
        finally:
            self._pool.release(connection)
        async with self._pool.connection() as fresh:
            return await _guarded(fresh, statement, arguments, "$")

    async def _run_query(self, role: Resolved, plan: Plan, request: Request) -> bytes:
        is_introspection = plan.query is None and all(
            isinstance(root, ConstantRoot) or (isinstance(root, HandWrittenRoot) and root.node.name.startswith("__"))
            for _, root in plan.roots
        )
        # Not the document's text: it may hold several operations.
        key = (plan.roots, json.dumps(request.variables)) if is_introspection else None
        if key in role.introspections:
            return role.introspections[key]
        row: Sequence[Any] = await self._read(plan.query, request) if plan.query else ()
        parts: list[bytes] = []
        for prefix, root in plan.roots:
            parts.append(prefix)
            match root:
                case QueryColumn(number):
                    parts.append(row[number] or b"null")
                case ConstantRoot(value):
                    parts.append(value)
                case HandWrittenRoot():
                    context = OperationContext(request=request, connection=None, pool=self._pool, part=role.part)
                    parts.append(await resolve(role.schema, root.node, context))
        body = b"".join(parts) + (b"}}" if parts else b'{"data":{}}')
        if key is not None:
            role.introspections[key] = body
            if len(role.introspections) > _INTROSPECTIONS:
                role.introspections.popitem(last=False)
        return body

    async def _run_cached(self, role: Resolved, plan: Plan, request: Request) -> bytes:
        assert plan.caching is not None
        assert plan.query is not None
        arguments = plan.query.arguments(request)
        key = (
            role.key,
            # The statement knows nothing of the root fields' response names and order.
            plan.roots,
            plan.query.sql,
            *(tuple(item) if isinstance(item, list) else item for item in arguments),
        )
        kept = None if plan.caching.refresh else self._responses.find(key)
        if kept is not None:
            return kept
        body = await self.run(role, replace(plan, caching=None), request)
        self._responses.keep(key, body, plan.caching.ttl_s)
        return body

    async def _run_mutation(self, role: Resolved, plan: Plan, request: Request, *, dry_run: bool) -> bytes:
        """All root fields in order, in one transaction; the first error undoes everything."""
        if not plan.roots:
            return b'{"data":{}}'
        async with self._pool.connection() as connection:
            await connection.command("BEGIN")
            try:
                assert plan.settings is not None
                await connection.row(plan.settings.sql, plan.settings.arguments(request))
                position = await outbox_position(connection) if dry_run and self._has_outbox else ""
                parts: list[bytes] = []
                for prefix, root in plan.roots:
                    parts.append(prefix)
                    parts.append(await self._run_root(role, root, request, connection))
                if dry_run:
                    await _at_the_end(connection, "SET CONSTRAINTS ALL IMMEDIATE")
                    events = await events_since(connection, position) if self._has_outbox else b"[]"
                    await connection.command("ROLLBACK")
                    return b"".join(parts) + b'},"extensions":{"dry_run":{"events":' + events + b"}}}"
                await _at_the_end(connection, "COMMIT")
            except BaseException:
                if connection.in_transaction and not connection.is_closed:
                    await connection.command("ROLLBACK")
                raise
        return b"".join(parts) + b"}}"

    async def _run_root(self, role: Resolved, root: Any, request: Request, connection: Connection) -> bytes:
        match root:
            case ConstantRoot(value):
                return value
            case HandWrittenRoot():
                context = OperationContext(request=request, connection=connection, pool=self._pool, part=role.part)
                return await resolve(role.schema, root.node, context)
            case GeneratedRoot(steps, many, error_path):
                answers = [await _run_step(step, request, connection, error_path) for step in steps]
                return b"[" + b",".join(answers) + b"]" if many else answers[0]
        raise AssertionError(f"unexpected root {root}")


def _has_hand_written(plan: Plan) -> bool:
    """What a resolver answers may depend on who asks, whatever the statement's arguments are."""
    return any(isinstance(root, HandWrittenRoot) for _, root in plan.roots)


async def _run_step(
    step: Step | NestedSteps | NestedUpdateSteps, request: Request, connection: Connection, error_path: str
) -> bytes:
    """The step's answer as JSON, in the open transaction."""
    then = step.then
    if isinstance(step, NestedSteps | NestedUpdateSteps):

        async def run(statement: Statement, path: str) -> Sequence[Any]:
            return await _guarded(connection, statement, statement.arguments(request), path)

        request.affected_rows = 0
        if isinstance(step, NestedSteps):
            request.changed_rows = await run_nested_insert(step.steps, request, run, error_path)
        else:
            request.changed_rows = await run_nested_update(step, request, run, error_path)
    else:
        row = await _guarded(connection, step.statement, step.statement.arguments(request), error_path)
        if then is None:
            return row[0] or b"null"
        request.changed_rows = row[0].decode()
    assert then is not None
    row = await _guarded(connection, then, then.arguments(request), error_path)
    return row[0] or b"null"


async def _guarded(connection: Connection, statement: Statement, arguments: Sequence[Any], path: str) -> Sequence[Any]:
    """The statement's row; PostgreSQL's errors as the dialect's. Raises GraphQLRequestError, DatabaseUnavailable."""
    sql = statement.sql
    try:
        for doubt in statement.doubts:
            for text in doubt.find(arguments):
                await connection.prove(doubt.proof, text)
        rows = await connection.rows(sql, arguments)
        return rows[0] if rows else NO_ROW
    except _OUTDATED as error:
        if connection.in_transaction:
            raise _translated(error, sql, path, connection.statement_timeout_s) from error
    except asyncpg.PostgresError as error:
        raise _translated(error, sql, path, connection.statement_timeout_s) from error
    try:
        return await connection.row(sql, arguments)
    except asyncpg.PostgresError as error:
        raise _translated(error, sql, path, connection.statement_timeout_s) from error


def _translated(error: asyncpg.PostgresError, sql: str, path: str, timeout_s: float | None) -> GraphQLRequestError:
    """The error for the client. What it must not know is logged: which statement, and PostgreSQL's code."""
    translated = translate(error, path, timeout_s)
    if translated is None:
        _LOG.error("statement_failed", sqlstate=error.sqlstate, sql=sql)
        translated = GraphQLRequestError("unexpected", "the database refused the operation; it was logged")
    return translated


async def _at_the_end(connection: Connection, command: str) -> None:
    """A command that makes deferred constraints and triggers have their say, so that they may still fail."""
    try:
        await connection.command(command)
    except asyncpg.PostgresError as error:
        translated = translate(error, "$", connection.statement_timeout_s)
        raise translated or error from error
