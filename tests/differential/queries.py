"""Random queries over a schema, as data: the engine gets them as GraphQL, the oracle as they are."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from hypothesis import strategies as st

from tests.differential.schemas import Field, Relation, Schema

_DIRECTIONS: Final = ("asc", "desc", "asc_nulls_first", "asc_nulls_last", "desc_nulls_first", "desc_nulls_last")
_SORTABLE: Final = frozenset({"int", "big", "text", "bool", "numeric", "date", "array"})
_NUMERIC: Final = frozenset({"int", "big", "numeric"})

#: Values of a column. Few, so that rows meet.
VALUES: Final[Mapping[str, st.SearchStrategy[Any]]] = {
    "int": st.integers(-2, 3),
    "big": st.sampled_from([0, 1, -(2**63), 2**63 - 1, 2**53 + 1]),
    "text": st.text("aAb%_", max_size=3),
    "bool": st.booleans(),
    "numeric": st.sampled_from([Decimal(0), Decimal("1.5"), Decimal("1.50"), Decimal("-0.25"), Decimal(10) ** 25]),
    "date": st.sampled_from(["1999-12-31", "2024-02-29", "2024-03-01"]),
    "array": st.lists(st.sampled_from(["a", "b", "c,d", '"', ""]), max_size=3),
    "json": st.sampled_from([{}, {"a": 1}, {"a": {"b": None}}, ["a"], "a", 1, True]),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One sort key: a column, or an aggregate, at the end of object relationships."""

    direction: str
    column: str = ""
    path: tuple[str, ...] = ()
    aggregate: str | None = None
    function: str = ""

    def as_json(self) -> dict[str, Any]:
        """As `order_by` takes it."""
        found: Any = {self.column: self.direction}
        if self.aggregate is not None:
            inner: Any = self.direction if self.function == "count" else {self.column: self.direction}
            found = {f"{self.aggregate}_aggregate": {self.function: inner}}
        for step in reversed(self.path):
            found = {step: found}
        return found  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list of rows with its arguments."""

    columns: tuple[str, ...]
    where: Mapping[str, Any] | None = None
    order: tuple[Order, ...] = ()
    distinct: tuple[str, ...] = ()
    limit: int | None = None
    offset: int | None = None
    #: Alias, relationship, what of it.
    related: "tuple[tuple[str, str, Listing | Aggregate | Single], ...]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Single:
    """A related row."""

    columns: tuple[str, ...]
    related: "tuple[tuple[str, str, Listing | Aggregate | Single], ...]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """Aggregates over rows, and the rows."""

    rows: Listing
    count_columns: tuple[str, ...] = ()
    count_distinct: bool = False
    #: Function and column.
    folds: tuple[tuple[str, str], ...] = ()


# Conditions


@st.composite
def conditions(draw: st.DrawFn, schema: Schema, table: Relation, depth: int = 2, *, aggregates: bool = True) -> Any:
    """A condition on rows of the table."""
    found: dict[str, Any] = {}
    for _ in range(draw(st.integers(0, 2))):
        choice = draw(st.integers(0, 9))
        if choice < 5 or depth == 0:
            column = draw(st.sampled_from(table.fields))
            found[column.name] = draw(operators(column))
        elif choice == 5:
            inner = conditions(schema, table, depth - 1, aggregates=aggregates)
            found["_and"] = draw(st.lists(inner, max_size=2))
        elif choice == 6:
            inner = conditions(schema, table, depth - 1, aggregates=aggregates)
            found["_or"] = draw(st.lists(inner, max_size=3))
        elif choice == 7:
            found["_not"] = draw(conditions(schema, table, depth - 1, aggregates=aggregates))
        elif table.ways:
            way = draw(st.sampled_from(table.ways))
            target = schema[way.target]
            if way.many and aggregates and draw(st.booleans()):
                found[f"{way.name}_aggregate"] = draw(_aggregate_conditions(schema, target, depth - 1))
            else:
                found[way.name] = draw(conditions(schema, target, depth - 1, aggregates=aggregates))
    return found


@st.composite
def operators(draw: st.DrawFn, column: Field) -> dict[str, Any]:
    """What is asked of a column."""
    values = VALUES[column.kind]
    found: dict[str, Any] = {}
    names = ["_eq", "_neq", "_in", "_nin", "_is_null"]
    if column.kind != "json":
        names += ["_gt", "_gte", "_lt", "_lte"]
    if column.kind == "text":
        names += ["_like", "_nlike", "_ilike", "_nilike", "_regex", "_nregex", "_iregex"]
    if column.kind == "array":
        names += ["_contains", "_contained_in"]
    if column.kind == "json":
        names = ["_is_null", "_has_key"]
    for name in draw(st.lists(st.sampled_from(names), max_size=2, unique=True)):
        if name == "_is_null":
            found[name] = draw(st.booleans())
        elif name in ("_in", "_nin"):
            found[name] = draw(st.lists(values, max_size=3))
        elif name in ("_regex", "_nregex", "_iregex"):
            found[name] = draw(st.sampled_from(["", "a", "^a", "b$", "a.b", "[ab]+$", "A|b"]))
        elif name == "_has_key":
            found[name] = draw(st.sampled_from(["a", "b"]))
        else:
            found[name] = draw(values)
    return found


@st.composite
def _aggregate_conditions(draw: st.DrawFn, schema: Schema, target: Relation, depth: int) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    flags = [field.name for field in target.fields if field.kind == "bool"]
    if draw(st.booleans()):
        spec["filter"] = draw(conditions(schema, target, max(depth, 0)))
    if draw(st.booleans()) and flags:
        spec["arguments"] = draw(st.sampled_from(flags))
        spec["predicate"] = draw(operators(Field(name="", kind="bool")))
        return {draw(st.sampled_from(["bool_and", "bool_or"])): spec}
    if draw(st.booleans()):
        names = [field.name for field in target.fields if field.kind != "json"]
        spec["arguments"] = draw(st.lists(st.sampled_from(names), max_size=2, unique=True))
        spec["distinct"] = draw(st.booleans())
    spec["predicate"] = draw(operators(Field(name="", kind="int")))
    return {"count": spec}


# Selections


@st.composite
def orders(draw: st.DrawFn, schema: Schema, table: Relation) -> Order:
    """One sort key."""
    here = table
    path: list[str] = []
    while draw(st.integers(0, 3)) == 0 and len(path) < 2:
        outward = [way for way in here.ways if not way.many]
        if not outward:
            break
        way = draw(st.sampled_from(outward))
        path.append(way.name)
        here = schema[way.target]
    direction = draw(st.sampled_from(_DIRECTIONS))
    inward = [way for way in here.ways if way.many]
    if inward and draw(st.integers(0, 3)) == 0:
        way = draw(st.sampled_from(inward))
        numbers = [field.name for field in schema[way.target].fields if field.kind in _NUMERIC]
        function = draw(st.sampled_from(["count", "max", "min", "sum"]))
        return Order(
            direction=direction,
            column=draw(st.sampled_from(numbers)),
            path=tuple(path),
            aggregate=way.name,
            function=function,
        )
    column = draw(st.sampled_from([field.name for field in here.fields if field.kind in _SORTABLE]))
    return Order(direction=direction, column=column, path=tuple(path))


@st.composite
def listings(draw: st.DrawFn, schema: Schema, table: Relation, depth: int = 2) -> Listing:
    """A list; its order is total, or two answers could both be right."""
    order: list[Order] = draw(st.lists(orders(schema, table), max_size=2))
    distinct: list[str] = []
    if draw(st.integers(0, 3)) == 0:
        sortable = [field.name for field in table.fields if field.kind in _SORTABLE]
        distinct = draw(st.lists(st.sampled_from(sortable), min_size=1, max_size=2, unique=True))
        leading = [Order(direction=draw(st.sampled_from(_DIRECTIONS)), column=name) for name in distinct]
        order = [*draw(st.permutations(leading)), *order]
    return Listing(
        columns=draw(_columns(table)),
        where=draw(st.none() | conditions(schema, table)),
        order=(*order, Order(direction="asc", column="id")),
        distinct=tuple(distinct),
        limit=draw(st.none() | st.integers(0, 3)),
        offset=draw(st.none() | st.integers(0, 2)),
        related=draw(_related(schema, table, depth)),
    )


@st.composite
def aggregates(draw: st.DrawFn, schema: Schema, table: Relation, depth: int = 1) -> Aggregate:
    """Aggregates over a list."""
    columns: list[str] = draw(
        st.lists(st.sampled_from([item.name for item in table.fields if item.kind != "json"]), max_size=2, unique=True)
    )
    numeric = [field.name for field in table.fields if field.kind in _NUMERIC]
    comparable = [field.name for field in table.fields if field.kind in _SORTABLE - {"bool"}]
    folds = draw(
        st.lists(
            st.tuples(st.sampled_from(["sum", "avg"]), st.sampled_from(numeric))
            | st.tuples(st.sampled_from(["max", "min"]), st.sampled_from(comparable)),
            max_size=3,
            unique=True,
        )
    )
    return Aggregate(
        rows=draw(listings(schema, table, depth)),
        count_columns=tuple(columns),
        count_distinct=draw(st.booleans()),
        folds=tuple(folds),
    )


@st.composite
def _related(draw: st.DrawFn, schema: Schema, table: Relation, depth: int) -> Any:
    if depth == 0 or not table.ways:
        return ()
    found: list[tuple[str, str, Any]] = []
    for number in range(draw(st.integers(0, 2))):
        way = draw(st.sampled_from(table.ways))
        target = schema[way.target]
        inner: Any
        if not way.many:
            inner = Single(columns=draw(_columns(target)), related=draw(_related(schema, target, depth - 1)))
        elif draw(st.booleans()):
            inner = draw(listings(schema, target, depth - 1))
        else:
            inner = draw(aggregates(schema, target, depth - 1))
        found.append((f"r{number}", way.name, inner))
    return tuple(found)


def _columns(table: Relation) -> st.SearchStrategy[tuple[str, ...]]:
    names = [field.name for field in table.fields]
    return st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True).map(tuple)


# As GraphQL


@dataclass(slots=True)
class Document:
    """A query's text. With `as_variables` conditions, orders, limits and such come in variables."""

    schema: Schema
    as_variables: bool
    variables: dict[str, Any] = field(default_factory=dict)
    _declared: list[str] = field(default_factory=list)

    def root(self, selection: Listing | Aggregate, table: Relation) -> str:
        """The whole document."""
        name = f"{self.schema.name}_{table.name}"
        body = self._field("root", name, selection, table)
        declared = f"({', '.join(self._declared)})" if self._declared else ""
        return f"query{declared} {{ {body} }}"

    def _field(self, alias: str, name: str, selection: Listing | Aggregate | Single, table: Relation) -> str:
        match selection:
            case Single():
                return f"{alias}: {name} {{ {self._row(selection, table)} }}"
            case Listing():
                return f"{alias}: {name}{self._arguments(selection, table)} {{ {self._row(selection, table)} }}"
            case Aggregate():
                arguments = self._arguments(selection.rows, table)
                nodes = f"nodes {{ {self._row(selection.rows, table)} }}"
                return f"{alias}: {name}_aggregate{arguments} {{ aggregate {{ {_leaves(selection)} }} {nodes} }}"

    def _row(self, selection: Listing | Single, table: Relation) -> str:
        parts = list(selection.columns)
        for alias, name, inner in selection.related:
            way = next(way for way in table.ways if way.name == name)
            parts.append(self._field(alias, name, inner, self.schema[way.target]))
        return " ".join(parts)

    def _arguments(self, listing: Listing, table: Relation) -> str:
        name = f"{self.schema.name}_{table.name}"
        order = [key.as_json() for key in listing.order]
        given: list[tuple[str, str, Any]] = [
            ("where", f"{name}_bool_exp", listing.where),
            ("order_by", f"[{name}_order_by!]", order or None),
            ("distinct_on", f"[{name}_select_column!]", list(listing.distinct) or None),
            ("limit", "Int", listing.limit),
            ("offset", "Int", listing.offset),
        ]
        parts = [f"{key}: {self._value(key, kind, value)}" for key, kind, value in given if value is not None]
        return f"({', '.join(parts)})" if parts else ""

    def _value(self, argument: str, kind: str, value: Any) -> str:
        if not self.as_variables:
            return literal(value, bare=argument in ("order_by", "distinct_on"))
        name = f"v{len(self._declared)}"
        self._declared.append(f"${name}: {kind}")
        self.variables[name] = _json_value(value)
        return f"${name}"


def _leaves(selection: Aggregate) -> str:
    parts = ["count"]
    if selection.count_columns:
        distinct = "true" if selection.count_distinct else "false"
        parts.append(f"values: count(columns: [{', '.join(selection.count_columns)}], distinct: {distinct})")
    for function in dict.fromkeys(function for function, _ in selection.folds):
        columns = [column for other, column in selection.folds if other == function]
        parts.append(f"{function} {{ {' '.join(columns)} }}")
    return " ".join(parts)


#: Keys whose values are enum values in literals: columns of an aggregate's arguments.
_ENUM_KEYS: Final = frozenset({"arguments"})


def literal(value: Any, *, bare: bool = False) -> str:
    """A value as GraphQL writes it; `bare` strings are enum values."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float() | Decimal():
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
        case str():
            return value if bare else json.dumps(value)
        case Mapping():
            members = (f"{key}: {literal(item, bare=bare or key in _ENUM_KEYS)}" for key, item in value.items())
            return "{" + ", ".join(members) + "}"
        case Sequence():
            return "[" + ", ".join(literal(item, bare=bare) for item in value) + "]"
    raise AssertionError(f"no literal for {value!r}")


def _json_value(value: Any) -> Any:
    """A value as a client sends it: exact numbers that floats can't hold go as text."""
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, Mapping):
        return {key: _json_value(item) for key, item in value.items()}
    return [_json_value(item) for item in value] if isinstance(value, list) else value
