"""Random questions, each in GraphQL and in the SQL of the oracle.

The strategies draw what a client may write (`where`, `order_by`, columns …); the functions that end in `_sql` say what
it means, after HASURA_DIALECT §2 and with the oracle's rows in place of the role's filters.
"""

# ruff: noqa: S608 -- the SQL of a test about a database of the test's own

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final

from hypothesis import strategies as st

from permissions.rules import RULES
from permissions.view import role_view
from schema.catalogue import Column, Relationship, Table
from schema.view import RoleView, TableView
from tests.integration.permissions.house import CATALOGUE, Database
from tests.integration.permissions.oracle import ROLES, visible_rows

Json = dict[str, Any]

VIEWS: Final[Mapping[str, RoleView]] = {role: role_view(CATALOGUE, RULES, role) for role in ROLES}

_COMPARE: Final = {"_eq": "=", "_neq": "<>", "_gt": ">", "_gte": ">=", "_lt": "<", "_lte": "<="}
_PATTERNS: Final = {"_like": "LIKE", "_nlike": "NOT LIKE", "_ilike": "ILIKE", "_nilike": "NOT ILIKE"}
_DIRECTIONS: Final = {
    "asc": "ASC NULLS LAST",
    "asc_nulls_first": "ASC NULLS FIRST",
    "asc_nulls_last": "ASC NULLS LAST",
    "desc": "DESC NULLS FIRST",
    "desc_nulls_first": "DESC NULLS FIRST",
    "desc_nulls_last": "DESC NULLS LAST",
}
_PER_COLUMN: Final = 40


class Samples:
    """Values that the columns have somewhere, in rows of anybody."""

    def __init__(self, database: Database) -> None:
        self._values: dict[tuple[str, str], list[str]] = {}
        for table in CATALOGUE:
            columns = ", ".join(
                f"(SELECT json_agg(v) FROM (SELECT DISTINCT {name}::text AS v FROM {table.key} WHERE {name} IS NOT NULL"
                f" ORDER BY 1 LIMIT {_PER_COLUMN}) AS x)"
                for name in map(quote, table.columns)
            )
            values = database.json(f"SELECT json_build_array({columns})")
            for name, some in zip(table.columns, values, strict=True):
                self._values[table.key, name] = some or []

    def of(self, table: Table, column: Column) -> list[str]:
        """Some values as text, if there are any."""
        return self._values[table.key, column.name]


@dataclass(frozen=True, kw_only=True)
class Asking:
    """Somebody in a role, about to ask about a table."""

    role: str
    me: object
    samples: Samples
    _numbers: Iterator[int] = field(default_factory=count)

    @property
    def view(self) -> RoleView:
        return VIEWS[self.role]

    def alias(self) -> str:
        return f"t{next(self._numbers)}"

    def visible_sql(self, table: Table, alias: str) -> str:
        """That the row of this alias is one that the oracle lists."""
        key = ", ".join(f"{alias}.{name}" for name in table.primary_key)
        return f"({key}) IN ({visible_rows(self.role, table.key, self.me)})"


def quote(name: str) -> str:
    return f'"{name}"'


def literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "'" + str(value).replace("'", "''") + "'"


# where


def told_by(table: TableView) -> list[str]:
    """What tells rows apart as far as the role can: the key, or for who doesn't see it all that can be compared."""
    if table.primary_key is not None:
        return list(table.table.primary_key)
    return [name for name, column in table.columns.items() if is_comparable(column)]


def is_comparable(column: Column) -> bool:
    return not column.type.is_array and column.type.name not in ("json", "jsonb")


@st.composite
def comparisons(draw: st.DrawFn, asking: Asking, table: Table, column: Column) -> Json:
    """What is asked of one column."""
    samples = asking.samples.of(table, column)
    if not samples or not is_comparable(column):
        return {"_is_null": draw(st.booleans())}
    values = st.sampled_from(samples)
    if column.type.name == "bool":
        return {draw(st.sampled_from(["_eq", "_neq"])): draw(st.booleans())}
    forms: dict[str, Callable[[], Any]] = dict.fromkeys(_COMPARE, lambda: draw(values))
    forms["_in"] = forms["_nin"] = lambda: draw(st.lists(values, max_size=3))
    forms["_is_null"] = lambda: draw(st.booleans())
    if column.type.is_text:
        forms |= dict.fromkeys(_PATTERNS, lambda: draw(_patterns(values)))
    operator = draw(st.sampled_from(sorted(forms)))
    return {operator: forms[operator]()}


@st.composite
def _patterns(draw: st.DrawFn, values: st.SearchStrategy[str]) -> str:
    text = draw(values)
    start = draw(st.integers(0, len(text)))
    middle = text[start : start + draw(st.integers(0, 4))].replace("\\", "_")
    return draw(st.sampled_from(["%", ""])) + middle + "%"


@st.composite
def wheres(draw: st.DrawFn, asking: Asking, table: TableView, depth: int = 2) -> Json:
    """A `T_bool_exp`: columns, combinations, relationships and what is true of them."""
    form = draw(st.sampled_from(["nothing", "column", "column", "relationship", "both", "not", "count"]))
    columns = list(table.columns)
    relationships = list(table.relationships)
    counted = [
        name for name, one in table.relationships.items() if one.kind == "array" and asking.view[one.target].aggregate
    ]
    if form == "nothing" or not columns:
        return {}
    if form == "relationship" and depth and relationships:
        name = draw(st.sampled_from(relationships))
        target = asking.view[table.relationships[name].target]
        return {name: draw(wheres(asking, target, depth - 1))}
    if form == "count" and depth and counted:
        name = draw(st.sampled_from(counted))
        target = asking.view[table.relationships[name].target]
        return {
            f"{name}_aggregate": {
                "count": {
                    "predicate": {draw(st.sampled_from(sorted(_COMPARE))): draw(st.integers(0, 3))},
                    "filter": draw(wheres(asking, target, 0)),
                }
            }
        }
    if form == "both" and depth:
        parts = draw(st.lists(wheres(asking, table, depth - 1), max_size=3))
        return {draw(st.sampled_from(["_and", "_or"])): parts}
    if form == "not" and depth:
        return {"_not": draw(wheres(asking, table, depth - 1))}
    name = draw(st.sampled_from(columns))
    return {name: draw(comparisons(asking, table.table, table.columns[name]))}


def where_sql(asking: Asking, table: Table, alias: str, exp: Json) -> str:
    """What a `T_bool_exp` means for the row of this alias."""
    tests = []
    for name, value in exp.items():
        if name in ("_and", "_or"):
            word, empty = (" AND ", "true") if name == "_and" else (" OR ", "false")
            tests.append(word.join(where_sql(asking, table, alias, item) for item in value) or empty)
        elif name == "_not":
            tests.append(f"NOT {where_sql(asking, table, alias, value)}")
        elif name in table.columns:
            tests += [_comparison_sql(f"{alias}.{quote(name)}", *item) for item in value.items()]
        elif name in table.relationships:
            tests.append(f"EXISTS ({_related_sql(asking, table.relationships[name], alias, '', value)})")
        else:
            spec = value["count"]
            relationship = table.relationships[name.removesuffix("_aggregate")]
            counted = _related_sql(asking, relationship, alias, "count(*)", spec["filter"])
            tests += [_comparison_sql(f"({counted})", *item) for item in spec["predicate"].items()]
    return f"({' AND '.join(f'({test})' for test in tests) or 'true'})"


def _comparison_sql(left: str, operator: str, value: Any) -> str:
    if operator == "_is_null":
        return f"{left} IS {'' if value else 'NOT '}NULL"
    if operator in ("_in", "_nin"):
        if not value:
            return "false" if operator == "_in" else "true"
        return f"{left} {'IN' if operator == '_in' else 'NOT IN'} ({', '.join(map(literal, value))})"
    return f"{left} {(_COMPARE | _PATTERNS)[operator]} {literal(value)}"


def _related_sql(asking: Asking, relationship: Relationship, local: str, shown: str, exp: Json, tail: str = "") -> str:
    """A SELECT over the related rows that may be seen and satisfy the expression."""
    target = CATALOGUE[relationship.target]
    remote = asking.alias()
    links = [f"{remote}.{quote(there)} = {local}.{quote(here)}" for here, there in relationship.columns]
    tests = [*links, asking.visible_sql(target, remote), where_sql(asking, target, remote, exp)]
    return f"SELECT {shown.format(remote)} FROM {target.key} AS {remote} WHERE {' AND '.join(tests)}{tail}"


# order_by


@st.composite
def orders(draw: st.DrawFn, asking: Asking, table: TableView, *, own_columns: bool = False) -> list[Json]:
    """Up to two sort keys, also through relationships, and what tells equals apart."""
    keys = [{name: draw(st.sampled_from(["asc", "desc"]))} for name in told_by(table)]
    return [*draw(st.lists(_order_keys(asking, table, own_columns=own_columns), max_size=2)), *keys]


@st.composite
def _order_keys(draw: st.DrawFn, asking: Asking, table: TableView, *, own_columns: bool) -> Json:
    direction = draw(st.sampled_from(sorted(_DIRECTIONS)))
    objects = [name for name, one in table.relationships.items() if one.kind == "object"]
    counted = [
        name for name, one in table.relationships.items() if one.kind == "array" and asking.view[one.target].aggregate
    ]
    form = "column" if own_columns else draw(st.sampled_from(["column", "object", "count"]))
    if form == "object" and objects:
        name = draw(st.sampled_from(objects))
        return {name: {draw(_sortable(asking.view[table.relationships[name].target])): direction}}
    if form == "count" and counted:
        return {f"{draw(st.sampled_from(counted))}_aggregate": {"count": direction}}
    return {draw(_sortable(table)): direction}


def _sortable(table: TableView) -> st.SearchStrategy[str]:
    return st.sampled_from([name for name, column in table.columns.items() if is_comparable(column)])


def order_sql(asking: Asking, table: Table, alias: str, order_by: Sequence[Json]) -> str:
    """The ORDER BY list."""
    terms = []
    for key in order_by:
        for name, value in key.items():
            if name in table.columns:
                terms.append(f"{alias}.{quote(name)} {_DIRECTIONS[value]}")
            elif name in table.relationships:
                ((column, direction),) = value.items()
                shown = "{}." + quote(column)
                related = _related_sql(asking, table.relationships[name], alias, shown, {}, " LIMIT 1")
                terms.append(f"({related}) {_DIRECTIONS[direction]}")
            else:
                relationship = table.relationships[name.removesuffix("_aggregate")]
                counted = _related_sql(asking, relationship, alias, "count(*)", {})
                terms.append(f"({counted}) {_DIRECTIONS[value['count']]}")
    return ", ".join(terms)


# Whole questions


@dataclass(frozen=True, kw_only=True, repr=False)
class Question:
    """The arguments of a list, and the columns to show."""

    table: TableView
    columns: Sequence[str]
    where: Json
    order_by: Sequence[Json]
    distinct_on: Sequence[str] = ()
    limit: int | None = None
    offset: int | None = None

    def __repr__(self) -> str:
        return f"{self.table.name} {self.arguments} {{ {' '.join(self.columns)} }}"

    @property
    def arguments(self) -> Json:
        """As variables; what isn't asked for is left out."""
        found: Json = {"where": self.where, "order_by": list(self.order_by)}
        found |= {"distinct_on": list(self.distinct_on)} if self.distinct_on else {}
        found |= {"limit": self.limit} if self.limit is not None else {}
        return found | ({"offset": self.offset} if self.offset is not None else {})

    def rows_sql(self, asking: Asking, *, limit: int | None, columns: Sequence[str] | None = None) -> str:
        """A SELECT of the rows, at most `limit`."""
        alias = asking.alias()
        table = self.table.table
        distinct = f"DISTINCT ON ({', '.join(f'{alias}.{quote(name)}' for name in self.distinct_on)}) "
        shown = ", ".join(f"{alias}.{quote(name)}" for name in columns or self.columns)
        sql = f"SELECT {distinct if self.distinct_on else ''}{shown} FROM {table.key} AS {alias}"
        sql += f" WHERE {asking.visible_sql(table, alias)} AND {where_sql(asking, table, alias, self.where)}"
        sql += f" ORDER BY {order_sql(asking, table, alias, self.order_by)}"
        sql += f" LIMIT {limit}" if limit is not None else ""
        return sql + (f" OFFSET {self.offset}" if self.offset is not None else "")


@st.composite
def questions(draw: st.DrawFn, asking: Asking, table: TableView, *, own_columns: bool = False) -> Question:
    """A list with any of its arguments."""
    columns = draw(st.lists(st.sampled_from(list(table.columns)), min_size=1, unique=True))
    order_by = draw(orders(asking, table, own_columns=own_columns))
    distinct_on: list[str] = []
    if not own_columns and draw(st.booleans()) and draw(st.booleans()):
        distinct_on = [draw(_sortable(table))]
        # PostgreSQL's DISTINCT ON wants them first.
        direction = draw(st.sampled_from(["asc", "desc"]))
        rest = [key for key in order_by if set(key) != set(distinct_on)]
        order_by = [{distinct_on[0]: direction}, *rest]
    return Question(
        table=table,
        columns=columns,
        where=draw(wheres(asking, table)),
        order_by=order_by,
        distinct_on=distinct_on,
        limit=draw(st.none() | st.integers(0, 12)),
        offset=draw(st.none() | st.integers(0, 5)),
    )


def smaller(*limits: int | None) -> int | None:
    """The smallest limit, None being none."""
    return min((limit for limit in limits if limit is not None), default=None)
