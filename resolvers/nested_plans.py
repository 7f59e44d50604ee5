"""Inserts and updates of several tables as statements: what `run_nested` carries out, step by step.

The tree of a nested update is that of `ir.MatchedRows`, with text in the place of conditions and assignments.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from resolvers import ir
from resolvers.sql.mutate import change_sql, counted_change_sql, kept_change_sql
from resolvers.sql.nested_update import kept_rows_sql, matched_rows_sql, rows_of_slot_sql
from resolvers.sql.writer import Writer
from resolvers.statement import Statement, make_statement
from schema.catalogue import Column


@dataclass(frozen=True, slots=True)
class NestedStep:
    """One statement of a nested insert (see `ir.InsertStep`)."""

    statement: Statement
    is_needed: bool
    is_root: bool


@dataclass(frozen=True, slots=True)
class RowStep:
    """Finds the row that others will refer to, by `find` or by inserting it; keeps it in `slot`."""

    slot: int
    find: Statement | None
    steps: tuple[NestedStep, ...]
    columns: tuple[str, ...]
    #: The table's GraphQL name, for messages.
    table: str
    path: str


@dataclass(frozen=True, slots=True)
class ChangeStep:
    """Changes related rows; its first column is their number."""

    statement: Statement
    path: str


@dataclass(frozen=True, slots=True)
class LinkStep:
    """Changes a row a statement, so that each refers to the one row in `slot`."""

    slot: int
    columns: tuple[str, ...]
    changes: tuple[ChangeStep, ...]
    table: str
    path: str


@dataclass(frozen=True, slots=True)
class InsertsStep:
    """Inserts the same for every row in `slot`."""

    slot: int
    columns: tuple[str, ...]
    steps: tuple[NestedStep, ...]
    path: str


@dataclass(frozen=True, slots=True)
class MatchStep:
    """Finds and locks rows, changes them, and what is related to them (see `ir.MatchedRows`)."""

    slot: int
    match: Statement
    before: tuple[RowStep, ...]
    change: Statement | None
    after: "tuple[ChangeStep | LinkStep | InsertsStep | MatchStep, ...]"
    path: str


@dataclass(frozen=True, slots=True)
class NestedUpdateSteps:
    """A nested update: its tree, the statement that reads the rows it was about, and the one that answers."""

    rows: MatchStep
    #: None when the answer shows no rows.
    read: Statement | None
    then: Statement

    def statements(self) -> Iterator[Statement]:
        """Every statement, in the order they run."""
        yield from _statements(self.rows)
        if self.read is not None:
            yield self.read
        yield self.then


def insert_steps(steps: tuple[ir.InsertStep, ...]) -> tuple[NestedStep, ...]:
    """The statements of a nested insert."""
    found = []
    for step in steps:
        writer = Writer()
        found.append(NestedStep(make_statement(change_sql(writer, step.insert), writer), step.is_needed, step.is_root))
    return tuple(found)


def nested_update_steps(change: ir.NestedUpdate, then: Statement, *, shows_rows: bool) -> NestedUpdateSteps:
    """The statements of a nested update. With `shows_rows` its answer `then` is about the rows."""
    writer = Writer()
    read = make_statement(rows_of_slot_sql(writer, change.rows), writer) if shows_rows else None
    return NestedUpdateSteps(_match(change.rows), read, then)


def _match(rows: ir.MatchedRows) -> MatchStep:
    writer = Writer()
    match = make_statement(matched_rows_sql(writer, rows), writer)
    change = None
    if rows.update is not None:
        writer = Writer()
        change = make_statement(kept_change_sql(writer, rows.update, rows.columns), writer)
    return MatchStep(
        slot=rows.slot,
        match=match,
        before=tuple(_row(item) for item in rows.before),
        change=change,
        after=tuple(_after(item) for item in rows.after),
        path=rows.path,
    )


def _row(row: ir.RelatedRow) -> RowStep:
    find = None
    if row.where is not None:
        writer = Writer()
        find = make_statement(kept_rows_sql(writer, row.table, row.where, row.columns), writer)
    return RowStep(
        slot=row.slot,
        find=find,
        steps=insert_steps(row.steps),
        columns=_names(row.columns),
        table=row.table.graphql_name,
        path=row.path,
    )


def _after(
    item: ir.RelatedChange | ir.RelatedLinks | ir.RelatedInsert | ir.MatchedRows,
) -> ChangeStep | LinkStep | InsertsStep | MatchStep:
    match item:
        case ir.MatchedRows():
            return _match(item)
        case ir.RelatedChange():
            return ChangeStep(_counted(item.change), item.path)
        case ir.RelatedLinks():
            return LinkStep(
                slot=item.slot,
                columns=_names(item.columns),
                changes=tuple(ChangeStep(_counted(link.change), link.path) for link in item.changes),
                table=item.table.graphql_name,
                path=item.path,
            )
        case ir.RelatedInsert():
            return InsertsStep(
                slot=item.slot, columns=_names(item.columns), steps=insert_steps(item.steps), path=item.path
            )


def _counted(change: ir.Update | ir.Delete) -> Statement:
    writer = Writer()
    return make_statement(counted_change_sql(writer, change), writer)


def _names(columns: tuple[Column, ...]) -> tuple[str, ...]:
    return tuple(column.name for column in columns)


def _statements(step: MatchStep) -> Iterator[Statement]:
    yield step.match
    for row in step.before:
        if row.find is not None:
            yield row.find
        yield from (insert.statement for insert in row.steps)
    if step.change is not None:
        yield step.change
    for after in step.after:
        match after:
            case MatchStep():
                yield from _statements(after)
            case ChangeStep():
                yield after.statement
            case LinkStep():
                yield from (link.statement for link in after.changes)
            case InsertsStep():
                yield from (insert.statement for insert in after.steps)
