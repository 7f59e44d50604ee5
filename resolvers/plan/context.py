"""What compiling one operation needs at hand."""

from dataclasses import dataclass

from graphql import GraphQLObjectType

from resolvers import ir
from resolvers.document import Selector
from resolvers.errors import ValidationFailed
from resolvers.inputs import Leaf, LeafList, Scope
from schema.catalogue import Catalogue
from schema.types import PgType
from schema.view import RoleView


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiler:
    """The role's view, the request's variables, and the merged selections."""

    view: RoleView
    catalogue: Catalogue
    scope: Scope
    selector: Selector

    def param(self, leaf: Leaf | LeafList, pg_type: PgType, *, many: bool = False, asks: bool = False) -> ir.Param:
        """The leaf as a bind of that type; `asks` where rows are compared with it."""
        source = tuple(source_of(item) for item in leaf.items) if isinstance(leaf, LeafList) else source_of(leaf)
        return ir.Param(source=source, type=pg_type, many=many, asks=asks)


def source_of(leaf: Leaf) -> ir.Source:
    """Where a leaf's value is found in another request of the same shape."""
    return ir.FromVariables(leaf.source) if leaf.source else ir.Const(leaf.value)


def unknown_field(name: str, parent: GraphQLObjectType | str, path: str) -> ValidationFailed:
    """The error for a field that does not exist for the role."""
    return ValidationFailed(f"field '{name}' not found in type: '{parent}'", f"{path}.selectionSet.{name}")
