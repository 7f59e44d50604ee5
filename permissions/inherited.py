"""Inherited roles: several roles seen as one (HASURA_DIALECT §8).

A row is visible when any parent sees it. A cell is null unless a parent that sees the row has the column; this masked
value is what filters, sorts and aggregates use. What a parent may write carries over unless another parent's differs.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from schema.catalogue import Catalogue, Column, ComputedField, Function, Table, TableKey
from schema.view import BoolExp, RoleView, TableView

Written = TypeVar("Written")


def inherit(
    catalogue: Catalogue,
    role: str,
    parents: Sequence[RoleView],
    own: RoleView | None = None,
    functions: Iterable[Function] = (),
) -> RoleView:
    """The view of `role`, which inherits from the roles of `parents`. Pure.

    `own` is what the rules say of the role itself: it goes before what is inherited, operation by operation.
    `functions` are those that the role itself may call, provided that it reads the tables that they return.
    """
    tables: dict[TableKey, TableView] = {}
    for table in catalogue:
        views = [view for parent in parents if (view := parent.get(table.key)) is not None]
        merged = _merge(table, views) if views else None
        found = _overridden(merged, own.get(table.key) if own is not None else None)
        if found is not None:
            tables[table.key] = found
    readable = {key for key, view in tables.items() if view.selectable}
    callable_ = {function.key: function for view in parents for function in view.functions}
    callable_ |= {function.key: function for function in functions if function.returns in readable}
    return RoleView(
        role=role,
        tables={key: _related(view, readable) if view.selectable else view for key, view in tables.items()},
        functions=tuple(callable_.values()),
    )


def _overridden(inherited: TableView | None, own: TableView | None) -> TableView | None:
    """What is inherited, but for the operations that the role has rules of its own for."""
    if own is None or inherited is None:
        return own or inherited
    return replace(
        own if own.selectable else inherited,
        insert=own.insert or inherited.insert,
        update=own.update or inherited.update,
        delete=own.delete or inherited.delete,
    )


def _related(view: TableView, readable: Collection[TableKey]) -> TableView:
    """The view with the ways to all that the whole role reads, and not only to what one of its parents reads."""
    relationships = {name: item for name, item in view.table.relationships.items() if item.target in readable}
    rows = {name: item for name, item in view.table.computed_fields.items() if item.function.returns in readable}
    return replace(view, relationships=relationships, computed_fields={**view.computed_fields, **rows})


def _merge(table: Table, views: Sequence[TableView]) -> TableView:
    readers = [view for view in views if view.selectable]
    columns, masks = _columns(table, readers)
    computed, computed_masks = _computed_fields(readers)
    limits = [view.limit for view in readers]
    return TableView(
        table=table,
        selectable=bool(readers),
        columns=columns,
        relationships={},
        filter=_any(view.filter for view in readers),
        computed_fields=computed,
        masks={**masks, **computed_masks},
        limit=None if None in limits else max((limit for limit in limits if limit is not None), default=None),
        aggregate=any(view.aggregate for view in readers),
        query_fields=_all_of(view.query_fields for view in readers),
        subscription_fields=_all_of(view.subscription_fields for view in readers),
        insert=_agreed(view.insert for view in views),
        update=_agreed(view.update for view in views),
        delete=_agreed(view.delete for view in views),
    )


def _columns(table: Table, readers: Sequence[TableView]) -> tuple[Mapping[str, Column], Mapping[str, BoolExp]]:
    columns: dict[str, Column] = {}
    masks: dict[str, BoolExp] = {}
    for column in table.columns.values():
        name = column.graphql_name
        having = [view for view in readers if name in view.columns]
        if not having:
            continue
        columns[name] = column
        mask = _mask(having, readers)
        if mask:
            columns[name] = replace(column, nullable=True)
            masks[name] = mask
    return columns, masks


def _computed_fields(
    readers: Sequence[TableView],
) -> tuple[Mapping[str, ComputedField], Mapping[str, BoolExp]]:
    found = {
        name: item
        for view in readers
        for name, item in view.computed_fields.items()
        # The others are ways to rows of another table, whose own filter is for all rows alike.
        if item.function.returns is None
    }
    masks = {name: _mask([view for view in readers if name in view.computed_fields], readers) for name in found}
    return found, {name: mask for name, mask in masks.items() if mask}


def _mask(having: Sequence[TableView], readers: Sequence[TableView]) -> BoolExp:
    """In which rows a field is seen; an empty condition where in all."""
    return {} if len(having) == len(readers) else _any(view.filter for view in having)


def _any(filters: Iterable[BoolExp]) -> BoolExp:
    distinct: list[BoolExp] = []
    for item in filters:
        if not item:
            return {}
        if item not in distinct:
            distinct.append(item)
    return distinct[0] if len(distinct) == 1 else {"_or": distinct}


def _all_of(allowed: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    """What any parent has, None being everything."""
    found: frozenset[str] = frozenset()
    for fields in allowed:
        if fields is None:
            return None
        found |= fields
    return found


def _agreed(written: Iterable[Written | None]) -> Written | None:
    """What the parents that may write have in common, or None where they differ."""
    found = [item for item in written if item is not None]
    return found[0] if found and all(item == found[0] for item in found) else None
