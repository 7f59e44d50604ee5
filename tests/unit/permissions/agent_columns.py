"""Which columns a document reads and writes, of a schema that knows everything in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    ArgumentNode,
    EnumValueNode,
    FieldNode,
    GraphQLSchema,
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
from schema.graphql.kinds import ColumnField, RootField, RootKind, find_kind
from schema.graphql.names import group_names, table_names
from schema.view import RoleView

#: What is done with a column, as rules have it: `select` is also what conditions, orders, keys and groups look at.
SELECT: Final = "select"
INSERT: Final = "insert"
UPDATE: Final = "update"

#: Ends of the names of input types whose fields are columns that are written. In all others they are looked at.
_WRITING: Final = {
    "_insert_input": INSERT,
    **{f"_{operator}_input": UPDATE for operator in ("set", "inc", "append", "prepend")},
    **{f"_delete_{operator}_input": UPDATE for operator in ("key", "elem", "at_path")},
    "_update_column": UPDATE,
}

#: Table (by key), what is done, and the column's name.
Use = tuple[str, str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """An object of columns that code makes: a variable of a document."""

    table: str
    #: `insert` or `update`.
    what: str
    variable: str


class Unreadable(Exception):
    """A document leaves to its caller which columns are looked at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Columns:
    """Those of one document."""

    uses: frozenset[Use]
    given: frozenset[Given]


def columns_of(document: Document, schema: GraphQLSchema, view: RoleView) -> Columns:
    """All columns that the document names, and the variables in which others come. Raises Unreadable."""
    info = TypeInfo(schema)
    found = _Columns(schema, info, view, document.name)
    visit(parse(document.text, no_location=True), TypeInfoVisitor(info, found))
    return Columns(uses=frozenset(found.uses), given=frozenset(found.given))


class _Columns(Visitor):
    def __init__(self, schema: GraphQLSchema, info: TypeInfo, view: RoleView, name: str) -> None:
        super().__init__()
        self._schema = schema
        self._info = info
        self._view = view
        self._name = name
        #: Tables by the types that the schema has because of them.
        self._table_of: Mapping[str, str] = dict(_types(view))
        self.uses: set[Use] = set()
        self.given: set[Given] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        field, parent = self._info.get_field_def(), self._info.get_parent_type()
        assert field is not None, f"{self._name}: {node.name.value}"
        assert parent is not None
        if isinstance(find_kind(field), ColumnField) or parent.name.endswith("_group_key"):
            self._use(parent.name, node.name.value)

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        # A row's key stands in arguments of its own.
        field = self._info.get_field_def()
        kind = find_kind(field) if field is not None else None
        if isinstance(kind, RootField) and kind.kind in (RootKind.SELECT_BY_PK, RootKind.DELETE_BY_PK):
            self.uses.add((kind.table.table.key, SELECT, node.name.value))

    def enter_object_field(self, node: ObjectFieldNode, *_: Any) -> None:
        parent = self._info.get_parent_input_type()
        if parent is not None:
            self._use(get_named_type(parent).name, node.name.value)

    def enter_enum_value(self, node: EnumValueNode, *_: Any) -> None:
        kind = get_named_type(self._info.get_input_type())
        if kind is not None:
            self._use(kind.name, node.value)

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> None:
        kind = type_from_ast(self._schema, node.type)
        assert kind is not None
        type_name = get_named_type(kind).name
        table = self._table_of.get(type_name)
        if table is None:
            return
        what = _what(type_name)
        if what == SELECT or type_name.endswith("_column"):
            raise Unreadable(
                f"{self._name}: ${node.variable.name.value} is a {type_name}, so nobody can read from the document "
                "which columns it looks at: write it out, with variables for its values"
            )
        self.given.add(Given(table=table, what=what, variable=node.variable.name.value))

    def _use(self, type_name: str, column: str) -> None:
        table = self._table_of.get(type_name)
        if table is not None and column in self._view[table].table.columns:
            self.uses.add((table, _what(type_name), column))


def _types(view: RoleView) -> Iterator[tuple[str, str]]:
    # Of two tables that could have a type of one name only one is in a schema.
    for table in view:
        yield from ((name, table.table.key) for name in sorted(table_names(table.name) | group_names(table.name)))


def _what(type_name: str) -> str:
    return next((what for end, what in _WRITING.items() if type_name.endswith(end)), SELECT)
