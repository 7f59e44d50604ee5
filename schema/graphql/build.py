"""The generated root fields of a role (HASURA_DIALECT §1).

Queries and subscriptions exist for what a role may select; mutations for what it may write. A root without fields is
left empty and its type does not exist.
"""

from dataclasses import dataclass
from typing import Final

from graphql import GraphQLArgument, GraphQLField, GraphQLList, GraphQLNonNull

from schema.catalogue import Function
from schema.graphql.beyond import beyond_hasura
from schema.graphql.inputs import InputTypes
from schema.graphql.kinds import RootField, RootKind, extensions_for, find_kind
from schema.graphql.names import table_names
from schema.graphql.outputs import Arguments, OutputFields, OutputTypes
from schema.graphql.scalars import column_type, column_value
from schema.graphql.streams import stream_field
from schema.view import RoleView, TableView


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratedRoots:
    """The generated fields of `query_root`, `mutation_root` and `subscription_root`."""

    query: OutputFields
    mutation: OutputFields
    subscription: OutputFields


def graphql_types(view: RoleView) -> GeneratedRoots:
    """All generated root fields for `view`, with every type they reach. Pure; about 0.1 ms a type."""
    inputs = InputTypes(view)
    outputs = OutputTypes(view, inputs)
    query: OutputFields = {}
    mutation: OutputFields = {}
    subscription: OutputFields = {}
    streams: OutputFields = {}
    taken = frozenset[str]().union(*(table_names(table.name) for table in view))
    for table in view:
        if table.selectable:
            reads = _reads(table, inputs, outputs) | beyond_hasura(table, inputs, outputs, taken)
            query |= _allowed(reads, table.query_fields)
            # Whatever may be asked once may be followed, unless a rule says otherwise.
            subscription |= _allowed(reads, table.subscription_fields)
            streams |= _allowed(stream_field(table, inputs, outputs), table.subscription_fields)
        mutation |= _inserts(table, inputs, outputs)
        mutation |= _updates(table, inputs, outputs)
        mutation |= _deletes(table, inputs, outputs)
    for function in view.functions:
        fields = _functions(function, view, outputs)
        if function.volatile:
            mutation |= fields
        else:
            query |= fields
            subscription |= fields
    return GeneratedRoots(query=query, mutation=mutation, subscription=subscription | streams)


#: What a rule calls the kinds of fields that read a table.
_RULED: Final = {
    RootKind.SELECT: "select",
    RootKind.PAGE: "select",
    RootKind.SELECT_BY_PK: "select_by_pk",
    RootKind.SELECT_AGGREGATE: "select_aggregate",
    RootKind.GROUP_BY: "select_aggregate",
    RootKind.SELECT_STREAM: "select_stream",
}


def _allowed(fields: OutputFields, allowed: frozenset[str] | None) -> OutputFields:
    """Those of the fields that a rule lets a root have."""
    if allowed is None:
        return fields
    found = {}
    for name, field in fields.items():
        kind = find_kind(field)
        assert isinstance(kind, RootField), "every root field that is generated says what it is"
        if _RULED[kind.kind] in allowed:
            found[name] = field
    return found


def _name(table: TableView, operation: str, usual: str) -> str:
    return table.table.root_names.get(operation, usual)


def _kind(kind: RootKind, table: TableView) -> dict[str, object]:
    return dict(extensions_for(RootField(kind=kind, table=table)))


def _key_arguments(table: TableView) -> Arguments:
    return {
        column.graphql_name: GraphQLArgument(
            GraphQLNonNull(column_type(column)), description=column.comment, extensions=column_value(column.type)
        )
        for column in table.primary_key or ()
    }


def _reads(table: TableView, _inputs: InputTypes, outputs: OutputTypes) -> OutputFields:
    name, row = table.name, outputs.row(table)
    if not table.columns and not table.relationships:
        return {}
    found = {
        _name(table, "select", name): GraphQLField(
            GraphQLNonNull(GraphQLList(GraphQLNonNull(row))),
            outputs.select_arguments(table),
            description=f'fetch data from the table: "{table.table.key}"',
            extensions=_kind(RootKind.SELECT, table),
        )
    }
    if table.aggregate:
        found[_name(table, "select_aggregate", f"{name}_aggregate")] = GraphQLField(
            GraphQLNonNull(outputs.aggregate(table)),
            outputs.select_arguments(table),
            description=f'fetch aggregated fields from the table: "{table.table.key}"',
            extensions=_kind(RootKind.SELECT_AGGREGATE, table),
        )
    if table.primary_key:
        found[_name(table, "select_by_pk", f"{name}_by_pk")] = GraphQLField(
            row,
            _key_arguments(table),
            description=f'fetch data from the table: "{table.table.key}" using primary key columns',
            extensions=_kind(RootKind.SELECT_BY_PK, table),
        )
    return found


def _functions(function: Function, view: RoleView, outputs: OutputTypes) -> OutputFields:
    assert function.returns is not None
    table, name = view[function.returns], function.graphql_name
    arguments: Arguments = {
        **outputs.function_arguments(name, function.client_arguments(), required=True),
        **outputs.select_arguments(table),
    }
    found = {
        name: GraphQLField(
            GraphQLNonNull(GraphQLList(GraphQLNonNull(outputs.row(table)))),
            arguments,
            description=function.comment or f'execute function "{function.key}" which returns "{table.table.key}"',
            extensions=dict(extensions_for(RootField(kind=RootKind.FUNCTION, table=table, function=function))),
        )
    }
    if table.aggregate and not function.volatile:
        found[function.aggregate_name or f"{name}_aggregate"] = GraphQLField(
            GraphQLNonNull(outputs.aggregate(table)),
            arguments,
            description=f'execute function "{function.key}" and query aggregates on result of table type '
            f'"{table.table.key}"',
            extensions=dict(
                extensions_for(RootField(kind=RootKind.FUNCTION_AGGREGATE, table=table, function=function))
            ),
        )
    return found


def _inserts(table: TableView, inputs: InputTypes, outputs: OutputTypes) -> OutputFields:
    if table.insert is None:
        return {}
    row_input = inputs.insert_input(table)
    on_conflict = inputs.on_conflict(table)
    conflict: Arguments = {"on_conflict": GraphQLArgument(on_conflict)} if on_conflict else {}
    found = {
        _name(table, "insert", f"insert_{table.name}"): GraphQLField(
            outputs.mutation_response(table),
            {"objects": GraphQLArgument(GraphQLNonNull(GraphQLList(GraphQLNonNull(row_input)))), **conflict},
            description=f'insert data into the table: "{table.table.key}"',
            extensions=_kind(RootKind.INSERT, table),
        )
    }
    if table.selectable:
        found[_name(table, "insert_one", f"insert_{table.name}_one")] = GraphQLField(
            outputs.row(table),
            {"object": GraphQLArgument(GraphQLNonNull(row_input)), **conflict},
            description=f'insert a single row into the table: "{table.table.key}"',
            extensions=_kind(RootKind.INSERT_ONE, table),
        )
    return found


def _updates(table: TableView, inputs: InputTypes, outputs: OutputTypes) -> OutputFields:
    if table.update is None:
        return {}
    operators: Arguments = {
        name: GraphQLArgument(field.type, description=field.description)
        for name, field in inputs.update_operators(table).items()
    }
    if not operators and not table.update.presets:
        return {}
    response = outputs.mutation_response(table)
    found = {
        _name(table, "update", f"update_{table.name}"): GraphQLField(
            response,
            {**operators, "where": GraphQLArgument(GraphQLNonNull(inputs.bool_exp(table)))},
            description=f'update data of the table: "{table.table.key}"',
            extensions=_kind(RootKind.UPDATE, table),
        ),
        _name(table, "update_many", f"update_{table.name}_many"): GraphQLField(
            GraphQLList(response),
            {"updates": GraphQLArgument(GraphQLNonNull(GraphQLList(GraphQLNonNull(inputs.updates(table)))))},
            description=f'update multiples rows of table: "{table.table.key}"',
            extensions=_kind(RootKind.UPDATE_MANY, table),
        ),
    }
    if table.selectable and table.primary_key:
        found[_name(table, "update_by_pk", f"update_{table.name}_by_pk")] = GraphQLField(
            outputs.row(table),
            {**operators, "pk_columns": GraphQLArgument(GraphQLNonNull(inputs.pk_columns(table)))},
            description=f'update single row of the table: "{table.table.key}"',
            extensions=_kind(RootKind.UPDATE_BY_PK, table),
        )
    return found


def _deletes(table: TableView, inputs: InputTypes, outputs: OutputTypes) -> OutputFields:
    if table.delete is None:
        return {}
    found = {
        _name(table, "delete", f"delete_{table.name}"): GraphQLField(
            outputs.mutation_response(table),
            {"where": GraphQLArgument(GraphQLNonNull(inputs.bool_exp(table)))},
            description=f'delete data from the table: "{table.table.key}"',
            extensions=_kind(RootKind.DELETE, table),
        )
    }
    if table.selectable and table.primary_key:
        found[_name(table, "delete_by_pk", f"delete_{table.name}_by_pk")] = GraphQLField(
            outputs.row(table),
            _key_arguments(table),
            description=f'delete single row from the table: "{table.table.key}"',
            extensions=_kind(RootKind.DELETE_BY_PK, table),
        )
    return found
