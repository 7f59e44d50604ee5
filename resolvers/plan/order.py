"""`order_by` to sort keys (HASURA_DIALECT §2, Ordering)."""

from collections.abc import Mapping, Sequence
from typing import Any

from resolvers import ir
from resolvers.plan.context import Compiler
from resolvers.plan.where import row_filter
from schema.view import TableView


def order_keys(
    compiler: Compiler, table: TableView, orders: Sequence[Mapping[str, Any] | None]
) -> tuple[ir.OrderKey, ...]:
    """The sort keys of a checked `order_by`, left to right. A null direction is ignored."""
    found: list[ir.OrderKey] = []
    for order in orders:
        if order:
            _collect(compiler, table, order, (), found)
    return tuple(found)


def _collect(
    compiler: Compiler,
    table: TableView,
    order: Mapping[str, Any],
    path: tuple[ir.Step, ...],
    found: list[ir.OrderKey],
) -> None:
    for name, value in order.items():
        if value is None:
            continue
        operand = table.find_operand(name)
        if operand is not None:
            found.append(ir.OrderKey(direction=value, column=operand, path=path))
        elif name in table.relationships and table.relationships[name].kind == "object":
            relationship = table.relationships[name]
            target = compiler.view[relationship.target]
            step = ir.Step(relationship=relationship, table=target.table, where=row_filter(compiler, target))
            _collect(compiler, target, value, (*path, step), found)
        else:
            found += _aggregate_keys(compiler, table, name.removesuffix("_aggregate"), value, path)


def _aggregate_keys(
    compiler: Compiler, table: TableView, name: str, functions: Mapping[str, Any], path: tuple[ir.Step, ...]
) -> list[ir.OrderKey]:
    call: ir.Call | None = None
    pairs: tuple[tuple[str, str], ...] = ()
    if name in table.relationships:
        relationship = table.relationships[name]
        target, pairs = compiler.view[relationship.target], relationship.columns
    else:
        computed = table.computed_fields[name]
        assert computed.function.returns is not None
        target = compiler.view[computed.function.returns]
        call = ir.Call(function=computed.function, arguments=(), row_argument=computed.row_argument)
    found: list[ir.OrderKey] = []
    for function, spec in functions.items():
        if spec is None:
            continue
        columns = [(None, spec)] if function == "count" else [(target.columns[key], spec[key]) for key in spec]
        for column, direction in columns:
            if direction is not None:
                key = ir.AggregateKey(
                    columns=pairs,
                    table=target.table,
                    where=row_filter(compiler, target),
                    function=function,
                    column=column,
                    call=call,
                )
                found.append(ir.OrderKey(direction=direction, path=path, aggregate=key))
    return found
