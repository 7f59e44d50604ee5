"""A compiled operation: statements with their binds, and how their values become the response.

A plan holds nothing of a request. Queries are one statement, a column a root field; a mutation of one root field is
one statement too, and everything else runs in one transaction, step by step.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import orjson

from resolvers import ir
from resolvers.binding import AFFECTED_ROWS, CHANGED_ROWS, TRACEPARENT
from resolvers.live.statement import SubscriptionPlan, render_live
from resolvers.nested_plans import NestedStep, NestedUpdateSteps, insert_steps, nested_update_steps
from resolvers.response_cache import Caching
from resolvers.sensitive import SensitiveRead
from resolvers.sql.mutate import answer_sql, change_sql, looks_again, mutation_sql, shows_rows
from resolvers.sql.root import root_query_sql
from resolvers.sql.select import rows_select
from resolvers.sql.writer import SESSION_JSON, Writer
from resolvers.statement import Statement, make_statement
from schema.types import PgType

_TEXT: Final = PgType(name="text")

#: Transaction-local settings that triggers read; the second is empty without a trace.
_SETTINGS: Final = (
    ("app.session", ir.Param(source=ir.FromSession(SESSION_JSON), type=_TEXT)),
    ("app.traceparent", ir.Param(source=ir.FromSession(TRACEPARENT), type=_TEXT)),
)


#: The JSON rows that a change answered, for the statement that looks at them.
_CHANGED: Final = ir.Param(source=ir.FromSession(CHANGED_ROWS), type=PgType(name="json"))


@dataclass(frozen=True, slots=True)
class Step:
    """One change: a statement, and a second one where the answer must look at the changed table again."""

    statement: Statement
    then: Statement | None = None


@dataclass(frozen=True, slots=True)
class NestedSteps:
    """A nested insert, and the statement that answers about its root rows."""

    steps: tuple[NestedStep, ...]
    then: Statement


@dataclass(frozen=True, slots=True)
class GeneratedRoot:
    """A mutation's generated root field. `many` answers a list, a step an item."""

    steps: tuple[Step | NestedSteps | NestedUpdateSteps, ...]
    many: bool
    #: Where errors about the written data point.
    error_path: str


@dataclass(frozen=True, slots=True)
class QueryColumn:
    """A query's generated root field: a column of the one statement."""

    number: int


@dataclass(frozen=True, slots=True)
class ConstantRoot:
    """A root field whose value is known (`__typename`)."""

    value: bytes


@dataclass(frozen=True, slots=True)
class HandWrittenRoot:
    """A root field that Strawberry resolves."""

    node: ir.RootHandWritten


Root = GeneratedRoot | QueryColumn | ConstantRoot | HandWrittenRoot


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled operation."""

    kind: str
    #: Root fields with the bytes that stand before each value: `{"data":{"key":`, `,"key":` …
    roots: tuple[tuple[bytes, Root], ...]
    #: The one statement of a query's generated fields.
    query: Statement | None
    #: Sets what triggers read, in an explicit transaction.
    settings: Statement | None
    #: The whole operation is one statement of one column: its bytes are the answer.
    is_single_column: bool
    #: A mutation that one statement carries out by itself.
    is_single_statement: bool
    caching: Caching | None = None
    #: Set for a subscription, and then all there is to it.
    subscription: SubscriptionPlan | None = None
    #: What has to go on record when it runs.
    sensitive: SensitiveRead | None = None

    @property
    def size(self) -> int:
        """Characters of its statements."""
        live = len(self.subscription.statement.sql) if self.subscription is not None else 0
        return live + sum(len(statement.sql) for statement in self.statements())

    def statements(self) -> Iterator[Statement]:
        """Its statements, in the order they run; a subscription's is another kind."""
        if self.query is not None:
            yield self.query
        for _, root in self.roots:
            for step in root.steps if isinstance(root, GeneratedRoot) else ():
                yield from _statements(step)


def _statements(step: Step | NestedSteps | NestedUpdateSteps) -> Iterator[Statement]:
    if isinstance(step, NestedUpdateSteps):
        yield from step.statements()
        return
    if isinstance(step, NestedSteps):
        yield from (nested.statement for nested in step.steps)
    else:
        yield step.statement
    if step.then is not None:
        yield step.then


def make_plan(operation: ir.OperationIR, caching: Caching | None = None) -> Plan:
    """Render the operation. Pure."""
    if operation.kind == "query":
        plan = _query_plan(operation)
        # What hand-written fields answer depends on more than the statement that a kept answer is known by.
        is_keepable = not any(isinstance(root, HandWrittenRoot) for _, root in plan.roots)
        return replace(plan, caching=caching if is_keepable else None)
    if operation.kind == "subscription":
        return _subscription_plan(operation)
    return _mutation_plan(operation)


def _query_plan(operation: ir.OperationIR) -> Plan:
    writer = Writer()
    columns: list[str] = []
    roots: list[Root] = []
    for root in operation.roots:
        if isinstance(root, ir.RootQuery):
            roots.append(QueryColumn(len(columns)))
            columns.append(root_query_sql(writer, root))
        else:
            roots.append(_other_root(root))
    statement = None
    if columns:
        sql = columns[0] if len(columns) == 1 else "SELECT " + ", ".join(f"({column})" for column in columns)
        statement = make_statement(sql, writer)
    return Plan(
        kind="query",
        roots=_with_prefixes(operation, roots),
        query=statement,
        settings=None,
        is_single_column=len(columns) == 1 and len(roots) == 1,
        is_single_statement=False,
    )


def _subscription_plan(operation: ir.OperationIR) -> Plan:
    root = operation.roots[0]
    assert isinstance(root, ir.RootQuery | ir.RootStream)
    prefix = b"{" + orjson.dumps(root.key) + b":"
    return Plan(
        kind="subscription",
        roots=(),
        query=None,
        settings=None,
        is_single_column=False,
        is_single_statement=False,
        subscription=SubscriptionPlan(root=root, prefix=prefix, statement=render_live(root)),
    )


def _mutation_plan(operation: ir.OperationIR) -> Plan:
    generated = [root for root in operation.roots if isinstance(root, ir.RootMutation)]
    only = generated[0] if len(generated) == 1 and len(operation.roots) == 1 else None
    is_single = only is not None and len(only.steps) == 1 and not only.many and _is_one_statement(only.steps[0])
    roots: list[Root] = []
    for root in operation.roots:
        if isinstance(root, ir.RootMutation):
            steps = tuple(_step(step, alone=is_single) for step in root.steps)
            roots.append(GeneratedRoot(steps=steps, many=root.many, error_path=root.error_path))
        else:
            roots.append(_other_root(root))
    writer = Writer()
    calls = ", ".join(f"set_config('{name}', {writer.bind(param)}, true)" for name, param in _SETTINGS)
    return Plan(
        kind="mutation",
        roots=_with_prefixes(operation, roots),
        query=None,
        settings=make_statement(f"SELECT {calls}", writer),
        is_single_column=False,
        is_single_statement=is_single,
    )


def _is_one_statement(step: ir.Mutate | ir.Rows) -> bool:
    return isinstance(step, ir.Mutate) and not looks_again(step)


def _step(step: ir.Mutate | ir.Rows, *, alone: bool) -> Step | NestedSteps | NestedUpdateSteps:
    writer = Writer()
    if isinstance(step, ir.Rows):
        return Step(make_statement(rows_select(writer, step, None, single=False), writer))
    if isinstance(step.change, ir.NestedInsert):
        return NestedSteps(insert_steps(step.change.steps), _nested_answer(step))
    if isinstance(step.change, ir.NestedUpdate):
        return nested_update_steps(step.change, _nested_answer(step), shows_rows=shows_rows(step))
    if not looks_again(step):
        return Step(make_statement(mutation_sql(writer, step, _SETTINGS if alone else ()), writer))
    first = make_statement(change_sql(writer, step.change), writer)
    second = Writer()
    return Step(first, make_statement(answer_sql(second, step, _CHANGED), second))


def _nested_answer(mutate: ir.Mutate) -> Statement:
    writer = Writer()
    affected = ir.Param(source=ir.FromSession(AFFECTED_ROWS), type=PgType(name="int8"))
    return make_statement(answer_sql(writer, mutate, _CHANGED, affected), writer)


def _other_root(
    root: ir.RootQuery | ir.RootStream | ir.RootMutation | ir.RootTypename | ir.RootHandWritten,
) -> Root:
    if isinstance(root, ir.RootTypename):
        return ConstantRoot(orjson.dumps(root.name))
    assert isinstance(root, ir.RootHandWritten)
    return HandWrittenRoot(root)


def _with_prefixes(operation: ir.OperationIR, roots: list[Root]) -> tuple[tuple[bytes, Root], ...]:
    found = []
    for index, (node, root) in enumerate(zip(operation.roots, roots, strict=True)):
        prefix = b'{"data":{' if index == 0 else b","
        found.append((prefix + orjson.dumps(node.key) + b":", root))
    return tuple(found)
