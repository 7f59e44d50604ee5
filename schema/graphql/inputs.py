"""Input types of one role: conditions, orderings, and what is written.

Each is made once by its name; fields are thunks, since tables refer to each other in circles.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLString,
)

from schema.catalogue import Argument, Column
from schema.graphql.related import RelatedInputs
from schema.graphql.scalars import (
    ORDER_BY,
    ORDERED,
    STRUCTURAL,
    column_comparison,
    column_scalar,
    column_type,
    column_value,
    comparison_exp,
)
from schema.naming import is_enum_value
from schema.types import PgType
from schema.view import RoleView, TableView

NUMERIC_AGGREGATES = ("avg", "stddev", "stddev_pop", "stddev_samp", "sum", "var_pop", "var_samp", "variance")
COMPARABLE_AGGREGATES = ("max", "min")
#: Stands where a role has nothing and GraphQL wants something: the value of `T_update_column` for who updates none,
#: the field of an input type without fields. It may not be given.
PLACEHOLDER = "_PLACEHOLDER"
_NOTHING: Final = {PLACEHOLDER: GraphQLInputField(GraphQLBoolean, extensions={PLACEHOLDER: True})}

InputFields = dict[str, GraphQLInputField]


def aggregate_columns(table: TableView, function: str) -> dict[str, Column]:
    """The columns that `function` applies to (HASURA_DIALECT §2, Aggregates)."""
    if function in NUMERIC_AGGREGATES:
        numeric = {name: column for name, column in table.columns.items() if column.type.is_numeric}
        # Of money PostgreSQL has a sum, and neither a mean nor a variance.
        return {name: column for name, column in numeric.items() if function == "sum" or column.type.name != "money"}
    comparable = {name: column for name, column in table.columns.items() if column.type.is_comparable}
    return {name: column for name, column in comparable.items() if column.choices is None}


class InputTypes:
    """The input types of one role."""

    def __init__(self, view: RoleView) -> None:
        self._view = view
        self._objects: dict[str, GraphQLInputObjectType] = {}
        self._enums: dict[str, GraphQLEnumType] = {}
        self._related = RelatedInputs(view, self)

    # Reading

    def bool_exp(self, table: TableView) -> GraphQLInputObjectType:
        """`T_bool_exp`."""

        def fields() -> InputFields:
            this = self.bool_exp(table)
            found = {
                "_and": GraphQLInputField(GraphQLList(GraphQLNonNull(this))),
                "_not": GraphQLInputField(this),
                "_or": GraphQLInputField(GraphQLList(GraphQLNonNull(this))),
            }
            for name, column in table.operands.items():
                found[name] = GraphQLInputField(column_comparison(column), description=column.comment)
            for name, relationship in table.relationships.items():
                target = self._view[relationship.target]
                found[name] = GraphQLInputField(self.bool_exp(target))
                if relationship.kind == "array" and target.aggregate:
                    found[f"{name}_aggregate"] = GraphQLInputField(self.aggregate_bool_exp(target))
            for name, computed in table.computed_fields.items():
                if computed.function.returns is not None and not computed.arguments:
                    found[name] = GraphQLInputField(self.bool_exp(self._view[computed.function.returns]))
            return found

        return self._object(
            f"{table.name}_bool_exp",
            fields,
            f'Boolean expression to filter rows from the table "{table.table.key}". '
            "All fields are combined with a logical 'AND'.",
        )

    def aggregate_bool_exp(self, table: TableView) -> GraphQLInputObjectType:
        """`T_aggregate_bool_exp`: rows by what is true of their related rows together."""
        boolean = [name for name, column in table.columns.items() if column.type == PgType(name="bool")]

        def fields() -> InputFields:
            found = {
                "count": GraphQLInputField(
                    self._object(
                        f"{table.name}_aggregate_bool_exp_count",
                        lambda: {
                            "arguments": GraphQLInputField(GraphQLList(GraphQLNonNull(self.select_column(table)))),
                            "distinct": GraphQLInputField(GraphQLBoolean, extensions=STRUCTURAL),
                            "filter": GraphQLInputField(self.bool_exp(table)),
                            "predicate": GraphQLInputField(GraphQLNonNull(comparison_exp(PgType(name="int4")))),
                        },
                    )
                )
            }
            for function in ("bool_and", "bool_or") if boolean else ():
                found[function] = GraphQLInputField(self._bool_aggregate_exp(table, function, boolean))
            return found

        return self._object(f"{table.name}_aggregate_bool_exp", fields)

    def _bool_aggregate_exp(self, table: TableView, function: str, boolean: list[str]) -> GraphQLInputObjectType:
        columns = self._enum(
            f"{table.name}_select_column_{table.name}_aggregate_bool_exp_{function}_arguments_columns", boolean
        )
        return self._object(
            f"{table.name}_aggregate_bool_exp_{function}",
            lambda: {
                "arguments": GraphQLInputField(GraphQLNonNull(columns)),
                "distinct": GraphQLInputField(GraphQLBoolean, extensions=STRUCTURAL),
                "filter": GraphQLInputField(self.bool_exp(table)),
                "predicate": GraphQLInputField(GraphQLNonNull(comparison_exp(PgType(name="bool")))),
            },
        )

    def order_by(self, table: TableView) -> GraphQLInputObjectType:
        """`T_order_by`."""

        def fields() -> InputFields:
            found = {name: GraphQLInputField(ORDER_BY) for name in table.operands}
            for name, relationship in table.relationships.items():
                target = self._view[relationship.target]
                if relationship.kind == "object":
                    found[name] = GraphQLInputField(self.order_by(target))
                elif target.aggregate:
                    found[f"{name}_aggregate"] = GraphQLInputField(self.aggregate_order_by(target))
            for name, computed in table.computed_fields.items():
                if computed.function.returns is not None and not computed.arguments:
                    target = self._view[computed.function.returns]
                    if target.aggregate:
                        found[f"{name}_aggregate"] = GraphQLInputField(self.aggregate_order_by(target))
            return found

        description = f'Ordering options when selecting data from "{table.table.key}".'
        return self._object(f"{table.name}_order_by", fields, description, ORDERED)

    def aggregate_order_by(self, table: TableView) -> GraphQLInputObjectType:
        """`T_aggregate_order_by`: parents by an aggregate over related rows."""

        def fields() -> InputFields:
            found = {"count": GraphQLInputField(ORDER_BY)}
            for function in sorted(NUMERIC_AGGREGATES + COMPARABLE_AGGREGATES):
                columns = aggregate_columns(table, function)
                if columns:
                    directions = dict.fromkeys(columns, GraphQLInputField(ORDER_BY))
                    found[function] = GraphQLInputField(
                        self._object(f"{table.name}_{function}_order_by", partial(dict, directions), None, ORDERED)
                    )
            return found

        return self._object(f"{table.name}_aggregate_order_by", fields, None, ORDERED)

    def select_column(self, table: TableView) -> GraphQLEnumType:
        """`T_select_column`."""
        return self._enum(f"{table.name}_select_column", table.columns, f'select columns of table "{table.table.key}"')

    # Writing

    def insert_input(self, table: TableView) -> GraphQLInputObjectType:
        """`T_insert_input`: columns, and related rows to insert along."""
        insert = table.insert
        assert insert is not None

        def fields() -> InputFields:
            found = self._column_values(insert.columns)
            for name, relationship in table.table.relationships.items():
                target = self._view.get(relationship.target)
                if target is not None and target.insert is not None and name not in found:
                    nested = self.nested_insert(target, many=relationship.kind == "array")
                    found[name] = GraphQLInputField(nested)
            return found

        return self._object(
            f"{table.name}_insert_input", fields, f'input type for inserting data into table "{table.table.key}"'
        )

    def nested_insert(self, target: TableView, *, many: bool) -> GraphQLInputObjectType:
        """`T_arr_rel_insert_input` or `T_obj_rel_insert_input`."""

        def fields() -> InputFields:
            row = GraphQLNonNull(self.insert_input(target))
            found = {"data": GraphQLInputField(GraphQLNonNull(GraphQLList(row)) if many else row)}
            on_conflict = self.on_conflict(target)
            if on_conflict is not None:
                found["on_conflict"] = GraphQLInputField(on_conflict)
            return found

        form = "arr" if many else "obj"
        return self._object(
            f"{target.name}_{form}_rel_insert_input",
            fields,
            f'input type for inserting {form} relation for remote table "{target.table.key}"',
        )

    def on_conflict(self, table: TableView) -> GraphQLInputObjectType | None:
        """`T_on_conflict`, or None when no constraint could be in conflict."""
        names = [item.name for item in table.table.constraints if is_enum_value(item.name)]
        if not names:
            return None
        constraint = self._enum(
            f"{table.name}_constraint",
            names,
            f'unique or primary key constraints on table "{table.table.key}"',
        )
        update_column = self.update_column(table)
        columns = GraphQLNonNull(GraphQLList(GraphQLNonNull(update_column)))

        def fields() -> InputFields:
            found = {
                "constraint": GraphQLInputField(GraphQLNonNull(constraint)),
                "update_columns": GraphQLInputField(columns, default_value=[]),
            }
            if table.selectable:
                found["where"] = GraphQLInputField(self.bool_exp(table))
            return found

        return self._object(
            f"{table.name}_on_conflict", fields, f'on_conflict condition type for table "{table.table.key}"'
        )

    def update_column(self, table: TableView) -> GraphQLEnumType:
        """`T_update_column`; holds a placeholder when the role updates no column."""
        columns = list(table.update.columns) if table.update else []
        return self._enum(f"{table.name}_update_column", columns or [PLACEHOLDER])

    def update_operators(self, table: TableView) -> InputFields:
        """The arguments `_set`, `_inc`, `_append` … that the role's columns allow (HASURA_DIALECT §4, Update).

        Beside them, `_related`.
        """
        update = table.update
        assert update is not None
        numeric = {name: column for name, column in update.columns.items() if column.type.is_numeric}
        jsonb = {name: column for name, column in update.columns.items() if column.type == PgType(name="jsonb")}
        found: InputFields = {}
        if jsonb:
            found["_append"] = GraphQLInputField(self._columns_object(table, "append_input", jsonb))
            found["_delete_at_path"] = GraphQLInputField(
                self._object(
                    f"{table.name}_delete_at_path_input",
                    lambda: {name: GraphQLInputField(GraphQLList(GraphQLNonNull(GraphQLString))) for name in jsonb},
                )
            )
            found["_delete_elem"] = GraphQLInputField(
                self._object(
                    f"{table.name}_delete_elem_input", lambda: {name: GraphQLInputField(GraphQLInt) for name in jsonb}
                )
            )
            found["_delete_key"] = GraphQLInputField(
                self._object(
                    f"{table.name}_delete_key_input",
                    lambda: {name: GraphQLInputField(GraphQLString) for name in jsonb},
                )
            )
        if numeric:
            found["_inc"] = GraphQLInputField(self._columns_object(table, "inc_input", numeric))
        if jsonb:
            found["_prepend"] = GraphQLInputField(self._columns_object(table, "prepend_input", jsonb))
        if update.columns:
            found["_set"] = GraphQLInputField(self._columns_object(table, "set_input", update.columns))
            found |= self._related.argument(table)
        return found

    def pk_columns(self, table: TableView) -> GraphQLInputObjectType:
        """`T_pk_columns_input`."""
        key = table.primary_key
        assert key is not None
        return self._object(
            f"{table.name}_pk_columns_input",
            lambda: {
                column.graphql_name: GraphQLInputField(
                    GraphQLNonNull(column_type(column)), extensions=column_value(column.type)
                )
                for column in key
            },
            f"primary key columns input for table: {table.name}",
        )

    def updates(self, table: TableView) -> GraphQLInputObjectType:
        """`T_updates`: one item of `update_T_many`."""
        return self._object(
            f"{table.name}_updates",
            lambda: {
                **self.update_operators(table),
                "where": GraphQLInputField(GraphQLNonNull(self.bool_exp(table))),
            },
        )

    def function_arguments(self, name: str, arguments: Iterable[Argument], description: str) -> GraphQLInputObjectType:
        """`<function>_args`. Which of them must be there is the compiler's to say: null is a value like any other."""
        given = list(arguments)
        return self._object(
            name,
            lambda: {
                item.name: GraphQLInputField(column_scalar(item.type), extensions=column_value(item.type))
                for item in given
            },
            description,
        )

    # Making

    def _columns_object(self, table: TableView, suffix: str, columns: Mapping[str, Column]) -> GraphQLInputObjectType:
        return self._object(f"{table.name}_{suffix}", lambda: self._column_values(columns))

    @staticmethod
    def _column_values(columns: Mapping[str, Column]) -> InputFields:
        return {
            name: GraphQLInputField(
                column_type(column),
                description=column.comment,
                extensions=column_value(column.type),
            )
            for name, column in columns.items()
        }

    def _object(
        self,
        name: str,
        fields: Callable[[], InputFields],
        description: str | None = None,
        extensions: dict[str, Any] | None = None,
    ) -> GraphQLInputObjectType:
        if name not in self._objects:
            self._objects[name] = GraphQLInputObjectType(
                name, lambda: fields() or _NOTHING, description=description, extensions=extensions
            )
        return self._objects[name]

    def _enum(self, name: str, values: Iterable[str], description: str | None = None) -> GraphQLEnumType:
        if name not in self._enums:
            self._enums[name] = GraphQLEnumType(
                name,
                {value: GraphQLEnumValue(value) for value in values if is_enum_value(value)},
                description=description,
            )
        return self._enums[name]
