"""Groups as SQL."""

from resolvers import ir
from resolvers.sql.select import DIRECTIONS, block_sql, object_sql
from resolvers.sql.where import aggregate_call, filters_sql, operand_sql, predicate_sql, where_clause
from resolvers.sql.writer import Writer, quote_literal, table_name


def groups_select(writer: Writer, groups: ir.Groups) -> str:
    """A SELECT of one JSON array of groups."""
    alias, row = writer.alias(), writer.alias()
    keys = {key.column.name: _key_sql(writer, key, alias) for key in groups.keys}
    pairs = [(item.key, _item_sql(writer, item, keys, alias)) for item in groups.items]
    text = f'SELECT {object_sql(pairs)} AS "$group" FROM {table_name(groups.table)} {alias}'
    text += where_clause(filters_sql(writer, groups.where, alias))
    text += f" GROUP BY {', '.join(keys.values())}"
    having = [_having_sql(writer, item, alias) for item in groups.having]
    if having:
        text += f" HAVING {' AND '.join(having)}"
    order = [_order_sql(writer, item, keys, alias) for item in groups.order]
    text += f" ORDER BY {', '.join(order)}"
    if groups.limit is not None:
        text += f" LIMIT {groups.limit}"
    if groups.offset is not None:
        text += f" OFFSET {groups.offset}"
    return f"SELECT coalesce(json_agg({row}.\"$group\"), '[]') FROM ({text}) {row}"


def _key_sql(writer: Writer, key: ir.GroupKey, alias: str) -> str:
    column = operand_sql(writer, alias, key.column)
    if key.part is None:
        return column
    cut = f"date_trunc({quote_literal(key.part)}, {column})"
    return f"{cut}::date" if key.column.type.name == "date" else cut


def _item_sql(
    writer: Writer,
    item: ir.AggregateBlock | ir.GroupKeyBlock | ir.TypenameItem,
    keys: dict[str, str],
    alias: str,
) -> str:
    if not isinstance(item, ir.GroupKeyBlock):
        return block_sql(writer, item, alias)
    pairs = [
        (name, f"{quote_literal(shown.name)}::text" if isinstance(shown, ir.TypenameItem) else keys[shown.column.name])
        for name, shown in item.items
    ]
    return object_sql(pairs)


def _having_sql(writer: Writer, having: ir.Having, alias: str) -> str:
    value = aggregate_call(writer, alias, having.function, [having.column] if having.column is not None else [])
    return " AND ".join(predicate_sql(writer, value, predicate) for predicate in having.predicates) or "true"


def _order_sql(writer: Writer, order: ir.GroupOrder, keys: dict[str, str], alias: str) -> str:
    if order.key is not None:
        expression = keys[order.key.column.name]
    else:
        assert order.function is not None
        expression = aggregate_call(writer, alias, order.function, [order.column] if order.column is not None else [])
    return f"{expression} {DIRECTIONS[order.direction]}"
