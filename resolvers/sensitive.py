"""Which sensitive tables an operation reads for whoever sent it, known once per plan.

A table is read where its rows are shown, counted, grouped, aggregated or changed by a condition, and where a client's
own `where` or `order_by` leads through it, since the answer then tells of its rows. The conditions of the role's rules
do not count: they decide what is seen and show nothing. Nor does an insert that asks for nothing back.

How many rows an answer shows is told from its bytes: each object of such a table opens with the key that the document
selects first (`{"id"`), which no text inside JSON can look like. Where a row of another table opens with the same key
it is counted as well, so that the number may be too high and is never too low. An aggregate or a group counts as one.
Functions count as what they return: the rows of their table.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from permissions.session import Session
from resolvers import ir
from schema.catalogue import Table, TableKey

_Read = ir.Rows | ir.Aggregate | ir.Page | ir.Groups

_NOTHING: Final[Mapping[str, tuple[TableKey, ...]]] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class SensitiveRead:
    """What one operation reads of sensitive tables."""

    #: The operation's name, if it has one.
    operation: str | None
    #: Sorted.
    tables: tuple[TableKey, ...]
    #: How the objects that show their rows begin.
    openings: tuple[bytes, ...]
    #: Hand-written fields that show a row of theirs.
    hand_written: int = 0

    def count(self, answer: bytes) -> int:
        """How many rows the answer shows, at most."""
        rows = self.hand_written
        for opening in self.openings:
            rows += answer.count(opening)
        return rows


class AccessRecorder(Protocol):
    """Takes note of reads. `record` is called for every one of them, so it must not wait for anything."""

    @property
    def is_full(self) -> bool:
        """Whether nothing more can be taken note of now: then `wait_for_room` comes before a read."""
        ...

    async def wait_for_room(self) -> None:
        """Return when a read can be recorded again; raises GraphQLRequestError when that takes too long."""
        ...

    def record(self, session: Session, read: SensitiveRead, row_count: int) -> None:
        """Somebody was shown this."""
        ...


def find_sensitive_read(
    operation: ir.OperationIR, name: str | None, hand_written: Mapping[str, tuple[TableKey, ...]] = _NOTHING
) -> SensitiveRead | None:
    """What the operation reads of sensitive tables, None for nothing. Pure.

    `hand_written` are the sensitive tables that hand-written fields show a row of, by the field's name.
    """
    walk = _Walk()
    shown = 0
    for root in operation.roots:
        match root:
            case ir.RootQuery(node=node):
                walk.root(node)
            case ir.RootStream(rows=rows):
                walk.root(rows)
            case ir.RootMutation(steps=steps):
                for step in steps:
                    walk.root(step)
            case ir.RootHandWritten(name=field_name) if field_name in hand_written:
                walk.tables.update(hand_written[field_name])
                shown += 1
    if not walk.tables:
        return None
    return SensitiveRead(
        operation=name,
        tables=tuple(sorted(walk.tables)),
        openings=tuple(sorted(walk.openings)),
        hand_written=shown,
    )


@dataclass(slots=True)
class _Walk:
    tables: set[TableKey] = field(default_factory=set)
    openings: set[bytes] = field(default_factory=set)

    def root(self, node: _Read | ir.Mutate) -> None:
        """A root field; where only conditions led through sensitive tables, its own rows are what tells of them."""
        known, opened = len(self.tables), len(self.openings)
        if isinstance(node, ir.Mutate):
            self.mutate(node)
        else:
            self.node(node)
        if len(self.tables) > known and len(self.openings) == opened:
            self.opens(_first_key(node))

    def reads(self, table: Table, first_key: str | None = None) -> None:
        if table.sensitive:
            self.tables.add(table.key)
            self.opens(first_key)

    def opens(self, first_key: str | None) -> None:
        if first_key is not None:
            self.openings.add(b'{"' + first_key.encode() + b'"')

    def node(self, node: _Read) -> None:
        match node:
            case ir.Rows():
                self.rows(node)
            case ir.Aggregate(rows=rows, blocks=blocks):
                self.reads(rows.table, _first_key(node))
                self.condition(rows.where)
                self.order(rows.order)
                for block in blocks:
                    if isinstance(block, ir.NodesBlock):
                        self.items(rows.table, block.items)
            case ir.Page():
                self.reads(node.table, _first_key(node))
                self.condition(node.where)
                self.order(node.order)
                self.items(node.table, node.nodes or ())
            case ir.Groups():
                self.reads(node.table, _first_key(node))
                self.condition(node.where)

    def rows(self, rows: ir.Rows) -> None:
        self.reads(rows.table, _first_key(rows))
        self.items(rows.table, rows.items)
        self.condition(rows.where)
        self.order(rows.order)

    def items(self, table: Table, items: tuple[ir.Selection, ...]) -> None:
        if items:
            self.reads(table, items[0].key)
        for item in items:
            match item:
                case ir.ObjectItem(rows=rows) | ir.ArrayItem(rows=rows) | ir.ComputedRowsItem(rows=rows):
                    self.rows(rows)
                case ir.AggregateItem(aggregate=aggregate):
                    self.node(aggregate)

    def order(self, keys: Iterable[ir.OrderKey]) -> None:
        for key in keys:
            for step in key.path:
                self.reads(step.table)
            if key.aggregate is not None:
                self.reads(key.aggregate.table)

    def condition(self, condition: ir.Condition) -> None:
        """What a client's part of the condition leads through."""
        match condition:
            case ir.And(items) | ir.Or(items):
                for item in items:
                    self.condition(item)
            case ir.Not(item):
                self.condition(item)
            case ir.Among():
                self.condition(condition.item)
            case ir.Exists():
                if condition.asked:
                    self.reads(condition.table)
                    self.condition(condition.where)
            case ir.AggregateCompare():
                self.reads(condition.table)
                self.condition(condition.where)

    def mutate(self, mutate: ir.Mutate) -> None:
        change = mutate.change
        match change:
            case ir.Update() | ir.Delete():
                # How many rows it changed tells how many there are.
                self.reads(change.table)
                self.condition(change.where)
            case ir.NestedUpdate():
                self.matched(change.rows)
            case ir.Insert(on_conflict=ir.OnConflict(where=where)):
                self.condition(where)
        if isinstance(mutate.answer, ir.Response):
            for _, item in mutate.answer.items:
                if isinstance(item, tuple):
                    self.items(change.table, item)
        else:
            self.items(change.table, mutate.answer)

    def matched(self, rows: ir.MatchedRows) -> None:
        self.reads(rows.table)
        self.condition(rows.where)
        for before in rows.before:
            if before.where is not None:
                self.reads(before.table)
                self.condition(before.where)
        for after in rows.after:
            match after:
                case ir.MatchedRows():
                    self.matched(after)
                case ir.RelatedChange(change=change):
                    self.reads(change.table)
                    self.condition(change.where)
                case ir.RelatedLinks():
                    self.reads(after.table)


def _first_key(node: _Read | ir.Mutate) -> str | None:
    """The key that the node's objects open with."""
    match node:
        case ir.Rows(items=items) if items:
            return items[0].key
        case ir.Aggregate(blocks=blocks) if blocks:
            return blocks[0].key
        case ir.Page(nodes=nodes, items=items) if not nodes and items:
            return items[0][0]
        case ir.Groups(items=items) if items:
            return items[0].key
        case ir.Mutate(answer=ir.Response(items=items)) if items:
            return items[0][0]
        case _:
            return None
