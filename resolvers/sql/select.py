"""Reads as SQL: JSON is built by PostgreSQL, flat.

A list is `json_agg` over a sub-select of plain columns: PostgreSQL turns whole rows into JSON faster than it builds
objects key by key (ARCHITECTURE.md, 6). Related rows are scalar sub-selects of that sub-select's list, so that they
are looked up only for the rows that are left after LIMIT. A related object is left a row there, which becomes JSON
together with the row it belongs to.

Many rows refer to few others: contracts to a dozen treatments. A root field's list therefore joins its objects where
it can, so that PostgreSQL remembers what it found (Memoize), which it does in joins only:

    SELECT … FROM (SELECT … FROM contract "$1" ORDER BY … LIMIT 50) "$1"
    LEFT JOIN LATERAL (SELECT … FROM treatment "$2" WHERE "$2"."id" = "$1"."treatment_id" OFFSET 0) "$3" ON true

The rows are bounded before they are joined, and OFFSET 0 keeps the planner to looking objects up row by row: left
free, it reads a table of 20,000 customers as a whole to join a thousand, at half as much again. A caller's own rows are
few, and nothing is remembered for them; there a sub-select is the cheaper one.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from resolvers import ir
from resolvers.sql.where import (
    aggregate_call,
    are_somebodys,
    filters_sql,
    link_sql,
    masked_sql,
    operand_sql,
    where_clause,
)
from resolvers.sql.writer import (
    MAX_IDENTIFIER_BYTES,
    Writer,
    column_of,
    quote_identifier,
    quote_literal,
    table_name,
)
from schema.catalogue import Column

#: `json_build_object` takes at most 100 arguments.
_MAX_PAIRS: Final = 50
#: A select list has at most 1,664 entries.
_MAX_COLUMNS: Final = 1_600
#: Objects that a list joins at most; with more, nothing was saved.
_MAX_JOINED: Final = 6

#: What each direction means in SQL; PostgreSQL's own places for nulls are the dialect's.
DIRECTIONS: Final = {
    "asc": "ASC",
    "asc_nulls_last": "ASC",
    "asc_nulls_first": "ASC NULLS FIRST",
    "desc": "DESC",
    "desc_nulls_first": "DESC",
    "desc_nulls_last": "DESC NULLS LAST",
}


class Link:
    """How related rows hang on a row: the local range variable and the column pairs."""

    __slots__ = ("columns", "local")

    def __init__(self, local: str, columns: tuple[tuple[str, str], ...]) -> None:
        self.local = local
        self.columns = columns


def rows_select(writer: Writer, rows: ir.Rows, link: Link | None, *, single: bool, row: str | None = None) -> str:
    """A SELECT of one JSON value: the rows as an array, or the only row as an object.

    `row` is the range variable that a computed field's rows belong to.
    """
    if link is None and not single and _joins_objects(rows):
        return _json_select(writer, _joined(writer, rows), is_object=False, single=False)
    alias = writer.alias()
    columns, is_object = select_list(writer, rows.items, alias)
    tail = _tail(writer, rows, alias, link)
    inner = f"SELECT {_distinct(writer, rows, alias)}{columns} FROM {_source(writer, rows, row)} {alias}{tail}"
    return _json_select(writer, inner, is_object=is_object, single=single)


def row_select(writer: Writer, items: Sequence[ir.Selection], source: str, *, single: bool) -> str:
    """Like `rows_select`, over a range variable's rows that exist already (what a mutation returned)."""
    alias = writer.alias()
    columns, is_object = select_list(writer, items, alias)
    return _json_select(writer, f"SELECT {columns} FROM {source} {alias}", is_object=is_object, single=single)


def _joins_objects(rows: ir.Rows) -> bool:
    """Whether the list is of plain columns in the order of plain columns, with objects to join."""
    joined = sum(isinstance(item, ir.ObjectItem) for item in rows.items)
    return (
        0 < joined <= _MAX_JOINED
        and rows.call is None
        and not rows.distinct
        and not are_somebodys(rows.where)
        and _fits_select_list(rows.items)
        and all(_is_plain(item.column) if isinstance(item, ir.ColumnItem) else _is_linked(item) for item in rows.items)
        and all(key.column is not None and not key.path and _is_plain(key.column) for key in rows.order)
    )


def _is_plain(column: Column) -> bool:
    """Whether it is stored, and shown as it is."""
    return column.computed_by is None and column.mask is None


def _is_linked(item: ir.Selection) -> bool:
    """Whether it needs nothing of the row but the columns that its relationship goes by."""
    return isinstance(item, ir.TypenameItem | ir.ObjectItem | ir.ArrayItem | ir.AggregateItem)


def _joined(writer: Writer, rows: ir.Rows) -> str:
    """A SELECT of the rows, bounded and in order, with their objects joined."""
    alias = writer.alias()
    needed: dict[str, None] = {}
    for item in rows.items:
        if isinstance(item, ir.ColumnItem):
            needed[item.column.name] = None
        elif isinstance(item, ir.ObjectItem | ir.ArrayItem | ir.AggregateItem):
            needed |= dict.fromkeys(local for local, _ in item.relationship.columns)
    for key in rows.order:
        assert key.column is not None, "only plain columns come here"
        needed[key.column.name] = None
    tail = _tail(writer, rows, alias, None)
    columns = ", ".join(column_of(alias, name) for name in needed) or "1"
    source = f"(SELECT {columns} FROM {_source(writer, rows)} {alias}{tail}) {alias}"
    listed: list[str] = []
    for item in rows.items:
        if isinstance(item, ir.ObjectItem):
            value, join = _join_object(writer, item, alias)
            source += join
        else:
            value = item_sql(writer, item, alias)
        listed.append(f"{value} AS {quote_identifier(item.key)}")
    _, order = ordering(writer, rows.order, alias)
    return f"SELECT {', '.join(listed)} FROM {source}{f' ORDER BY {order}' if order else ''}"


def _join_object(writer: Writer, item: ir.ObjectItem, local: str) -> tuple[str, str]:
    """The related row as a value, and the join that it comes from."""
    related = _related(item)
    select, is_object = _object_rows(writer, item, local)
    fence = "" if related.limit is not None else " OFFSET 0"
    row = writer.alias()
    return f"{row}.{_OBJECT}" if is_object else row, f" LEFT JOIN LATERAL ({select}{fence}) {row} ON true"


def _object_rows(writer: Writer, item: ir.ObjectItem, local: str) -> tuple[str, bool]:
    """A SELECT of the related row's columns, or of one object; which of them."""
    related = _related(item)
    alias = writer.alias()
    columns, is_object = select_list(writer, related.items, alias)
    tail = _tail(writer, related, alias, Link(local, item.relationship.columns))
    return f"SELECT {columns} FROM {_source(writer, related)} {alias}{tail}", is_object


def _related(item: ir.ObjectItem) -> ir.Rows:
    # Only a declared relationship can lead to several rows: one is taken.
    return item.rows if item.relationship.unique else replace(item.rows, limit=1)


def _json_select(writer: Writer, inner: str, *, is_object: bool, single: bool) -> str:
    row = writer.alias()
    if single:
        return f"SELECT {f'{row}.{_OBJECT}' if is_object else f'row_to_json({row})'} FROM ({inner}) {row}"
    return f"SELECT coalesce(json_agg({f'{row}.{_OBJECT}' if is_object else row}), '[]') FROM ({inner}) {row}"


#: The column that holds a whole object where a row's own columns can't serve.
_OBJECT: Final = '"$object"'


def _source(writer: Writer, rows: ir.Rows, row: str | None = None) -> str:
    return table_name(rows.table) if rows.call is None else writer.call(rows.call, row)


def _tail(writer: Writer, rows: ir.Rows, alias: str, link: Link | None) -> str:
    """Everything after the range variable: joins for ordering, WHERE, ORDER BY, LIMIT, OFFSET."""
    joins, order = ordering(writer, rows.order, alias)
    tests = link_sql(link.columns, link.local, alias) if link else []
    tests += filters_sql(writer, rows.where, alias)
    text = joins + where_clause(tests)
    if order:
        text += f" ORDER BY {order}"
    # Rendered, not bound: PostgreSQL never takes a generic plan for LIMIT $n (ARCHITECTURE.md, 6).
    if rows.limit is not None:
        text += f" LIMIT {int(rows.limit)}"
    if rows.offset is not None:
        text += f" OFFSET {int(rows.offset)}"
    return text


def _distinct(writer: Writer, rows: ir.Rows, alias: str) -> str:
    if not rows.distinct:
        return ""
    return f"DISTINCT ON ({', '.join(operand_sql(writer, alias, column) for column in rows.distinct)}) "


def select_list(writer: Writer, items: Sequence[ir.Selection], alias: str) -> tuple[str, bool]:
    """The select list for a row, and whether it is one object instead of columns named by the response keys."""
    values = [(item.key, item_sql(writer, item, alias)) for item in items]
    if not _fits_select_list(items):
        return f"{object_sql(values)} AS {_OBJECT}", True
    return ", ".join(f"{value} AS {quote_identifier(key)}" for key, value in values), False


def _fits_select_list(items: Sequence[ir.Selection]) -> bool:
    """Whether the items can be columns named by their response keys.

    A key longer than an identifier may be is only safe inside an object: PostgreSQL would cut it. So are more fields
    than a select list may have.
    """
    return len(items) <= _MAX_COLUMNS and all(len(item.key.encode()) <= MAX_IDENTIFIER_BYTES for item in items)


def item_sql(writer: Writer, item: ir.Selection, alias: str) -> str:
    """The expression for one field of a row."""
    match item:
        case ir.ColumnItem():
            column = operand_sql(writer, alias, item.column)
            return column if item.path is None else f"({column} #> {writer.bind(item.path)})"
        case ir.ComputedItem():
            value = writer.call(item.call, alias)
            if item.path is not None:
                value = f"({value} #> {writer.bind(item.path)})"
            return masked_sql(writer, item.mask, value, alias)
        case ir.ComputedRowsItem():
            rows = f"({rows_select(writer, item.rows, None, single=False, row=alias)})"
            return masked_sql(writer, item.mask, rows, alias)
        case ir.TypenameItem():
            return f"{quote_literal(item.name)}::text"
        case ir.ObjectItem():
            select, is_object = _object_rows(writer, item, alias)
            row = writer.alias()
            return f"(SELECT {f'{row}.{_OBJECT}' if is_object else row} FROM ({select}) {row})"
        case ir.ArrayItem():
            return f"({rows_select(writer, item.rows, Link(alias, item.relationship.columns), single=False)})"
        case ir.AggregateItem():
            return f"({aggregate_select(writer, item.aggregate, Link(alias, item.relationship.columns))})"


def object_sql(pairs: Sequence[tuple[str, str]]) -> str:
    """A JSON object of keys and expressions, however many."""
    if len(pairs) <= _MAX_PAIRS:
        return f"json_build_object({', '.join(f'{quote_literal(key)}, {value}' for key, value in pairs)})"
    chunks = [pairs[start : start + _MAX_PAIRS] for start in range(0, len(pairs), _MAX_PAIRS)]
    # Objects joined as text: cut off each one's braces, put a comma between. (No sub-select: a `count(*)` would count
    # that one's rows.)
    parts = [f"left(right({object_sql(chunk)}::text, -1), -1)" for chunk in chunks]
    return f"('{{' || {(' || ' + quote_literal(',') + ' || ').join(parts)} || '}}')::json"


# Ordering


def ordering(writer: Writer, keys: Sequence[ir.OrderKey], alias: str) -> tuple[str, str]:
    """The joins that sort keys need, and the ORDER BY list."""
    joins: list[str] = []
    known: dict[tuple[str, ...], str] = {}
    terms: list[str] = []
    for key in keys:
        here = alias
        names: tuple[str, ...] = ()
        for step in key.path:
            names = (*names, step.relationship.name)
            if names not in known:
                known[names] = _join_step(writer, step, here, joins)
            here = known[names]
        expression = _aggregate_key(writer, key.aggregate, here, joins) if key.aggregate else ""
        if key.column is not None:
            expression = operand_sql(writer, here, key.column)
        if key.path and (key.aggregate is not None or (key.column is not None and key.column.computed_by is not None)):
            # Nothing is counted or computed of a row that isn't there: it sorts as null.
            _, remote = key.path[-1].relationship.columns[0]
            expression = f"CASE WHEN {column_of(here, remote)} IS NOT NULL THEN {expression} END"
        terms.append(f"{expression} {DIRECTIONS[key.direction]}")
    return "".join(joins), ", ".join(terms)


def _join_step(writer: Writer, step: ir.Step, local: str, joins: list[str]) -> str:
    alias = writer.alias()
    if step.relationship.unique:
        tests = link_sql(step.relationship.columns, local, alias) + filters_sql(writer, step.where, alias)
        joins.append(f" LEFT JOIN {table_name(step.table)} {alias} ON {' AND '.join(tests) or 'true'}")
        return alias
    inner = writer.alias()
    tests = link_sql(step.relationship.columns, local, inner) + filters_sql(writer, step.where, inner)
    select = f"SELECT {inner}.* FROM {table_name(step.table)} {inner}{where_clause(tests)} LIMIT 1"
    joins.append(f" LEFT JOIN LATERAL ({select}) {alias} ON true")
    return alias


def _aggregate_key(writer: Writer, key: ir.AggregateKey, local: str, joins: list[str]) -> str:
    alias, inner = writer.alias(), writer.alias()
    source = table_name(key.table) if key.call is None else writer.call(key.call, local)
    tests = link_sql(key.columns, local, inner) + filters_sql(writer, key.where, inner)
    value = aggregate_call(writer, inner, key.function, [key.column] if key.column else [])
    joins.append(
        f' LEFT JOIN LATERAL (SELECT {value} AS "v" FROM {source} {inner}{where_clause(tests)}) {alias} ON true'
    )
    return f'{alias}."v"'


# Aggregates


def aggregate_select(writer: Writer, aggregate: ir.Aggregate, link: Link | None) -> str:
    """A SELECT of one JSON object: `{aggregate: …, nodes: …}`."""
    rows = aggregate.rows
    bounded = rows.limit is not None or rows.offset is not None or bool(rows.distinct)
    has_nodes = any(isinstance(block, ir.NodesBlock) for block in aggregate.blocks)
    if not bounded and not has_nodes:
        alias = writer.alias()
        # The order of rows means nothing to an aggregate.
        unordered = replace(rows, order=())
        pairs = [(block.key, block_sql(writer, block, alias)) for block in aggregate.blocks]
        tail = _tail(writer, unordered, alias, link)
        return f"SELECT {object_sql(pairs)} FROM {_source(writer, rows)} {alias}{tail}{_one_row(aggregate)}"
    return _bounded_aggregate(writer, aggregate, link)


def _bounded_aggregate(writer: Writer, aggregate: ir.Aggregate, link: Link | None) -> str:
    """The same rows give `aggregate` and `nodes`: a sub-select bounds them, the aggregates stand outside it."""
    rows = aggregate.rows
    inner, outer, numbered = writer.alias(), writer.alias(), writer.alias()
    columns = [f"{inner}.*"]
    pairs: list[tuple[str, str]] = []
    # For an aggregate over distinct values PostgreSQL may sort its input, and json_agg beside it would see that order.
    ordered = f' ORDER BY {outer}."$number"' if _has_distinct(aggregate) else ""
    for number, block in enumerate(aggregate.blocks):
        if isinstance(block, ir.NodesBlock):
            node = f'"$node{number}"'
            columns.append(f"({_node_sql(writer, block, inner)}) AS {node}")
            capped = f' FILTER (WHERE {outer}."$number" <= {block.limit})' if block.limit is not None else ""
            pairs.append((block.key, f"coalesce(json_agg({outer}.{node}{ordered}){capped}, '[]')"))
        else:
            pairs.append((block.key, block_sql(writer, block, outer)))
    tail = _tail(writer, rows, inner, link)
    select = f"SELECT {_distinct(writer, rows, inner)}{', '.join(columns)} FROM {_source(writer, rows)} {inner}{tail}"
    if ordered or any(isinstance(block, ir.NodesBlock) and block.limit is not None for block in aggregate.blocks):
        select = f'SELECT {numbered}.*, row_number() OVER () AS "$number" FROM ({select}) {numbered}'
    return f"SELECT {object_sql(pairs)} FROM ({select}) {outer}{_one_row(aggregate)}"


def _one_row(aggregate: ir.Aggregate) -> str:
    """What makes one row of all where nothing does that is selected, as in `{ aggregate { __typename } }`."""
    for block in aggregate.blocks:
        if isinstance(block, ir.NodesBlock):
            return ""
        if isinstance(block, ir.AggregateBlock):
            for item in block.items:
                values = item.values if isinstance(item, ir.AggregateGroup) else (item,)
                if any(isinstance(value, ir.AggregateValue) for value in values):
                    return ""
    return " HAVING true"


def _has_distinct(aggregate: ir.Aggregate) -> bool:
    return any(
        isinstance(item, ir.AggregateValue) and item.distinct
        for block in aggregate.blocks
        if isinstance(block, ir.AggregateBlock)
        for item in block.items
    )


def _node_sql(writer: Writer, block: ir.NodesBlock, alias: str) -> str:
    columns, is_object = select_list(writer, block.items, alias)
    return item_json_select(writer, columns, is_object=is_object)


def item_json_select(writer: Writer, columns: str, *, is_object: bool) -> str:
    """A SELECT of one row's JSON, from a select list of `select_list`."""
    return _json_select(writer, f"SELECT {columns}", is_object=is_object, single=True)


def block_sql(writer: Writer, block: ir.AggregateBlock | ir.NodesBlock | ir.TypenameItem, alias: str) -> str:
    """What stands below `aggregate`, as one JSON object."""
    if isinstance(block, ir.TypenameItem):
        return f"{quote_literal(block.name)}::text"
    assert isinstance(block, ir.AggregateBlock)
    pairs: list[tuple[str, str]] = []
    for item in block.items:
        if isinstance(item, ir.AggregateGroup):
            pairs.append((item.key, object_sql([(leaf.key, _value_sql(writer, leaf, alias)) for leaf in item.values])))
        else:
            pairs.append((item.key, _value_sql(writer, item, alias)))
    return object_sql(pairs)


def _value_sql(writer: Writer, value: ir.AggregateValue | ir.TypenameItem, alias: str) -> str:
    if isinstance(value, ir.TypenameItem):
        return f"{quote_literal(value.name)}::text"
    return aggregate_call(writer, alias, value.function, value.columns, distinct=value.distinct)
