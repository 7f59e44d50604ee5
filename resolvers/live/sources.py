"""Which tables a subscription reads, and how each place where it does so hangs on the others.

A *source* is one place where rows of a table come into a statement: the root field, a relationship below it, an EXISTS
in a filter, a step of an ordering. A row of the table can make a difference there only if it satisfies the source's
condition and is linked to a row of the parent source that matters. `routes` concludes from this whom a change concerns.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from resolvers import ir
from schema.catalogue import Column, Table

Columns = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Source:
    """One place where a statement reads a table."""

    table: Table
    #: What a row must satisfy to make a difference here; the role's filter is part of it.
    where: ir.Condition
    parent: "Source | None" = None
    #: Pairs of the parent's column and this table's that are equal in rows that belong together; none: unrelated.
    columns: Columns = ()
    #: Where it stands in the parent's condition, so that its rows decide which of the parent's matter: what the
    #: parent's rows must satisfy besides. None where it only shows what belongs to the parent's rows, or sorts them.
    beside: ir.Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """All that a statement reads."""

    all: tuple[Source, ...]
    #: Functions are called, or there is something unknown in the statement: what it reads can't be told.
    is_opaque: bool


def sources_of(root: ir.RootQuery | ir.RootStream) -> Sources:
    """Everything that the root field reads. Pure."""
    walk = _Walk()
    if isinstance(root, ir.RootStream):
        walk.rows(root.rows, None, ())
    elif isinstance(root, ir.RootQuery):
        walk.node(root.node, None, ())
    else:
        walk.is_opaque = True
    return Sources(all=tuple(walk.found), is_opaque=walk.is_opaque)


def conjuncts(condition: ir.Condition) -> Iterator[ir.Condition]:
    """The conditions that must all hold for `condition` to hold."""
    if isinstance(condition, ir.And):
        for item in condition.items:
            yield from conjuncts(item)
    else:
        yield condition


@dataclass(slots=True)
class _Walk:
    found: list[Source] = field(default_factory=list)
    is_opaque: bool = False

    def node(self, node: ir.Rows | ir.Aggregate | ir.Page | ir.Groups, parent: Source | None, columns: Columns) -> None:
        match node:
            case ir.Rows():
                self.rows(node, parent, columns)
            case ir.Aggregate():
                self.blocks(node.blocks, self.rows(node.rows, parent, columns))
            case ir.Page():
                here = self.add(Source(table=node.table, where=node.where, parent=parent, columns=columns))
                self.items(node.nodes or (), here)
                for key in node.order:
                    self.order_key(key, here)
            case ir.Groups():
                here = self.add(Source(table=node.table, where=node.where, parent=parent, columns=columns))
                self.columns((item.column for item in node.keys), here)
                self.columns((item.column for item in node.having if item.column is not None), here)
                self.columns((item.column for item in node.order if item.column is not None), here)
                self.columns((item.key.column for item in node.order if item.key is not None), here)
                self.blocks((block for block in node.items if not isinstance(block, ir.GroupKeyBlock)), here)
            case _:
                self.is_opaque = True

    def rows(self, rows: ir.Rows, parent: Source | None, columns: Columns) -> Source:
        here = self.add(Source(table=rows.table, where=rows.where, parent=parent, columns=columns))
        if rows.call is not None:
            self.is_opaque = True
        self.items(rows.items, here)
        self.columns(rows.distinct, here)
        for key in rows.order:
            self.order_key(key, here)
        return here

    def add(self, source: Source) -> Source:
        self.found.append(source)
        demanded = list(conjuncts(source.where))
        for place, condition in enumerate(demanded):
            self.condition(condition, source, ir.both(*demanded[:place], *demanded[place + 1 :]))
        return source

    def items(self, items: Iterable[ir.Selection], here: Source) -> None:
        for item in items:
            match item:
                case ir.ColumnItem():
                    self.columns((item.column,), here)
                case ir.ObjectItem() | ir.ArrayItem():
                    self.rows(item.rows, here, item.relationship.columns)
                case ir.AggregateItem():
                    self.node(item.aggregate, here, item.relationship.columns)
                case ir.TypenameItem():
                    pass
                case _:
                    # Computed by a function.
                    self.is_opaque = True

    def blocks(self, blocks: Iterable[ir.AggregateBlock | ir.NodesBlock | ir.TypenameItem], here: Source) -> None:
        for block in blocks:
            match block:
                case ir.NodesBlock():
                    self.items(block.items, here)
                case ir.AggregateBlock():
                    for item in block.items:
                        leaves = item.values if isinstance(item, ir.AggregateGroup) else (item,)
                        for leaf in leaves:
                            if isinstance(leaf, ir.AggregateValue):
                                self.columns(leaf.columns, here)
                case ir.TypenameItem():
                    pass
                case _:
                    self.is_opaque = True

    def order_key(self, key: ir.OrderKey, here: Source) -> None:
        for step in key.path:
            here = self.add(Source(table=step.table, where=step.where, parent=here, columns=step.relationship.columns))
        if key.column is not None:
            self.columns((key.column,), here)
        if key.aggregate is not None and key.aggregate.call is not None:
            self.is_opaque = True
        elif key.aggregate is not None:
            inner = self.add(
                Source(
                    table=key.aggregate.table,
                    where=key.aggregate.where,
                    parent=here,
                    columns=key.aggregate.columns,
                )
            )
            if key.aggregate.column is not None:
                self.columns((key.aggregate.column,), inner)

    def condition(self, condition: ir.Condition, here: Source, beside: ir.Condition) -> None:
        """A condition on rows of `here`, or a part of one; `beside` is what must hold of the rows anyway."""
        match condition:
            case ir.And(items) | ir.Or(items):
                for item in items:
                    self.condition(item, here, beside)
            case ir.Not(item):
                self.condition(item, here, beside)
            case ir.Among():
                # Its rows' condition is beside it anyway.
                self.condition(condition.item, here, beside)
            case ir.Compare() | ir.IsNull():
                self.columns((condition.column,), here, beside)
            case ir.CompareColumns():
                self.columns((condition.column, condition.other), here, beside)
            case ir.Exists() if condition.call is not None:
                self.is_opaque = True
            case ir.Exists():
                self.add(
                    Source(
                        table=condition.table,
                        where=condition.where,
                        parent=here,
                        columns=condition.columns,
                        beside=beside,
                    )
                )
            case ir.AggregateCompare():
                inner = self.add(
                    Source(
                        table=condition.table,
                        where=condition.where,
                        parent=here,
                        columns=condition.relationship.columns,
                        beside=beside,
                    )
                )
                self.columns(condition.columns, inner)
            case _:
                self.is_opaque = True

    def columns(self, columns: Iterable[Column], here: Source, beside: ir.Condition | None = None) -> None:
        """What computing or masking the columns reads besides the row; `beside` where a condition looks at them."""
        for column in columns:
            if column.computed_by is not None:
                self.is_opaque = True
            if column.mask is not None:
                self.condition(column.mask, here, here.where if beside is None else beside)
