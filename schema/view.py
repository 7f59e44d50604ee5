"""What one role sees of a catalogue.

`permissions` makes these values from its rules; the GraphQL types and the compiler read nothing else, so what a role
may not use does not exist for them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from schema.catalogue import Column, ComputedField, Function, Relationship, Table, TableKey

#: A table's fields of a root: the list, by key, the aggregate; the last of subscriptions alone. Pages are lists, groups
#: aggregates.
ROOT_FIELDS = ("select", "select_by_pk", "select_aggregate", "select_stream")

#: A condition in the dialect of HASURA_DIALECT §2 and §8: JSON-like data over columns and relationships.
BoolExp = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class InsertView:
    """What a role may insert. `presets` are set on every row (literals or session variables) and are no inputs."""

    columns: Mapping[str, Column]
    check: BoolExp
    presets: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateView:
    """What a role may update: which columns, of which rows (`filter`), and what the new row must satisfy."""

    columns: Mapping[str, Column]
    filter: BoolExp
    check: BoolExp | None = None
    presets: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteView:
    """Which rows a role may delete."""

    filter: BoolExp


@dataclass(frozen=True, slots=True, kw_only=True)
class TableView:
    """One table as a role sees it. Mappings are keyed by GraphQL name."""

    table: Table
    #: The role has a select permission (its columns may still be none).
    selectable: bool
    columns: Mapping[str, Column]
    relationships: Mapping[str, Relationship]
    filter: BoolExp
    computed_fields: Mapping[str, ComputedField] = field(default_factory=dict)
    #: Columns and computed fields (by GraphQL name) that are seen only in rows of which the condition holds.
    masks: Mapping[str, BoolExp] = field(default_factory=dict)
    limit: int | None = None
    aggregate: bool = False
    #: Which of `ROOT_FIELDS` queries and subscriptions have; None: all. Relationships lead to the table either way.
    query_fields: frozenset[str] | None = None
    subscription_fields: frozenset[str] | None = None
    insert: InsertView | None = None
    update: UpdateView | None = None
    delete: DeleteView | None = None

    @property
    def name(self) -> str:
        """The table's GraphQL name."""
        return self.table.graphql_name

    def find_operand(self, name: str) -> Column | None:
        """What `where` and `order_by` may name as a column: a column, or a computed field that is like one."""
        if name in self.columns:
            return self.columns[name]
        return self.computed_fields[name].column if name in self.computed_fields else None

    @property
    def operands(self) -> Mapping[str, Column]:
        """All that `find_operand` finds, by GraphQL name."""
        computed = {name: item.column for name, item in self.computed_fields.items()}
        return {**self.columns, **{name: column for name, column in computed.items() if column is not None}}

    @property
    def primary_key(self) -> tuple[Column, ...] | None:
        """The key columns when the role sees them all, else None."""
        by_name = {column.name: column for column in self.columns.values()}
        if not self.table.primary_key or any(name not in by_name for name in self.table.primary_key):
            return None
        return tuple(by_name[name] for name in self.table.primary_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleView:
    """Everything a role sees, by table key. Tables without any permission are absent."""

    role: str
    tables: Mapping[TableKey, TableView]
    #: Functions that are root fields for the role.
    functions: tuple[Function, ...] = ()

    def __iter__(self) -> Iterator[TableView]:
        """The tables the role can use in any way."""
        return iter(self.tables.values())

    def __getitem__(self, key: TableKey) -> TableView:
        """The view of table `schema.name`. Raises KeyError when the role has none."""
        return self.tables[key]

    def get(self, key: TableKey) -> TableView | None:
        """The view of table `schema.name`, or None."""
        return self.tables.get(key)
