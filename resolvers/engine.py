"""The engine: a request in, the bytes of its response out.

For a document that a role sent before with variables of the same shape, `execute` looks up the plan, binds, runs one
statement and passes PostgreSQL's JSON through. Everything else is compiled once. The cache's rule is in `shape`.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import structlog
from strawberry.types.scalar import ScalarDefinition

from permissions.inherited import inherit
from permissions.model import Rules
from permissions.parts import Divisions, Part, part_view
from permissions.session import USER_ID_VARIABLE, Session
from permissions.view import ADMIN, RuleError, role_view
from resolvers.binding import Request
from resolvers.columns import Columns, objects_of
from resolvers.document import Operation, caching, choose_operation, parse_document
from resolvers.errors import GraphQLRequestError, ValidationFailed, error_body
from resolvers.execution import Executor, Resolved
from resolvers.inputs import Scope
from resolvers.limits import UNLIMITED, OperationLimits, check_operation, statement_timed_out
from resolvers.live.statement import Subscription
from resolvers.masks import compile_masks
from resolvers.plan.operation import compile_operation
from resolvers.plans import Plan, make_plan
from resolvers.pool import DatabaseUnavailable, Pool
from resolvers.role_schema import HandWritten, RoleSchema, fields_of
from resolvers.sensitive import AccessRecorder, SensitiveRead, find_sensitive_read
from resolvers.shape import UnknownShape, VariableShapes
from resolvers.values import WrongKind
from schema.catalogue import Catalogue
from schema.view import RoleView

_LOG = structlog.get_logger(__name__)

_DOCUMENTS_PER_ROLE: Final = 1_000
_PLANS_PER_DOCUMENT: Final = 100
#: What the documents and statements of a role may take that are kept, as text: their trees take ten times as much.
_TEXT_PER_ROLE: Final = 4 * 1024 * 1024
#: Longer documents are compiled each time.
_LONGEST_KEPT: Final = 256 * 1024
_EMPTY: Final[Mapping[str, Any]] = {}

_Key = TypeVar("_Key", bound=Hashable)


@dataclass(slots=True)
class _Prepared:
    """One operation of a known document, with the plans for the shapes seen so far."""

    operation: Operation
    shapes: VariableShapes
    structural: frozenset[str]
    #: Variables whose objects plans may take in any number, and those for which one plan doesn't.
    rows: frozenset[str] = frozenset()
    not_rows: frozenset[str] = frozenset()
    plans: OrderedDict[Hashable, Plan] = field(default_factory=OrderedDict)
    #: Characters of the document and of its plans' statements.
    size: int = 0


@dataclass(slots=True)
class _Role:
    """A role's view and schema, and the documents it sent."""

    view: RoleView
    schema: RoleSchema
    limits: OperationLimits
    #: What Strawberry resolves for the role.
    resolved: Resolved
    prepared: OrderedDict[tuple[str, str | None], _Prepared] = field(default_factory=OrderedDict)
    #: The sum of their sizes.
    size: int = 0

    def forget(self, document: tuple[str, str | None]) -> None:
        """Keep the document's plans no longer, if they are kept."""
        known = self.prepared.pop(document, None)
        if known is not None:
            self.size -= known.size


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
        divisions: Divisions = _EMPTY,
        limits: Mapping[str, OperationLimits] = _EMPTY,
        recorder: AccessRecorder | None = None,
        scalar_map: Mapping[object, ScalarDefinition] = _EMPTY,  # type: ignore[assignment] # an empty mapping of any kind
        shares_reads: bool = True,
    ) -> None:
        """`divisions`: the roles of which each caller has a part, and who has which.

        `recorder` takes note of what is read of the catalogue's sensitive tables; `resolvers.shared_reads`.
        """
        self._catalogue = catalogue
        self._rules = rules
        self._inherited_roles = inherited_roles
        self._function_roles = function_roles
        self._divisions = divisions
        self._limits = limits
        self._hand_written = tuple(hand_written)
        self._recorder = recorder
        self._shown_by_hand = {item.field.graphql_name: item.shows for item in hand_written if item.shows}
        self._scalar_map = scalar_map
        self._executor = Executor(pool, has_outbox="events.outbox" in catalogue.tables, shares_reads=shares_reads)
        #: Roles that are the same for all who have them.
        self._roles: dict[str, _Role] = {}
        #: Parts of the others, by role and name (None: the whole). A role that is divided is never among those above,
        #: where its name alone would find it.
        self._parts: dict[tuple[str, str | None], _Role] = {}
        self._building = threading.Lock()
        self._planning = asyncio.Lock()

    def schema(self, role: str, caller: str | None = None) -> RoleSchema:
        """The role's schema, built when first asked for; of a divided role `caller`'s part, or the whole."""
        variables = {} if caller is None else {USER_ID_VARIABLE: caller}
        return self._role(Session(role=role, variables=variables, has_admin_secret=caller is None)).schema

    async def execute(
        self,
        session: Session,
        query: str,
        variables: Mapping[str, Any] | None = None,
        operation_name: str | None = None,
        trace: Callable[[], str] = str,
        *,
        columns: Mapping[str, Columns] = _EMPTY,
        dry_run: bool = False,
    ) -> bytes:
        """The response body. Never raises for what a client or the database did: errors are in the answer.

        `trace` gives the W3C trace context for the database; it is called if a statement takes it.
        `columns` are further variables, lists of objects, by their columns. With `dry_run` a mutation is undone in the
        end, and the answer says in its extensions what it would have caused.
        """
        try:
            role = self._roles.get(session.role) or self._role(session)
            request = Request(variables=variables or _EMPTY, session=session, trace=trace)
            plan = self._by_columns(role, query, request, operation_name, columns) if columns else None
            if plan is None:
                plan = self._known(role, query, request.variables, operation_name, request.columns)
            if plan is None:
                plan = await self._planned(role, query, request, operation_name)
            limit_s = role.limits.statement_timeout_s
            if plan.sensitive is not None and self._recorder is not None and self._recorder.is_full:
                await self._recorder.wait_for_room()
            if limit_s is None:
                body = await self._executor.run(role.resolved, plan, request, dry_run=dry_run)
            else:
                async with asyncio.timeout(limit_s):
                    body = await self._executor.run(role.resolved, plan, request, dry_run=dry_run)
            return body if plan.sensitive is None else self._recorded(session, plan.sensitive, body)
        except TimeoutError:
            assert role.limits.statement_timeout_s is not None
            return error_body(statement_timed_out(role.limits.statement_timeout_s))
        except GraphQLRequestError as error:
            return error_body(error)
        except WrongKind as error:
            # The shape was known but a value is not of its kind: compiling anew says where.
            given = _with_objects(variables or _EMPTY, columns)
            return error_body(self._diagnose(session, query, given, operation_name, error))
        except DatabaseUnavailable:
            return error_body(GraphQLRequestError("unexpected", "the database can't be reached; try again shortly"))
        except RecursionError:
            return error_body(ValidationFailed("the document or its variables are nested too deeply"))
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
            role = self._roles.get(session.role) or self._role(session)
            whole = self._plan(role, query, variables or _EMPTY, operation_name)
            plan = whole.subscription
            if plan is None:
                return None
            request = Request(variables=variables or _EMPTY, session=session)
            binds = plan.binds(request)
            unproven = plan.statement.unproven(request)
            return Subscription(
                role=role.resolved.key,
                plan=plan,
                binds=binds,
                unproven=unproven,
                timeout_s=role.limits.statement_timeout_s,
                sensitive=whole.sensitive,
            )
        except WrongKind as error:
            raise self._diagnose(session, query, variables or _EMPTY, operation_name, error) from None

    async def record_result(self, session: Session, subscription: Subscription, data: bytes) -> None:
        """To be awaited before a result of a subscription goes out: it goes on record, where it has to."""
        if subscription.sensitive is not None and self._recorder is not None:
            if self._recorder.is_full:
                await self._recorder.wait_for_room()
            self._recorded(session, subscription.sensitive, data)

    def _recorded(self, session: Session, read: SensitiveRead, body: bytes) -> bytes:
        """The answer, after taking note of what it shows."""
        if self._recorder is not None:
            self._recorder.record(session, read, read.count(body))
        return body

    # Planning

    def _role(self, session: Session) -> _Role:
        """The role as this session has it, which is a part of it where the role is divided."""
        name = session.role
        division = self._divisions.get(name)
        if division is not None:
            key = (name, division.name_of(session))
            return self._parts.get(key) or self._built(self._parts, key, *key)
        if name != ADMIN and name not in self._rules and name not in self._inherited_roles:
            # All roles that nobody knows share one empty schema: names come from callers.
            name = ""
        return self._built(self._roles, name, name)

    def _built(self, kept: dict[_Key, _Role], key: _Key, name: str, part_name: str | None = None) -> _Role:
        """What is kept under the key, built first if nothing is: the role, or a part of it."""
        with self._building:
            if key not in kept:
                part = None if part_name is None else self._divisions[name].part(part_name)
                view = compile_masks(self._catalogue, self._view(name, part))
                hand_written = fields_of(part, self._hand_written) if view.tables else ()
                limits = self._limits.get(name) or self._limits.get("*") or UNLIMITED
                schema = RoleSchema(view, hand_written, self._scalar_map)
                kept[key] = _Role(view, schema, limits, Resolved(key, schema, part))
            return kept[key]

    def _view(self, name: str, part: Part | None) -> RoleView:
        if part is not None:
            return part_view(self._catalogue, self._rules, name, part, self._function_roles)
        return self._whole_view(name)

    def _whole_view(self, name: str, within: tuple[str, ...] = ()) -> RoleView:
        parents = self._inherited_roles.get(name)
        if parents is None:
            return role_view(self._catalogue, self._rules, name, self._function_roles)
        if name in within:
            raise RuleError(f"the inherited role {name} inherits from itself: {' → '.join((*within, name))}")
        own = role_view(self._catalogue, self._rules, name, self._function_roles) if name in self._rules else None
        granted = self._function_roles or {}
        functions = [item for key, item in self._catalogue.functions.items() if name in granted.get(key, ())]
        inherited = [self._whole_view(parent, (*within, name)) for parent in parents]
        return inherit(self._catalogue, name, inherited, own, functions)

    async def _planned(self, role: _Role, query: str, request: Request, operation_name: str | None) -> Plan:
        """The plan of a document that isn't known yet. One is made each turn of the event loop.

        When many new documents come at once, what PostgreSQL has answered meanwhile goes out in between. And a few
        connections do for all of them, so that their backends have at hand what they need; else each document would
        take another connection, since no answer is read before the last of them has its plan.
        """
        await self._planning.acquire()
        try:
            return self._plan(role, query, request.variables, operation_name, request.columns)
        finally:
            asyncio.get_running_loop().call_soon(self._planning.release)

    def _plan(
        self,
        role: _Role,
        query: str,
        variables: Mapping[str, Any],
        operation_name: str | None,
        columns: dict[str, Columns] | None = None,
    ) -> Plan:
        """The plan; into `columns` go those of the variables that it takes as columns, if they are known by then."""
        plan = self._known(role, query, variables, operation_name, columns)
        if plan is not None:
            return plan
        known = role.prepared.get((query, operation_name))
        operation = choose_operation(parse_document(query), operation_name) if known is None else known.operation
        return self._compile(role, operation, query, variables, operation_name)

    def _by_columns(
        self, role: _Role, query: str, request: Request, operation_name: str | None, columns: Mapping[str, Columns]
    ) -> Plan | None:
        """The plan that takes these columns as they are; None when it isn't known yet, and objects are made of them."""
        request.columns |= columns
        plan = self._known(role, query, request.variables, operation_name, request.columns)
        if plan is None:
            request.columns.clear()
            request.variables = _with_objects(request.variables, columns)
        return plan

    @staticmethod
    def _known(
        role: _Role,
        query: str,
        variables: Mapping[str, Any],
        operation_name: str | None,
        columns: dict[str, Columns] | None,
    ) -> Plan | None:
        """The plan that is kept for such variables; those that are there as columns alone are taken as such."""
        document = (query, operation_name)
        known = role.prepared.get(document)
        if known is None:
            return None
        role.prepared.move_to_end(document)
        try:
            return known.plans.get(known.shapes.key(variables, columns))
        except (UnknownShape, TypeError, RecursionError):
            return None

    def _compile(
        self, role: _Role, operation: Operation, query: str, variables: Mapping[str, Any], operation_name: str | None
    ) -> Plan:
        scope = _scope(role, operation, variables)
        compiled = compile_operation(operation, scope, role.schema.graphql_schema, role.view, self._catalogue)
        check_operation(compiled, role.limits)
        plan = make_plan(compiled, caching(operation, scope))
        if self._recorder is not None:
            name = operation.definition.name.value if operation.definition.name else None
            plan = replace(plan, sensitive=find_sensitive_read(compiled, name, self._shown_by_hand))
        self._remember(role, operation, scope, plan, (query, operation_name))
        return plan

    @staticmethod
    def _remember(
        role: _Role, operation: Operation, scope: Scope, plan: Plan, document: tuple[str, str | None]
    ) -> None:
        if len(document[0]) > _LONGEST_KEPT:
            return
        known = role.prepared.get(document)
        structural = frozenset(scope.structural_names)
        # What is read twice may be taken as rows by one reader only.
        not_rows = frozenset(name for name, reads in scope.reads.items() if reads > 1)
        rows = frozenset(scope.row_names)
        if known is not None:
            structural |= known.structural
            not_rows |= known.not_rows
            rows |= known.rows
        rows -= not_rows
        if known is None or structural != known.structural or rows != known.rows:
            # Another branch of the document reads another variable: keys must tell that one's values apart too.
            role.forget(document)
            shapes = VariableShapes(scope.declared, structural, rows)
            known = _Prepared(operation, shapes, structural, rows, not_rows, size=len(document[0]))
            role.prepared[document] = known
            role.size += known.size
        known.not_rows = not_rows
        try:
            key = known.shapes.key(scope.values)
            if known.shapes.keyed_by_columns(scope.values) - scope.row_names:
                # Alike, but with something in them that must be looked at row by row.
                return
            is_new = key not in known.plans
        except (UnknownShape, TypeError, RecursionError):
            return
        known.plans[key] = plan
        grown = plan.size if is_new else 0
        if len(known.plans) > _PLANS_PER_DOCUMENT:
            grown -= known.plans.popitem(last=False)[1].size
        known.size += grown
        role.size += grown
        while role.prepared and (role.size > _TEXT_PER_ROLE or len(role.prepared) > _DOCUMENTS_PER_ROLE):
            role.forget(next(iter(role.prepared)))

    def _diagnose(
        self, session: Session, query: str, variables: Mapping[str, Any], operation_name: str | None, error: WrongKind
    ) -> GraphQLRequestError:
        try:
            role = self._role(session)
            operation = choose_operation(parse_document(query), operation_name)
            scope = _scope(role, operation, variables)
            compile_operation(operation, scope, role.schema.graphql_schema, role.view, self._catalogue)
        except GraphQLRequestError as found:
            return found
        return GraphQLRequestError("parse-failed", str(error))


def _with_objects(variables: Mapping[str, Any], columns: Mapping[str, Columns]) -> Mapping[str, Any]:
    """The variables, with those that came as columns as the lists of objects that they stand for."""
    return {**variables, **{name: objects_of(each) for name, each in columns.items()}}


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
