"""Root fields of queries as SQL: what kind of answer each is."""

from resolvers import ir
from resolvers.sql.group import groups_select
from resolvers.sql.page import page_select
from resolvers.sql.select import aggregate_select, rows_select
from resolvers.sql.writer import Writer


def root_query_sql(writer: Writer, root: ir.RootQuery) -> str:
    """A SELECT of one JSON value: the root field's answer (NULL where it is null)."""
    match root.node:
        case ir.Rows():
            return rows_select(writer, root.node, None, single=root.single)
        case ir.Aggregate():
            return aggregate_select(writer, root.node, None)
        case ir.Page():
            return page_select(writer, root.node)
        case ir.Groups():
            return groups_select(writer, root.node)
