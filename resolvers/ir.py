"""The intermediate representation: an operation after its meaning is settled and before there is SQL.

Permissions are already in it (a role's filter is a condition like any other), names are catalogue names, and values
are `Param`s that say where a request's value comes from. All nodes are frozen; equal operations give equal trees.

Rows                     a list of rows of one table …
├── items: Selection     what each row shows: ColumnItem, TypenameItem, ObjectItem, ArrayItem, AggregateItem
├── where: Condition     And, Or, Not, Compare, IsNull, Exists …
└── order: OrderKey      by a column, through relationships, or by an aggregate over one
"""

from dataclasses import dataclass
from typing import Any, Literal

from schema.catalogue import Column, Function, Relationship, Table
from schema.types import PgType

# Values


@dataclass(frozen=True, slots=True, eq=False)
class Const:
    """A value that the document itself gives, equal to none of another kind: to Python, `true` is 1 and 1.0."""

    value: Any

    def __eq__(self, other: object) -> bool:
        """Whether the other one is written the same."""
        return isinstance(other, Const) and repr(self.value) == repr(other.value)

    def __hash__(self) -> int:
        """Of how it is written."""
        return hash(repr(self.value))


@dataclass(frozen=True, slots=True)
class FromVariables:
    """A value at this path of the request's variables."""

    path: tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class FromSession:
    """The session variable of this (lower-case) name."""

    name: str


@dataclass(frozen=True, slots=True)
class FromStep:
    """A column of the row that an earlier step of a nested insert wrote."""

    step: int
    column: str


@dataclass(frozen=True, slots=True)
class FromSlot:
    """A column of the row in a slot of a nested update: the only one, or the one whose turn it is."""

    slot: int
    column: str


@dataclass(frozen=True, slots=True)
class SlotRows:
    """All rows in a slot of a nested update, as JSON."""

    slot: int


@dataclass(frozen=True, slots=True)
class EachRow:
    """What all rows of a variable, a list of objects, have under one key, whatever their number."""

    variable: str
    key: str
    #: Whether a row may have null there.
    nullable: bool
    #: The value that all of them have, where it was given once; otherwise the values, where it was not. The one that
    #: isn't there is null.
    alike: bool = False


Source = Const | FromVariables | FromSession | FromStep | FromSlot | SlotRows | EachRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One bind. `many` binds a list as one text[]; `items` is a list whose items come from several places."""

    source: Source | tuple[Source, ...]
    type: PgType
    many: bool = False
    #: A client asks about rows by it, and may not see all that it is compared with (`resolvers.doubts`).
    asks: bool = False
    #: The value is a cursor, and this bind one part of it.
    part: "CursorPart | None" = None


@dataclass(frozen=True, slots=True)
class CursorPart:
    """Which value of a cursor of `length` values that an order with this fingerprint gave."""

    fingerprint: str
    length: int
    number: int


# Conditions


@dataclass(frozen=True, slots=True)
class And:
    """All hold; true when empty."""

    items: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Or:
    """One holds at least; false when empty."""

    items: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class Not:
    """The inner condition is false (unknown stays unknown)."""

    item: "Condition"


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """`column operator value`, by the dialect's operator name."""

    column: Column
    operator: str
    value: Param
    #: Compare the column's text form (`_cast: {String: …}`).
    as_text: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareColumns:
    """`column operator other`; the other column is of the row `levels_up` relationships out."""

    column: Column
    operator: str
    other: Column
    levels_up: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class IsNull:
    """The column is (not) null."""

    column: Column
    expected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Exists:
    """A row related by `columns` (local, remote) satisfies `where`; with no columns, any row of the table."""

    table: Table
    columns: tuple[tuple[str, str], ...]
    where: "Condition"
    #: A client asks, not a rule.
    asked: bool = False
    #: The rows are not the table's, but what this function makes of the row that is judged.
    call: "Call | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateCompare:
    """An aggregate over related rows compares as every `predicate` says; they are over a value, not a column."""

    relationship: Relationship
    table: Table
    function: Literal["count", "bool_and", "bool_or"]
    columns: tuple[Column, ...]
    distinct: bool
    where: "Condition"
    predicates: "tuple[ValueCompare, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueCompare:
    """`<the aggregate> operator value`; `value` None is an `_is_null` test for `expected`."""

    operator: str
    value: Param | None
    expected: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class InSlot:
    """The row is one of a slot's, or related to one: the first column of each pair equals the second one there."""

    slot: int
    columns: tuple[tuple[Column, Column], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Among:
    """`item`, evaluated only in rows of which `rows` holds; unknown in all others.

    PostgreSQL tests the conditions of a row in any order. One that may fail, or take long, because of what is in a row
    would tell about rows that a filter hides.
    """

    rows: "Condition"
    item: "Condition"


Condition = And | Or | Not | Compare | CompareColumns | IsNull | Exists | AggregateCompare | InSlot | Among

TRUE = And(())
FALSE = Or(())


def both(*conditions: Condition) -> Condition:
    """The conjunction, without empty parts."""
    kept = [item for item in conditions if item != TRUE]
    return kept[0] if len(kept) == 1 else And(tuple(kept))


# Orderings


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderKey:
    """One sort key: a column (or an aggregate) at the end of a path of object relationships."""

    direction: str
    column: Column | None = None
    #: Object relationships on the way, each with its target and the filter that hides rows of it.
    path: "tuple[Step, ...]" = ()
    aggregate: "AggregateKey | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Following one object relationship."""

    relationship: Relationship
    table: Table
    where: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateKey:
    """`count` or a function over a column of related rows, or of those that `call` makes of the row."""

    columns: tuple[tuple[str, str], ...]
    table: Table
    where: Condition
    function: str
    column: Column | None = None
    call: "Call | None" = None


# Selections


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A function with its arguments by name (by place where they have none)."""

    function: Function
    arguments: tuple[tuple[str, Param | None], ...]
    #: The argument that takes the row, for a computed field.
    row_argument: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnItem:
    """A column, or with `path` the part of a JSON column."""

    key: str
    column: Column
    path: Param | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedItem:
    """What a function makes of the row."""

    key: str
    call: Call
    #: The part of the JSON that it makes.
    path: Param | None = None
    #: In which rows the role sees it.
    mask: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedRowsItem:
    """Rows that a function returns for the row (`rows.call`)."""

    key: str
    rows: "Rows"
    mask: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TypenameItem:
    """`__typename`."""

    key: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectItem:
    """One related row, or null."""

    key: str
    relationship: Relationship
    rows: "Rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayItem:
    """Related rows."""

    key: str
    relationship: Relationship
    rows: "Rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateItem:
    """An aggregate over related rows."""

    key: str
    relationship: Relationship
    aggregate: "Aggregate"


Selection = ColumnItem | ComputedItem | ComputedRowsItem | TypenameItem | ObjectItem | ArrayItem | AggregateItem


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Rows of `table`, or those among them that a function returns."""

    table: Table
    items: tuple[Selection, ...]
    where: Condition = TRUE
    order: tuple[OrderKey, ...] = ()
    distinct: tuple[Column, ...] = ()
    limit: int | None = None
    #: Whether the caller asked for a limit; the role's alone says little about how many rows there are.
    limit_is_asked: bool = False
    offset: int | None = None
    call: Call | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateValue:
    """One leaf below `aggregate`: a function over columns. `count` over no columns counts rows."""

    key: str
    function: str
    columns: tuple[Column, ...] = ()
    distinct: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateGroup:
    """`sum { a b }`: the leaves of one function."""

    key: str
    values: "tuple[AggregateValue | TypenameItem, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class AggregateBlock:
    """`aggregate { … }`."""

    key: str
    items: "tuple[AggregateValue | AggregateGroup | TypenameItem, ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class NodesBlock:
    """`nodes { … }`, at most `limit` of them."""

    key: str
    items: tuple[Selection, ...]
    limit: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Aggregate:
    """`T_aggregate`: blocks over the rows that `rows` describes (its items are empty)."""

    rows: Rows
    blocks: tuple[AggregateBlock | NodesBlock | TypenameItem, ...]


# Beyond Hasura


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """`T_page`: rows behind `after` (one bind a sort key; none for the first page), in `order`."""

    table: Table
    where: Condition
    order: tuple[OrderKey, ...]
    after: tuple[Param, ...]
    limit: int
    fingerprint: str
    #: Response key and field, in order.
    items: tuple[tuple[str, str], ...]
    nodes: tuple[Selection, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupKey:
    """A column, or a part of a date column, that the rows of a group have in common."""

    column: Column
    part: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupKeyBlock:
    """`key { … }`."""

    key: str
    items: tuple[tuple[str, GroupKey | TypenameItem], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Having:
    """An aggregate of a group compares as every predicate says."""

    function: str
    column: Column | None
    predicates: tuple[ValueCompare, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupOrder:
    """Groups by a key, or by an aggregate."""

    direction: str
    key: GroupKey | None = None
    function: str | None = None
    column: Column | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """`T_group_by`."""

    table: Table
    keys: tuple[GroupKey, ...]
    where: Condition
    having: tuple[Having, ...]
    order: tuple[GroupOrder, ...]
    limit: int | None
    offset: int | None
    items: tuple[AggregateBlock | GroupKeyBlock | TypenameItem, ...]


# Mutations


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """What an update does to a column; the operator is the dialect's (`_set`, `_inc`, `_append`, `_delete_key` …)."""

    column: Column
    operator: str
    #: None sets null.
    value: Param | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OnConflict:
    """What to do when a constraint is hit; no assignments: nothing."""

    constraint: str
    columns: tuple[Column, ...]
    presets: tuple[Assignment, ...]
    where: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertRow:
    """Values of one row by column name; a column that is missing takes its default, None is null."""

    values: tuple[tuple[str, Param | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """Rows to insert into `table`; what is stored must satisfy `check`.

    With `each` there is one entry in `rows`, which stands for all objects of a variable: values that are `EachRow`
    differ from row to row, the others are the same in all.
    """

    table: Table
    rows: tuple[InsertRow, ...]
    each: bool = False
    check: Condition
    on_conflict: OnConflict | None = None
    #: What an upsert's changed row must satisfy instead.
    update_check: Condition | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertStep:
    """One statement of a nested insert. Its rows may take key columns from earlier steps (`FromStep`)."""

    insert: Insert
    #: Later steps need this one's only row: when a conflict clause skips it, they can't be carried out.
    is_needed: bool
    #: Its rows are the ones that the field answers about.
    is_root: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedInsert:
    """Rows of `table` with related rows of others, in an order that satisfies foreign keys."""

    table: Table
    steps: tuple[InsertStep, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Rows of `table` to change."""

    table: Table
    where: Condition
    assignments: tuple[Assignment, ...]
    check: Condition


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Rows of `table` to delete."""

    table: Table
    where: Condition


# Nested updates


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedRow:
    """The row that updated rows will refer to: one that exists (`where`), or one that `steps` insert.

    It is kept in `slot`. None found is an error.
    """

    slot: int
    table: Table
    where: Condition | None
    steps: tuple[InsertStep, ...]
    #: The columns that are referred to.
    columns: tuple[Column, ...]
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedChange:
    """One statement on rows that are related to those of a slot (its condition says which)."""

    change: Update | Delete
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedLinks:
    """Rows that shall refer to the one row in `slot`: an update each, which must find its row.

    Several rows in the slot are an error, since a row can refer to one only; so is a key (`columns`) that is null.
    """

    slot: int
    columns: tuple[Column, ...]
    table: Table
    changes: tuple[RelatedChange, ...]
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedInsert:
    """Rows to insert for every row in `slot`, whose `columns` they take (`FromSlot`); null there is an error."""

    slot: int
    columns: tuple[Column, ...]
    steps: tuple[InsertStep, ...]
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedRows:
    """Rows to change together with what is related to them.

    They are looked for first and kept in `slot` (their `columns`), so that what follows is about the same rows
    whatever it changes. When there are none, nothing follows.
    """

    table: Table
    slot: int
    where: Condition
    columns: tuple[Column, ...]
    before: tuple[RelatedRow, ...]
    #: None where the rows themselves stay as they are.
    update: Update | None
    after: "tuple[RelatedChange | RelatedLinks | RelatedInsert | MatchedRows, ...]"
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NestedUpdate:
    """An update of rows of `table` and of rows related to them."""

    table: Table
    rows: MatchedRows


# Answers of mutations


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What a mutation answers: `affected_rows`, `returning`, `__typename` in the order asked for."""

    items: "tuple[tuple[str, Literal['affected_rows'] | TypenameItem | tuple[Selection, ...]], ...]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutate:
    """One change and what to answer: a response, or the single row's selections."""

    change: Insert | NestedInsert | Update | NestedUpdate | Delete
    answer: Response | tuple[Selection, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RootQuery:
    """One root field of a query."""

    key: str
    node: Rows | Aggregate | Page | Groups
    #: By primary key: one row or null.
    single: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RootStream:
    """The root field `T_stream` of a subscription: `rows` are one batch beyond the cursor, in its order."""

    key: str
    rows: Rows
    #: What the cursor is a value of.
    column: Column
    #: Where it begins.
    initial: Param


@dataclass(frozen=True, slots=True, kw_only=True)
class RootMutation:
    """One root field of a mutation; several steps for `update_T_many`, which answers a list."""

    key: str
    #: Changes; or the rows that a function returns while it changes something.
    steps: tuple[Mutate | Rows, ...]
    many: bool = False
    #: Where errors about the written data point (HASURA_DIALECT §7).
    error_path: str = "$"


@dataclass(frozen=True, slots=True, kw_only=True)
class RootTypename:
    """`__typename` of a root."""

    key: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RootHandWritten:
    """A root field that Strawberry resolves: a hand-written operation, or introspection."""

    key: str
    name: str
    #: A document of this field alone, and the variables that it declares.
    document: str
    variables: frozenset[str]
    #: Aliases below the field.
    aliases: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationIR:
    """All root fields of one operation, in order."""

    kind: Literal["query", "mutation", "subscription"]
    roots: tuple[RootQuery | RootStream | RootMutation | RootTypename | RootHandWritten, ...]
    #: Response names of the client's own choice, but for those below hand-written fields.
    aliases: int = 0
