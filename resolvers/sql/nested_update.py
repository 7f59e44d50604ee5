"""What nested updates read: the rows to change, the rows to refer to, and what became of them."""

from collections.abc import Sequence

from resolvers import ir
from resolvers.sql.mutate import kept_columns
from resolvers.sql.where import filters_sql, where_clause
from resolvers.sql.writer import Writer, table_name
from schema.catalogue import Column, Table


def matched_rows_sql(writer: Writer, rows: ir.MatchedRows) -> str:
    """The key columns of the rows to change, as a JSON array of texts. The rows are locked.

    Not FOR UPDATE: rows that refer to these may be written meanwhile, as beside any update that keeps keys.
    """
    return _kept(writer, rows.table, rows.where, rows.columns, " FOR NO KEY UPDATE")


def kept_rows_sql(writer: Writer, table: Table, where: ir.Condition, columns: Sequence[Column]) -> str:
    """The columns of the rows where `where` holds, as a JSON array of texts."""
    return _kept(writer, table, where, columns, "")


def _kept(writer: Writer, table: Table, where: ir.Condition, columns: Sequence[Column], lock: str) -> str:
    alias, row = writer.alias(), writer.alias()
    tests = where_clause(filters_sql(writer, where, alias))
    lock += f" OF {alias}" if lock else ""
    inner = f"SELECT {kept_columns(columns, alias)} FROM {table_name(table)} {alias}{tests}{lock}"
    return f"SELECT coalesce(json_agg({row}), '[]') FROM ({inner}) {row}"


def rows_of_slot_sql(writer: Writer, rows: ir.MatchedRows) -> str:
    """All columns of the slot's rows as they are now, as a JSON array."""
    alias = writer.alias()
    key = tuple((rows.table.columns[name],) * 2 for name in rows.table.primary_key)
    tests = where_clause(filters_sql(writer, ir.InSlot(slot=rows.slot, columns=key), alias))
    return f"SELECT coalesce(json_agg({alias}), '[]') FROM {table_name(rows.table)} {alias}{tests}"
