"""Pages as SQL: one row more than asked for tells whether there are more.

A cursor's condition must use an index where it can. With keys that are never null and go one way it is a row
comparison, `(a, id) > ($1, $2)`; otherwise it is spelt out key by key, nulls in their place.
"""

from resolvers import ir
from resolvers.sql.select import item_json_select, object_sql, ordering, select_list
from resolvers.sql.where import filters_sql, operand_sql, where_clause
from resolvers.sql.writer import Writer, quote_literal, table_name


def page_select(writer: Writer, page: ir.Page) -> str:
    """A SELECT of one JSON object: `{nodes, has_more, next_cursor}`."""
    alias, inner, numbered = writer.alias(), writer.alias(), writer.alias()
    _, order = ordering(writer, page.order, alias)
    columns = [
        f'{operand_sql(writer, alias, key.column)}::text AS "$key{number}"'
        for number, key in enumerate(page.order)
        if key.column is not None
    ]
    if page.nodes is not None:
        node, is_object = select_list(writer, page.nodes, alias)
        columns.append(f'({item_json_select(writer, node, is_object=is_object)}) AS "$node"')
    tests = filters_sql(writer, page.where, alias)
    if page.after:
        tests.append(_behind(writer, page, alias))
    rows = (
        f"SELECT {', '.join(columns)} FROM {table_name(page.table)} {alias}{where_clause(tests)}"
        f" ORDER BY {order} LIMIT {page.limit + 1}"
    )
    counted = f'SELECT {inner}.*, row_number() OVER () AS "$number" FROM ({rows}) {inner}'
    answer = object_sql([(key, _field(page, name, numbered)) for key, name in page.items])
    # Nothing else makes one row of all where only the type's name is selected.
    one_row = "" if any(name != "__typename" for _, name in page.items) else " HAVING true"
    return f"SELECT {answer} FROM ({counted}) {numbered}{one_row}"


def _field(page: ir.Page, name: str, alias: str) -> str:
    match name:
        case "nodes":
            shown = f'FILTER (WHERE {alias}."$number" <= {page.limit})'
            return f'coalesce(json_agg({alias}."$node" ORDER BY {alias}."$number") {shown}, \'[]\')'
        case "has_more":
            return f"count(*) > {page.limit}"
        case "next_cursor":
            last = f"least(count(*), {page.limit})"
            values = ", ".join(
                f'(array_agg({alias}."$key{number}" ORDER BY {alias}."$number"))[{last}]'
                for number in range(len(page.order))
            )
            array = f"json_build_array({quote_literal(page.fingerprint)}, {values})::text"
            # Base64 in its URL form, without line breaks.
            encoded = f"translate(encode(convert_to({array}, 'UTF8'), 'base64'), E'+/=\\n', '-_')"
            return f"CASE WHEN count(*) > 0 THEN {encoded} END"
        case _:
            return quote_literal(f"{page.table.graphql_name}_page") + "::text"


def _behind(writer: Writer, page: ir.Page, alias: str) -> str:
    """The rows that come after the cursor's."""
    keys = [
        (operand_sql(writer, alias, key.column), writer.bind(value), key.direction, key.column.nullable)
        for key, value in zip(page.order, page.after, strict=True)
        if key.column is not None
    ]
    ways = {direction.startswith("asc") for _, _, direction, _ in keys}
    if len(ways) == 1 and not any(nullable for _, _, _, nullable in keys):
        columns = ", ".join(column for column, *_ in keys)
        values = ", ".join(value for _, value, *_ in keys)
        return f"(({columns}) {'>' if ways == {True} else '<'} ({values}))"
    text = ""
    for column, value, direction, nullable in reversed(keys):
        after = _after(column, value, direction, nullable=nullable)
        text = f"({after} OR ({column} IS NOT DISTINCT FROM {value} AND {text}))" if text else after
    return text


def _after(column: str, value: str, direction: str, *, nullable: bool) -> str:
    compared = f"({column} {'>' if direction.startswith('asc') else '<'} {value})"
    if not nullable:
        return compared
    nulls_first = direction in ("asc_nulls_first", "desc", "desc_nulls_first")
    if nulls_first:
        return f"(CASE WHEN {value} IS NULL THEN {column} IS NOT NULL ELSE coalesce({compared}, false) END)"
    return f"(coalesce({compared}, false) OR ({column} IS NULL AND {value} IS NOT NULL))"
