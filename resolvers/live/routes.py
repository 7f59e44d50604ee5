"""Whom a changed row can concern.

A change says of each row that it touched, before and after, the values of the row's key and of the columns by which
rows refer to each other. From the statement we conclude which values these columns must have for the row to make a
difference to a subscriber:

1. A source's condition demands `column = bind` (alone or in an AND at its top, the role's filter included), or it
   demands EXISTS of a row with `remote = bind` that is linked by `column = remote`. A row with another value satisfies
   it neither before nor after the change, so the source's rows stay the same.
2. The parent's rows have `local = bind` by 1, and the source is linked by `local = remote`: only rows with
   `remote = bind` are ever looked up.
3. The condition demands EXISTS of a row of another table, linked by `local = remote`, and that row is bound by 1 or 3.
   Only rows whose `local` is among the `remote` values of such rows can matter. Which these are, the statement itself
   tells with every result ("keys"), out of the same snapshot. They change only by a change of the other table, which
   concerns the subscriber by its own source; then the statement runs again, and tells the new keys.
4. The source hangs on the parent's rows by `local = remote`, and few of the parent's rows can matter. Its rows are
   among those whose `remote` is a `local` value of these; the statement tells these values, too. Below the selection
   "these" are the parent's rows in the result. In the parent's condition they are the rows that satisfy the rest of it:
   the source's rows may bring others than those of the present into the result.

A row concerns a subscriber when it fits the route of any source of its table. What has no route concerns everyone.
Values are compared as PostgreSQL's text of them, and only for types of which equal values have equal texts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from resolvers import ir
from resolvers.live.sources import Columns, Source, Sources, conjuncts
from schema.catalogue import Table, TableKey
from schema.types import PgType

#: Columns that changes of a table tell about; tables that tell of no changes are absent.
Announced = Mapping[TableKey, frozenset[str]]

#: Types of which equal values have one text, whoever writes it. Not numeric (1.0 = 1), float (-0 = 0), bpchar (blanks),
#: dates and times (their text depends on the session). Values of types in one class may be compared with each other.
_CLASSES: Final[Mapping[str, str]] = {
    "uuid": "uuid",
    "int2": "integer",
    "int4": "integer",
    "int8": "integer",
    "text": "text",
    "varchar": "text",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundKey:
    """One value: the bind's."""

    param: ir.Param


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FoundKeys:
    """The values of a column in the rows of `table` that satisfy `where` (and are linked to `within`).

    Compared by identity: conditions that Python calls equal may differ in a constant's type.
    """

    table: Table
    column: str
    where: ir.Condition
    within: "tuple[str, Keys] | None" = None


Keys = BoundKey | FoundKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A row of `table` can matter only if its `column` is among the subscriber's keys of that number."""

    table: TableKey
    column: str
    keys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """How changes find the subscribers of one statement."""

    #: What the statement must tell for each subscriber besides the result.
    keys: tuple[Keys, ...]
    by_table: Mapping[TableKey, tuple[Route, ...]]
    #: Tables whose changes concern everyone.
    everyone: frozenset[TableKey]
    #: Not every change is told of: the statement has to run by the clock as well.
    needs_poll: bool

    @property
    def tables(self) -> frozenset[TableKey]:
        """The tables whose changes matter."""
        return self.everyone | self.by_table.keys()


def find_routes(sources: Sources, announced: Announced) -> Routes:
    """The routes of a statement that reads `sources`. Pure."""
    finder = _Finder(announced)
    by_table: dict[TableKey, list[Route]] = {}
    everyone: set[TableKey] = set()
    needs_poll = sources.is_opaque
    for source in sources.all:
        key = _told_as(source.table)
        if key not in announced:
            needs_poll = True
            continue
        found = finder.route(source)
        if found is None:
            everyone.add(key)
            continue
        column, keys = found
        route = Route(table=key, column=column, keys=finder.number(keys))
        routes = by_table.setdefault(key, [])
        if route not in routes:
            routes.append(route)
    return Routes(
        keys=tuple(finder.keys),
        by_table={key: tuple(routes) for key, routes in by_table.items() if key not in everyone},
        everyone=frozenset(everyone),
        needs_poll=needs_poll,
    )


@dataclass(slots=True)
class _Finder:
    announced: Announced
    keys: list[Keys] = field(default_factory=list)
    _found: dict[tuple[int, str], FoundKeys] = field(default_factory=dict)
    _routes: dict[Source, tuple[str, Keys] | None] = field(default_factory=dict)

    def number(self, keys: Keys) -> int:
        if keys not in self.keys:
            self.keys.append(keys)
        return self.keys.index(keys)

    def route(self, source: Source) -> tuple[str, Keys] | None:
        if source not in self._routes:
            self._routes[source] = self._find(source)
        return self._routes[source]

    def _find(self, source: Source) -> tuple[str, Keys] | None:
        bound = self.bound(source)
        for column in (*source.table.primary_key, *bound):
            if column in bound:
                return column, BoundKey(param=bound[column])
        by_condition = self.by_condition(source.table, source.where)
        if by_condition is not None:
            return by_condition
        if source.parent is None:
            return None
        if source.beside is not None:
            return self.by_rest(source, source.parent, source.beside)
        return self.by_parent(source, source.parent)

    def bound(self, source: Source) -> dict[str, ir.Param]:
        """Rules 1 and 2: the columns that equal a bind."""
        found = self.bound_by(source.table, source.where)
        if source.parent is not None:
            above = self.bound(source.parent)
            for local, remote in self.usable(source.parent.table, source.table, source.columns):
                if local in above:
                    found.setdefault(remote, above[local])
        return found

    def bound_by(self, table: Table, where: ir.Condition) -> dict[str, ir.Param]:
        """Rule 1."""
        found: dict[str, ir.Param] = {}
        for condition in conjuncts(where):
            if (
                isinstance(condition, ir.Compare)
                and condition.operator == "_eq"
                and not condition.as_text
                and not condition.value.many
                and condition.column.computed_by is None
                and self.is_told(table, condition.column.name)
            ):
                found.setdefault(condition.column.name, condition.value)
            elif isinstance(condition, ir.Exists) and condition.columns:
                inner = self.bound_by(condition.table, condition.where)
                for local, remote in self.usable(table, condition.table, condition.columns):
                    if remote in inner and self.is_told(table, local):
                        found.setdefault(local, inner[remote])
        return found

    def by_condition(self, table: Table, where: ir.Condition) -> tuple[str, Keys] | None:
        """Rule 3."""
        for condition in conjuncts(where):
            if not isinstance(condition, ir.Exists) or not _is_closed(condition.where, 0):
                continue
            if not self.is_found(condition.table, condition.where):
                continue
            for local, remote in self.usable(table, condition.table, condition.columns):
                if self.is_told(table, local):
                    return local, self.found_keys(condition.table, remote, condition.where, None)
        return None

    def is_found(self, table: Table, where: ir.Condition) -> bool:
        """Whether few rows satisfy the condition: keys of many would cost more than they save."""
        return bool(self.bound_by(table, where)) or self.by_condition(table, where) is not None

    def by_rest(self, source: Source, parent: Source, rest: ir.Condition) -> tuple[str, Keys] | None:
        """Rule 4, in the parent's condition."""
        if not _is_closed(rest, 0):
            return None
        within: tuple[str, Keys] | None = None
        if not self.is_found(parent.table, rest):
            # Not the parent's route: that may be a conclusion from this very source.
            bound = self.bound(parent)
            if not bound:
                return None
            column, param = next(iter(bound.items()))
            within = (column, BoundKey(param=param))
        for local, remote in self.usable(parent.table, source.table, source.columns):
            if self.is_told(source.table, remote):
                return remote, self.found_keys(parent.table, local, rest, within)
        return None

    def by_parent(self, source: Source, parent: Source) -> tuple[str, Keys] | None:
        """Rule 4, below the selection."""
        above = self.route(parent)
        if above is None or not _is_closed(parent.where, 0):
            return None
        pairs = self.usable(parent.table, source.table, source.columns)
        for local, remote in pairs:
            if local == above[0] and self.is_told(source.table, remote):
                return remote, above[1]
        # Where the parent's own condition finds few rows, its link adds nothing.
        within = None if self.is_found(parent.table, parent.where) else above
        for local, remote in pairs:
            if self.is_told(source.table, remote):
                return remote, self.found_keys(parent.table, local, parent.where, within)
        return None

    def found_keys(self, table: Table, column: str, where: ir.Condition, within: tuple[str, Keys] | None) -> FoundKeys:
        """The keys, one object for what is one source's column."""
        place = (id(where), column)
        found = self._found.get(place)
        if found is None or found.table is not table or found.within != within:
            found = self._found[place] = FoundKeys(table=table, column=column, where=where, within=within)
        return found

    def usable(self, local_table: Table, remote_table: Table, columns: Columns) -> Columns:
        """The pairs whose values may be compared as text."""
        return tuple(
            (local, remote)
            for local, remote in columns
            if (kind := _class_of(local_table.columns[local].type)) is not None
            and kind == _class_of(remote_table.columns[remote].type)
        )

    def is_told(self, table: Table, column: str) -> bool:
        """Whether changes of the table tell this column's values, and these may be compared as text."""
        told = self.announced.get(_told_as(table), frozenset())
        return column in told and _class_of(table.columns[column].type) is not None


def _told_as(table: Table) -> TableKey:
    """The table whose changes are changes of this one."""
    return table.shows or table.key


def _class_of(pg_type: PgType) -> str | None:
    if pg_type.is_array or pg_type.is_enum or pg_type.schema is not None:
        return None
    return _CLASSES.get(pg_type.name)


def _is_closed(condition: ir.Condition, depth: int) -> bool:
    """Whether the condition can stand alone: it compares with no column of a row outside it."""
    match condition:
        case ir.And(items) | ir.Or(items):
            return all(_is_closed(item, depth) for item in items)
        case ir.Not(item):
            return _is_closed(item, depth)
        case ir.Among():
            return _is_closed(condition.rows, depth) and _is_closed(condition.item, depth)
        case ir.Compare() | ir.IsNull():
            return True
        case ir.CompareColumns():
            return condition.levels_up <= depth
        case ir.Exists() | ir.AggregateCompare():
            return _is_closed(condition.where, depth + 1)
        case _:
            return False
