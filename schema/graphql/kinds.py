"""What a generated field stands for, attached to it so that the compiler need not read its name."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from graphql import GraphQLField

from schema.catalogue import Column, ComputedField, Function, Relationship
from schema.view import TableView

_KEY: Final = "caregraph"


class RootKind(Enum):
    """The root operations of HASURA_DIALECT §1."""

    SELECT = auto()
    SELECT_BY_PK = auto()
    SELECT_AGGREGATE = auto()
    SELECT_STREAM = auto()
    INSERT = auto()
    INSERT_ONE = auto()
    UPDATE = auto()
    UPDATE_BY_PK = auto()
    UPDATE_MANY = auto()
    DELETE = auto()
    DELETE_BY_PK = auto()
    FUNCTION = auto()
    FUNCTION_AGGREGATE = auto()
    PAGE = auto()
    GROUP_BY = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class RootField:
    """A generated field of a root type."""

    kind: RootKind
    table: TableView
    #: For the kinds that call one.
    function: Function | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnField:
    """A field that reads a column."""

    column: Column


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationshipField:
    """A field that follows a relationship; `aggregate` for `<name>_aggregate`."""

    relationship: Relationship
    aggregate: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ComputedFieldKind:
    """A field that a function computes: a scalar, or rows of a table."""

    computed: ComputedField


FieldKind = RootField | ColumnField | RelationshipField | ComputedFieldKind


def extensions_for(kind: FieldKind) -> dict[str, FieldKind]:
    """The extensions of a field that stands for `kind`."""
    return {_KEY: kind}


def find_kind(field: GraphQLField) -> FieldKind | None:
    """What `field` stands for, or None for a field that is not generated."""
    kind: FieldKind | None = field.extensions.get(_KEY)
    return kind
