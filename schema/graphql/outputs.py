"""Object types of one role: rows, aggregates, and what a mutation answers."""

from collections.abc import Callable

from graphql import (
    GraphQLArgument,
    GraphQLBoolean,
    GraphQLField,
    GraphQLFloat,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLString,
)

from schema.catalogue import Argument, Column, ComputedField
from schema.graphql.inputs import COMPARABLE_AGGREGATES, NUMERIC_AGGREGATES, InputTypes, aggregate_columns
from schema.graphql.kinds import ColumnField, ComputedFieldKind, RelationshipField, extensions_for
from schema.graphql.scalars import column_scalar, column_type
from schema.view import RoleView, TableView

OutputFields = dict[str, GraphQLField]
Arguments = dict[str, GraphQLArgument]


class OutputTypes:
    """The object types of one role, each made once by its name."""

    def __init__(self, view: RoleView, inputs: InputTypes) -> None:
        self._view = view
        self._inputs = inputs
        self._objects: dict[str, GraphQLObjectType] = {}

    def select_arguments(self, table: TableView) -> Arguments:
        """`where`, `order_by`, `limit`, `offset`, `distinct_on` (HASURA_DIALECT §2)."""
        arguments: Arguments = {}
        if table.columns:
            columns = GraphQLList(GraphQLNonNull(self._inputs.select_column(table)))
            arguments["distinct_on"] = GraphQLArgument(columns, description="distinct select on columns")
        arguments["limit"] = GraphQLArgument(GraphQLInt, description="limit the number of rows returned")
        arguments["offset"] = GraphQLArgument(
            GraphQLInt, description="skip the first n rows. Use only with order_by", extensions={"offset": True}
        )
        arguments["order_by"] = GraphQLArgument(
            GraphQLList(GraphQLNonNull(self._inputs.order_by(table))),
            description="sort the rows by one or more columns",
        )
        arguments["where"] = GraphQLArgument(self._inputs.bool_exp(table), description="filter the rows returned")
        return arguments

    def row(self, table: TableView) -> GraphQLObjectType:
        """`T`."""

        def fields() -> OutputFields:
            found = {name: self._column(column) for name, column in table.columns.items()}
            for name, relationship in table.relationships.items():
                target = self._view[relationship.target]
                extensions = extensions_for(RelationshipField(relationship=relationship))
                if relationship.kind == "object":
                    # A row that is there may still be one that the role doesn't see.
                    may_be_null = relationship.nullable or bool(target.filter)
                    row: GraphQLOutputType = self.row(target)
                    found[name] = GraphQLField(
                        row if may_be_null else GraphQLNonNull(self.row(target)),
                        description="An object relationship",
                        extensions=extensions,
                    )
                    continue
                found[name] = GraphQLField(
                    _list_of(self.row(target)),
                    self.select_arguments(target),
                    description="An array relationship",
                    extensions=extensions,
                )
                if target.aggregate:
                    found[f"{name}_aggregate"] = GraphQLField(
                        GraphQLNonNull(self.aggregate(target)),
                        self.select_arguments(target),
                        description="An aggregate relationship",
                        extensions=extensions_for(RelationshipField(relationship=relationship, aggregate=True)),
                    )
            for name, computed in table.computed_fields.items():
                found[name] = self._computed(table, computed)
            return dict(sorted(found.items()))

        return self._object(
            table.name, fields, table.table.comment or f'columns and relationships of "{table.table.key}"'
        )

    def aggregate(self, table: TableView) -> GraphQLObjectType:
        """`T_aggregate`."""
        return self._object(
            f"{table.name}_aggregate",
            lambda: {
                "aggregate": GraphQLField(self.aggregate_fields(table)),
                "nodes": GraphQLField(_list_of(self.row(table))),
            },
            f'aggregated selection of "{table.table.key}"',
        )

    def mutation_response(self, table: TableView) -> GraphQLObjectType:
        """`T_mutation_response`; `returning` only for a role that may read the table."""

        def fields() -> OutputFields:
            found = {
                "affected_rows": GraphQLField(
                    GraphQLNonNull(GraphQLInt), description="number of rows affected by the mutation"
                )
            }
            if table.selectable:
                found["returning"] = GraphQLField(
                    _list_of(self.row(table)), description="data from the rows affected by the mutation"
                )
            return found

        return self._object(
            f"{table.name}_mutation_response",
            fields,
            f'response of any mutation on the table "{table.table.key}"',
        )

    def function_arguments(self, name: str, arguments: tuple[Argument, ...], *, required: bool) -> Arguments:
        """`args`, for a function that takes any."""
        if not arguments:
            return {}
        kind = self._inputs.function_arguments(f"{name}_args", arguments, f'input parameters for function "{name}"')
        needed = required and any(not item.has_default for item in arguments)
        return {"args": GraphQLArgument(GraphQLNonNull(kind) if needed else kind)}

    def _computed(self, table: TableView, computed: ComputedField) -> GraphQLField:
        arguments = self.function_arguments(f"{computed.name}_{table.name}", computed.arguments, required=True)
        extensions = extensions_for(ComputedFieldKind(computed=computed))
        description = computed.comment or f'A computed field, executes function "{computed.function.key}"'
        if computed.function.returns is None:
            column = computed.scalar_column
            if column.type.is_json:
                arguments["path"] = GraphQLArgument(GraphQLString, description="JSON select path")
            return GraphQLField(column_scalar(column.type), arguments, description=description, extensions=extensions)
        target = self._view[computed.function.returns]
        return GraphQLField(
            GraphQLList(GraphQLNonNull(self.row(target))),
            {**arguments, **self.select_arguments(target)},
            description=description,
            extensions=extensions,
        )

    def _column(self, column: Column) -> GraphQLField:
        base = column_type(column)
        arguments = (
            {"path": GraphQLArgument(GraphQLString, description="JSON select path")} if column.type.is_json else {}
        )
        return GraphQLField(
            base if column.nullable else GraphQLNonNull(base),
            arguments,
            description=column.comment,
            extensions=extensions_for(ColumnField(column=column)),
        )

    def aggregate_fields(self, table: TableView) -> GraphQLObjectType:
        """`T_aggregate_fields`."""

        def fields() -> OutputFields:
            arguments: Arguments = {"distinct": GraphQLArgument(GraphQLBoolean)}
            if table.columns:
                arguments["columns"] = GraphQLArgument(GraphQLList(GraphQLNonNull(self._inputs.select_column(table))))
            found = {"count": GraphQLField(GraphQLNonNull(GraphQLInt), arguments)}
            for function in sorted(NUMERIC_AGGREGATES + COMPARABLE_AGGREGATES):
                columns = aggregate_columns(table, function)
                if columns:
                    found[function] = GraphQLField(self._function_fields(table, function, columns))
            return found

        return self._object(f"{table.name}_aggregate_fields", fields, f'aggregate fields of "{table.table.key}"')

    def _function_fields(self, table: TableView, function: str, columns: dict[str, Column]) -> GraphQLObjectType:
        keeps_type = function in ("sum", *COMPARABLE_AGGREGATES)
        return self._object(
            f"{table.name}_{function}_fields",
            lambda: {
                name: GraphQLField(
                    column_scalar(column.type) if keeps_type else GraphQLFloat,
                    description=column.comment,
                    extensions=extensions_for(ColumnField(column=column)),
                )
                for name, column in columns.items()
            },
            f"aggregate {function} on columns",
        )

    def _object(self, name: str, fields: Callable[[], OutputFields], description: str | None) -> GraphQLObjectType:
        if name not in self._objects:
            self._objects[name] = GraphQLObjectType(name, fields, description=description)
        return self._objects[name]


def _list_of(row: GraphQLObjectType) -> GraphQLNonNull[GraphQLList[GraphQLNonNull[GraphQLObjectType]]]:
    return GraphQLNonNull(GraphQLList(GraphQLNonNull(row)))
