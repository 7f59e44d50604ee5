"""Streaming subscriptions: `T_stream` (HASURA_DIALECT §11)."""

from typing import Any, Final

from graphql import GraphQLField

from resolvers import ir
from resolvers.binding import STREAM_CURSOR
from resolvers.document import SelectedField
from resolvers.errors import ValidationFailed
from resolvers.inputs import coerce_arguments
from resolvers.plan.context import Compiler
from resolvers.plan.select import row_items, row_type
from resolvers.plan.where import client_condition, row_filter
from schema.view import TableView

#: How the cursor is passed, and the order that goes with it.
_ORDERINGS: Final = {"ASC": ("_gt", "asc"), "DESC": ("_lt", "desc")}


def compile_stream(
    compiler: Compiler, table: TableView, field: SelectedField, kind: GraphQLField, path: str
) -> ir.RootStream:
    """The rows of one batch beyond the cursor, which every run binds anew. Raises GraphQLRequestError."""
    arguments = coerce_arguments(field.arguments, kind.args, compiler.scope, path)
    limit = int(compiler.scope.structural(arguments["batch_size"]))
    if limit <= 0:
        raise ValidationFailed("unexpected non-positive value", f"{path}.args.batch_size")
    name, initial, ordering = _cursor(arguments["cursor"], f"{path}.args.cursor")
    column = table.columns[name]
    operator, direction = _ORDERINGS[ordering]
    conditions: list[ir.Condition] = [row_filter(compiler, table)]
    if arguments.get("where"):
        conditions.append(client_condition(compiler, table, arguments["where"], f"{path}.args.where"))
    position = ir.Param(source=ir.FromSession(STREAM_CURSOR), type=column.type, asks=True)
    conditions.append(ir.Compare(column=column, operator=operator, value=position))
    return ir.RootStream(
        key=field.key,
        rows=ir.Rows(
            table=table.table,
            items=row_items(compiler, table, row_type(kind), field.selections, path),
            where=ir.both(*conditions),
            order=(ir.OrderKey(column=column, direction=direction),),
            limit=limit if table.limit is None else min(limit, table.limit),
            limit_is_asked=True,
        ),
        column=column,
        initial=compiler.param(initial, column.type),
    )


def _cursor(given: Any, path: str) -> tuple[str, Any, str]:
    """The one column, its first value, and the ordering."""
    cursors = [item for item in given if item is not None]
    if not cursors:
        raise ValidationFailed("one streaming column field is expected", path)
    if len(cursors) > 1:
        raise ValidationFailed("multiple column cursors are not supported yet", path)
    values = cursors[0]["initial_value"]
    if len(values) != 1:
        raise ValidationFailed("exactly one column is expected in the initial value of a cursor", path)
    [(name, initial)] = values.items()
    if initial is None:
        raise ValidationFailed("the initial value of a cursor can't be null", f"{path}[0].initial_value.{name}")
    return name, initial, cursors[0].get("ordering") or "ASC"
