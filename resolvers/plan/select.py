"""Selections and reads: `T`, `T_by_pk`, `T_aggregate`, and the relationships below them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from graphql import GraphQLField, GraphQLObjectType, SelectionSetNode, get_named_type

from resolvers import ir
from resolvers.document import SelectedField
from resolvers.errors import ValidationFailed
from resolvers.inputs import Leaf, coerce_arguments
from resolvers.plan.context import Compiler, unknown_field
from resolvers.plan.json_path import parse_json_path
from resolvers.plan.order import order_keys
from resolvers.plan.where import client_condition, row_filter
from schema.catalogue import Argument, ComputedField
from schema.graphql.inputs import COMPARABLE_AGGREGATES, NUMERIC_AGGREGATES
from schema.graphql.kinds import ColumnField, ComputedFieldKind, RelationshipField, find_kind
from schema.types import PgType
from schema.view import TableView

_FUNCTIONS: Final = frozenset(NUMERIC_AGGREGATES + COMPARABLE_AGGREGATES)
_TEXT_ARRAY: Final = PgType(name="text", is_array=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectArguments:
    """The five arguments of a list, compiled."""

    where: ir.Condition
    order: tuple[ir.OrderKey, ...]
    distinct: tuple[Any, ...]
    limit: int | None
    offset: int | None


def compile_many(compiler: Compiler, table: TableView, field: SelectedField, kind: GraphQLField, path: str) -> ir.Rows:
    """A list of rows with its arguments; at most the role's limit of them."""
    arguments = _select_arguments(compiler, table, field, kind, path)
    return ir.Rows(
        table=table.table,
        items=row_items(compiler, table, row_type(kind), field.selections, path),
        where=arguments.where,
        order=arguments.order,
        distinct=arguments.distinct,
        limit=smaller(arguments.limit, table.limit),
        limit_is_asked=arguments.limit is not None,
        offset=arguments.offset,
    )


def compile_by_pk(compiler: Compiler, table: TableView, field: SelectedField, kind: GraphQLField, path: str) -> ir.Rows:
    """The row with that key, if the role sees it."""
    arguments = coerce_arguments(field.arguments, kind.args, compiler.scope, path)
    return ir.Rows(
        table=table.table,
        items=row_items(compiler, table, row_type(kind), field.selections, path),
        where=ir.both(key_condition(compiler, table, arguments), row_filter(compiler, table)),
    )


def compile_aggregate(
    compiler: Compiler, table: TableView, field: SelectedField, kind: GraphQLField, path: str
) -> ir.Aggregate:
    """An aggregate with its arguments. The role's limit caps `nodes` only (HASURA_DIALECT §8)."""
    arguments = _select_arguments(compiler, table, field, kind, path)
    parent = row_type(kind)
    blocks: list[ir.AggregateBlock | ir.NodesBlock | ir.TypenameItem] = []
    for selected in selected_fields(compiler, field.selections, parent, path):
        here = f"{path}.selectionSet.{selected.name}"
        if selected.name == "__typename":
            blocks.append(ir.TypenameItem(key=selected.key, name=parent.name))
        elif selected.name == "nodes":
            node_type = row_type(parent.fields["nodes"])
            items = row_items(compiler, table, node_type, selected.selections, here)
            blocks.append(ir.NodesBlock(key=selected.key, items=items, limit=table.limit))
        else:
            fields_type = row_type(parent.fields["aggregate"])
            blocks.append(
                ir.AggregateBlock(
                    key=selected.key, items=aggregate_items(compiler, table, fields_type, selected.selections, here)
                )
            )
    return ir.Aggregate(
        rows=ir.Rows(
            table=table.table,
            items=(),
            where=arguments.where,
            order=arguments.order,
            distinct=arguments.distinct,
            limit=arguments.limit,
            limit_is_asked=arguments.limit is not None,
            offset=arguments.offset,
        ),
        blocks=tuple(blocks),
    )


def row_items(
    compiler: Compiler,
    table: TableView,
    parent: GraphQLObjectType,
    selections: Sequence[SelectionSetNode],
    path: str,
) -> tuple[ir.Selection, ...]:
    """What a row shows. Raises ValidationFailed for fields the role does not have."""
    items: list[ir.Selection] = []
    for selected in selected_fields(compiler, selections, parent, path):
        if selected.name == "__typename":
            items.append(ir.TypenameItem(key=selected.key, name=parent.name))
            continue
        field = parent.fields[selected.name]
        items.append(_item(compiler, table, field, selected, f"{path}.selectionSet.{selected.name}"))
    return tuple(items)


def key_condition(compiler: Compiler, table: TableView, arguments: Mapping[str, Any]) -> ir.Condition:
    """The primary key equals the arguments."""
    return ir.And(
        tuple(
            ir.Compare(
                column=column,
                operator="_eq",
                value=compiler.param(arguments[column.graphql_name], column.type),
            )
            for column in table.primary_key or ()
        )
    )


def selected_fields(
    compiler: Compiler, selections: Sequence[SelectionSetNode], parent: GraphQLObjectType, path: str
) -> list[SelectedField]:
    """The merged fields of an object, each of which exists and has a selection set exactly when it must."""
    found = compiler.selector.fields(selections, parent.name, path)
    for selected in found:
        check_field(selected, parent, path)
    if not found and not selections:
        raise ValidationFailed(f"missing selection set for '{parent.name}'", path)
    return found


def check_field(selected: SelectedField, parent: GraphQLObjectType, path: str) -> None:
    """Raise ValidationFailed unless the field exists on `parent` and has the selection set that its type asks for."""
    here = f"{path}.selectionSet.{selected.name}"
    if selected.name == "__typename":
        is_object = False
    else:
        field = parent.fields.get(selected.name)
        if field is None:
            raise unknown_field(selected.name, parent, path)
        is_object = isinstance(get_named_type(field.type), GraphQLObjectType)
    if is_object and not selected.selections:
        raise ValidationFailed(f"missing selection set for '{selected.name}'", here)
    if not is_object and selected.selections:
        raise ValidationFailed(f"unexpected subselection set for non-object field '{selected.name}'", here)
    if selected.name == "__typename" and selected.arguments:
        raise ValidationFailed("'__typename' has no arguments", here)


def _item(
    compiler: Compiler, _table: TableView, field: GraphQLField, selected: SelectedField, path: str
) -> ir.Selection:
    kind = find_kind(field)
    if isinstance(kind, ColumnField):
        arguments = coerce_arguments(selected.arguments, field.args, compiler.scope, path)
        json_path = _json_path(compiler, arguments.get("path"), path)
        return ir.ColumnItem(key=selected.key, column=kind.column, path=json_path)
    if isinstance(kind, ComputedFieldKind):
        return _computed_item(compiler, kind.computed, field, selected, path)
    assert isinstance(kind, RelationshipField)
    relationship = kind.relationship
    target = compiler.view[relationship.target]
    if kind.aggregate:
        aggregate = compile_aggregate(compiler, target, selected, field, path)
        return ir.AggregateItem(key=selected.key, relationship=relationship, aggregate=aggregate)
    if relationship.kind == "array":
        rows = compile_many(compiler, target, selected, field, path)
        return ir.ArrayItem(key=selected.key, relationship=relationship, rows=rows)
    coerce_arguments(selected.arguments, field.args, compiler.scope, path)
    rows = ir.Rows(
        table=target.table,
        items=row_items(compiler, target, row_type(field), selected.selections, path),
        where=row_filter(compiler, target),
    )
    return ir.ObjectItem(key=selected.key, relationship=relationship, rows=rows)


def _computed_item(
    compiler: Compiler, computed: ComputedField, field: GraphQLField, selected: SelectedField, path: str
) -> ir.Selection:
    arguments = coerce_arguments(selected.arguments, field.args, compiler.scope, path)
    call = ir.Call(
        function=computed.function,
        arguments=call_arguments(compiler, computed.arguments, arguments.get("args"), path),
        row_argument=computed.row_argument,
    )
    if computed.function.returns is None:
        json_path = _json_path(compiler, arguments.get("path"), path)
        return ir.ComputedItem(key=selected.key, call=call, path=json_path, mask=computed.mask)
    target = compiler.view[computed.function.returns]
    rows = compile_many(compiler, target, selected, field, path)
    return ir.ComputedRowsItem(key=selected.key, rows=replace(rows, call=call), mask=computed.mask)


def call_arguments(
    compiler: Compiler, declared: Sequence[Argument], given: Mapping[str, Any] | None, path: str
) -> tuple[tuple[str, ir.Param | None], ...]:
    """A function's arguments. Raises ValidationFailed when one without a default is missing."""
    found: list[tuple[str, ir.Param | None]] = []
    left_out: str | None = None
    for argument in declared:
        if given is not None and argument.name in given:
            if argument.nameless and left_out is not None:
                raise ValidationFailed(
                    f"'{argument.name}' has no name in the database: give '{left_out}', too", f"{path}.args.args"
                )
            value = given[argument.name]
            found.append((argument.name, None if value is None else compiler.param(value, argument.type)))
        elif not argument.has_default:
            raise ValidationFailed(f"missing required field '{argument.name}'", f"{path}.args.args")
        else:
            left_out = argument.name
    return tuple(found)


def _json_path(compiler: Compiler, leaf: Leaf | None, path: str) -> ir.Param | None:
    if leaf is None:
        return None
    text = compiler.scope.structural(leaf)
    try:
        keys = parse_json_path(text)
    except ValueError as error:
        raise ValidationFailed(f"parse json path error: {error}", f"{path}.args.path") from None
    return ir.Param(source=ir.Const(keys), type=_TEXT_ARRAY) if keys else None


def _select_arguments(
    compiler: Compiler, table: TableView, field: SelectedField, kind: GraphQLField, path: str
) -> SelectArguments:
    arguments = coerce_arguments(field.arguments, kind.args, compiler.scope, path)
    scope = compiler.scope
    limit = scope.structural(arguments["limit"]) if arguments.get("limit") is not None else None
    if limit is not None and limit < 0:
        raise ValidationFailed("unexpected negative value", f"{path}.args.limit")
    offset = scope.structural(arguments["offset"]) if arguments.get("offset") is not None else None
    where = arguments.get("where")
    condition = client_condition(compiler, table, where, f"{path}.args.where") if where else ir.TRUE
    order = order_keys(compiler, table, arguments.get("order_by") or ())
    distinct = tuple(table.columns[name] for name in dict.fromkeys(arguments.get("distinct_on") or ()))
    _check_distinct(distinct, order, path)
    return SelectArguments(
        where=ir.both(row_filter(compiler, table), condition),
        order=order,
        distinct=distinct,
        limit=None if limit is None else int(limit),
        offset=None if offset is None else int(offset),
    )


def _check_distinct(distinct: tuple[Any, ...], order: tuple[ir.OrderKey, ...], path: str) -> None:
    """PostgreSQL's DISTINCT ON wants the leading sort keys to be the distinct columns, in any order."""
    if not distinct or not order:
        return
    leading = order[: len(distinct)]
    same = all(key.column is not None and not key.path for key in leading) and {
        key.column.name for key in leading if key.column
    } == {column.name for column in distinct}
    if not same or len(leading) < len(distinct):
        raise ValidationFailed('"distinct_on" columns must match initial "order_by" columns', f"{path}.args")


def aggregate_items(
    compiler: Compiler,
    table: TableView,
    parent: GraphQLObjectType,
    selections: Sequence[SelectionSetNode],
    path: str,
) -> tuple[ir.AggregateValue | ir.AggregateGroup | ir.TypenameItem, ...]:
    """What stands below `aggregate`."""
    items: list[ir.AggregateValue | ir.AggregateGroup | ir.TypenameItem] = []
    for selected in selected_fields(compiler, selections, parent, path):
        here = f"{path}.selectionSet.{selected.name}"
        if selected.name == "__typename":
            items.append(ir.TypenameItem(key=selected.key, name=parent.name))
        elif selected.name in _FUNCTIONS:
            fields_type = row_type(parent.fields[selected.name])
            items.append(_group(compiler, table, selected, fields_type, here))
        else:
            arguments = coerce_arguments(selected.arguments, parent.fields["count"].args, compiler.scope, here)
            columns = tuple(table.columns[name] for name in arguments.get("columns") or ())
            distinct = bool(compiler.scope.structural(arguments.get("distinct") or False))
            items.append(ir.AggregateValue(key=selected.key, function="count", columns=columns, distinct=distinct))
    return tuple(items)


def _group(
    compiler: Compiler, table: TableView, selected: SelectedField, parent: GraphQLObjectType, path: str
) -> ir.AggregateGroup:
    values: list[ir.AggregateValue | ir.TypenameItem] = []
    for leaf in selected_fields(compiler, selected.selections, parent, path):
        if leaf.name == "__typename":
            values.append(ir.TypenameItem(key=leaf.key, name=parent.name))
        else:
            column = table.columns[leaf.name]
            values.append(ir.AggregateValue(key=leaf.key, function=selected.name, columns=(column,)))
    return ir.AggregateGroup(key=selected.key, values=tuple(values))


def row_type(field: GraphQLField) -> GraphQLObjectType:
    """The object type that a field answers with, whatever lists it is in."""
    named = get_named_type(field.type)
    assert isinstance(named, GraphQLObjectType)
    return named


def smaller(first: int | None, second: int | None) -> int | None:
    """The smaller of two limits, None being none."""
    return min((value for value in (first, second) if value is not None), default=None)
