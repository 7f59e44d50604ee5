"""Random documents out of a role's own schema: nearly right, and now and then not.

They walk the schema, so that whatever a role can ask for is asked for sooner or later, in every argument position.
"""

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    Undefined,
    get_named_type,
)

#: Texts that would do harm if they reached SQL or JSON as they are. `MARK` tells them from everything else.
MARK: Final = "zqhostile"
HOSTILE: Final = (
    f"{MARK}'",
    f'{MARK}"',
    f"{MARK}\\",
    f"{MARK}'; DROP TABLE author; --",
    f"'||{MARK}||'",
    f"$1{MARK}$$",
    f"{MARK}\n\t\r",
    f"%{MARK}_",
    f"{{{MARK},NULL}}",
    f"X-Hasura-{MARK}",
    f"\u2028{MARK}\U0001f4a5",
    f"{MARK}" * 50,
)
_TEXTS: Final = (*HOSTILE, "", "a", "Ann Lee", "fruit", "happy", "1", "NULL", "{}", "$.a", "2024-01-01", "\u0000")
_NUMBERS: Final = (
    0,
    1,
    2,
    -1,
    3,
    100,
    2**31 - 1,
    2**31,
    -(2**31),
    2**53 + 1,
    2**63 - 1,
    2**63,
    1.5,
    -0.25,
    1e10,
    1e300,
)
_JSON: Final[tuple[Any, ...]] = (
    {},
    [],
    {"a": 1},
    {MARK: [f"{MARK}'"]},
    [1, "a", None],
    None,
    True,
    f"{MARK}\\'",
    {"a": {"b": [{}]}},
)
#: Literals that fit hardly anywhere.
_MISFITS: Final = ("null", "{}", "[]", "[[1]]", "1e999", '"x"', "WORD", "-0", "$undeclared", '""""""')
_PLAUSIBLE: Final[dict[str, tuple[Any, ...]]] = {
    "Int": (0, 1, 2, 3, 4, 5, 100, -1),
    "bigint": (0, 1, 2, 2**63 - 1, "9223372036854775807"),
    "smallint": (0, 1, -32768),
    "Float": (0, 1.5, -1e3),
    "float8": (0, 1.5, "NaN"),
    "numeric": (0, "1.50", 12345678901234567890),
    "Boolean": (True, False),
    "date": ("2024-01-01", "infinity"),
    "time": ("10:00",),
    "timetz": ("10:00+02",),
    "timestamp": ("2024-01-01T10:00:00",),
    "timestamptz": ("2024-01-01T10:00:00Z",),
    "interval": ("1 day",),
    "uuid": ("00000000-0000-4000-8000-000000000001",),
    "inet": ("10.0.0.1",),
    "bytea": ("\\xff",),
    "mood": ("happy", "so-so"),
    "tsrange": ("[2024-01-01, 2024-02-01)",),
    "json": _JSON,
    "jsonb": _JSON,
}


@dataclass(slots=True)
class DocumentWriter:
    """Writes one document; its variables' values are in `variables`."""

    schema: GraphQLSchema
    random: Random
    #: How often something is wrong on purpose: 0 never, 1 always.
    mischief: float = 0.03
    #: Every text is one of `HOSTILE`.
    hostile: bool = False
    variables: dict[str, Any] = field(default_factory=dict)
    _declared: dict[str, str] = field(default_factory=dict)
    _budget: int = 60

    def operation(self, kind: str) -> str:
        """A query or mutation."""
        root = self.schema.query_type if kind == "query" else self.schema.mutation_type
        if root is None:
            return "{ __typename }"
        body = self._selections(root, self.random.randint(1, 4))
        declared = ", ".join(f"${name}: {kind}" for name, kind in self._declared.items())
        return f"{kind}{f' ({declared})' if declared else ''} {body}"

    def root_field(self, name: str, field: GraphQLField, kind: str) -> str:
        """An operation of this one field with every argument that it has."""
        body = self._field(name, field, 2, every=True)
        return f"{kind} {{ {body} }}"

    def _odds(self, chance: float) -> bool:
        return self.random.random() < chance

    def _selections(self, parent: GraphQLObjectType, depth: int) -> str:
        names = [
            name
            for name, item in parent.fields.items()
            if depth > 0 or not isinstance(get_named_type(item.type), GraphQLObjectType)
        ]
        parts = [
            self._field(name, parent.fields[name], depth)
            for name in (self.random.choices(names, k=self.random.randint(1, 4)) if names else ())
            if self._spend()
        ]
        if self._odds(0.1) or not parts:
            parts.append("__typename")
        if self._odds(0.1):
            parts.append(f"... on {parent.name} {{ __typename }}")
        if self._odds(self.mischief):
            parts.append(self.random.choice(["nothing", "...Nobody", "id @odd", "__schema { x }", "id: name"]))
        return "{ " + " ".join(parts) + " }"

    def _spend(self) -> bool:
        self._budget -= 1
        return self._budget > 0

    def _field(self, name: str, item: GraphQLField, depth: int, *, every: bool = False) -> str:
        alias = f"a{self.random.randint(0, 999)}: " if self._odds(0.6) else ""
        arguments = [
            f"{key}: {self._value(argument.type, 2 if every else 3, every=every)}"
            for key, argument in item.args.items()
            if every
            or (isinstance(argument.type, GraphQLNonNull) and not self._odds(self.mischief))
            or self._odds(0.35)
        ]
        listed = ", ".join(arguments)
        text = f"{alias}{name}({listed})" if arguments else f"{alias}{name}"
        if self._odds(0.05):
            text += self.random.choice([" @include(if: true)", " @skip(if: true)", " @include(if: false)"])
        kind = get_named_type(item.type)
        return f"{text} {self._selections(kind, depth - 1)}" if isinstance(kind, GraphQLObjectType) else text

    # Values, as literals and as JSON

    def _value(self, kind: GraphQLInputType, depth: int, *, every: bool = False) -> str:
        if self._odds(0.15) and not every:
            name = f"v{len(self._declared)}"
            self._declared[name] = str(kind)
            self.variables[name] = self._json(kind, depth)
            return f"${name}"
        return self._literal(kind, depth, every=every)

    def _literal(self, kind: GraphQLInputType, depth: int, *, every: bool) -> str:
        if isinstance(kind, GraphQLNonNull):
            return self._literal(kind.of_type, depth, every=every)
        if self._odds(self.mischief):
            return self.random.choice(_MISFITS)
        if isinstance(kind, GraphQLList):
            count = 1 if every else self.random.randint(0, 3)
            return "[" + ", ".join(self._value(kind.of_type, depth - 1, every=every) for _ in range(count)) + "]"
        if isinstance(kind, GraphQLEnumType):
            return str(self.random.choice(list(kind.values)))
        if isinstance(kind, GraphQLInputObjectType):
            members = (
                f"{name}: {self._value(item.type, depth - 1, every=every)}"
                for name, item in self._members(kind, depth, every=every)
            )
            return "{" + ", ".join(members) + "}"
        return _as_literal(self._scalar(kind))

    def _json(self, kind: GraphQLInputType, depth: int) -> Any:
        if isinstance(kind, GraphQLNonNull):
            return self._json(kind.of_type, depth)
        if self._odds(self.mischief):
            return self.random.choice([None, {}, [], [[1]], "x", True, {"a": {"b": None}}, [None], 2**64])
        if isinstance(kind, GraphQLList):
            items = [self._json(kind.of_type, depth - 1) for _ in range(self.random.randint(0, 3))]
            return items[0] if items and self._odds(0.1) else items
        if isinstance(kind, GraphQLEnumType):
            return self.random.choice(list(kind.values))
        if isinstance(kind, GraphQLInputObjectType):
            return {name: self._json(item.type, depth - 1) for name, item in self._members(kind, depth, every=False)}
        return self._scalar(kind)

    def _members(self, kind: GraphQLInputObjectType, depth: int, *, every: bool) -> list[tuple[str, Any]]:
        members = list(kind.fields.items())
        needed = [item for item in members if isinstance(item[1].type, GraphQLNonNull) and _has_no_default(item[1])]
        if every:
            # Everything that does not lead on for ever.
            leaves = [item for item in members if depth > 0 or not _is_object(item[1].type)]
            return leaves if depth > 0 else [item for item in leaves if item not in needed] + needed
        chosen = self.random.sample(members, k=min(len(members), self.random.randint(0, 3))) if depth > 0 else []
        return list(dict([*needed, *chosen]).items()) if depth > -3 else needed

    def _scalar(self, kind: GraphQLInputType) -> Any:
        assert isinstance(kind, GraphQLScalarType)
        if self.hostile:
            return (
                self.random.choice(HOSTILE)
                if kind.name not in ("Int", "Boolean", "Float")
                else _PLAUSIBLE[kind.name][0]
            )
        if self._odds(self.mischief):
            return self.random.choice([*_TEXTS, *_NUMBERS, *_JSON, True])
        return self.random.choice(_PLAUSIBLE.get(kind.name, _TEXTS))


def _has_no_default(item: Any) -> bool:
    return item.default_value is Undefined


def _is_object(kind: GraphQLInputType) -> bool:
    return isinstance(get_named_type(kind), GraphQLInputObjectType)


def _as_literal(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case dict():
            # A key that GraphQL can't spell can only come in a variable.
            members = (f"{key}: {_as_literal(item)}" for key, item in value.items() if key.isidentifier())
            return "{" + ", ".join(members) + "}"
        case list():
            return "[" + ", ".join(map(_as_literal, value)) + "]"
        case _:
            return json.dumps(value)
