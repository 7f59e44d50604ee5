"""Arguments and variables, checked against the role's types and made uniform.

The result of coercion is plain data with `Leaf` at the ends:

- an input object is a dict (absent keys are absent, null is None), a list of objects or enums a list, an enum a str;
- a scalar is a `Leaf`: its value, and where it came from, so that the same plan can bind another request's value;
- a list of scalars is one `Leaf` with a list in it, unless a literal mixes in variables: then a `LeafList`.

Everything a plan decides by must be read through `Scope.structural`, which remembers the variable it came from: that
makes the value part of the plan's key (`shape`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, cast

from graphql import (
    BooleanValueNode,
    EnumValueNode,
    FloatValueNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLScalarType,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    NamedTypeNode,
    NonNullTypeNode,
    NullValueNode,
    ObjectValueNode,
    StringValueNode,
    TypeNode,
    Undefined,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
)
from orjson import Fragment

from resolvers.errors import ParseFailed, ValidationFailed
from resolvers.values import Word, WrongKind, encoder, kind_of
from schema.graphql.inputs import PLACEHOLDER
from schema.types import JSON_TYPES, PgType, parse_pg_type

#: A constant's source: nothing of the request's variables.
CONSTANT: Final[tuple[str | int, ...]] = ()

_BUILT_IN: Final = {
    "Int": PgType(name="int4"),
    "Boolean": PgType(name="bool"),
    "String": PgType(name="text"),
    "Float": PgType(name="float4"),
}


#: Scalars of numbers that PostgreSQL reads itself, digit by digit.
_DIGITS_KEPT: Final = frozenset({"numeric", "float8", "Float", "money"})
_MOST_DIGITS: Final = 30
_BEYOND_INTEGERS: Final = 1e20
_DIGITS: Final = re.compile(r"-?[0-9]{1,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A scalar or list of scalars. `source` is the way into the variables, or CONSTANT.

    `structural` marks a position inside an input object whose value decides the statement; `shape` keys it by value.
    """

    value: Any
    source: tuple[str | int, ...] = CONSTANT
    structural: bool = False


@dataclass(frozen=True, slots=True)
class LeafList:
    """A list literal some of whose items are variables."""

    items: tuple[Leaf, ...]


@dataclass(slots=True)
class Scope:
    """The variables of one request as one operation declares them."""

    types: Mapping[str, Any]
    definitions: Mapping[str, VariableDefinitionNode]
    values: Mapping[str, Any]
    declared: dict[str, GraphQLInputType] = field(default_factory=dict)
    #: Variables whose very value shaped the plan.
    structural_names: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)
    #: How often each variable was read.
    reads: Counter[str] = field(default_factory=Counter)
    #: Variables whose objects the plan takes however many they are: only what they have in common shaped it.
    row_names: set[str] = field(default_factory=set)

    def check_declarations(self) -> None:
        """Resolve the declared types and check that what is required is there. Raises ValidationFailed."""
        for name, definition in self.definitions.items():
            self.declared[name] = declared = self._resolve(definition.type)
            given = self.values.get(name, Undefined)
            if isinstance(declared, GraphQLNonNull):
                if given is None:
                    raise ValidationFailed(f"null value found for non-nullable variable: {name!r}")
                if given is Undefined and definition.default_value is None:
                    raise ValidationFailed(f"expecting a value for non-nullable variable: {name!r}")

    def structural(self, value: Any) -> Any:
        """The value behind a leaf, recorded as part of the plan's key."""
        if isinstance(value, Leaf):
            if len(value.source) == 1:
                self.structural_names.add(str(value.source[0]))
            assert len(value.source) < 2 or value.structural, f"{value.source} is bound, yet it shapes the plan"
            return value.value
        if isinstance(value, LeafList):
            return [self.structural(item) for item in value.items]
        return value

    def _resolve(self, node: TypeNode) -> GraphQLInputType:
        match node:
            case NonNullTypeNode():
                return GraphQLNonNull(cast("Any", self._resolve(node.type)))
            case ListTypeNode():
                return GraphQLList(self._resolve(node.type))
            case NamedTypeNode():
                name = node.name.value
                found = self.types.get(name)
                if not isinstance(found, GraphQLScalarType | GraphQLEnumType | GraphQLInputObjectType):
                    raise ValidationFailed(f"variable type '{name}' is not an input type of this schema")
                return found
        raise AssertionError(f"unexpected type node {node.kind}")


InputSlot = GraphQLArgument | GraphQLInputField


def coerce_arguments(
    nodes: Mapping[str, ValueNode], arguments: Mapping[str, GraphQLArgument], scope: Scope, path: str
) -> dict[str, Any]:
    """The arguments of one field, by name. Raises ValidationFailed or ParseFailed with the argument's path."""
    return _coerce_fields(nodes, arguments, scope, f"{path}.args", "argument")


def _coerce_fields(
    nodes: Mapping[str, ValueNode], slots: Mapping[str, InputSlot], scope: Scope, path: str, type_name: str
) -> dict[str, Any]:
    for name in nodes:
        if name not in slots or PLACEHOLDER in slots[name].extensions:
            if type_name == "argument":
                field_path = path.removesuffix(".args")
                where = field_path.rpartition(".")[2]
                raise ValidationFailed(f"'{where}' has no argument named '{name}'", field_path)
            raise ValidationFailed(f"field '{name}' not found in type: '{type_name}'", f"{path}.{name}")
    found: dict[str, Any] = {}
    for name, slot in slots.items():
        value = _coerce_node(nodes[name], slot.type, slot, scope, f"{path}.{name}") if name in nodes else Undefined
        if value is Undefined:
            value = _default(slot)
        if value is Undefined:
            if isinstance(slot.type, GraphQLNonNull):
                raise ValidationFailed(f"missing required field '{name}'", path)
            continue
        found[name] = value
    return found


def _default(slot: InputSlot) -> Any:
    if slot.default_value is Undefined:
        return Undefined
    # Defaults of generated arguments are empty lists only.
    return list(slot.default_value)


def _coerce_node(node: ValueNode, kind: GraphQLInputType, slot: InputSlot, scope: Scope, path: str) -> Any:
    """A literal or variable; Undefined when a nullable variable is absent."""
    if isinstance(node, VariableNode):
        return _coerce_variable(node.name.value, kind, slot, scope, path)
    if isinstance(kind, GraphQLNonNull):
        if isinstance(node, NullValueNode):
            raise ValidationFailed(f"unexpected null value for type '{kind.of_type}'", path)
        kind = kind.of_type
    if isinstance(node, NullValueNode):
        return None
    if isinstance(kind, GraphQLList):
        return _coerce_list_node(node, kind, slot, scope, path)
    if isinstance(kind, GraphQLInputObjectType):
        if not isinstance(node, ObjectValueNode):
            raise ValidationFailed(f"expected an object for type '{kind.name}', but found {_node_kind(node)}", path)
        nodes = {item.name.value: item.value for item in node.fields}
        if len(nodes) != len(node.fields):
            raise ValidationFailed(f"a field is given twice in an object of type '{kind.name}'", path)
        return _in_order(_coerce_fields(nodes, kind.fields, scope, path, kind.name), nodes, kind)
    if isinstance(kind, GraphQLEnumType):
        if not isinstance(node, EnumValueNode):
            raise ValidationFailed(f"expected an enum value for type '{kind.name}', but found {_node_kind(node)}", path)
        return _enum_value(node.value, kind, CONSTANT, path)
    if kind.name in _DIGITS_KEPT and isinstance(node, IntValueNode | FloatValueNode):
        return Leaf(node.value)  # the literal's own digits: a float would lose some, and make infinity of too many
    if kind.name in JSON_TYPES:
        return _checked(Leaf(_json_literal(node, scope)), kind, slot, path)
    return _checked(Leaf(_literal(node, scope)), kind, slot, path)


def _coerce_list_node(node: ValueNode, kind: GraphQLList[Any], slot: InputSlot, scope: Scope, path: str) -> Any:
    item_kind = kind.of_type
    inner = item_kind.of_type if isinstance(item_kind, GraphQLNonNull) else item_kind
    if _is_array_literal(isinstance(node, StringValueNode), inner, slot):
        return Leaf(_literal(node, scope))
    nodes = node.values if isinstance(node, ListValueNode) else (node,)
    is_literal_list = isinstance(node, ListValueNode)
    items = [
        _coerce_node(item, item_kind, slot, scope, f"{path}[{index}]" if is_literal_list else path)
        for index, item in enumerate(nodes)
    ]
    # An absent variable is null as an item of a list (GraphQL specification, 3.11).
    items = [None if item is Undefined else item for item in items]
    if not _is_bound(inner):
        return items
    if any(isinstance(item, LeafList) or (isinstance(item, Leaf) and item.source) for item in items):
        return LeafList(tuple(item if isinstance(item, Leaf) else Leaf(scope.structural(item)) for item in items))
    return Leaf([item.value if isinstance(item, Leaf) else item for item in items])


def _coerce_variable(name: str, kind: GraphQLInputType, slot: InputSlot, scope: Scope, path: str) -> Any:
    definition = scope.definitions.get(name)
    if definition is None:
        raise ValidationFailed(f"unbound variable '{name}'", path)
    scope.reads[name] += 1
    declared = scope.declared[name]
    default = definition.default_value
    location = kind
    if isinstance(location, GraphQLNonNull) and not isinstance(declared, GraphQLNonNull):
        has_default = default is not None and not isinstance(default, NullValueNode)
        if has_default or slot.default_value is not Undefined:
            location = location.of_type
    if not _is_subtype(declared, location):
        raise ValidationFailed(
            f"variable '{name}' is declared as '{declared}', but used where '{kind}' is expected", path
        )
    value = scope.values.get(name, Undefined)
    if value is Undefined:
        return Undefined if default is None else _coerce_node(default, kind, slot, scope, path)
    return _coerce_value(value, kind, slot, (name,), path)


def _coerce_value(value: Any, kind: GraphQLInputType, slot: InputSlot, source: tuple[str | int, ...], path: str) -> Any:
    """A JSON value out of the variables."""
    if isinstance(kind, GraphQLNonNull):
        if value is None:
            raise ValidationFailed(f"unexpected null value for type '{kind.of_type}'", path)
        kind = kind.of_type
    if value is None:
        return None
    if isinstance(kind, GraphQLList):
        return _coerce_list_value(value, kind, slot, source, path)
    if isinstance(kind, GraphQLInputObjectType):
        return _coerce_object_value(value, kind, source, path)
    if isinstance(kind, GraphQLEnumType):
        if not isinstance(value, str):
            raise ValidationFailed(f"expected an enum value for type '{kind.name}', but found {kind_of(value)}", path)
        return _enum_value(value, kind, source, path)
    return _checked(Leaf(value, source, bool(slot.extensions.get("structural"))), kind, slot, path)


def _coerce_list_value(
    value: Any, kind: GraphQLList[Any], slot: InputSlot, source: tuple[str | int, ...], path: str
) -> Any:
    item_kind = kind.of_type
    inner = item_kind.of_type if isinstance(item_kind, GraphQLNonNull) else item_kind
    if _is_array_literal(isinstance(value, str), inner, slot):
        return Leaf(value, source)
    items = value if isinstance(value, list) else [value]
    indexed = isinstance(value, list)
    coerced = [
        _coerce_value(
            item, item_kind, slot, (*source, index) if indexed else source, f"{path}[{index}]" if indexed else path
        )
        for index, item in enumerate(items)
    ]
    return Leaf(value, source) if _is_bound(inner) else coerced


def _is_array_literal(is_text: bool, inner: GraphQLInputType, slot: InputSlot) -> bool:
    """Whether a text stands for a whole array column's value, in PostgreSQL's own form."""
    return is_text and isinstance(inner, GraphQLScalarType) and bool(slot.extensions.get("array"))


def _coerce_object_value(
    value: Any, kind: GraphQLInputObjectType, source: tuple[str | int, ...], path: str
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValidationFailed(f"expected an object for type '{kind.name}', but found {kind_of(value)}", path)
    slots = kind.fields
    found: dict[str, Any] = {}
    for name in value:
        if name not in slots or PLACEHOLDER in slots[name].extensions:
            raise ValidationFailed(f"field '{name}' not found in type: '{kind.name}'", f"{path}.{name}")
    for name, slot in slots.items():
        if name in value:
            found[name] = _coerce_value(value[name], slot.type, slot, (*source, name), f"{path}.{name}")
        elif slot.default_value is not Undefined:
            found[name] = _default(slot)
        elif isinstance(slot.type, GraphQLNonNull):
            raise ValidationFailed(f"missing required field '{name}'", path)
    return _in_order(found, value, kind)


def _in_order(found: dict[str, Any], given: Iterable[str], kind: GraphQLInputObjectType) -> dict[str, Any]:
    """The fields as the client gave them one after the other, where that means something; else as the type has them."""
    return {name: found[name] for name in given if name in found} if kind.extensions.get("ordered") else found


def _is_bound(kind: GraphQLInputType) -> bool:
    """Whether a list of these is one bind."""
    is_choice = isinstance(kind, GraphQLEnumType) and bool(kind.extensions.get("bound"))
    return is_choice or isinstance(kind, GraphQLScalarType | GraphQLList)


def _enum_value(value: str, kind: GraphQLEnumType, source: tuple[str | int, ...], path: str) -> str | Leaf:
    if value not in kind.values:
        allowed = ", ".join(f"'{name}'" for name in kind.values)
        raise ValidationFailed(
            f"expected one of the values [{allowed}] for type '{kind.name}', but found '{value}'", path
        )
    return Leaf(value, source) if kind.extensions.get("bound") else value


def _checked(leaf: Leaf, kind: GraphQLScalarType, slot: InputSlot, path: str) -> Leaf:
    """The leaf, after its value was found to be of the scalar's kind."""
    value = leaf.value
    if slot.extensions.get("column_value"):
        pg_type = PgType(name=kind.name, is_enum=True) if slot.extensions.get("enum") else scalar_type(kind.name)
        try:
            encoder(pg_type)(value)
        except WrongKind as error:
            raise ParseFailed(str(error), path) from None
        except ValueError as error:
            raise ParseFailed(f"the value can't be written for type '{kind.name}': {error}", path) from None
        return leaf
    if slot.extensions.get("offset"):
        return Leaf(_offset(value, path), leaf.source)
    fits = (
        (kind.name == "Int" and _is_int32(value))
        or (kind.name == "Boolean" and isinstance(value, bool))
        or (kind.name == "String" and type(value) is str)
        or (kind.name == "Float" and isinstance(value, int | float) and not isinstance(value, bool))
        or kind.name not in _BUILT_IN
    )
    if not fits:
        expected = {"Int": "a 32-bit integer", "Boolean": "a boolean", "String": "a string", "Float": "a float"}
        raise ValidationFailed(
            f"expected {expected[kind.name]} for type '{kind.name}', but found {kind_of(value)}", path
        )
    return leaf


def scalar_type(name: str) -> PgType:
    """The PostgreSQL type that stands behind a GraphQL scalar when only its name is known."""
    return _BUILT_IN.get(name) or parse_pg_type(name)


def _is_int32(value: Any) -> bool:
    whole = type(value) is int or (type(value) is float and value.is_integer())
    return whole and -(2**31) <= value < 2**31


def _offset(value: Any, path: str) -> int:
    if type(value) is str and _DIGITS.fullmatch(value):
        value = int(value)
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise ValidationFailed("expected a 64-bit integer for type 'Int', but found something else", path)
    return value


def _literal(node: ValueNode, scope: Scope) -> Any:
    """The value of a literal for a scalar."""
    match node:
        case IntValueNode():
            # More digits than any integer type has are out of range, whatever they are (and slow to count).
            return int(node.value[:_MOST_DIGITS])
        case FloatValueNode():
            return _number(node.value)
        case StringValueNode() | BooleanValueNode():
            return node.value
        case EnumValueNode():
            return Word(node.value)
        case NullValueNode():
            return None
        case ListValueNode():
            return [_literal(item, scope) for item in node.values]
        case ObjectValueNode():
            return {item.name.value: _literal(item.value, scope) for item in node.fields}
        case VariableNode():
            return _inner_variable(node.name.value, scope)
    raise AssertionError(f"unexpected value node {node.kind}")


def _number(text: str) -> int | float:
    """A number with a fraction or an exponent: an integer where it is whole, with all of its digits."""
    value = float(text)
    return int(Decimal(text)) if value.is_integer() and abs(value) < _BEYOND_INTEGERS else value


def _json_literal(node: ValueNode, scope: Scope) -> Any:
    """The value of a literal for a JSON column. Numbers are what was written: GraphQL spells them as JSON does."""
    match node:
        case IntValueNode() | FloatValueNode():
            return Fragment(node.value)
        case EnumValueNode():
            return node.value
        case ListValueNode():
            return [_json_literal(item, scope) for item in node.values]
        case ObjectValueNode():
            return {item.name.value: _json_literal(item.value, scope) for item in node.fields}
    return _literal(node, scope)


def _inner_variable(name: str, scope: Scope) -> Any:
    """A variable inside of a literal: its value becomes part of the constant, and so of the plan's key."""
    definition = scope.definitions.get(name)
    if definition is None:
        raise ValidationFailed(f"unbound variable '{name}'")
    scope.structural_names.add(name)
    if name not in scope.values and definition.default_value is not None:
        return _json_literal(definition.default_value, scope)
    return scope.values.get(name)


def _node_kind(node: ValueNode) -> str:
    match node:
        case StringValueNode():
            return "a string"
        case IntValueNode() | FloatValueNode():
            return "a number"
        case BooleanValueNode():
            return "a boolean"
        case ListValueNode():
            return "a list"
        case EnumValueNode():
            return "an enum value"
        case _:
            return "an object"


def _is_subtype(declared: GraphQLInputType, location: GraphQLInputType) -> bool:
    """Whether a variable of one type may stand where the other is expected (GraphQL specification, 5.8.5)."""
    if isinstance(location, GraphQLNonNull):
        return isinstance(declared, GraphQLNonNull) and _is_subtype(declared.of_type, location.of_type)
    if isinstance(declared, GraphQLNonNull):
        return _is_subtype(declared.of_type, location)
    if isinstance(location, GraphQLList):
        return isinstance(declared, GraphQLList) and _is_subtype(declared.of_type, location.of_type)
    return not isinstance(declared, GraphQLList) and declared is location
