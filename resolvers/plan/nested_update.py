"""Nested updates: `_related` beside `_set` (see `schema.graphql.related` for what it may hold).

One update becomes a tree of steps. The rows to change are found and locked first, then

1. rows that they will refer to are found or inserted (`link`, `insert` where the row itself holds the key),
2. the rows are updated, keys included, so that the role's check sees them as they will be,
3. related rows are deleted, unlinked, updated, linked, inserted, in this order: what is about rows that were related
   before comes before what adds some.

Every step obeys the permissions of its own table: its filter decides which rows there are, its presets are set, its
check judges what was written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from resolvers import ir
from resolvers.errors import ValidationFailed
from resolvers.plan.context import Compiler
from resolvers.plan.insert import related_rows
from resolvers.plan.select import key_condition
from resolvers.plan.update import assignments_of, update_of
from resolvers.plan.where import client_condition, permission_condition, row_filter
from schema.catalogue import Column, Relationship, Table
from schema.graphql.related import RELATED, holds_key
from schema.view import TableView

_After = ir.RelatedChange | ir.RelatedLinks | ir.RelatedInsert | ir.MatchedRows


def change_rows(
    compiler: Compiler, table: TableView, where: ir.Condition, operators: Mapping[str, Any], path: str
) -> ir.Update | ir.NestedUpdate:
    """The update of the rows where `where` holds, `operators` standing at `path`. Raises ValidationFailed."""
    if not _related(operators):
        return update_of(compiler, table, where, assignments_of(compiler, table, operators, path))
    rows = _NestedUpdates(compiler).matched(table, where, operators, path, "$")
    return ir.NestedUpdate(table=table.table, rows=rows)


def _related(operators: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The operations asked for, by relationship. Nulls, and `unlink: false`, are as if they were left out."""
    given: dict[str, dict[str, Any]] = {}
    for name, operations in (operators.get(RELATED) or {}).items():
        kept = {operation: value for operation, value in (operations or {}).items() if value is not None}
        if kept:
            given[name] = kept
    return given


@dataclass(slots=True)
class _Steps:
    """What is collected around one update."""

    before: list[ir.RelatedRow] = field(default_factory=list)
    assignments: list[ir.Assignment] = field(default_factory=list)
    after: list[_After] = field(default_factory=list)


class _NestedUpdates:
    """Compiles one tree; numbers its slots."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self._slots = 0

    def matched(
        self, table: TableView, where: ir.Condition, operators: Mapping[str, Any], path: str, error_path: str
    ) -> ir.MatchedRows:
        """The rows of `table` where `where` holds, with what is done to them and to what is related."""
        slot = self._slot()
        steps = _Steps()
        columns = {name: table.table.columns[name] for name in table.table.primary_key}
        for name, operations in _related(operators).items():
            relationship = table.table.relationships[name]
            here = f"{path}.{RELATED}.{name}"
            columns |= {local: table.table.columns[local] for local, _ in relationship.columns}
            if holds_key(relationship):
                self._add_referred(steps, table, relationship, operations, slot, here)
            else:
                self._add_referring(steps, table, relationship, operations, slot, here)
        own = assignments_of(self._compiler, table, operators, path)
        _refuse_twice([*own, *steps.assignments], table.table, path)
        update = update_of(self._compiler, table, where, (*own, *steps.assignments))
        key = _in_slot(table.table, slot, [(name, name) for name in table.table.primary_key], table.table)
        return ir.MatchedRows(
            table=table.table,
            slot=slot,
            where=update.where,
            columns=tuple(columns.values()),
            before=tuple(steps.before),
            # By their key alone: that they may be changed was settled when they were locked.
            update=replace(update, where=key) if update.assignments else None,
            after=tuple(steps.after),
            path=error_path,
        )

    def _slot(self) -> int:
        self._slots += 1
        return self._slots - 1

    # The row holds the key

    def _add_referred(
        self,
        steps: _Steps,
        table: TableView,
        relationship: Relationship,
        operations: Mapping[str, Any],
        slot: int,
        path: str,
    ) -> None:
        operation, value = self._only(operations, path)
        target = self._compiler.view[relationship.target]
        here = f"{path}.{operation}"
        match operation:
            case "update":
                columns = [(remote, local) for local, remote in relationship.columns]
                condition = _in_slot(target.table, slot, columns, table.table)
                steps.after.append(self._change(target, condition, value, here))
            case "unlink":
                steps.assignments += _cleared(table.table, [local for local, _ in relationship.columns])
            case "link" | "insert":
                found = self._referred_row(target, relationship, operation, value, here)
                steps.before.append(found)
                for local, remote in relationship.columns:
                    column = table.table.columns[local]
                    param = ir.Param(source=ir.FromSlot(found.slot, remote), type=column.type)
                    steps.assignments.append(ir.Assignment(column=column, operator="_set", value=param))

    def _referred_row(
        self, target: TableView, relationship: Relationship, operation: str, value: Mapping[str, Any], path: str
    ) -> ir.RelatedRow:
        where: ir.Condition | None = None
        inserted: tuple[ir.InsertStep, ...] = ()
        if operation == "link":
            # Only to a row that the role sees.
            where = ir.both(key_condition(self._compiler, target, value), row_filter(self._compiler, target))
        else:
            inserted = related_rows(self._compiler, target, value, {}, path)
        return ir.RelatedRow(
            slot=self._slot(),
            table=target.table,
            where=where,
            steps=inserted,
            columns=tuple(target.table.columns[remote] for _, remote in relationship.columns),
            path=path,
        )

    # The related rows hold the key

    def _add_referring(
        self,
        steps: _Steps,
        table: TableView,
        relationship: Relationship,
        operations: Mapping[str, Any],
        slot: int,
        path: str,
    ) -> None:
        compiler, target = self._compiler, self._compiler.view[relationship.target]
        columns = [(remote, local) for local, remote in relationship.columns]
        related = _in_slot(target.table, slot, columns, table.table)
        if relationship.kind == "object":
            operation, value = self._only(operations, path)
            operations = {operation: value}
        for operation in ("delete", "unlink", "update", "link", "insert"):
            if operation not in operations or _is_empty(operations[operation]):
                continue
            value, here = operations[operation], f"{path}.{operation}"
            match operation:
                case "delete":
                    assert target.delete is not None
                    allowed = permission_condition(compiler.catalogue, target.table, target.delete.filter)
                    where = ir.both(allowed, related, self._where(target, value, here))
                    steps.after.append(ir.RelatedChange(change=ir.Delete(table=target.table, where=where), path=here))
                case "unlink":
                    where = ir.both(related, self._where(target, value, here))
                    cleared = tuple(_cleared(target.table, [remote for remote, _ in columns]))
                    change = update_of(compiler, target, where, cleared)
                    steps.after.append(ir.RelatedChange(change=change, path=here))
                case "update":
                    for index, item in enumerate(value if isinstance(value, list) else [value]):
                        at = f"{here}[{index}]" if isinstance(value, list) else here
                        where = ir.both(related, self._where(target, item, at))
                        steps.after.append(self._change(target, where, item, at))
                case "link":
                    steps.after.append(self._links(table, target, relationship, value, slot, here))
                case "insert":
                    steps.after.append(self._insert(table, target, relationship, value, slot, here))

    def _where(self, target: TableView, value: Any, path: str) -> ir.Condition:
        """The client's further condition; `unlink: true` and the update of one row have none."""
        if not isinstance(value, Mapping) or value.get("where") is None:
            return ir.TRUE
        return client_condition(self._compiler, target, value["where"], f"{path}.where")

    def _change(
        self, target: TableView, where: ir.Condition, operators: Mapping[str, Any], path: str
    ) -> ir.RelatedChange | ir.MatchedRows:
        if _related(operators):
            return self.matched(target, where, operators, path, path)
        assignments = assignments_of(self._compiler, target, operators, path)
        return ir.RelatedChange(change=update_of(self._compiler, target, where, assignments), path=path)

    def _links(
        self,
        table: TableView,
        target: TableView,
        relationship: Relationship,
        value: Sequence[Mapping[str, Any]] | Mapping[str, Any],
        slot: int,
        path: str,
    ) -> ir.RelatedLinks:
        keys = _keys(target.table, relationship, slot)
        assignments = tuple(
            ir.Assignment(column=target.table.columns[name], operator="_set", value=param)
            for name, param in keys.items()
        )
        places = (
            [(path, value)]
            if isinstance(value, Mapping)
            else [(f"{path}[{index}]", item) for index, item in enumerate(value)]
        )
        changes = tuple(
            ir.RelatedChange(
                change=update_of(self._compiler, target, key_condition(self._compiler, target, item), assignments),
                path=here,
            )
            for here, item in places
        )
        return ir.RelatedLinks(
            slot=slot,
            columns=_local(table.table, relationship),
            table=target.table,
            changes=changes,
            path=path,
        )

    def _insert(
        self,
        table: TableView,
        target: TableView,
        relationship: Relationship,
        value: Mapping[str, Any],
        slot: int,
        path: str,
    ) -> ir.RelatedInsert:
        keys = _keys(target.table, relationship, slot)
        steps = related_rows(self._compiler, target, value, keys, path)
        assert target.insert is not None
        if any(name in target.insert.presets for name in keys):
            # A preset has the last word about a column; then it must not relate the row to another than was meant.
            related = ir.both(
                *(
                    ir.Compare(column=target.table.columns[name], operator="_eq", value=param)
                    for name, param in keys.items()
                )
            )
            steps = tuple(
                replace(step, insert=replace(step.insert, check=ir.both(step.insert.check, related)))
                if step.is_root
                else step
                for step in steps
            )
        return ir.RelatedInsert(slot=slot, columns=_local(table.table, relationship), steps=steps, path=path)

    def _only(self, operations: Mapping[str, Any], path: str) -> tuple[str, Any]:
        """The one operation on a single related row. Booleans decide the statement."""
        given = {
            name: value
            for name, value in operations.items()
            if isinstance(value, Mapping) or self._compiler.scope.structural(value)
        }
        if len(given) > 1:
            named = " and ".join(f"'{name}'" for name in given)
            raise ValidationFailed(f"only one thing can be done with a single related row, but found {named}", path)
        return next(iter(given.items()), ("", None))


def _is_empty(value: Any) -> bool:
    """Nothing to update or link, or no rows to insert."""
    return value == [] or (isinstance(value, Mapping) and value.get("data", value) == [])


def _cleared(table: Table, names: Sequence[str]) -> list[ir.Assignment]:
    columns = [table.columns[name] for name in names]
    return [ir.Assignment(column=column, operator="_set", value=None) for column in columns if column.nullable]


def _keys(target: Table, relationship: Relationship, slot: int) -> dict[str, ir.Param]:
    """The related rows' key columns, taken from the row in the slot."""
    return {
        remote: ir.Param(source=ir.FromSlot(slot, local), type=target.columns[remote].type)
        for local, remote in relationship.columns
    }


def _local(table: Table, relationship: Relationship) -> tuple[Column, ...]:
    return tuple(table.columns[local] for local, _ in relationship.columns)


def _in_slot(table: Table, slot: int, columns: Sequence[tuple[str, str]], of: Table) -> ir.InSlot:
    """A row of `table` whose first columns equal the second ones of a row (of another table) in the slot."""
    return ir.InSlot(slot=slot, columns=tuple((table.columns[own], of.columns[theirs]) for own, theirs in columns))


def _refuse_twice(assignments: Sequence[ir.Assignment], table: Table, path: str) -> None:
    seen: set[str] = set()
    for item in assignments:
        if item.column.name in seen:
            name = table.columns[item.column.name].graphql_name
            raise ValidationFailed(f"'{name}' is set twice: by a related row, and by another or by an operator", path)
        seen.add(item.column.name)
