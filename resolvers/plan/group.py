"""`T_group_by`: aggregates by columns and parts of dates."""

from collections.abc import Mapping, Sequence
from typing import Any

from graphql import GraphQLField

from resolvers import ir
from resolvers.document import SelectedField
from resolvers.errors import ValidationFailed
from resolvers.inputs import coerce_arguments
from resolvers.plan.context import Compiler
from resolvers.plan.select import aggregate_items, row_type, selected_fields
from resolvers.plan.where import client_condition, row_filter, value_compares
from schema.catalogue import Column
from schema.graphql.beyond import DATE_TYPES, groupable, result_type
from schema.types import PgType
from schema.view import TableView


def compile_groups(
    compiler: Compiler, table: TableView, selected: SelectedField, field: GraphQLField, path: str
) -> ir.Groups:
    """The groups. Raises ValidationFailed."""
    arguments = coerce_arguments(selected.arguments, field.args, compiler.scope, path)
    keys = _keys(table, arguments["keys"], path)
    scope = compiler.scope
    limit, offset = arguments.get("limit"), arguments.get("offset")
    where = arguments.get("where")
    condition = client_condition(compiler, table, where, f"{path}.args.where") if where else ir.TRUE
    limit_value = None if limit is None else int(scope.structural(limit))
    if limit_value is not None and limit_value < 0:
        raise ValidationFailed("unexpected negative value", f"{path}.args.limit")
    return ir.Groups(
        table=table.table,
        keys=keys,
        where=ir.both(row_filter(compiler, table), condition),
        having=_having(compiler, table, arguments.get("having") or {}, f"{path}.args.having"),
        order=_order(table, keys, arguments.get("order_by") or (), f"{path}.args.order_by"),
        limit=limit_value,
        offset=None if offset is None else int(scope.structural(offset)),
        items=_items(compiler, table, keys, selected, field, path),
    )


def _keys(table: TableView, specs: Sequence[Mapping[str, Any]], path: str) -> tuple[ir.GroupKey, ...]:
    if not specs:
        raise ValidationFailed("groups need one key at least", f"{path}.args.keys")
    found: dict[str, ir.GroupKey] = {}
    for index, spec in enumerate(specs):
        here = f"{path}.args.keys[{index}]"
        name, part = spec["column"], spec.get("part")
        column = table.columns[name]
        if name in found:
            raise ValidationFailed(f"'{name}' is a key twice", here)
        if not groupable(column):
            raise ValidationFailed(f"rows can't be grouped by '{name}': its values can't be compared", here)
        if part is not None and (column.type.name not in DATE_TYPES or column.type.is_array):
            raise ValidationFailed(f"'{name}' is no date or time, so it has no part", f"{here}.part")
        found[name] = ir.GroupKey(column=column, part=part)
    return tuple(found.values())


def _having(compiler: Compiler, table: TableView, having: Mapping[str, Any], path: str) -> tuple[ir.Having, ...]:
    found: list[ir.Having] = []
    for function, spec in having.items():
        if spec is None:
            raise ValidationFailed("unexpected null value", f"{path}.{function}")
        compared: list[tuple[Column | None, Any, PgType, str]] = []
        if function == "count":
            compared.append((None, spec, PgType(name="int8"), f"{path}.count"))
        else:
            for name, operators in spec.items():
                here, own = f"{path}.{function}.{name}", table.columns[name]
                if operators is None:
                    raise ValidationFailed("unexpected null value", here)
                compared.append((own, operators, result_type(function, own), here))
        for column, operators, pg_type, here in compared:
            predicates = value_compares(compiler, operators, pg_type, here)
            found.append(ir.Having(function=function, column=column, predicates=predicates))
    return tuple(found)


def _order(
    table: TableView, keys: tuple[ir.GroupKey, ...], orders: Sequence[Mapping[str, Any]], path: str
) -> tuple[ir.GroupOrder, ...]:
    by_name = {key.column.name: key for key in keys}
    found: list[ir.GroupOrder] = []
    for order in orders:
        for name, spec in order.items():
            if spec is None:
                continue
            if name == "count":
                found.append(ir.GroupOrder(direction=spec, function="count"))
                continue
            for column_name, direction in spec.items():
                column = table.columns[column_name]
                if direction is None:
                    continue
                if name != "key":
                    found.append(ir.GroupOrder(direction=direction, function=name, column=column))
                elif column.name in by_name:
                    found.append(ir.GroupOrder(direction=direction, key=by_name[column.name]))
                else:
                    raise ValidationFailed(f"'{column_name}' is no key of these groups", f"{path}.key.{column_name}")
    # The keys decide between equals, so that equal requests give equal answers, and offsets lead on.
    named = [order.key for order in found]
    return (*found, *(ir.GroupOrder(direction="asc", key=key) for key in keys if key not in named))


def _items(
    compiler: Compiler,
    table: TableView,
    keys: tuple[ir.GroupKey, ...],
    selected: SelectedField,
    field: GraphQLField,
    path: str,
) -> tuple[ir.AggregateBlock | ir.GroupKeyBlock | ir.TypenameItem, ...]:
    parent = row_type(field)
    by_name = {key.column.graphql_name: key for key in keys}
    items: list[ir.AggregateBlock | ir.GroupKeyBlock | ir.TypenameItem] = []
    for leaf in selected_fields(compiler, selected.selections, parent, path):
        here = f"{path}.selectionSet.{leaf.name}"
        if leaf.name == "__typename":
            items.append(ir.TypenameItem(key=leaf.key, name=parent.name))
            continue
        inner = row_type(parent.fields[leaf.name])
        if leaf.name == "aggregate":
            values = aggregate_items(compiler, table, inner, leaf.selections, here)
            items.append(ir.AggregateBlock(key=leaf.key, items=values))
            continue
        shown: list[tuple[str, ir.GroupKey | ir.TypenameItem]] = []
        for name in selected_fields(compiler, leaf.selections, inner, here):
            if name.name == "__typename":
                shown.append((name.key, ir.TypenameItem(key=name.key, name=inner.name)))
            elif name.name in by_name:
                shown.append((name.key, by_name[name.name]))
            else:
                raise ValidationFailed(f"'{name.name}' is no key of these groups", f"{here}.selectionSet.{name.name}")
        items.append(ir.GroupKeyBlock(key=leaf.key, items=tuple(shown)))
    return tuple(items)
