"""`T_stream`: rows beyond a cursor, and those that come later (HASURA_DIALECT §11)."""

from typing import Final

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
)

from schema.graphql.inputs import InputTypes
from schema.graphql.kinds import RootField, RootKind, extensions_for
from schema.graphql.outputs import OutputFields, OutputTypes
from schema.graphql.scalars import column_type, column_value
from schema.view import TableView

_ORDERING: Final = GraphQLEnumType(
    "cursor_ordering",
    {
        "ASC": GraphQLEnumValue("ASC", description="ascending ordering of the cursor"),
        "DESC": GraphQLEnumValue("DESC", description="descending ordering of the cursor"),
    },
    description="ordering argument of a cursor",
)


def stream_field(table: TableView, inputs: InputTypes, outputs: OutputTypes) -> OutputFields:
    """`T_stream`, where the table has a column to stream by."""
    name = table.name
    # json has no order; arrays have one, but nobody's cursor is an array.
    columns = {
        key: column for key, column in table.columns.items() if column.type.name != "json" and not column.type.is_array
    }
    if not columns:
        return {}
    values = GraphQLInputObjectType(
        f"{name}_stream_cursor_value_input",
        {
            key: GraphQLInputField(
                column_type(column), description=column.comment, extensions=column_value(column.type)
            )
            for key, column in columns.items()
        },
        description="Initial value of the column from where the streaming should start",
    )
    cursor = GraphQLInputObjectType(
        f"{name}_stream_cursor_input",
        {
            "initial_value": GraphQLInputField(
                GraphQLNonNull(values), description="Stream column input with initial value"
            ),
            "ordering": GraphQLInputField(_ORDERING, description="cursor ordering"),
        },
        description=f'Streaming cursor of the table "{name}"',
    )
    field = GraphQLField(
        GraphQLNonNull(GraphQLList(GraphQLNonNull(outputs.row(table)))),
        {
            "batch_size": GraphQLArgument(
                GraphQLNonNull(GraphQLInt), description="maximum number of rows returned in a single batch"
            ),
            "cursor": GraphQLArgument(
                GraphQLNonNull(GraphQLList(cursor)),
                description="cursor to stream the results returned by the query",
            ),
            "where": GraphQLArgument(inputs.bool_exp(table), description="filter the rows returned"),
        },
        description=f'fetch data from the table in a streaming manner: "{table.table.key}"',
        extensions=dict(extensions_for(RootField(kind=RootKind.SELECT_STREAM, table=table))),
    )
    return {table.table.root_names.get("select_stream", f"{name}_stream"): field}
