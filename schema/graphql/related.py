"""`_related`: what an update does to the rows that are related to the updated ones. Hasura does not have it.

Which operations a relationship has follows from which side holds the key, and from what the role may do there:

| | key on the related row (array, or one-to-one) | key on the updated row (object) |
|---|---|---|
| `insert` | insert the related table, its key columns included | insert the related table, update the own key |
| `update` | update the related table | the same |
| `delete` | delete from the related table | |
| `link` | update the related rows' key, see it and the own one | update the own key, see it and the other |
| `unlink` | update the related rows' key, which may be null | update the own key, which may be null |

A relationship without any operation does not exist here, and without any relationship there is no `_related`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from graphql import (
    GraphQLBoolean,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
)

from schema.catalogue import Relationship
from schema.graphql.scalars import STRUCTURAL
from schema.view import RoleView, TableView

if TYPE_CHECKING:
    # It makes one of these; they refer to each other as the types do.
    from schema.graphql.inputs import InputFields, InputTypes

#: The argument's name.
RELATED: Final = "_related"

_EXPLAINED: Final = {
    "delete": "delete related rows",
    "insert": "insert rows and relate them",
    "link": "relate rows that exist",
    "unlink": "set the key that relates the rows to null",
    "update": "update related rows",
}


def holds_key(relationship: Relationship) -> bool:
    """Whether the row itself holds the key, and not the related ones."""
    return relationship.kind == "object" and not relationship.insert_after


def related_operations(table: TableView, relationship: Relationship, target: TableView | None) -> tuple[str, ...]:
    """The operations that a role has on rows related to those it updates."""
    if target is None:
        return ()
    found = []
    is_visible = relationship.name in table.relationships
    own = tuple(local for local, _ in relationship.columns)
    theirs = tuple(remote for _, remote in relationship.columns)
    # A link writes the one side's value to the other, where it can be read.
    shows_nothing_new = _sees(table, own) and _sees(target, theirs)
    if holds_key(relationship):
        may_point, may_clear = _may_set(table, own), _may_clear(table, own)
        may_insert = may_point and target.insert is not None
        may_delete = False
    else:
        may_point, may_clear = _may_set(target, theirs), _may_clear(target, theirs)
        may_insert = _may_fill(target, theirs)
        may_delete = is_visible and target.delete is not None
    if may_delete:
        found.append("delete")
    if may_insert:
        found.append("insert")
    if is_visible and may_point and shows_nothing_new and target.primary_key:
        found.append("link")
    if is_visible and may_clear:
        found.append("unlink")
    if is_visible and target.update is not None and target.update.columns:
        found.append("update")
    return tuple(found)


def _sees(table: TableView, columns: tuple[str, ...]) -> bool:
    return {column.name for column in table.columns.values()}.issuperset(columns)


def _may_set(table: TableView, columns: tuple[str, ...]) -> bool:
    """Whether the role updates all these columns."""
    writable = {column.name for column in table.update.columns.values()} if table.update else set()
    return bool(columns) and writable.issuperset(columns)


def _may_clear(table: TableView, columns: tuple[str, ...]) -> bool:
    """Whether the role updates all of them that may be null, and one at least may."""
    return _may_set(table, tuple(name for name in columns if table.table.columns[name].nullable))


def _may_fill(table: TableView, columns: tuple[str, ...]) -> bool:
    """Whether the role inserts rows with these columns, or its presets set them."""
    if table.insert is None or not columns:
        return False
    return {column.name for column in table.insert.columns.values()}.union(table.insert.presets).issuperset(columns)


class RelatedInputs:
    """The input types of `_related` for one role."""

    def __init__(self, view: RoleView, inputs: "InputTypes") -> None:
        self._view = view
        self._inputs = inputs
        self._objects: dict[str, GraphQLInputObjectType] = {}

    def argument(self, table: TableView) -> "InputFields":
        """`_related`, where the table has it."""
        operations = {
            relationship.name: found
            for relationship in table.table.relationships.values()
            if (found := related_operations(table, relationship, self._view.get(relationship.target)))
        }
        if not operations or not table.table.primary_key:
            return {}

        def fields() -> "InputFields":
            return {
                name: GraphQLInputField(self._relationship(table, table.table.relationships[name], found))
                for name, found in sorted(operations.items())
            }

        kind = self._object(
            f"{table.name}_related_input", fields, f'changes of rows related to updated ones of "{table.table.key}"'
        )
        description = "what to do with rows that are related to the updated ones, in the same transaction"
        return {RELATED: GraphQLInputField(kind, description=description)}

    def _relationship(
        self, table: TableView, relationship: Relationship, operations: tuple[str, ...]
    ) -> GraphQLInputObjectType:
        target = self._view[relationship.target]
        many = relationship.kind == "array"

        def fields() -> "InputFields":
            found = {}
            for name in operations:
                kind = self._many(target, name) if many else self._one(target, name)
                # What is done at all decides the statements.
                extensions = STRUCTURAL if kind is GraphQLBoolean else {}
                found[name] = GraphQLInputField(kind, description=_EXPLAINED[name], extensions=extensions)
            return found

        return self._object(
            f"{table.name}_related_{relationship.name}_input",
            fields,
            f'what to do with related rows of "{target.table.key}", in this order: delete, unlink, update, link, insert'
            if many
            else f'the one thing to do with the related row of "{target.table.key}"',
        )

    def _many(self, target: TableView, operation: str) -> GraphQLInputType:
        match operation:
            case "insert":
                return self._inputs.nested_insert(target, many=True)
            case "update":
                return GraphQLList(GraphQLNonNull(self._inputs.updates(target)))
            case "link":
                return GraphQLList(GraphQLNonNull(self._inputs.pk_columns(target)))
        where = GraphQLInputField(GraphQLNonNull(self._inputs.bool_exp(target)))
        return self._object(f"{target.name}_arr_rel_where_input", lambda: {"where": where})

    def _one(self, target: TableView, operation: str) -> GraphQLInputType:
        match operation:
            case "insert":
                return self._inputs.nested_insert(target, many=False)
            case "update":
                return self._object(
                    f"{target.name}_obj_rel_update_input", lambda: self._inputs.update_operators(target)
                )
            case "link":
                return self._inputs.pk_columns(target)
        return GraphQLBoolean

    def _object(
        self, name: str, fields: "Callable[[], InputFields]", description: str | None = None
    ) -> GraphQLInputObjectType:
        if name not in self._objects:
            self._objects[name] = GraphQLInputObjectType(name, fields, description=description)
        return self._objects[name]
