"""Inserts: rows with presets and checks, conflict clauses, and related rows that are inserted along.

A plain insert is one statement. A nested one becomes steps: what a row's key depends on first, then the row, then what
depends on its key (HASURA_DIALECT §4, Nested insert). Every level is checked by its own table's permission.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from resolvers import ir
from resolvers.columns import are_many
from resolvers.errors import ValidationFailed
from resolvers.inputs import Leaf
from resolvers.plan.context import Compiler
from resolvers.plan.where import client_condition, permission_condition, rule_param
from schema.catalogue import Column, Relationship, Table
from schema.graphql.inputs import PLACEHOLDER
from schema.view import BoolExp, TableView, UpdateView

Inserted = ir.Insert | ir.NestedInsert
_Keys = Mapping[str, ir.Param]


def compile_insert(
    compiler: Compiler,
    table: TableView,
    objects: Sequence[Mapping[str, Any]],
    on_conflict: Mapping[str, Any] | None,
    path: str,
    argument: str,
) -> Inserted:
    """The insert of `objects`, which stand at `path.argument`. Raises ValidationFailed."""
    places = [
        f"{path}.{argument}[{index}]" if argument == "objects" else f"{path}.{argument}"
        for index in range(len(objects))
    ]
    each = _each_row(compiler, table, objects)
    if each is not None:
        return replace(_insert(compiler, table, [each], on_conflict, path), each=True)
    if not any(_has_related(table, item) for item in objects):
        rows = [_row(compiler, table, item, {}, here) for item, here in zip(objects, places, strict=True)]
        return _insert(compiler, table, rows, on_conflict, path)
    nested = _Nested(compiler)
    for item, here in zip(objects, places, strict=True):
        nested.add_row(table, item, on_conflict, {}, here, is_root=True)
    return ir.NestedInsert(table=table.table, steps=tuple(nested.steps))


def _each_row(compiler: Compiler, table: TableView, objects: Sequence[Mapping[str, Any]]) -> ir.InsertRow | None:
    """One row for all `objects`, when they are many, come from one variable and give the same columns.

    The plan then serves any number of them, which its key must know (`Scope.row_names`). None when they have to be
    looked at one by one: they are few, or rows are nested in them, or one may not be null where it is, or a column
    takes certain texts only.
    """
    assert table.insert is not None
    first = objects[0] if objects else {}
    keys = first.keys()
    if not are_many(len(objects), len(keys)) or any(name not in table.insert.columns for name in keys):
        return None
    variable = next((leaf.source[0] for leaf in first.values() if isinstance(leaf, Leaf) and leaf.source), None)
    if variable is None or any(table.insert.columns[name].choices is not None for name in keys):
        return None
    for index, item in enumerate(objects):
        if item.keys() != keys:
            return None
        for name, leaf in item.items():
            if leaf is None:
                if not table.insert.columns[name].nullable:
                    return None
            elif not isinstance(leaf, Leaf) or leaf.structural or leaf.source != (variable, index, name):
                return None
    values: dict[str, ir.Param | None] = {}
    for name in keys:
        column = table.insert.columns[name]
        source = ir.EachRow(str(variable), name, column.nullable)
        values[column.name] = ir.Param(source=source, type=column.type, many=True)
    presets = table.insert.presets.items()
    values |= {name: rule_param(value, table.table.columns[name].type) for name, value in presets}
    compiler.scope.row_names.add(str(variable))
    return ir.InsertRow(values=tuple(values.items()))


def related_rows(
    compiler: Compiler, table: TableView, nested: Mapping[str, Any], keys: _Keys, path: str
) -> tuple[ir.InsertStep, ...]:
    """The steps that insert `{data, on_conflict}`, which stand at `path`, with these values in their key columns.

    The rows are the steps' root ones. Without `keys` something else needs the row. Raises ValidationFailed.
    """
    steps = _Nested(compiler)
    if not _is_given(nested):
        return ()
    if isinstance(nested["data"], list):
        steps.add_children(table, nested, keys, path, is_root=True)
    else:
        on_conflict = nested.get("on_conflict")
        steps.add_row(table, nested["data"], on_conflict, keys, f"{path}.data", is_root=True, is_needed=not keys)
    return tuple(steps.steps)


class _Nested:
    """Collects the steps of a nested insert in the order they must run."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self.steps: list[ir.InsertStep] = []

    def add_row(
        self,
        table: TableView,
        item: Mapping[str, Any],
        on_conflict: Mapping[str, Any] | None,
        keys: _Keys,
        path: str,
        *,
        is_root: bool = False,
        is_needed: bool = False,
    ) -> int:
        """Add the steps of one row with what is related to it; the number of the row's own step."""
        before, after = _related(table, item, path)
        determined = {*keys, *(local for relationship, _ in before for local, _ in relationship.columns)}
        _refuse_determined(table, item, determined, path)
        filled = dict(keys)
        for relationship, nested in before:
            target = self._compiler.view[relationship.target]
            here = f"{path}.{relationship.name}"
            step = self.add_row(target, nested["data"], nested.get("on_conflict"), {}, f"{here}.data", is_needed=True)
            filled |= _taken(target.table, relationship.columns, step)
        row = _row(self._compiler, table, item, filled, path)
        own = self._add(table, [row], on_conflict, path, is_needed=is_needed or bool(after), is_root=is_root)
        for relationship, nested in after:
            target = self._compiler.view[relationship.target]
            columns = tuple((remote, local) for local, remote in relationship.columns)
            self.add_children(target, nested, _taken(table.table, columns, own), f"{path}.{relationship.name}")
        return own

    def add_children(
        self, target: TableView, nested: Mapping[str, Any], keys: _Keys, path: str, *, is_root: bool = False
    ) -> None:
        """Add the steps of rows with these keys."""
        data = nested["data"]
        children = data if isinstance(data, list) else [data]
        places = [
            f"{path}.data[{index}]" if isinstance(data, list) else f"{path}.data" for index in range(len(children))
        ]
        if any(_has_related(target, child) for child in children):
            for child, here in zip(children, places, strict=True):
                self.add_row(target, child, nested.get("on_conflict"), keys, here, is_root=is_root)
            return
        rows = []
        for child, here in zip(children, places, strict=True):
            _refuse_determined(target, child, keys.keys(), here)
            rows.append(_row(self._compiler, target, child, keys, here))
        if rows:
            self._add(target, rows, nested.get("on_conflict"), path, is_needed=False, is_root=is_root)

    def _add(
        self,
        table: TableView,
        rows: list[ir.InsertRow],
        on_conflict: Mapping[str, Any] | None,
        path: str,
        *,
        is_needed: bool,
        is_root: bool,
    ) -> int:
        insert = _insert(self._compiler, table, rows, on_conflict, path)
        self.steps.append(ir.InsertStep(insert=insert, is_needed=is_needed, is_root=is_root))
        return len(self.steps) - 1


def _has_related(table: TableView, item: Mapping[str, Any]) -> bool:
    assert table.insert is not None
    return any(name not in table.insert.columns and _is_given(value) for name, value in item.items())


def _is_given(nested: Mapping[str, Any] | None) -> bool:
    """Null, and a list of no rows, are as if they were left out."""
    return nested is not None and nested.get("data") not in (None, [])


def _related(
    table: TableView, item: Mapping[str, Any], path: str
) -> tuple[list[tuple[Relationship, Mapping[str, Any]]], list[tuple[Relationship, Mapping[str, Any]]]]:
    """What is inserted before the row, and what after it."""
    assert table.insert is not None
    before: list[tuple[Relationship, Mapping[str, Any]]] = []
    after: list[tuple[Relationship, Mapping[str, Any]]] = []
    for name, value in item.items():
        if name in table.insert.columns or not _is_given(value):
            continue
        relationship = table.table.relationships[name]
        is_child = relationship.kind == "array" or relationship.insert_after
        if not is_child and len(relationship.columns) == 0:
            raise ValidationFailed(f"rows can't be inserted through '{name}'", f"{path}.{name}")
        (after if is_child else before).append((relationship, value))
    return before, after


def _refuse_determined(table: TableView, item: Mapping[str, Any], determined: Collection[str], path: str) -> None:
    """Raise ValidationFailed if the item gives one of the columns (named as in the database)."""
    assert table.insert is not None
    for name in item:
        column = table.insert.columns.get(name)
        if column is not None and column.name in determined:
            raise ValidationFailed(
                f"cannot insert '{name}' column as its value is already determined by the related row", f"{path}.{name}"
            )


def _taken(table: Table, columns: Sequence[tuple[str, str]], step: int) -> dict[str, ir.Param]:
    """Values for the first of each pair: the second's in the row that the step wrote."""
    return {
        mine: ir.Param(source=ir.FromStep(step, theirs), type=table.columns[theirs].type) for mine, theirs in columns
    }


def _insert(
    compiler: Compiler, table: TableView, rows: Sequence[ir.InsertRow], on_conflict: Mapping[str, Any] | None, path: str
) -> ir.Insert:
    assert table.insert is not None
    return ir.Insert(
        table=table.table,
        rows=tuple(rows),
        check=permission_condition(compiler.catalogue, table.table, table.insert.check),
        on_conflict=_on_conflict(compiler, table, on_conflict, path) if on_conflict else None,
        update_check=update_check(compiler, table) if on_conflict else None,
    )


def _row(compiler: Compiler, table: TableView, item: Mapping[str, Any], keys: _Keys, path: str) -> ir.InsertRow:
    insert = table.insert
    assert insert is not None
    values: dict[str, ir.Param | None] = {}
    for name, value in item.items():
        column = insert.columns.get(name)
        if column is None:
            continue
        if value is None and not column.nullable:
            raise ValidationFailed(f"unexpected null value for type '{column.scalar}'", f"{path}.{name}")
        values[column.name] = None if value is None else compiler.param(value, column.type)
    values |= keys
    # Presets last: neither a client nor a related row overrides what the rules set.
    values |= {name: rule_param(value, table.table.columns[name].type) for name, value in insert.presets.items()}
    return ir.InsertRow(values=tuple(values.items()))


def _on_conflict(compiler: Compiler, table: TableView, spec: Mapping[str, Any], path: str) -> ir.OnConflict:
    names = list(dict.fromkeys(spec.get("update_columns") or ()))
    if PLACEHOLDER in names and (table.update is None or PLACEHOLDER not in table.update.columns):
        raise ValidationFailed("erroneous column name", f"{path}.on_conflict")
    where: ir.Condition = ir.TRUE
    presets: tuple[ir.Assignment, ...] = ()
    columns: tuple[Column, ...] = ()
    if names:
        update = table.update
        assert update is not None
        columns = tuple(update.columns[name] for name in names)
        presets = preset_assignments(table.table, update)
        where = permission_condition(compiler.catalogue, table.table, update.filter)
        if spec.get("where"):
            client = client_condition(compiler, table, spec["where"], f"{path}.on_conflict.where")
            where = ir.both(where, client)
    return ir.OnConflict(constraint=spec["constraint"], columns=columns, presets=presets, where=where)


def preset_assignments(table: Table, update: UpdateView) -> tuple[ir.Assignment, ...]:
    """What the role's presets set on every row that it updates."""
    return tuple(
        ir.Assignment(column=table.columns[name], operator="_set", value=rule_param(value, table.columns[name].type))
        for name, value in update.presets.items()
    )


def update_check(compiler: Compiler, table: TableView) -> ir.Condition:
    """What a row must satisfy after the role changed it."""
    check: BoolExp | None = table.update.check if table.update else None
    return ir.TRUE if check is None else permission_condition(compiler.catalogue, table.table, check)
