"""What the dialect says an answer is, over rows in Python (HASURA_DIALECT §2).

It shares nothing with the engine: three-valued logic is written out by hand, orders and aggregates are Python's.
`True`, `False` and `None` are true, false and unknown.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cmp_to_key
from typing import Any, Final

from tests.differential.queries import Aggregate, Listing, Order, Single
from tests.differential.schemas import Relation, Schema, Way

Row = Mapping[str, Any]
Truth = bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A schema with its rows, as far as they can be seen."""

    schema: Schema
    rows: Mapping[str, Sequence[Row]]

    def related(self, row: Row, way: Way) -> list[Row]:
        """The rows that a relationship leads to."""
        key = row[way.local]
        return [other for other in self.rows[way.target] if key is not None and other[way.remote] == key]


# Logic


def all_of(values: Sequence[Truth]) -> Truth:
    """AND."""
    if any(value is False for value in values):
        return False
    return None if any(value is None for value in values) else True


def one_of(values: Sequence[Truth]) -> Truth:
    """OR."""
    if any(value is True for value in values):
        return True
    return None if any(value is None for value in values) else False


def holds(world: World, table: Relation, row: Row, condition: Mapping[str, Any]) -> Truth:
    """Whether the condition holds of the row."""
    return all_of([_part(world, table, row, name, value) for name, value in condition.items()])


def _part(world: World, table: Relation, row: Row, name: str, value: Any) -> Truth:
    if name == "_and":
        return all_of([holds(world, table, row, item) for item in value])
    if name == "_or":
        return one_of([holds(world, table, row, item) for item in value])
    if name == "_not":
        inner = holds(world, table, row, value)
        return None if inner is None else not inner
    for way in table.ways:
        target = world.schema[way.target]
        if name == way.name:
            return any(holds(world, target, other, value) is True for other in world.related(row, way))
        if name == f"{way.name}_aggregate":
            related = world.related(row, way)
            return all_of([_aggregate(world, target, related, function, spec) for function, spec in value.items()])
    return all_of([_compares(row[name], operator, operand) for operator, operand in value.items()])


def _compares(value: Any, operator: str, operand: Any) -> Truth:
    if operator == "_is_null":
        return (value is None) is operand
    if operator == "_in":
        return one_of([_compares(value, "_eq", item) for item in operand])
    if operator == "_nin":
        return all_of([_compares(value, "_neq", item) for item in operand])
    if value is None:
        return None
    if operator == "_has_key":
        return operand in value if isinstance(value, dict | list) else operand == value
    if operator in ("_contains", "_contained_in"):
        outer, inner = (value, operand) if operator == "_contains" else (operand, value)
        return set(inner) <= set(outer)
    if operator in _PATTERNS:
        return _PATTERNS[operator](value, operand)
    return _COMPARISONS[operator](_plain(value), _plain(operand))


def _plain(value: Any) -> Any:
    """Values that compare in Python as in PostgreSQL."""
    return Decimal(str(value)) if isinstance(value, int | float) and not isinstance(value, bool) else value


_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "_eq": lambda left, right: bool(left == right),
    "_neq": lambda left, right: bool(left != right),
    "_gt": lambda left, right: bool(left > right),
    "_gte": lambda left, right: bool(left >= right),
    "_lt": lambda left, right: bool(left < right),
    "_lte": lambda left, right: bool(left <= right),
}


def _like(value: str, pattern: str, flags: int = 0) -> bool:
    wild = {"%": ".*", "_": "."}
    text = "".join(wild.get(character) or re.escape(character) for character in pattern)
    return re.fullmatch(text, value, flags | re.DOTALL) is not None


_PATTERNS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "_like": _like,
    "_nlike": lambda value, pattern: not _like(value, pattern),
    "_ilike": lambda value, pattern: _like(value, pattern, re.IGNORECASE),
    "_nilike": lambda value, pattern: not _like(value, pattern, re.IGNORECASE),
    "_regex": lambda value, pattern: re.search(pattern, value) is not None,
    "_nregex": lambda value, pattern: re.search(pattern, value) is None,
    "_iregex": lambda value, pattern: re.search(pattern, value, re.IGNORECASE) is not None,
}


def _aggregate(world: World, table: Relation, related: Sequence[Row], function: str, spec: Mapping[str, Any]) -> Truth:
    rows = [row for row in related if holds(world, table, row, spec.get("filter") or {}) is True]
    if function == "count":
        value: Any = count(rows, spec.get("arguments") or (), distinct=bool(spec.get("distinct")))
    else:
        values = [row[spec["arguments"]] for row in rows if row[spec["arguments"]] is not None]
        join = all if function == "bool_and" else any
        value = join(values) if values else None
    return all_of([_compares(value, operator, operand) for operator, operand in spec["predicate"].items()])


# Lists


def chosen(world: World, table: Relation, rows: Sequence[Row], listing: Listing) -> list[Row]:
    """The rows that a list's arguments leave, in their order."""
    found = [row for row in rows if holds(world, table, row, listing.where or {}) is True]
    found.sort(key=cmp_to_key(lambda first, second: _in_order(world, table, first, second, listing.order)))
    if listing.distinct:
        kept: dict[Any, Row] = {}
        for row in found:
            kept.setdefault(tuple(_hashable(row[name]) for name in listing.distinct), row)
        found = list(kept.values())
    start = listing.offset or 0
    return found[start:] if listing.limit is None else found[start : start + listing.limit]


def _in_order(world: World, table: Relation, first: Row, second: Row, order: Sequence[Order]) -> int:
    for key in order:
        left, right = _sorted_by(world, table, first, key), _sorted_by(world, table, second, key)
        if left is None and right is None:
            continue
        nulls_first = key.direction in ("desc", "desc_nulls_first", "asc_nulls_first")
        if left is None or right is None:
            return -1 if (left is None) is nulls_first else 1
        if left != right:
            return -1 if (left < right) is not key.direction.startswith("desc") else 1
    return 0


def _sorted_by(world: World, table: Relation, row: Row, key: Order) -> Any:
    here, current = table, row
    for step in key.path:
        way = next(way for way in here.ways if way.name == step)
        related = world.related(current, way)
        if not related:
            return None
        here, current = world.schema[way.target], related[0]
    if key.aggregate is None:
        return _plain(current[key.column])
    way = next(way for way in here.ways if way.name == key.aggregate)
    related = world.related(current, way)
    return (
        len(related)
        if key.function == "count"
        else _plain(fold(key.function, [other[key.column] for other in related]))
    )


# Aggregates


def count(rows: Sequence[Row], columns: Sequence[str], *, distinct: bool) -> int:
    """count(columns): rows without any, values of one, tuples of several."""
    if not columns:
        return len(rows)
    values = [tuple(_hashable(row[name]) for name in columns) for row in rows]
    if len(columns) == 1:
        values = [value for value in values if value != (None,)]
    return len(set(values)) if distinct else len(values)


def fold(function: str, values: Sequence[Any]) -> Any:
    """An aggregate of one column; null over nothing."""
    present = [_plain(value) for value in values if value is not None]
    if not present:
        return None
    match function:
        case "max":
            return max(present)
        case "min":
            return min(present)
        case "sum":
            return sum(present)
        case "avg":
            return sum(present) / len(present)
    raise AssertionError(f"no function {function}")


def _hashable(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


# Answers


def answer(world: World, selection: Listing | Aggregate | Single, table: Relation, rows: Sequence[Row]) -> Any:
    """What a selection over these rows answers."""
    if isinstance(selection, Single):
        return _shown(world, table, rows[0], selection) if rows else None
    if isinstance(selection, Listing):
        return [_shown(world, table, row, selection) for row in chosen(world, table, rows, selection)]
    left = chosen(world, table, rows, selection.rows)
    found: dict[str, Any] = {"count": len(left)}
    if selection.count_columns:
        found["values"] = count(left, selection.count_columns, distinct=selection.count_distinct)
    for function, column in selection.folds:
        found.setdefault(function, {})[column] = fold(function, [row[column] for row in left])
    return {"aggregate": found, "nodes": [_shown(world, table, row, selection.rows) for row in left]}


def _shown(world: World, table: Relation, row: Row, selection: Listing | Single) -> dict[str, Any]:
    found = {name: row[name] for name in selection.columns}
    for alias, name, inner in selection.related:
        way = next(way for way in table.ways if way.name == name)
        found[alias] = answer(world, inner, world.schema[way.target], world.related(row, way))
    return found
