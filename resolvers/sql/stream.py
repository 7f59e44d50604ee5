"""One batch of a streaming subscription as SQL."""

from resolvers import ir
from resolvers.sql.select import item_json_select, ordering, select_list
from resolvers.sql.where import filters_sql, operand_sql, where_clause
from resolvers.sql.writer import Writer, table_name


def stream_select(writer: Writer, stream: ir.RootStream) -> str:
    """A SELECT of one row: the batch as a JSON array ("v"), and the cursor behind it as text ("c", null if empty)."""
    rows = stream.rows
    alias, outer = writer.alias(), writer.alias()
    columns, is_object = select_list(writer, rows.items, alias)
    node = item_json_select(writer, columns, is_object=is_object)
    joins, order = ordering(writer, rows.order, alias)
    where = where_clause(filters_sql(writer, rows.where, alias))
    batch = (
        f'SELECT ({node}) AS "$node", {operand_sql(writer, alias, stream.column)}::text AS "$cursor"'
        f" FROM {table_name(rows.table)} {alias}{joins}{where} ORDER BY {order} LIMIT {rows.limit}"
    )
    return (
        f'SELECT coalesce(json_agg({outer}."$node"), \'[]\') AS "v",'
        f' (array_agg({outer}."$cursor"))[count(*)] AS "c" FROM ({batch}) {outer}'
    )
