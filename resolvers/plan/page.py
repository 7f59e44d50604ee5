"""`T_page`: rows in a stable order, from a cursor on."""

from graphql import GraphQLField

from resolvers import ir
from resolvers.cursor import decode_cursor, fingerprint
from resolvers.document import SelectedField
from resolvers.errors import ParseFailed, ValidationFailed
from resolvers.inputs import coerce_arguments
from resolvers.plan.context import Compiler, source_of
from resolvers.plan.order import order_keys
from resolvers.plan.select import row_items, row_type, selected_fields, smaller
from resolvers.plan.where import client_condition, row_filter
from resolvers.values import WrongKind
from schema.view import TableView


def compile_page(
    compiler: Compiler, table: TableView, selected: SelectedField, field: GraphQLField, path: str
) -> ir.Page:
    """The page. Raises ValidationFailed or ParseFailed."""
    arguments = coerce_arguments(selected.arguments, field.args, compiler.scope, path)
    limit = int(compiler.scope.structural(arguments["limit"]))
    if limit < 1:
        raise ValidationFailed("a page has one row at least", f"{path}.args.limit")
    order = _stable_order(compiler, table, arguments.get("order_by") or (), path)
    keys = tuple((table.table.key, key.column.name if key.column else "", key.direction) for key in order)
    mark = fingerprint(keys)
    after = arguments.get("after")
    cursor: tuple[ir.Param, ...] = ()
    if after is not None:
        try:
            decode_cursor(after.value, mark, len(order))
        except WrongKind as error:
            raise ParseFailed(str(error), f"{path}.args.after") from None
        cursor = tuple(
            ir.Param(
                source=source_of(after),
                type=key.column.type,
                asks=True,
                part=ir.CursorPart(mark, len(order), number),
            )
            for number, key in enumerate(order)
            if key.column is not None
        )
    where = arguments.get("where")
    condition = client_condition(compiler, table, where, f"{path}.args.where") if where else ir.TRUE
    items, nodes = _items(compiler, table, selected, field, path)
    capped = smaller(limit, table.limit)
    assert capped is not None
    return ir.Page(
        table=table.table,
        where=ir.both(row_filter(compiler, table), condition),
        order=order,
        after=cursor,
        limit=capped,
        fingerprint=mark,
        items=items,
        nodes=nodes,
    )


def _stable_order(
    compiler: Compiler, table: TableView, order_by: list[object] | tuple[object, ...], path: str
) -> tuple[ir.OrderKey, ...]:
    keys = order_keys(compiler, table, order_by)  # type: ignore[arg-type] # checked against the input type
    for key in keys:
        if key.column is None or key.path or key.column.computed_by is not None:
            raise ValidationFailed("a page is sorted by the table's own columns only", f"{path}.args.order_by")
        if not key.column.type.is_ordered:
            raise ValidationFailed(
                f"a page can't be sorted by '{key.column.graphql_name}': its values can't be compared",
                f"{path}.args.order_by",
            )
    seen = {key.column.name for key in keys if key.column}
    rest = tuple(
        ir.OrderKey(direction="asc", column=column) for column in table.primary_key or () if column.name not in seen
    )
    return keys + rest


def _items(
    compiler: Compiler, table: TableView, selected: SelectedField, field: GraphQLField, path: str
) -> tuple[tuple[tuple[str, str], ...], tuple[ir.Selection, ...] | None]:
    """What the page shows, in order (key and name), and the selections of its nodes."""
    parent = row_type(field)
    items: list[tuple[str, str]] = []
    nodes: tuple[ir.Selection, ...] | None = None
    for leaf in selected_fields(compiler, selected.selections, parent, path):
        items.append((leaf.key, leaf.name))
        if leaf.name == "nodes":
            if nodes is not None:
                raise ValidationFailed("the nodes of a page can be asked for once", f"{path}.selectionSet.nodes")
            nodes = row_items(
                compiler, table, row_type(parent.fields["nodes"]), leaf.selections, f"{path}.selectionSet.nodes"
            )
    return tuple(items), nodes
