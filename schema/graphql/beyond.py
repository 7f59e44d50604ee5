"""Root fields that Hasura does not have: pages by cursor, and groups.

- `T_page(limit, after, where, order_by)`: rows in a stable order, with an opaque cursor to go on from.
- `T_group_by(keys, where, having, order_by, limit, offset)`: aggregates by columns and parts of dates, for roles that
  may aggregate.
"""

from collections.abc import Set
from typing import Final

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLString,
)

from schema.catalogue import Column
from schema.graphql.inputs import COMPARABLE_AGGREGATES, NUMERIC_AGGREGATES, InputTypes, aggregate_columns
from schema.graphql.kinds import RootField, RootKind, extensions_for
from schema.graphql.names import group_names, page_names
from schema.graphql.outputs import OutputFields, OutputTypes
from schema.graphql.scalars import ORDER_BY, ORDERED, column_type, comparison_exp
from schema.types import PgType
from schema.view import TableView

#: What `date_trunc` cuts to (PostgreSQL, 9.9.2), as far as people group by it.
DATE_PARTS: Final = ("hour", "day", "week", "month", "quarter", "year")
_DATE_PART: Final = GraphQLEnumType(
    "date_part",
    {part: part for part in DATE_PARTS},
    description="the part of a date or time that a group is made of",
)
DATE_TYPES: Final = frozenset({"date", "timestamp", "timestamptz"})
_FUNCTIONS: Final = tuple(sorted(NUMERIC_AGGREGATES + COMPARABLE_AGGREGATES))


def beyond_hasura(
    table: TableView, inputs: InputTypes, outputs: OutputTypes, taken: Set[str] = frozenset()
) -> OutputFields:
    """`T_page` and `T_group_by`, where the role can have them. Names in `taken` are other tables'."""
    found: OutputFields = {}
    if table.primary_key and taken.isdisjoint(page_names(table.name)):
        found[f"{table.name}_page"] = _page(table, inputs, outputs)
    if table.aggregate and any(map(groupable, table.columns.values())) and taken.isdisjoint(group_names(table.name)):
        found[f"{table.name}_group_by"] = _group_by(table, inputs, outputs)
    return found


def _page(table: TableView, inputs: InputTypes, outputs: OutputTypes) -> GraphQLField:
    page = GraphQLObjectType(
        f"{table.name}_page",
        {
            "nodes": GraphQLField(GraphQLNonNull(GraphQLList(GraphQLNonNull(outputs.row(table))))),
            "has_more": GraphQLField(GraphQLNonNull(GraphQLBoolean), description="whether rows follow this page"),
            "next_cursor": GraphQLField(
                GraphQLString, description="give it as `after` to go on behind the last row; null on an empty page"
            ),
        },
        description=f'a page of the table: "{table.table.key}"',
    )
    arguments = {
        "after": GraphQLArgument(GraphQLString, description="a cursor that a page of the same order gave"),
        "limit": GraphQLArgument(GraphQLNonNull(GraphQLInt), description="rows of the page"),
        "order_by": GraphQLArgument(
            GraphQLList(GraphQLNonNull(inputs.order_by(table))),
            description="sort by own columns; the primary key decides between equals",
        ),
        "where": GraphQLArgument(inputs.bool_exp(table), description="filter the rows"),
    }
    return GraphQLField(
        GraphQLNonNull(page),
        arguments,
        description=f'fetch a page from the table: "{table.table.key}", to be continued by its cursor',
        extensions=dict(extensions_for(RootField(kind=RootKind.PAGE, table=table))),
    )


def _group_by(table: TableView, inputs: InputTypes, outputs: OutputTypes) -> GraphQLField:
    name = table.name
    group = GraphQLObjectType(
        f"{name}_group",
        {
            "aggregate": GraphQLField(GraphQLNonNull(outputs.aggregate_fields(table))),
            "key": GraphQLField(GraphQLNonNull(_key_fields(table))),
        },
        description=f'rows of the table "{table.table.key}" that have the same key',
    )
    key = GraphQLInputObjectType(
        f"{name}_group_key_input",
        {
            "column": GraphQLInputField(GraphQLNonNull(inputs.select_column(table))),
            "part": GraphQLInputField(_DATE_PART, description="for dates and times: group by this part"),
        },
    )
    arguments = {
        "having": GraphQLArgument(_having(table), description="filter the groups"),
        "keys": GraphQLArgument(
            GraphQLNonNull(GraphQLList(GraphQLNonNull(key))), description="what the rows of a group have in common"
        ),
        "limit": GraphQLArgument(GraphQLInt, description="limit the number of groups"),
        "offset": GraphQLArgument(GraphQLInt, description="skip the first n groups", extensions={"offset": True}),
        "order_by": GraphQLArgument(
            GraphQLList(GraphQLNonNull(_group_order_by(table))), description="sort the groups; by their keys if absent"
        ),
        "where": GraphQLArgument(inputs.bool_exp(table), description="filter the rows that are grouped"),
    }
    return GraphQLField(
        GraphQLNonNull(GraphQLList(GraphQLNonNull(group))),
        arguments,
        description=f'aggregate the table "{table.table.key}" by groups',
        extensions=dict(extensions_for(RootField(kind=RootKind.GROUP_BY, table=table))),
    )


def _key_fields(table: TableView) -> GraphQLObjectType:
    return GraphQLObjectType(
        f"{table.name}_group_key",
        {
            column_name: GraphQLField(column_type(column), description=column.comment)
            for column_name, column in table.columns.items()
            if groupable(column)
        },
    )


def groupable(column: Column) -> bool:
    """Whether rows can be grouped by the column: PostgreSQL must know when two values are equal."""
    return column.type.is_ordered


def _having(table: TableView) -> GraphQLInputObjectType:
    fields = {"count": GraphQLInputField(comparison_exp(PgType(name="int4")))}
    for function in _FUNCTIONS:
        columns = aggregate_columns(table, function)
        if columns:
            fields[function] = GraphQLInputField(
                GraphQLInputObjectType(
                    f"{table.name}_{function}_having_exp",
                    {
                        name: GraphQLInputField(comparison_exp(result_type(function, col)))
                        for name, col in columns.items()
                    },
                )
            )
    return GraphQLInputObjectType(f"{table.name}_having_exp", fields)


def result_type(function: str, column: Column) -> PgType:
    """What an aggregate over the column is compared as: numbers of any size, or the column's own type."""
    return PgType(name="numeric") if function in NUMERIC_AGGREGATES else column.type


def _group_order_by(table: TableView) -> GraphQLInputObjectType:
    fields = {
        "count": GraphQLInputField(ORDER_BY),
        "key": GraphQLInputField(
            GraphQLInputObjectType(
                f"{table.name}_group_key_order_by",
                {name: GraphQLInputField(ORDER_BY) for name, column in table.columns.items() if groupable(column)},
                extensions=ORDERED,
            )
        ),
    }
    for function in _FUNCTIONS:
        columns = aggregate_columns(table, function)
        if columns:
            fields[function] = GraphQLInputField(
                GraphQLInputObjectType(
                    f"{table.name}_{function}_group_order_by",
                    {name: GraphQLInputField(ORDER_BY) for name in columns},
                    extensions=ORDERED,
                )
            )
    return GraphQLInputObjectType(f"{table.name}_group_order_by", fields, extensions=ORDERED)
