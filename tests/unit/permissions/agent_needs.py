"""What a document needs of the schema that it is sent to: tables, what it does with them, and other root fields."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from graphql import (
    FieldNode,
    GraphQLSchema,
    ListValueNode,
    ObjectFieldNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    Visitor,
    get_named_type,
    parse,
    type_from_ast,
    visit,
)

from agents.graphql.documents import Document
from permissions.parts import Operation, Part
from schema.graphql.kinds import RelationshipField, RootField, RootKind, find_kind
from schema.view import RoleView

_ROOTS: Final = {
    RootKind.SELECT: Operation.SELECT,
    RootKind.PAGE: Operation.SELECT,
    RootKind.SELECT_BY_PK: Operation.SELECT_BY_PK,
    RootKind.SELECT_AGGREGATE: Operation.SELECT_AGGREGATE,
    RootKind.GROUP_BY: Operation.SELECT_AGGREGATE,
    RootKind.INSERT: Operation.INSERT,
    RootKind.INSERT_ONE: Operation.INSERT,
    RootKind.UPDATE: Operation.UPDATE,
    RootKind.UPDATE_BY_PK: Operation.UPDATE,
    RootKind.UPDATE_MANY: Operation.UPDATE,
    RootKind.DELETE: Operation.DELETE,
    RootKind.DELETE_BY_PK: Operation.DELETE,
}
_READS: Final = frozenset({Operation.SELECT, Operation.SELECT_BY_PK, Operation.SELECT_AGGREGATE})

#: Table (by key) and operation, or None and a root field.
Need = tuple[str | None, str]


def needs_of(document: Document, schema: GraphQLSchema, view: RoleView) -> frozenset[Need]:
    """All that the document needs, of a schema that knows everything in it."""
    info = TypeInfo(schema)
    needs = _Needs(schema, info, view)
    visit(parse(document.text, no_location=True), TypeInfoVisitor(info, needs))
    return frozenset(needs.found)


def as_part(needs: Iterable[Need], events: Iterable[str]) -> Part:
    """The part that has just this. A table that is read at the root is seen from other tables as well."""
    tables: dict[str, set[Operation]] = defaultdict(set)
    fields = set()
    for table, what in needs:
        if table is None:
            fields.add(what)
        else:
            tables[table].add(Operation(what))
    for operations in tables.values():
        if operations & _READS:
            operations.discard(Operation.RELATED)
    return Part(
        tables={key: frozenset(operations) for key, operations in tables.items()},
        fields=frozenset(fields),
        events=frozenset(events),
    )


class _Needs(Visitor):
    def __init__(self, schema: GraphQLSchema, info: TypeInfo, view: RoleView) -> None:
        super().__init__()
        self._schema = schema
        self._info = info
        #: Tables by the types that show or name their rows.
        self._seen_by: Mapping[str, str] = {name: table.table.key for table in view for name in _types_of(table.name)}
        self.found: set[Need] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        field, parent = self._info.get_field_def(), self._info.get_parent_type()
        assert field is not None
        assert parent is not None
        kind = find_kind(field)
        if isinstance(kind, RootField) and kind.kind in _ROOTS:
            self.found.add((kind.table.table.key, _ROOTS[kind.kind]))
        elif isinstance(kind, RelationshipField) and kind.aggregate:
            self.found.add((kind.relationship.target, Operation.SELECT_AGGREGATE))
        elif parent in (self._schema.query_type, self._schema.mutation_type):
            self.found.add((None, node.name.value))
        self._see(parent.name)

    def enter_argument(self, *_: Any) -> None:
        self._see_input()

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        self._see_input()
        parent = self._info.get_parent_input_type()
        if node.name.value == "update_columns" and not _is_empty(node.value):
            name = get_named_type(parent).name.removesuffix("_on_conflict") if parent is not None else ""
            self.found.add((self._seen_by[name], Operation.UPDATE))

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> None:
        kind = type_from_ast(self._schema, node.type)
        assert kind is not None
        self._see(get_named_type(kind).name)

    def _see_input(self) -> None:
        kind = self._info.get_input_type()
        if kind is not None:
            self._see(get_named_type(kind).name)

    def _see(self, type_name: str) -> None:
        if type_name in self._seen_by:
            self.found.add((self._seen_by[type_name], Operation.RELATED))


def _types_of(table: str) -> Iterator[str]:
    yield table
    yield from (f"{table}_{suffix}" for suffix in ("bool_exp", "order_by", "select_column", "pk_columns_input"))


def _is_empty(value: Any) -> bool:
    return isinstance(value, ListValueNode) and not value.values
