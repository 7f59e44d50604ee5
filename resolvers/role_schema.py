"""One Strawberry schema a role: hand-written fields as Strawberry has them, generated ones from the role's view.

Strawberry converts the hand-written root fields; the generated graphql-core fields are then joined to them in one
GraphQLSchema with Hasura's root names. Generated fields carry no resolvers: the engine answers them before execution,
and gives Strawberry what is left (hand-written fields and introspection).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import strawberry
from graphql import GraphQLError, GraphQLField, GraphQLObjectType, GraphQLSchema, GraphQLString
from strawberry.extensions import ParserCache, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.schema.name_converter import NameConverter
from strawberry.tools import create_type
from strawberry.types import ExecutionContext
from strawberry.types.field import StrawberryField
from strawberry.types.scalar import ScalarDefinition

from permissions.parts import Part
from resolvers.document import CACHED
from schema.catalogue import TableKey
from schema.graphql.build import graphql_types
from schema.graphql.scalars import scalar
from schema.view import RoleView


@dataclass(frozen=True, slots=True, kw_only=True)
class HandWritten:
    """A hand-written root field and the roles that have it (`admin` always has)."""

    #: What `strawberry.field(resolver=…)` gives (its stubs call it the resolver's return type).
    field: Any
    kind: Literal["query", "mutation"]
    roles: frozenset[str]
    #: Sensitive tables (`Table.sensitive`) that the answer shows a row of.
    shows: tuple[TableKey, ...] = ()


def fields_of(part: Part | None, hand_written: Sequence[HandWritten]) -> Sequence[HandWritten]:
    """What a part of a role leaves of the hand-written fields; all of them to the whole role (None)."""
    return [item for item in hand_written if part is None or item.field.graphql_name in part.fields]


def shared_scalar(name: str) -> ScalarDefinition:
    """The scalar that generated fields use, for hand-written ones: a schema has one type of a name."""
    return ScalarDefinition(
        name=name,
        description=None,
        specified_by_url=None,
        serialize=None,
        parse_value=None,
        parse_literal=None,
        implementation=scalar(name),
    )


class RoleSchema(strawberry.Schema):
    """The schema that one role sees."""

    def __init__(
        self, view: RoleView, hand_written: Sequence[HandWritten], scalar_map: Mapping[object, ScalarDefinition]
    ) -> None:
        """Build it: about 0.1 ms a type. `scalar_map` gives the scalars behind hand-written fields' Python types."""
        allowed = [item for item in hand_written if view.role == "admin" or view.role in item.roles]
        queries = [item.field for item in allowed if item.kind == "query"]
        mutations = [item.field for item in allowed if item.kind == "mutation"]
        super().__init__(
            query=create_type("query_root", queries or [_placeholder()]),
            mutation=create_type("mutation_root", mutations) if mutations else None,
            config=StrawberryConfig(
                name_converter=NameConverter(auto_camel_case=False),
                scalar_map=dict(scalar_map),
                disable_field_suggestions=True,
            ),
            extensions=[ParserCache, ValidationCache],
        )
        own = self._schema
        roots = graphql_types(view)
        query = roots.query | (_fields(own.query_type) if queries else {})
        mutation = roots.mutation | _fields(own.mutation_type)
        self._schema = GraphQLSchema(
            query=GraphQLObjectType("query_root", query or _no_queries()),
            mutation=GraphQLObjectType("mutation_root", mutation) if mutation else None,
            subscription=GraphQLObjectType("subscription_root", roots.subscription) if roots.subscription else None,
            directives=[*own.directives, CACHED],
            extensions=own.extensions,
        )
        self._schema._strawberry_schema = self  # type: ignore[attr-defined] # noqa: SLF001 # Strawberry finds itself so

    def process_errors(self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None) -> None:
        """Log nothing: Strawberry would write the document with its values. The engine logs what is unexpected."""

    @property
    def graphql_schema(self) -> GraphQLSchema:
        """The graphql-core schema that documents are compiled against."""
        return self._schema


def _fields(root: GraphQLObjectType | None) -> dict[str, GraphQLField]:
    return dict(root.fields) if root is not None else {}


def _placeholder() -> StrawberryField:
    def nothing() -> str:
        return ""

    field: Any = strawberry.field(resolver=nothing, name="nothing")
    field.python_name = "nothing"
    return field  # type: ignore[no-any-return]


def _no_queries() -> dict[str, GraphQLField]:
    return {
        "no_queries_available": GraphQLField(
            GraphQLString,
            resolve=lambda *_: "There are no queries available to the current role.",
            description="There are no queries available to the current role. Either there are no sources or remote "
            "schemas configured, or the current role doesn't have the required permissions.",
        )
    }
