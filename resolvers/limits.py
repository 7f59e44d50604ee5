"""What one operation may ask for, judged before there is any SQL.

Every refusal says which limit, its value, and what the request has. Fast paths know only plans that passed.
"""

from dataclasses import dataclass
from typing import Final

from resolvers import ir
from resolvers.errors import GraphQLRequestError, ValidationFailed

#: Rows that a list without any limit is taken to have: most are what belongs to one row, and short.
_UNBOUNDED_LIST: Final = 25
#: Where a role has no limit of its own: a statement's select list, a root field an entry, has at most 1,664.
_MOST_ROOT_FIELDS: Final = 1_600
#: For everyone: tools rename nothing, and each level of renamed fields multiplies what there is to answer.
_MOST_INTROSPECTION_ALIASES: Final = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationLimits:
    """The limits of a role; None means none."""

    #: Levels of selections, the root field being the first.
    depth: int | None = 15
    #: Root fields, aliases of the same field counted each.
    root_fields: int | None = 50
    #: Fields under a name of the client's choice, at all levels.
    aliases: int | None = 500
    #: Rows that the answer may hold by its `limit` arguments; a list without one counts as 25, if the role may see as
    #: many. So lists may stand four deep without any, as Hasura's clients ask for them, and no deeper.
    estimated_rows: int | None = 1_000_000
    #: Seconds that one statement may take; None leaves it to the server's own limit.
    statement_timeout_s: float | None = None
    #: Whether `__schema` and `__type` are answered.
    introspection: bool = True


UNLIMITED: Final = OperationLimits(depth=None, root_fields=None, aliases=None, estimated_rows=None)


def check_operation(operation: ir.OperationIR, limits: OperationLimits) -> None:
    """Raise ValidationFailed for the first limit that the operation goes over."""
    most = _MOST_ROOT_FIELDS if limits.root_fields is None else limits.root_fields
    _check("root_fields", most, len(operation.roots))
    hand_written = [root for root in operation.roots if isinstance(root, ir.RootHandWritten)]
    _check("aliases", limits.aliases, operation.aliases + sum(root.aliases for root in hand_written))
    for asked in hand_written:
        if asked.name.startswith("__"):
            here = f"$.selectionSet.{asked.name}"
            _check("aliases of introspection", _MOST_INTROSPECTION_ALIASES, asked.aliases, here)
    schemas = sum(asked.name == "__schema" for asked in hand_written)
    _check("aliases of introspection", _MOST_INTROSPECTION_ALIASES, schemas)
    for root in operation.roots:
        path = f"$.selectionSet.{root.key}"
        if isinstance(root, ir.RootHandWritten):
            if root.name.startswith("__") and not limits.introspection:
                raise ValidationFailed("introspection is switched off for this role (limit introspection: false)", path)
        elif isinstance(root, ir.RootQuery):
            items = _items(root.node)
            _check("depth", limits.depth, 1 + _depth(items), path)
            rows = 1.0 if root.single else _list_size(root.node)
            _check("estimated_rows", limits.estimated_rows, int(rows * (1 + _rows(items))), path)
        elif isinstance(root, ir.RootStream):
            _check("depth", limits.depth, 1 + _depth(root.rows.items), path)
            rows = int(_list_size(root.rows) * (1 + _rows(root.rows.items)))
            _check("estimated_rows", limits.estimated_rows, rows, path)
        elif isinstance(root, ir.RootMutation):
            answers = [_answer(step) for step in root.steps]
            _check("depth", limits.depth, 1 + max((_depth(items) for items in answers), default=0), path)


def statement_timed_out(limit_s: float) -> GraphQLRequestError:
    """The error for an operation that took too long."""
    return GraphQLRequestError(
        "unexpected", f"the operation took longer than the limit statement_timeout_s: {limit_s:g} s, and was stopped"
    )


def _check(name: str, limit: int | None, found: int, path: str = "$") -> None:
    if limit is not None and found > limit:
        raise ValidationFailed(f"the operation goes over the limit {name}: {limit} allowed, {found} asked for", path)


def _items(node: ir.Rows | ir.Aggregate | ir.Page | ir.Groups) -> tuple[ir.Selection, ...]:
    if isinstance(node, ir.Rows):
        return node.items
    if isinstance(node, ir.Page):
        return node.nodes or ()
    if isinstance(node, ir.Groups):
        return ()
    return tuple(item for block in node.blocks if isinstance(block, ir.NodesBlock) for item in block.items)


def _answer(step: ir.Mutate | ir.Rows) -> tuple[ir.Selection, ...]:
    if isinstance(step, ir.Rows):
        return step.items
    if isinstance(step.answer, ir.Response):
        return tuple(selection for _, item in step.answer.items if isinstance(item, tuple) for selection in item)
    return step.answer


def _below(item: ir.Selection) -> tuple[ir.Selection, ...] | None:
    """What hangs below a selection, or None for a leaf."""
    match item:
        case ir.ObjectItem() | ir.ArrayItem() | ir.ComputedRowsItem():
            return item.rows.items
        case ir.AggregateItem():
            return _items(item.aggregate)
        case _:
            return None


def _depth(items: tuple[ir.Selection, ...]) -> int:
    return max((1 + _depth(below) if (below := _below(item)) is not None else 1 for item in items), default=0)


def _rows(items: tuple[ir.Selection, ...]) -> float:
    """Rows below one row."""
    total = 0.0
    for item in items:
        below = _below(item)
        if below is None:
            continue
        size = 1.0
        if isinstance(item, ir.ArrayItem | ir.ComputedRowsItem):
            size = _list_size(item.rows)
        elif isinstance(item, ir.AggregateItem):
            size = _list_size(item.aggregate)
        total += size * (1 + _rows(below))
    return total


def _list_size(node: ir.Rows | ir.Aggregate | ir.Page | ir.Groups) -> float:
    """As many rows as were asked for, or as such a list usually has; never more than the role may see."""
    match node:
        case ir.Aggregate(rows=rows, blocks=blocks):
            nodes = next((block for block in blocks if isinstance(block, ir.NodesBlock)), None)
            return _at_most(_asked(rows), nodes.limit) if nodes is not None else 1.0
        case ir.Rows():
            return _at_most(_asked(node), node.limit)
        case _:
            return float(_UNBOUNDED_LIST if node.limit is None else node.limit)


def _asked(rows: ir.Rows) -> int:
    return rows.limit if rows.limit_is_asked and rows.limit is not None else _UNBOUNDED_LIST


def _at_most(size: int, limit: int | None) -> float:
    return float(size if limit is None else min(size, limit))
