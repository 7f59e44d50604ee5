"""Changes as SQL: one statement that writes, checks the role's rule on what was written, and answers.

The change is a data-modifying CTE whose rows the answer reads. The permission check is in its RETURNING, where a row
is at hand as triggers left it, or reads its rows as well. A failed check makes a cast fail with `CHECK_MARKER` in its
message: PostgreSQL then undoes the statement, with no function of ours to be installed first. (A constant cast would be
folded while planning and fail always; the text is of a function that isn't immutable, `concat`, or depends on rows.)
"""

from collections.abc import Collection, Sequence
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

from resolvers import ir
from resolvers.sql.select import object_sql, row_select
from resolvers.sql.where import condition_sql, filters_sql, where_clause
from resolvers.sql.writer import Writer, column_of, quote_identifier, quote_literal, table_name, type_name
from resolvers.values import ARRAY_TYPES
from schema.catalogue import Column, Table
from schema.types import PgType

CHECK_MARKER: Final = "caregraph: permission check failed"

#: From how many values on an insert binds an array a column.
_MANY_VALUES: Final = 500
_NULL: Final = ir.Param(source=ir.Const(None), type=PgType(name="text"))

_CHANGED: Final = '"$changed"'
_INSERTED: Final = '"$inserted"'
_CHECK: Final = '"$check"'
_SETTINGS: Final = '"$settings"'


Change = ir.Insert | ir.Update | ir.Delete


def mutation_sql(writer: Writer, mutate: ir.Mutate, settings: Sequence[tuple[str, ir.Param]]) -> str:
    """One statement, whose first column is the JSON answer; that a check fails is an error of PostgreSQL's.

    `settings` are transaction-local ones that triggers read, set by the same statement; empty when the transaction
    has set them already.
    """
    ctes = []
    if settings:
        calls = ", ".join(f"set_config({quote_literal(name)}, {writer.bind(param)}, true)" for name, param in settings)
        ctes.append(f"{_SETTINGS} AS MATERIALIZED (SELECT {calls})")
    assert not isinstance(mutate.change, ir.NestedInsert | ir.NestedUpdate), "nested changes are several statements"
    change = mutate.change
    # An upsert whose branches have checks of their own is checked by the rows that it gave, which tell their branch.
    branching = change if isinstance(change, ir.Insert) and _tells_branches(change) else None
    needed: Collection[str] | None = frozenset()
    if shows_rows(mutate):
        needed = None
    elif branching is not None:
        needed = _checked_columns(branching)
    ctes.append(f"{_CHANGED} AS ({_change_sql(writer, change, needed, checks_each=branching is None)})")
    answer = _answer_sql(writer, mutate.answer, _CHANGED)
    check = "" if branching is None else f", {_check_sql(writer, branching)}"
    source = f" FROM {_SETTINGS}" if settings else ""
    return f"WITH {', '.join(ctes)} SELECT ({answer}){check}{source}"


def change_sql(writer: Writer, change: Change) -> str:
    """The first of two statements, for an answer that looks at the changed table again: changes and checks.

    Its first column is the changed rows as a JSON array: what a statement changes is invisible to the base table
    within the same statement, so the answer must be read by a second one.
    """
    changed = _change_sql(writer, change)
    row = writer.alias()
    rows = f"(SELECT coalesce(json_agg({row}), '[]') FROM {_CHANGED} {row})"
    return f"WITH {_CHANGED} AS ({changed}) SELECT {rows}, {_check_sql(writer, change)}"


def counted_change_sql(writer: Writer, change: ir.Update | ir.Delete) -> str:
    """A change whose first column is the number of changed rows."""
    changed = _change_sql(writer, change)
    return f"WITH {_CHANGED} AS ({changed}) SELECT (SELECT count(*) FROM {_CHANGED}), {_check_sql(writer, change)}"


def kept_change_sql(writer: Writer, change: ir.Update, columns: Sequence[Column]) -> str:
    """A change whose first column is these columns of the changed rows, as a JSON array of texts."""
    changed = _change_sql(writer, change)
    alias, row = writer.alias(), writer.alias()
    kept = f"SELECT {kept_columns(columns, alias)} FROM {_CHANGED} {alias}"
    rows = f"(SELECT coalesce(json_agg({row}), '[]') FROM ({kept}) {row})"
    return f"WITH {_CHANGED} AS ({changed}) SELECT {rows}, {_check_sql(writer, change)}"


def kept_columns(columns: Sequence[Column], alias: str) -> str:
    """A select list of columns as text: what statements hand on to others, digit by digit."""
    return ", ".join(f"{column_of(alias, column)}::text AS {quote_identifier(column.name)}" for column in columns)


def answer_sql(writer: Writer, mutate: ir.Mutate, rows: ir.Param, affected_rows: ir.Param | None = None) -> str:
    """The last of several statements: answers about `rows`, the JSON that `change_sql` gave.

    `affected_rows` is given where it is not the number of `rows`.
    """
    source = ""
    if affected_rows is None or shows_rows(mutate):
        table = table_name(mutate.change.table)
        # Rows of the table's own type, which computed fields want; a CTE's would be anonymous.
        source = f"json_populate_recordset(NULL::{table}, {writer.bind(rows)})"
    return _answer_sql(writer, mutate.answer, source, affected_rows)


def shows_rows(mutate: ir.Mutate) -> bool:
    """Whether the answer shows rows, and not only their number."""
    answer = mutate.answer
    return not isinstance(answer, ir.Response) or any(isinstance(item, tuple) for _, item in answer.items)


def looks_again(mutate: ir.Mutate) -> bool:
    """Whether the answer needs a statement of its own.

    That is so when it reads tables, be it through relationships or by functions, and when several were changed: within
    the statement, neither its own changes are seen there nor what triggers and foreign keys make of them. A delete
    shows what was there before, which is what the same statement sees.
    """
    if isinstance(mutate.change, ir.NestedInsert | ir.NestedUpdate):
        return True
    if isinstance(mutate.change, ir.Delete):
        return False
    answers: list[Any] = []
    if isinstance(mutate.answer, ir.Response):
        for _, item in mutate.answer.items:
            if isinstance(item, tuple):
                answers.extend(item)
    else:
        answers.extend(mutate.answer)
    return any(_reads_tables(item) for item in answers)


def _reads_tables(node: Any) -> bool:
    if isinstance(node, tuple):
        return any(_reads_tables(item) for item in node)
    if isinstance(node, Table | ir.ComputedItem | ir.ComputedRowsItem):
        return True
    if isinstance(node, Column):
        return node.computed_by is not None or _reads_tables(node.mask)
    if is_dataclass(node):
        return any(_reads_tables(getattr(node, item.name)) for item in fields(node))
    return False


def _answer_sql(
    writer: Writer,
    answer: ir.Response | tuple[ir.Selection, ...],
    source: str,
    affected_rows: ir.Param | None = None,
) -> str:
    if not isinstance(answer, ir.Response):
        return row_select(writer, answer, source, single=True)
    pairs: list[tuple[str, str]] = []
    for key, item in answer.items:
        if item == "affected_rows":
            count = f"(SELECT count(*) FROM {source})" if affected_rows is None else writer.bind(affected_rows)
            pairs.append((key, count))
        elif isinstance(item, ir.TypenameItem):
            pairs.append((key, f"{quote_literal(item.name)}::text"))
        else:
            assert isinstance(item, tuple)
            pairs.append((key, f"({row_select(writer, item, source, single=False)})"))
    return f"SELECT {object_sql(pairs)}"


def _check_sql(writer: Writer, change: Change) -> str:
    if isinstance(change, ir.Delete):
        return "NULL"
    alias = writer.alias()
    rows = f"{_CHANGED} {alias}"
    if isinstance(change, ir.Insert) and _tells_branches(change):
        assert change.update_check is not None
        told = alias
        if _calls_functions(change.check) or _calls_functions(change.update_check):
            # They take a row of the table's own columns, without the one that tells the branches.
            told = writer.alias()
            columns = ", ".join(column_of(told, column) for column in change.table.columns.values())
            rows = f"{_CHANGED} {told} CROSS JOIN LATERAL (SELECT {columns}) {alias}"
        inserted = condition_sql(writer, change.check, (alias,), filters=True)
        updated = condition_sql(writer, change.update_check, (alias,), filters=True)
        test = f"CASE WHEN {told}.{_INSERTED} THEN {inserted} ELSE {updated} END"
    elif change.check == ir.TRUE:
        return "NULL"
    else:
        test = condition_sql(writer, change.check, (alias,), filters=True)
    failing = f"EXISTS (SELECT 1 FROM {rows} WHERE ({test}) IS NOT TRUE)"
    return f"(CASE WHEN {failing} THEN {quote_literal(CHECK_MARKER)} END)::int"


def _calls_functions(condition: ir.Condition) -> bool:
    """Whether it calls functions with the row that it is about, or with another."""
    match condition:
        case ir.And(items) | ir.Or(items):
            return any(map(_calls_functions, items))
        case ir.Not(item):
            return _calls_functions(item)
        case ir.Compare() | ir.IsNull():
            return condition.column.computed_by is not None
        case ir.Exists():
            return condition.call is not None or _calls_functions(condition.where)
        case _:
            return False


def _checked_columns(change: ir.Insert) -> frozenset[str] | None:
    """The columns of written rows that the two checks look at; None when it may be any of them."""
    assert change.update_check is not None, "asked of inserts that tell branches alone"
    found: set[str] = set()
    for check in (change.check, change.update_check):
        columns = _compared_columns(check)
        if columns is None:
            return None
        found |= columns
    return frozenset(found)


def _compared_columns(condition: ir.Condition) -> frozenset[str] | None:
    match condition:
        case ir.And(items) | ir.Or(items):
            each = [_compared_columns(item) for item in items]
            return None if None in each else frozenset().union(*(columns for columns in each if columns is not None))
        case ir.Not(item):
            return _compared_columns(item)
        case ir.Compare() | ir.IsNull() if condition.column.computed_by is None and condition.column.mask is None:
            return frozenset({condition.column.name})
        case _:
            return None


def _change_sql(
    writer: Writer, change: Change, needed: Collection[str] | None = None, *, checks_each: bool = False
) -> str:
    """The change; it gives all columns of the rows that it wrote, or only those that are `needed`.

    With `checks_each` it checks each row that it wrote, in one more column.
    """
    match change:
        case ir.Insert():
            return _insert_sql(writer, change, needed, checks_each=checks_each)
        case ir.Update():
            return _update_sql(writer, change, needed, checks_each=checks_each)
        case ir.Delete():
            alias = writer.alias()
            tests = filters_sql(writer, change.where, alias)
            returned = _returned(alias, needed)
            return f"DELETE FROM {table_name(change.table)} AS {alias}{where_clause(tests)} RETURNING {returned}"


def _returned(alias: str, needed: Collection[str] | None) -> str:
    """Fewer columns are a smaller copy of each row; some column there must be."""
    if needed is None:
        return f"{alias}.*"
    return ", ".join(column_of(alias, name) for name in sorted(needed)) or "1"


def _each_check_sql(writer: Writer, check: ir.Condition, alias: str) -> str:
    """What follows in RETURNING to check the row; nothing where every row will do."""
    if check == ir.TRUE:
        return ""
    test = condition_sql(writer, check, (alias,), filters=True)
    return f", (CASE WHEN ({test}) IS NOT TRUE THEN concat({quote_literal(CHECK_MARKER)}) END)::int AS {_CHECK}"


def _nothing(table: Table) -> str:
    return f"SELECT * FROM {table_name(table)} WHERE false"


# Insert


def _tells_branches(change: ir.Insert) -> bool:
    """Whether the check must know which branch of an upsert wrote a row, which partitioned tables can't tell."""
    may_update = change.on_conflict is not None and bool(change.on_conflict.columns)
    return may_update and change.check != change.update_check


def _insert_sql(writer: Writer, change: ir.Insert, needed: Collection[str] | None, *, checks_each: bool) -> str:
    if not change.rows:
        extra = f", true AS {_INSERTED}" if _tells_branches(change) else ""
        return f"SELECT *{extra} FROM {table_name(change.table)} WHERE false"
    columns = list(dict.fromkeys(name for row in change.rows for name, _ in row.values))
    # A row without any value still needs a column to take the default of.
    columns = columns or [next(iter(change.table.columns))]
    if change.each:
        rows = _each_row_sql(writer, change)
    else:
        rows = _many_rows_sql(writer, change, columns) or _rows_sql(writer, change, columns)
    alias = writer.alias()
    names = ", ".join(quote_identifier(name) for name in columns)
    conflict = _conflict_sql(writer, change.on_conflict, alias)
    returning = _returned(alias, needed)
    if _tells_branches(change):
        # A row that this statement inserted has no deleting transaction; one that it updated was locked by it.
        returning += f", ({alias}.xmax = 0) AS {_INSERTED}"
    elif checks_each:
        returning += _each_check_sql(writer, change.check, alias)
    return f"INSERT INTO {table_name(change.table)} AS {alias} ({names}) {rows}{conflict} RETURNING {returning}"


def _rows_sql(writer: Writer, change: ir.Insert, columns: list[str]) -> str:
    return "VALUES " + ", ".join(f"({_row_sql(writer, row, columns)})" for row in change.rows)


def _many_rows_sql(writer: Writer, change: ir.Insert, columns: list[str]) -> str | None:
    """Rows of many values as an array a column: a statement has room for 32,767 binds, and each is slow to plan.

    None for few, and for rows that don't give the same columns: a default can only be said in VALUES.
    """
    if len(change.rows) * len(columns) <= _MANY_VALUES:
        return None
    rows = [dict(row.values) for row in change.rows]
    if any(len(row) != len(columns) for row in rows):
        return None
    row, arrays, listed = writer.alias(), [], []
    for name in columns:
        pg_type = change.table.columns[name].type
        values = [row_values[name] or _NULL for row_values in rows]
        if any(isinstance(value.source, tuple) for value in values):
            return None
        if all(value == values[0] for value in values):
            # In a SELECT, unlike in VALUES, nothing gives a value its column's type: a null would be a text.
            listed.append(f"{writer.bind(replace(values[0], type=pg_type))}::{type_name(pg_type)}")
        else:
            arrays.append((name, writer.bind_texts([replace(value, type=pg_type) for value in values])))
            listed.append(f"{row}.{quote_identifier(name)}::{type_name(pg_type)}")
    if not arrays:
        return None
    names = ", ".join(quote_identifier(name) for name, _ in arrays)
    unnested = ", ".join(array for _, array in arrays)
    return f"SELECT {', '.join(listed)} FROM unnest({unnested}) {row} ({names})"


def _each_row_sql(writer: Writer, change: ir.Insert) -> str:
    """As many rows as a variable has: a bind a column, whatever their number.

    Arrays are read in two thirds of the time that `json_to_recordset` takes for the same rows. They are taken apart in
    a select list, item by item: in FROM each array's items would be stored before the first row is made.

    A column whose rows have one value all has no array but that value, and another bind: which columns those are
    differs from request to request, and the statement should not. As a subquery it is cast once, not for each row.
    """
    (one,) = change.rows
    row = writer.alias()
    arrays: list[str] = []
    listed: list[str] = []
    for name, value in one.values:
        assert value is not None, "null is a value that some rows have; what all have is a preset's"
        pg_type = change.table.columns[name].type
        if isinstance(value.source, ir.EachRow):
            is_read = pg_type.schema is None and not pg_type.is_array and pg_type.name in ARRAY_TYPES
            item = f"{row}.c{len(arrays)}" if is_read else f"{row}.c{len(arrays)}::{type_name(pg_type)}"
            element = type_name(pg_type) if is_read else '"text"'
            arrays.append(f"unnest({writer.bind_column(value)}::{element}[]) AS c{len(arrays)}")
            alike = writer.bind_column(replace(value, source=replace(value.source, alike=True)))
            listed.append(f"coalesce({item}, (SELECT {alike}::{type_name(pg_type)}))")
        else:
            listed.append(f"{writer.bind(replace(value, type=pg_type))}::{type_name(pg_type)}")
    return f"SELECT {', '.join(listed)} FROM (SELECT {', '.join(arrays)}) {row}"


def _row_sql(writer: Writer, row: ir.InsertRow, columns: list[str]) -> str:
    values = dict(row.values)
    return ", ".join(_value_sql(writer, values[name]) if name in values else "DEFAULT" for name in columns)


def _value_sql(writer: Writer, value: ir.Param | None) -> str:
    return "NULL" if value is None else writer.bind(value)


def _conflict_sql(writer: Writer, conflict: ir.OnConflict | None, alias: str) -> str:
    if conflict is None:
        return ""
    target = f" ON CONFLICT ON CONSTRAINT {quote_identifier(conflict.constraint)}"
    if not conflict.columns:
        return f"{target} DO NOTHING"
    settings = [
        f"{quote_identifier(column.name)} = EXCLUDED.{quote_identifier(column.name)}" for column in conflict.columns
    ]
    settings += [
        f"{quote_identifier(preset.column.name)} = {_value_sql(writer, preset.value)}" for preset in conflict.presets
    ]
    where = where_clause(filters_sql(writer, conflict.where, alias))
    return f"{target} DO UPDATE SET {', '.join(settings)}{where}"


# Update


def _update_sql(writer: Writer, change: ir.Update, needed: Collection[str] | None, *, checks_each: bool) -> str:
    if not change.assignments:
        return _nothing(change.table)
    alias = writer.alias()
    settings = ", ".join(
        f"{quote_identifier(item.column.name)} = {_assigned_sql(writer, item, alias)}" for item in change.assignments
    )
    tests = filters_sql(writer, change.where, alias)
    returned = _returned(alias, needed)
    if checks_each:
        returned += _each_check_sql(writer, change.check, alias)
    return f"UPDATE {table_name(change.table)} AS {alias} SET {settings}{where_clause(tests)} RETURNING {returned}"


def _assigned_sql(writer: Writer, item: ir.Assignment, alias: str) -> str:
    if item.value is None:
        return "NULL"
    old, new = column_of(alias, item.column), writer.bind(item.value)
    match item.operator:
        case "_set":
            return new
        case "_inc":
            return f"{old} + {new}"
        case "_append":
            return f"{old} || {new}"
        case "_prepend":
            return f"{new} || {old}"
        case "_delete_key" | "_delete_elem":
            return f"{old} - {new}"
        case "_delete_at_path":
            return f"{old} #- {new}"
    raise AssertionError(f"unknown update operator {item.operator}")
