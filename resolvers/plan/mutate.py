"""Inserts, updates and deletes, with the role's presets, filters and checks in them (HASURA_DIALECT §4, §8)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from graphql import GraphQLField, GraphQLObjectType, get_named_type

from resolvers import ir
from resolvers.document import SelectedField
from resolvers.errors import ValidationFailed
from resolvers.inputs import coerce_arguments
from resolvers.plan.context import Compiler
from resolvers.plan.insert import Inserted, compile_insert
from resolvers.plan.nested_update import change_rows
from resolvers.plan.select import check_field, key_condition, row_items
from resolvers.plan.where import client_condition, permission_condition
from schema.graphql.kinds import RootKind
from schema.view import TableView

_Updated = ir.Update | ir.NestedUpdate
#: Errors about inserted rows point at the argument that holds them (HASURA_DIALECT §7).
_WRITTEN: Final = {RootKind.INSERT: "objects", RootKind.INSERT_ONE: "object"}


def compile_mutation(
    compiler: Compiler, kind: RootKind, table: TableView, selected: SelectedField, field: GraphQLField, path: str
) -> ir.RootMutation:
    """One generated root field of a mutation. Raises GraphQLRequestError."""
    arguments = coerce_arguments(selected.arguments, field.args, compiler.scope, path)
    changes = _CHANGES[kind](compiler, table, arguments, path)
    parent = get_named_type(field.type)
    assert isinstance(parent, GraphQLObjectType)
    answer: ir.Response | tuple[ir.Selection, ...]
    if kind in (RootKind.INSERT_ONE, RootKind.UPDATE_BY_PK, RootKind.DELETE_BY_PK):
        answer = row_items(compiler, table, parent, selected.selections, path)
    else:
        answer = _response(compiler, table, selected, parent, path)
    return ir.RootMutation(
        key=selected.key,
        steps=tuple(ir.Mutate(change=change, answer=answer) for change in changes),
        many=kind is RootKind.UPDATE_MANY,
        error_path=f"{path}.args.{_WRITTEN[kind]}" if kind in _WRITTEN else "$",
    )


def _response(
    compiler: Compiler, table: TableView, selected: SelectedField, parent: GraphQLObjectType, path: str
) -> ir.Response:
    items: list[Any] = []
    for leaf in compiler.selector.fields(selected.selections, parent.name, path):
        check_field(leaf, parent, path)
        if leaf.name == "__typename":
            items.append((leaf.key, ir.TypenameItem(key=leaf.key, name=parent.name)))
        elif leaf.name == "affected_rows":
            items.append((leaf.key, "affected_rows"))
        else:
            row_type = get_named_type(parent.fields["returning"].type)
            assert isinstance(row_type, GraphQLObjectType)
            here = f"{path}.selectionSet.returning"
            items.append((leaf.key, row_items(compiler, table, row_type, leaf.selections, here)))
    return ir.Response(items=tuple(items))


# Inserts


def _insert_many(compiler: Compiler, table: TableView, arguments: Mapping[str, Any], path: str) -> list[Inserted]:
    objects = arguments["objects"]
    return [compile_insert(compiler, table, objects, arguments.get("on_conflict"), f"{path}.args", "objects")]


def _insert_one(compiler: Compiler, table: TableView, arguments: Mapping[str, Any], path: str) -> list[Inserted]:
    objects = [arguments["object"]]
    return [compile_insert(compiler, table, objects, arguments.get("on_conflict"), f"{path}.args", "object")]


# Update and delete


def _update(compiler: Compiler, table: TableView, arguments: Mapping[str, Any], path: str) -> list[_Updated]:
    where = client_condition(compiler, table, _required(arguments, "where", path), f"{path}.args.where")
    return [change_rows(compiler, table, where, arguments, f"{path}.args")]


def _update_by_pk(compiler: Compiler, table: TableView, arguments: Mapping[str, Any], path: str) -> list[_Updated]:
    where = key_condition(compiler, table, arguments["pk_columns"])
    return [change_rows(compiler, table, where, arguments, f"{path}.args")]


def _update_many(compiler: Compiler, table: TableView, arguments: Mapping[str, Any], path: str) -> list[_Updated]:
    found = []
    for index, item in enumerate(arguments["updates"]):
        here = f"{path}.args.updates[{index}]"
        where = client_condition(compiler, table, _required(item, "where", here), f"{here}.where")
        found.append(change_rows(compiler, table, where, item, here))
    return found


def _delete(compiler: Compiler, table: TableView, arguments: Mapping[str, Any], path: str) -> list[ir.Delete]:
    where = client_condition(compiler, table, _required(arguments, "where", path), f"{path}.args.where")
    return [_delete_rows(compiler, table, where)]


def _delete_by_pk(compiler: Compiler, table: TableView, arguments: Mapping[str, Any], _path: str) -> list[ir.Delete]:
    return [_delete_rows(compiler, table, key_condition(compiler, table, arguments))]


def _delete_rows(compiler: Compiler, table: TableView, where: ir.Condition) -> ir.Delete:
    assert table.delete is not None
    allowed = permission_condition(compiler.catalogue, table.table, table.delete.filter)
    return ir.Delete(table=table.table, where=ir.both(allowed, where))


def _required(arguments: Mapping[str, Any], name: str, path: str) -> Mapping[str, Any]:
    value: Mapping[str, Any] | None = arguments[name]
    if value is None:
        raise ValidationFailed(f"unexpected null value for argument '{name}'", f"{path}.args.{name}")
    return value


_Change = Callable[[Compiler, TableView, Mapping[str, Any], str], Sequence[Inserted | _Updated | ir.Delete]]
_CHANGES: Final[Mapping[RootKind, _Change]] = {
    RootKind.INSERT: _insert_many,
    RootKind.INSERT_ONE: _insert_one,
    RootKind.UPDATE: _update,
    RootKind.UPDATE_BY_PK: _update_by_pk,
    RootKind.UPDATE_MANY: _update_many,
    RootKind.DELETE: _delete,
    RootKind.DELETE_BY_PK: _delete_by_pk,
}
