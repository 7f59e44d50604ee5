"""A whole operation: its root fields told apart and compiled in order."""

from dataclasses import replace
from typing import Literal

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    NameNode,
    OperationDefinitionNode,
    SelectionSetNode,
    print_ast,
)

from resolvers import ir
from resolvers.document import Operation, SelectedField, Selector, count_aliases, used_names
from resolvers.errors import GraphQLRequestError, ValidationFailed
from resolvers.inputs import Scope, coerce_arguments
from resolvers.plan.context import Compiler
from resolvers.plan.group import compile_groups
from resolvers.plan.mutate import compile_mutation
from resolvers.plan.page import compile_page
from resolvers.plan.select import call_arguments, check_field, compile_aggregate, compile_by_pk, compile_many
from resolvers.plan.stream import compile_stream
from schema.catalogue import Catalogue
from schema.graphql.kinds import RootField, RootKind, find_kind
from schema.view import RoleView

_INTROSPECTION = ("__schema", "__type")


def compile_operation(
    operation: Operation, scope: Scope, schema: GraphQLSchema, view: RoleView, catalogue: Catalogue
) -> ir.OperationIR:
    """The operation's meaning for the role. Raises GraphQLRequestError for the first thing that is wrong in it."""
    selector = Selector(operation, scope)
    compiler = Compiler(view=view, catalogue=catalogue, scope=scope, selector=selector)
    root = _root_type(operation, schema)
    roots: list[ir.RootQuery | ir.RootStream | ir.RootMutation | ir.RootTypename | ir.RootHandWritten] = []
    for selected in selector.fields([operation.definition.selection_set], root.name, "$"):
        if selected.name in _INTROSPECTION and operation.kind == "query":
            roots.append(_hand_written(operation, selected))
            continue
        check_field(selected, root, "$")
        if selected.name == "__typename":
            roots.append(ir.RootTypename(key=selected.key, name=root.name))
        else:
            roots.append(_root(operation, compiler, root, selected))
    if operation.kind == "subscription":
        if len(roots) != 1 or not isinstance(roots[0], ir.RootQuery | ir.RootStream):
            raise ValidationFailed("subscriptions must select one top level field")
        return ir.OperationIR(kind="subscription", roots=tuple(roots), aliases=selector.aliases)
    kind: Literal["query", "mutation"] = "mutation" if operation.kind == "mutation" else "query"
    return ir.OperationIR(kind=kind, roots=tuple(roots), aliases=selector.aliases)


def _root_type(operation: Operation, schema: GraphQLSchema) -> GraphQLObjectType:
    root = schema.get_root_type(operation.definition.operation)
    if root is None:
        raise GraphQLRequestError("validation-failed", f"no {operation.kind}s exist", "$")
    return root


def _root(
    operation: Operation, compiler: Compiler, parent: GraphQLObjectType, selected: SelectedField
) -> ir.RootQuery | ir.RootStream | ir.RootMutation | ir.RootHandWritten:
    field = parent.fields[selected.name]
    kind = find_kind(field)
    if kind is None:
        return _hand_written(operation, selected)
    assert isinstance(kind, RootField)
    path = f"$.selectionSet.{selected.name}"
    table = kind.table
    match kind.kind:
        case RootKind.SELECT:
            return ir.RootQuery(key=selected.key, node=compile_many(compiler, table, selected, field, path))
        case RootKind.SELECT_BY_PK:
            node = compile_by_pk(compiler, table, selected, field, path)
            return ir.RootQuery(key=selected.key, node=node, single=True)
        case RootKind.SELECT_AGGREGATE:
            return ir.RootQuery(key=selected.key, node=compile_aggregate(compiler, table, selected, field, path))
        case RootKind.SELECT_STREAM:
            return compile_stream(compiler, table, selected, field, path)
        case RootKind.PAGE:
            return ir.RootQuery(key=selected.key, node=compile_page(compiler, table, selected, field, path))
        case RootKind.GROUP_BY:
            return ir.RootQuery(key=selected.key, node=compile_groups(compiler, table, selected, field, path))
        case RootKind.FUNCTION | RootKind.FUNCTION_AGGREGATE:
            return _function_root(compiler, kind, selected, field, path)
        case _:
            return compile_mutation(compiler, kind.kind, table, selected, field, path)


def _function_root(
    compiler: Compiler, kind: RootField, selected: SelectedField, field: GraphQLField, path: str
) -> ir.RootQuery | ir.RootMutation:
    """The rows that a function returns, as far as the role may see them; a mutation when it may write."""
    function = kind.function
    assert function is not None
    arguments = coerce_arguments(selected.arguments, field.args, compiler.scope, path)
    call = ir.Call(
        function=function,
        arguments=call_arguments(compiler, function.client_arguments(), arguments.get("args"), path),
    )
    if kind.kind is RootKind.FUNCTION_AGGREGATE:
        aggregate = compile_aggregate(compiler, kind.table, selected, field, path)
        return ir.RootQuery(key=selected.key, node=replace(aggregate, rows=replace(aggregate.rows, call=call)))
    rows = replace(compile_many(compiler, kind.table, selected, field, path), call=call)
    if function.volatile:
        return ir.RootMutation(key=selected.key, steps=(rows,))
    return ir.RootQuery(key=selected.key, node=rows)


def _hand_written(operation: Operation, selected: SelectedField) -> ir.RootHandWritten:
    """The field in a document of its own, with the fragments and variables that it uses."""
    merged = tuple(node for selections in selected.selections for node in selections.selections)
    field = FieldNode(
        alias=NameNode(value=selected.key),
        name=selected.node.name,
        arguments=selected.node.arguments,
        selection_set=SelectionSetNode(selections=merged) if merged else None,
    )
    variables, fragments = used_names([field], operation.fragments)
    definition = OperationDefinitionNode(
        operation=operation.definition.operation,
        variable_definitions=tuple(
            node for node in operation.definition.variable_definitions or () if node.variable.name.value in variables
        ),
        selection_set=SelectionSetNode(selections=(field,)),
    )
    parts = [definition, *(operation.fragments[name] for name in sorted(fragments & operation.fragments.keys()))]
    return ir.RootHandWritten(
        key=selected.key,
        name=selected.name,
        document="\n\n".join(print_ast(part) for part in parts),
        variables=variables,
        aliases=count_aliases(field, operation.fragments),
    )
