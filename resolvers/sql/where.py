"""Conditions as SQL."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from resolvers import ir
from resolvers.sql.writer import Writer, column_of, quote_identifier, table_name, type_name
from schema.catalogue import Column
from schema.types import PgType

_UUID: Final = PgType(name="uuid")
_OPERATORS: Final[Mapping[str, str]] = {
    "_eq": "=",
    "_neq": "<>",
    "_gt": ">",
    "_gte": ">=",
    "_lt": "<",
    "_lte": "<=",
    "_like": "LIKE",
    "_nlike": "NOT LIKE",
    "_ilike": "ILIKE",
    "_nilike": "NOT ILIKE",
    "_similar": "SIMILAR TO",
    "_nsimilar": "NOT SIMILAR TO",
    "_regex": "~",
    "_nregex": "!~",
    "_iregex": "~*",
    "_niregex": "!~*",
    "_contains": "@>",
    "_contained_in": "<@",
    "_has_key": "?",
    "_has_keys_any": "?|",
    "_has_keys_all": "?&",
    "_jsonb_path_exists": "@?",
    "_jsonb_path_match": "@@",
    "_in": "= ANY",
    "_nin": "<> ALL",
}


def condition_sql(writer: Writer, condition: ir.Condition, rows: tuple[str, ...], *, filters: bool = False) -> str:
    """The condition over the innermost of `rows`, the range variables from the outermost row to this one.

    `filters`: null is as good as false where it stands, as in WHERE.
    """
    alias = rows[-1]
    match condition:
        case ir.And(items):
            return _joined(writer, items, rows, " AND ", "true", filters=filters)
        case ir.Or(items):
            return _joined(writer, items, rows, " OR ", "false", filters=filters)
        case ir.Not(item):
            return f"(NOT {condition_sql(writer, item, rows)})"
        case ir.IsNull():
            return f"({operand_sql(writer, alias, condition.column)} IS {'' if condition.expected else 'NOT '}NULL)"
        case ir.Compare():
            column = operand_sql(writer, alias, condition.column)
            return comparison_sql(writer, f"{column}::text" if condition.as_text else column, condition)
        case ir.CompareColumns():
            other = writer.operand(rows[-1 - condition.levels_up], condition.other)
            return f"({writer.operand(alias, condition.column)} {_OPERATORS[condition.operator]} {other})"
        case ir.Exists():
            inner = writer.alias()
            if filters and _is_pinned(condition):
                ((here, there),) = condition.columns
                tests = _inner(writer, condition.where, (*rows, inner))
                found = (
                    f"SELECT {column_of(inner, there)} FROM {table_name(condition.table)} {inner}{where_clause(tests)}"
                )
                return f"({column_of(alias, here)} = ANY (ARRAY({found})))"
            source = table_name(condition.table) if condition.call is None else writer.call(condition.call, alias)
            tests = link_sql(condition.columns, alias, inner)
            tests += _inner(writer, condition.where, (*rows, inner))
            return f"EXISTS (SELECT 1 FROM {source} {inner}{where_clause(tests)})"
        case ir.AggregateCompare():
            return _aggregate_sql(writer, condition, rows)
        case ir.Among():
            # CASE evaluates nothing early but constants, and these compare columns (PostgreSQL, 9.18.1).
            visible = condition_sql(writer, condition.rows, rows)
            return f"(CASE WHEN {visible} THEN {condition_sql(writer, condition.item, rows)} END)"
        case ir.InSlot():
            return _in_slot_sql(writer, condition, alias)


def operand_sql(writer: Writer, alias: str, column: Column) -> str:
    """A column of a row: stored, computed by a function, or masked where the role may not see it."""
    if column.mask is None:
        return writer.operand(alias, column)
    # To the letter the same wherever it stands: PostgreSQL takes `CASE … $1 …` and `CASE … $2 …` for two things, and
    # DISTINCT ON must begin what ORDER BY goes on with.
    place = alias, column.name
    if place not in writer.masked:
        writer.masked[place] = masked_sql(writer, column.mask, writer.operand(alias, column), alias)
    return writer.masked[place]


def masked_sql(writer: Writer, mask: ir.Condition | None, value: str, alias: str) -> str:
    """The value, or null in rows of which the mask does not hold."""
    if mask is None:
        return value
    return f"CASE WHEN {condition_sql(writer, mask, (alias,), filters=True)} THEN {value} END"


def comparison_sql(writer: Writer, left: str, comparison: ir.Compare) -> str:
    """`left operator $n`."""
    right = writer.bind(comparison.value)
    operator = _OPERATORS[comparison.operator]
    if comparison.operator in ("_in", "_nin"):
        return f"({left} {operator}({right}))"
    return f"({left} {operator} {right})"


def link_sql(columns: tuple[tuple[str, str], ...], local: str, remote: str) -> list[str]:
    """The tests that tie a related row to its row."""
    return [f"{column_of(remote, there)} = {column_of(local, here)}" for here, there in columns]


def where_clause(tests: list[str]) -> str:
    """` WHERE …`, or nothing."""
    return f" WHERE {' AND '.join(tests)}" if tests else ""


def filters_sql(writer: Writer, condition: ir.Condition, alias: str) -> list[str]:
    """The condition as a list of tests to be ANDed; empty when it is always true."""
    return _inner(writer, condition, (alias,))


def _inner(writer: Writer, condition: ir.Condition, rows: tuple[str, ...]) -> list[str]:
    if condition == ir.TRUE:
        return []
    return [condition_sql(writer, condition, rows, filters=True)]


def _joined(
    writer: Writer, items: tuple[ir.Condition, ...], rows: tuple[str, ...], word: str, empty: str, *, filters: bool
) -> str:
    if not items:
        return empty
    if len(items) == 1:
        return condition_sql(writer, items[0], rows, filters=filters)
    return f"({word.join(condition_sql(writer, item, rows, filters=filters) for item in items)})"


def are_somebodys(condition: ir.Condition) -> bool:
    """Whether the rows where it holds are one caller's own: few, as a rule says whose they are."""
    match condition:
        case ir.And(items):
            return any(map(are_somebodys, items))
        case ir.Compare(operator="_eq"):
            return isinstance(condition.value.source, ir.FromSession)
        case ir.Exists():
            return _is_pinned(condition)
        case _:
            return False


def _is_pinned(condition: ir.Exists) -> bool:
    """Whether a rule's related row can be found before any row is looked at: the rule gives one of its keys.

    "The customer is who asks" is then looked up once a statement, instead of once a row, and what is found leads to the
    rows by their index. It is an array, and not the one value, because the key of a table with heirs doesn't bind them.
    """
    if condition.asked or len(condition.columns) != 1:
        return False
    ((_, there),) = condition.columns
    table = condition.table
    given = set(_given_columns(condition.where))
    return (
        any(given.issuperset(key.columns) for key in table.constraints)
        and not table.columns[there].type.is_array
        and _is_closed(condition.where, 1)
    )


def _given_columns(condition: ir.Condition) -> Iterator[str]:
    """The columns that the condition sets equal to a value that is given from outside."""
    match condition:
        case ir.And(items):
            for item in items:
                yield from _given_columns(item)
        case ir.Compare(operator="_eq", as_text=False) if condition.column.computed_by is None:
            yield condition.column.name


def _is_closed(condition: ir.Condition, depth: int) -> bool:
    """Whether it mentions no row but those of its own `depth` tables."""
    match condition:
        case ir.And(items) | ir.Or(items):
            return all(_is_closed(item, depth) for item in items)
        case ir.Not(item):
            return _is_closed(item, depth)
        case ir.Exists() if condition.call is not None and depth == 0:
            return False
        case ir.Exists() | ir.AggregateCompare():
            return _is_closed(condition.where, depth + 1)
        case ir.Among():
            return _is_closed(condition.rows, depth) and _is_closed(condition.item, depth)
        case ir.CompareColumns():
            return condition.levels_up < depth
        case _:
            return True


def _aggregate_sql(writer: Writer, condition: ir.AggregateCompare, rows: tuple[str, ...]) -> str:
    if not condition.predicates:
        # Without an aggregate in it the sub-select would have as many rows as there are related ones.
        return "true"
    inner = writer.alias()
    tests = link_sql(condition.relationship.columns, rows[-1], inner)
    tests += _inner(writer, condition.where, (*rows, inner))
    value = aggregate_call(writer, inner, condition.function, condition.columns, distinct=condition.distinct)
    predicates = " AND ".join(predicate_sql(writer, value, predicate) for predicate in condition.predicates)
    return f"(SELECT {predicates} FROM {table_name(condition.table)} {inner}{where_clause(tests)})"


def predicate_sql(writer: Writer, value: str, predicate: ir.ValueCompare) -> str:
    """What is asked of an aggregate's value."""
    if predicate.value is None:
        return f"({value} IS {'' if predicate.expected else 'NOT '}NULL)"
    right = writer.bind(predicate.value)
    operator = _OPERATORS[predicate.operator]
    return (
        f"({value} {operator}({right}))" if predicate.operator in ("_in", "_nin") else f"({value} {operator} {right})"
    )


def _in_slot_sql(writer: Writer, condition: ir.InSlot, alias: str) -> str:
    row = writer.alias()
    own = ", ".join(column_of(alias, column) for column, _ in condition.columns)
    theirs = ", ".join(column_of(row, column) for _, column in condition.columns)
    shape = dict.fromkeys(
        f"{quote_identifier(column.name)} {type_name(column.type)}" for _, column in condition.columns
    )
    json = writer.bind(ir.Param(source=ir.SlotRows(condition.slot), type=PgType(name="json")))
    return f"(({own}) IN (SELECT {theirs} FROM json_to_recordset({json}) AS {row}({', '.join(shape)})))"


def aggregate_call(
    writer: Writer, alias: str, function: str, columns: Sequence[Column], *, distinct: bool = False
) -> str:
    """`function(columns)` of rows; count over no columns counts rows, over several counts tuples."""
    if not columns:
        return "count(*)"
    values = [operand_sql(writer, alias, column) for column in columns]
    if function in ("min", "max") and columns[0].type == _UUID:
        # There is none of UUIDs. Their text sorts as they do, byte by byte.
        return f'{function}({values[0]}::text COLLATE "C")::{type_name(_UUID)}'
    argument = values[0] if len(values) == 1 else f"({', '.join(values)})"
    return f"{function}({'DISTINCT ' if distinct else ''}{argument})"
