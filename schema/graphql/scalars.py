"""Scalars, and the comparison expressions that go with each.

Custom scalars carry no parsing of their own: the compiler checks a value against the column's type and PostgreSQL
casts it.
"""

from functools import cache
from typing import Final

from graphql import (
    GraphQLBoolean,
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLFloat,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    GraphQLString,
)

from schema.catalogue import Choices, Column
from schema.types import TEXT_TYPES, PgType

_BUILT_IN: Final = {"Int": GraphQLInt, "Boolean": GraphQLBoolean, "String": GraphQLString, "Float": GraphQLFloat}

#: Marks an input position whose value goes to a column, so that every text is accepted and cast by PostgreSQL.
COLUMN_VALUE: Final = {"column_value": True}
#: The same for an array: a text is PostgreSQL's array literal, not an array of one.
ARRAY_VALUE: Final = {"column_value": True, "array": True}
#: The same for an enum and for an array of one: bare words are values, too.
ENUM_VALUE: Final = {"column_value": True, "enum": True}
ENUM_ARRAY_VALUE: Final = {"column_value": True, "array": True, "enum": True}
#: Marks an enum whose values are data: they are bound like any text, and never decide which statement is run.
BOUND: Final = {"bound": True}
#: Marks an input position whose value decides which statement is run.
STRUCTURAL: Final = {"structural": True}

GENERAL_OPERATORS: Final = ("_eq", "_gt", "_gte", "_lt", "_lte", "_neq")
LIST_OPERATORS: Final = ("_in", "_nin")
TEXT_OPERATORS: Final = (
    "_ilike",
    "_iregex",
    "_like",
    "_nilike",
    "_niregex",
    "_nlike",
    "_nregex",
    "_nsimilar",
    "_regex",
    "_similar",
)

#: The mark of an input type whose fields mean something by their order: the one that the client gave them.
ORDERED: Final = {"ordered": True}
ORDER_BY: Final = GraphQLEnumType(
    "order_by",
    {
        name: name
        for name in ("asc", "asc_nulls_first", "asc_nulls_last", "desc", "desc_nulls_first", "desc_nulls_last")
    },
    description="column ordering options",
)


@cache
def scalar(name: str) -> GraphQLScalarType:
    """The scalar of that name; one object for all schemas."""
    return _BUILT_IN.get(name) or GraphQLScalarType(name)


def column_scalar(pg_type: PgType) -> GraphQLScalarType | GraphQLList[GraphQLNonNull[GraphQLScalarType]]:
    """The type of a column's value: its scalar, or a list of it for an array."""
    base = scalar(pg_type.scalar)
    return GraphQLList(GraphQLNonNull(base)) if pg_type.is_array else base


def column_type(column: Column) -> GraphQLScalarType | GraphQLEnumType | GraphQLList[GraphQLNonNull[GraphQLScalarType]]:
    """The type of a column's value: its scalar, a list of it for an array, or the enum of what it may hold."""
    return column_scalar(column.type) if column.choices is None else choices_enum(column.choices)


@cache
def choices_enum(choices: Choices) -> GraphQLEnumType:
    """The enum of an enum table's rows; one object for all schemas."""
    return GraphQLEnumType(
        choices.name,
        {value: GraphQLEnumValue(value, description=comment) for value, comment in choices.values},
        extensions=BOUND,
    )


def column_comparison(column: Column) -> GraphQLInputObjectType:
    """The operators that the column may be compared with."""
    return comparison_exp(column.type) if column.choices is None else _choices_comparison(column.choices)


@cache
def _choices_comparison(choices: Choices) -> GraphQLInputObjectType:
    one = choices_enum(choices)
    many = GraphQLList(GraphQLNonNull(one))
    return GraphQLInputObjectType(
        f"{choices.name}_comparison_exp",
        {
            "_eq": GraphQLInputField(one),
            "_in": GraphQLInputField(many),
            "_is_null": GraphQLInputField(GraphQLBoolean, extensions=STRUCTURAL),
            "_neq": GraphQLInputField(one),
            "_nin": GraphQLInputField(many),
        },
        description=f'Boolean expression to compare columns of type "{choices.name}". All fields are combined with '
        "logical 'AND'.",
    )


def column_value(pg_type: PgType) -> dict[str, bool]:
    """The mark of an input position for a column of this type."""
    if pg_type.is_enum:
        return ENUM_ARRAY_VALUE if pg_type.is_array else ENUM_VALUE
    return ARRAY_VALUE if pg_type.is_array else COLUMN_VALUE


def comparison_exp(pg_type: PgType) -> GraphQLInputObjectType:
    """The operators that a column of this type may be compared with (HASURA_DIALECT §2, the operator table)."""
    is_text = pg_type.name in TEXT_TYPES and not pg_type.is_array
    return _comparison_exp(pg_type.scalar, pg_type.is_array, is_text, pg_type.name == "jsonb", pg_type.is_enum)


@cache
def _comparison_exp(name: str, is_array: bool, is_text: bool, is_jsonb: bool, is_enum: bool) -> GraphQLInputObjectType:
    base = scalar(name)
    one = GraphQLList(GraphQLNonNull(base)) if is_array else base
    mark = column_value(PgType(name=name, is_array=is_array, is_enum=is_enum))
    fields = {operator: GraphQLInputField(one, extensions=mark) for operator in GENERAL_OPERATORS}
    fields |= {
        operator: GraphQLInputField(GraphQLList(GraphQLNonNull(one)), extensions=mark) for operator in LIST_OPERATORS
    }
    fields["_is_null"] = GraphQLInputField(GraphQLBoolean, extensions=STRUCTURAL)
    if is_text:
        fields |= {operator: GraphQLInputField(one, extensions=mark) for operator in TEXT_OPERATORS}
    if is_array:
        fields |= {operator: GraphQLInputField(one, extensions=mark) for operator in ("_contains", "_contained_in")}
    if is_jsonb and not is_array:
        fields |= {
            "_contains": GraphQLInputField(base, extensions=COLUMN_VALUE),
            "_contained_in": GraphQLInputField(base, extensions=COLUMN_VALUE),
            "_has_key": GraphQLInputField(GraphQLString),
            "_has_keys_all": GraphQLInputField(GraphQLList(GraphQLNonNull(GraphQLString))),
            "_has_keys_any": GraphQLInputField(GraphQLList(GraphQLNonNull(GraphQLString))),
            "_jsonb_path_exists": GraphQLInputField(GraphQLString),
            "_jsonb_path_match": GraphQLInputField(GraphQLString),
            "_cast": GraphQLInputField(
                GraphQLInputObjectType(
                    "jsonb_cast_exp",
                    {"String": GraphQLInputField(comparison_exp(PgType(name="text")))},
                )
            ),
        }
    suffix = "array_comparison_exp" if is_array else "comparison_exp"
    return GraphQLInputObjectType(
        f"{name}_{suffix}",
        dict(sorted(fields.items())),
        description=f'Boolean expression to compare columns of type "{name}". All fields are combined with logical '
        "'AND'.",
    )
