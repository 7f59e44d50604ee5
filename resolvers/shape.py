"""What of a request's variables decides the statement: the key under which a plan is found again.

The rule: a plan depends on the role, the document's text, the operation's name and the *shape* of the variables. Where
each caller has a part of the role (`permissions.parts`), the part stands for it: agents share no plan. The shape is the
variables with every value that is bound replaced by its kind. What stays by value is everything that can change the
statement: which variables and object keys are there, nulls, enum values, the lengths of lists of objects, booleans of
the `_is_null` kind, and whole variables that the compiler read (`limit`, `@include(if:)` …). Session values are always
bound, so all users of a role share a plan. Values are tagged with their type: `True == 1` in Python.

Many objects that are to be inserted are the exception to lengths and nulls: where a plan takes them as columns, their
shape is which columns, and of which kinds.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
)

from resolvers.columns import Columns, are_many, columns_of, length_of

Shaper = Callable[[Any], Hashable]

_ABSENT: Final = 0
_NULL: Final = 1

_NOTHING: Final = frozenset({type(None)})


class UnknownShape(Exception):
    """The variables can't be of a valid request: let the compiler find out what is wrong with them."""


class VariableShapes:
    """Computes the key of one operation's variables."""

    def __init__(
        self, declared: Mapping[str, GraphQLInputType], structural: frozenset[str], rows: frozenset[str] = frozenset()
    ) -> None:
        """Variables in `structural` are keyed by value; of those in `rows`, lists of many alike objects by columns."""
        self._by_name: list[tuple[str, Shaper, bool]] = [
            (name, _by_value if name in structural else _shaper(kind), name in rows and name not in structural)
            for name, kind in declared.items()
        ]
        self._rows = rows

    def key(self, variables: Mapping[str, Any], columns: dict[str, Columns] | None = None) -> Hashable:
        """The shape of `variables`; into `columns` go those of the variables that are keyed by them.

        Variables may be there as columns only. Raises UnknownShape for those that can't, and that were not declared.
        """
        found = []
        missing = 0
        # By columns only: none of the variables, and to be keyed so.
        apart = len(columns) if columns else 0
        for name, shaper, may_be_rows in self._by_name:
            if apart and columns is not None and name in columns:
                if not may_be_rows or not are_many(length_of(columns[name]), len(columns[name])):
                    raise UnknownShape
                found.append(_of_columns(columns[name]))
            elif name in variables:
                taken = columns_of(variables[name]) if may_be_rows else None
                if taken is None:
                    found.append(shaper(variables[name]))
                    continue
                found.append(_of_columns(taken))
                if columns is not None:
                    columns[name] = taken
            else:
                found.append(_ABSENT)
                missing += 1
        if len(variables) + apart + missing != len(found):
            raise UnknownShape
        return tuple(found)

    def keyed_by_columns(self, variables: Mapping[str, Any]) -> set[str]:
        """The variables that `key` keys by columns: the plan must be one that takes any number of their rows."""
        return {name for name in self._rows if columns_of(variables.get(name)) is not None}


def _by_value(value: Any) -> Hashable:
    if value is None:
        return _NULL
    if isinstance(value, list):
        return ("list", *map(_by_value, value))
    if isinstance(value, dict):
        return ("object", *((key, _by_value(item)) for key, item in value.items()))
    return (type(value), value)


def _bound(value: Any) -> Hashable:
    # Its kind and not its value: a place may take a number and refuse the text of one.
    return type(value).__name__


def _shaper(kind: GraphQLInputType) -> Shaper:
    if isinstance(kind, GraphQLNonNull):
        return _shaper(kind.of_type)
    if isinstance(kind, GraphQLScalarType):
        return _bound
    if isinstance(kind, GraphQLEnumType):
        return _choice_shaper(kind) if kind.extensions.get("bound") else _by_value
    if isinstance(kind, GraphQLList):
        return _list_shaper(kind)
    return _object_shaper(kind)


def _choice_shaper(kind: GraphQLEnumType) -> Shaper:
    """An enum whose values are bound: any of them gives the same statement, and nothing else may pass for one."""
    values = kind.values

    def shape(value: Any) -> Hashable:
        for item in value if isinstance(value, list) else (value,):
            if item is not None and not (type(item) is str and item in values):
                raise UnknownShape
        return _bound(value)

    return shape


def _list_shaper(kind: GraphQLList[Any]) -> Shaper:
    inner = kind.of_type.of_type if isinstance(kind.of_type, GraphQLNonNull) else kind.of_type
    if isinstance(inner, GraphQLScalarType | GraphQLList):
        return _bound
    item = _shaper(inner)
    if isinstance(inner, GraphQLEnumType) and inner.extensions.get("bound"):
        return item

    def shape(value: Any) -> Hashable:
        if value is None:
            return _NULL
        return tuple(map(item, value)) if isinstance(value, list) else ("one", item(value))

    return shape


def _of_columns(columns: Columns) -> Hashable:
    """Which columns, each with the kinds of its values but null, which is left to the bind.

    Kinds, since a place may take a number and refuse the text of one.
    """
    return ("columns", *((name, columns[name][1] - _NOTHING) for name in sorted(columns)))


def _object_shaper(kind: GraphQLInputObjectType) -> Shaper:
    fields: dict[str, Shaper] = {}
    definitions: Mapping[str, GraphQLInputField] | None = None

    def shape(value: Any) -> Hashable:
        nonlocal definitions
        if value is None:
            return _NULL
        if not isinstance(value, dict):
            raise UnknownShape
        found: list[Hashable] = []
        for key, item in value.items():
            shaper = fields.get(key)
            if shaper is None:
                # Made when first met: input types refer to themselves.
                definitions = definitions or kind.fields
                if key not in definitions:
                    raise UnknownShape
                field = definitions[key]
                shaper = fields[key] = _by_value if field.extensions.get("structural") else _shaper(field.type)
            found.append(key)
            found.append(shaper(item))
        return tuple(found)

    return shape
