"""The engine: a request in, the bytes of its response out.

For a document that a role sent before with variables of the same shape, `execute` looks up the plan, binds, runs one
statement and passes PostgreSQL's JSON through. Everything else is compiled once. The cache's rule is in `shape`.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import asyncpg
import orjson
import structlog
from strawberry.types.scalar import ScalarDefinition

from permissions.inherited import inherit
from permissions.model import Rules
from permissions.session import Session
from permissions.view import ADMIN, RuleError, role_view
from resolvers.binding import Request
from resolvers.database_errors import translate
from resolvers.document import Operation, caching, choose_operation, parse_document
from resolvers.dry_run import events_since, outbox_position
from resolvers.errors import GraphQLRequestError, ValidationFailed
from resolvers.hand_written import OperationContext, resolve
from resolvers.inputs import Scope
from resolvers.limits import UNLIMITED, OperationLimits, check_operation
from resolvers.live.statement import Subscription
from resolvers.masks import compile_masks
from resolvers.nested_plans import NestedUpdateSteps
from resolvers.plan.operation import compile_operation
from resolvers.plans import (
    ConstantRoot,
    GeneratedRoot,
    HandWrittenRoot,
    NestedSteps,
    Plan,
    QueryColumn,
    Step,
    make_plan,
)
from resolvers.pool import Connection, DatabaseUnavailable, Pool
from resolvers.response_cache import ResponseCache
from resolvers.role_schema import HandWritten, RoleSchema
from resolvers.run_nested import run_nested_insert, run_nested_update
from resolvers.shape import UnknownShape, VariableShapes
from resolvers.statement import Statement
from resolvers.values import WrongKind
from schema.catalogue import Catalogue
from schema.view import RoleView

_LOG = structlog.get_logger(__name__)

_DOCUMENTS_PER_ROLE: Final = 1_000
_PLANS_PER_DOCUMENT: Final = 100
_EMPTY: Final[Mapping[str, Any]] = {}


@dataclass(slots=True)
class _Prepared:
    """One operation of a known document, with the plans for the shapes seen so far."""

    operation: Operation
    shapes: VariableShapes
    structural: frozenset[str]
    plans: OrderedDict[Hashable, Plan] = field(default_factory=OrderedDict)


@dataclass(slots=True)
class _Role:
    """A role's view and schema, and the documents it sent."""

    view: RoleView
    schema: RoleSchema
    limits: OperationLimits
    prepared: OrderedDict[tuple[str, str | None], _Prepared] = field(default_factory=OrderedDict)
    introspections: OrderedDict[bytes, bytes] = field(default_factory=OrderedDict)


class Engine:
    """Executes GraphQL operations of any role on one database."""

    def __init__(
        self,
        *,
        catalogue: Catalogue,
        rules: Rules,
        pool: Pool,
        hand_written: Sequence[HandWritten] = (),
        inherited_roles: Mapping[str, Sequence[str]] = _EMPTY,
        function_roles: Mapping[str, frozenset[str]] | None = None,
        limits: Mapping[str, OperationLimits] = _EMPTY,
        scalar_map: Mapping[object, ScalarDefinition] = _EMPTY,  # type: ignore[assignment] # an empty mapping of any kind
    ) -> None:
        self._catalogue = catalogue
        self._rules = rules
        self._pool = pool
        self._inherited_roles = inherited_roles
        self._function_roles = function_roles
        self._limits = limits
        self._hand_written = tuple(hand_written)
        self._scalar_map = scalar_map
        self._has_outbox = "events.outbox" in catalogue.tables
        self._responses = ResponseCache()
        self._roles: dict[str, _Role] = {}
        self._building = threading.Lock()

    def schema(self, role: str) -> RoleSchema:
        """The role's schema, built when first asked for."""
        return self._role(role).schema

    async def execute(
        self,
        session: Session,
        query: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        traceparent: str = "",
        *,
        dry_run: bool = False,
    ) -> bytes:
        """The response body. Never raises for what a client or the database did: errors are in the answer.

        With `dry_run` a mutation is undone in the end, and the answer says in its extensions what it would have caused.
        """
        try:
            role = self._roles.get(session.role) or self._role(session.role)
            plan = self._plan(role, query, variables or _EMPTY, operation_name)
            request = Request(variables=variables or _EMPTY, session=session, traceparent=traceparent)
            limit_s = role.limits.statement_timeout_s
            if limit_s is None:
                return await self._run(role, plan, request, query, dry_run=dry_run)
            async with asyncio.timeout(limit_s):
                return await self._run(role, plan, request, query, dry_run=dry_run)
        except TimeoutError:
            message = (
                f"the operation took longer than the limit statement_timeout_s: {role.limits.statement_timeout_s:g} s"
            )
            return error_body(GraphQLRequestError("unexpected", message))
        except GraphQLRequestError as error:
            return error_body(error)
        except WrongKind as error:
            # The shape was known but a value is not of its kind: compiling anew says where.
            return error_body(self._diagnose(session.role, query, variables or _EMPTY, operation_name, error))
        except DatabaseUnavailable:
            return error_body(GraphQLRequestError("unexpected", "the database can't be reached; try again shortly"))
        except UnicodeEncodeError:
            return error_body(GraphQLRequestError("data-exception", "a text holds characters that UTF-8 can't carry"))
        except Exception:
            _LOG.exception("operation_failed", role=session.role, operation=operation_name)
            return error_body(GraphQLRequestError("unexpected", "an internal error occurred; it was logged"))

    def subscription(
        self,
        session: Session,
        query: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
    ) -> Subscription | None:
        """The compiled subscription with its binds, or None for another operation: `execute` answers that.

        Raises GraphQLRequestError.
        """
        try:
            role = self._roles.get(session.role) or self._role(session.role)
            plan = self._plan(role, query, variables or _EMPTY, operation_name).subscription
            if plan is None:
                return None
            request = Request(variables=variables or _EMPTY, session=session)
            return Subscription(role=session.role, plan=plan, binds=plan.binds(request))
        except WrongKind as error:
            raise self._diagnose(session.role, query, variables or _EMPTY, operation_name, error) from None

    # Planning

    def _role(self, name: str) -> _Role:
        if name != ADMIN and name not in self._rules and name not in self._inherited_roles:
            # All roles that nobody knows share one empty schema: names come from callers.
            name = ""
        with self._building:
            if name not in self._roles:
                view = compile_masks(self._catalogue, self._view(name))
                hand_written = self._hand_written if view.tables else ()
                limits = self._limits.get(name) or self._limits.get("*") or UNLIMITED
                self._roles[name] = _Role(view, RoleSchema(view, hand_written, self._scalar_map), limits)
            return self._roles[name]

    def _view(self, name: str, within: tuple[str, ...] = ()) -> RoleView:
        parents = self._inherited_roles.get(name)
        if parents is None:
            return role_view(self._catalogue, self._rules, name, self._function_roles)
        if name in within:
            raise RuleError(f"the inherited role {name} inherits from itself: {' → '.join((*within, name))}")
        return inherit(self._catalogue, name, [self._view(parent, (*within, name)) for parent in parents])

    def _plan(self, role: _Role, query: str, variables: Mapping[str, Any], operation_name: str | None) -> Plan:
        known = role.prepared.get((query, operation_name))
        if known is not None:
            try:
                plan = known.plans.get(known.shapes.key(variables))
            except (UnknownShape, TypeError, RecursionError):
                plan = None
            if plan is not None:
                return plan
            return self._compile(role, known.operation, query, variables, operation_name)
        operation = choose_operation(parse_document(query), operation_name)
        return self._compile(role, operation, query, variables, operation_name)

    def _compile(
        self, role: _Role, operation: Operation, query: str, variables: Mapping[str, Any], operation_name: str | None
    ) -> Plan:
        scope = _scope(role, operation, variables)
        compiled = compile_operation(operation, scope, role.schema.graphql_schema, role.view, self._catalogue)
        check_operation(compiled, role.limits)
        plan = make_plan(compiled, caching(operation, scope))
        self._remember(role, operation, scope, plan, (query, operation_name))
        return plan

    @staticmethod
    def _remember(
        role: _Role, operation: Operation, scope: Scope, plan: Plan, document: tuple[str, str | None]
    ) -> None:
        known = role.prepared.get(document)
        structural = frozenset(scope.structural_names)
        if known is not None:
            structural |= known.structural
        if known is None or structural != known.structural:
            # Another branch of the document reads another variable: keys must tell that one's values apart too.
            shapes = VariableShapes(scope.declared, structural)
            known = role.prepared[document] = _Prepared(operation, shapes, structural)
            if len(role.prepared) > _DOCUMENTS_PER_ROLE:
                role.prepared.popitem(last=False)
        try:
            known.plans[known.shapes.key(scope.values)] = plan
        except (UnknownShape, TypeError, RecursionError):
            return
        if len(known.plans) > _PLANS_PER_DOCUMENT:
            known.plans.popitem(last=False)

    def _diagnose(
        self, role_name: str, query: str, variables: Mapping[str, Any], operation_name: str | None, error: WrongKind
    ) -> GraphQLRequestError:
        try:
            role = self._role(role_name)
            operation = choose_operation(parse_document(query), operation_name)
            scope = _scope(role, operation, variables)
            compile_operation(operation, scope, role.schema.graphql_schema, role.view, self._catalogue)
        except GraphQLRequestError as found:
            return found
        return GraphQLRequestError("parse-failed", str(error))

    # Running

    async def _run(self, role: _Role, plan: Plan, request: Request, query: str, *, dry_run: bool) -> bytes:
        if plan.subscription is not None:
            raise GraphQLRequestError(
                "unexpected-payload", "subscriptions are not supported over HTTP, use websockets instead"
            )
        if plan.caching is not None and plan.query is not None:
            return await self._run_cached(role, plan, request, query)
        if plan.is_single_column:
            assert plan.query is not None
            row = await self._read(plan.query, request)
            return plan.roots[0][0] + (row[0] or b"null") + b"}}"
        if plan.is_single_statement and not dry_run:
            root = plan.roots[0][1]
            assert isinstance(root, GeneratedRoot)
            step = root.steps[0]
            assert isinstance(step, Step)
            arguments = step.statement.arguments(request)
            connection = await self._pool.acquire()
            try:
                row = await _guarded(connection, step.statement.sql, arguments, root.error_path)
            finally:
                self._pool.release(connection)
            return plan.roots[0][0] + (row[0] or b"null") + b"}}"
        if plan.kind == "query":
            return await self._run_query(role, plan, request, query)
        return await self._run_mutation(role, plan, request, dry_run=dry_run)

    async def _read(self, statement: Statement, request: Request) -> Sequence[Any]:
        arguments = statement.arguments(request)
        connection = await self._pool.acquire()
        try:
            return await _guarded(connection, statement.sql, arguments, "$")
        except DatabaseUnavailable:
            # A read may be tried again: the connection may just have been an old one.
            pass
        finally:
            self._pool.release(connection)
        async with self._pool.connection() as fresh:
            return await _guarded(fresh, statement.sql, arguments, "$")

    async def _run_query(self, role: _Role, plan: Plan, request: Request, query: str) -> bytes:
        is_introspection = plan.query is None and all(
            isinstance(root, ConstantRoot) or (isinstance(root, HandWrittenRoot) and root.node.name.startswith("__"))
            for _, root in plan.roots
        )
        key = b""
        if is_introspection:
            key = orjson.dumps([query, request.variables])
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
                    context = OperationContext(request=request, connection=None, pool=self._pool)
                    parts.append(await resolve(role.schema, root.node, context))
        body = b"".join(parts) + (b"}}" if parts else b'{"data":{}}')
        if is_introspection and key:
            role.introspections[key] = body
            if len(role.introspections) > 8:
                role.introspections.popitem(last=False)
        return body

    async def _run_cached(self, role: _Role, plan: Plan, request: Request, query: str) -> bytes:
        assert plan.caching is not None
        assert plan.query is not None
        arguments = plan.query.arguments(request)
        key = (
            role.view.role,
            query,
            plan.query.sql,
            *(tuple(item) if isinstance(item, list) else item for item in arguments),
        )
        kept = None if plan.caching.refresh else self._responses.find(key)
        if kept is not None:
            return kept
        body = await self._run(role, replace(plan, caching=None), request, query, dry_run=False)
        self._responses.keep(key, body, plan.caching.ttl_s)
        return body

    async def _run_mutation(self, role: _Role, plan: Plan, request: Request, *, dry_run: bool) -> bytes:
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
                    events = await events_since(connection, position) if self._has_outbox else b"[]"
                    await connection.command("ROLLBACK")
                    return b"".join(parts) + b'},"extensions":{"dry_run":{"events":' + events + b"}}}"
                await _commit(connection)
            except BaseException:
                if connection.in_transaction and not connection.is_closed:
                    await connection.command("ROLLBACK")
                raise
        return b"".join(parts) + b"}}"

    async def _run_root(self, role: _Role, root: Any, request: Request, connection: Connection) -> bytes:
        match root:
            case ConstantRoot(value):
                return value
            case HandWrittenRoot():
                context = OperationContext(request=request, connection=connection, pool=self._pool)
                return await resolve(role.schema, root.node, context)
            case GeneratedRoot(steps, many, error_path):
                answers = [await _run_step(step, request, connection, error_path) for step in steps]
                return b"[" + b",".join(answers) + b"]" if many else answers[0]
        raise AssertionError(f"unexpected root {root}")


async def _run_step(
    step: Step | NestedSteps | NestedUpdateSteps, request: Request, connection: Connection, error_path: str
) -> bytes:
    """The step's answer as JSON, in the open transaction."""
    then = step.then
    if isinstance(step, NestedSteps | NestedUpdateSteps):

        async def run(statement: Statement, path: str) -> Sequence[Any]:
            return await _guarded(connection, statement.sql, statement.arguments(request), path)

        request.affected_rows = 0
        if isinstance(step, NestedSteps):
            request.changed_rows = await run_nested_insert(step.steps, request, run, error_path)
        else:
            request.changed_rows = await run_nested_update(step, request, run, error_path)
    else:
        row = await _guarded(connection, step.statement.sql, step.statement.arguments(request), error_path)
        if then is None:
            return row[0] or b"null"
        request.changed_rows = row[0].decode()
    assert then is not None
    row = await _guarded(connection, then.sql, then.arguments(request), error_path)
    return row[0] or b"null"


def error_body(error: GraphQLRequestError) -> bytes:
    """The response of a request that failed: there are no partial results."""
    return orjson.dumps({"errors": [error.as_json()]})


def _scope(role: _Role, operation: Operation, variables: Mapping[str, Any]) -> Scope:
    definitions = {
        definition.variable.name.value: definition for definition in operation.definition.variable_definitions or ()
    }
    for name in variables:
        if name not in definitions or name not in operation.used_variables:
            raise ValidationFailed(f"unexpected variables in variableValues: {name}")
    scope = Scope(types=role.schema.graphql_schema.type_map, definitions=definitions, values=variables)
    scope.check_declarations()
    return scope


async def _guarded(connection: Connection, sql: str, arguments: Sequence[Any], path: str) -> Sequence[Any]:
    """The statement's row; PostgreSQL's errors as the dialect's. Raises GraphQLRequestError, DatabaseUnavailable."""
    try:
        return await connection.row(sql, arguments)
    except (asyncpg.exceptions.InvalidCachedStatementError, asyncpg.FeatureNotSupportedError):
        if connection.in_transaction:
            raise
        return await connection.row(sql, arguments)
    except asyncpg.PostgresError as error:
        translated = translate(error, path)
        if translated is None:
            _LOG.error("statement_failed", sqlstate=error.sqlstate, sql=sql)
            translated = GraphQLRequestError("unexpected", "the database refused the operation; it was logged")
        raise translated from error


async def _commit(connection: Connection) -> None:
    """COMMIT, where deferred constraints may still fail."""
    try:
        await connection.command("COMMIT")
    except asyncpg.PostgresError as error:
        translated = translate(error, "$")
        raise translated or error from error
