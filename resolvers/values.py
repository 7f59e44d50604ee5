"""JSON values to PostgreSQL's text input form, checked by scalar.

Every value travels as a text bind that PostgreSQL casts (`$1::text::uuid`), so one wire type serves all columns and
bad text is PostgreSQL's to refuse. What is checked here is the JSON kind: HASURA_DIALECT §3, "In".
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from orjson import Fragment

from resolvers.exact_numbers import ExactNumber, write_json
from schema.types import PgType

Encoder = Callable[[Any], str]
#: Of many values of the kinds that are told.
ColumnEncoder = Callable[[Sequence[Any], Collection[type]], Sequence[Any]]


class Word(str):
    """A bare word in a document: the enum literal `happy`, which is not the string `"happy"`."""

    __slots__ = ()


class WrongKind(ValueError):
    """A JSON value of a kind or range that the scalar does not take. The message names what was expected and found."""


def kind_of(value: Any) -> str:
    """The JSON kind of a value, for messages: it never repeats the value itself."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float() | Fragment():
            return "a number"
        case Word():
            return "an enum value"
        case str():
            return "a string"
        case list():
            return "a list"
        case _:
            return "an object"


def _integer(name: str, bits: int) -> Encoder:
    limit = 1 << (bits - 1)

    def encode(value: Any) -> str:
        if type(value) is int:
            if -limit <= value < limit:
                return str(value)
            raise WrongKind(f"the value is out of range for type '{name}', a {bits}-bit integer")
        if type(value) is str:
            return value
        if isinstance(value, float) and value.is_integer():
            return encode(int(value))
        raise WrongKind(f"expected a {bits}-bit integer for type '{name}', but found {kind_of(value)}")

    return encode


def _number(name: str) -> Encoder:
    def encode(value: Any) -> str:
        if type(value) is str:
            return value
        if type(value) is int or type(value) is float:
            return repr(value)
        if type(value) is ExactNumber:
            return value.text
        raise WrongKind(f"expected a number for type '{name}', but found {kind_of(value)}")

    return encode


def _boolean(value: Any) -> str:
    if value is True:
        return "true"
    if value is False:
        return "false"
    raise WrongKind(f"expected a boolean for type 'Boolean', but found {kind_of(value)}")


def _string(name: str) -> Encoder:
    def encode(value: Any) -> str:
        if type(value) is str:
            return value
        raise WrongKind(f"expected a string for type '{name}', but found {kind_of(value)}")

    return encode


def _enum(name: str) -> Encoder:
    def encode(value: Any) -> str:
        if isinstance(value, str):
            return str(value)
        raise WrongKind(f"expected a string for type '{name}', but found {kind_of(value)}")

    return encode


def _json(value: Any) -> str:
    try:
        return write_json(value).decode()
    except TypeError as error:
        # Deeper than its writer goes, though not than its reader.
        raise WrongKind(f"the value can't be written as JSON: {error}") from None


def _other(value: Any) -> str:
    """A type that we know nothing of (geometry, hstore …): text as it is, structures as JSON."""
    if type(value) is Word:
        raise WrongKind("expected a string or JSON, but found an enum value")
    return value if type(value) is str else _json(value)


#: Types whose values are strings.
_TEXTS: Final = (
    *("text", "varchar", "bpchar", "citext", "name", "uuid", "bytea", "inet", "cidr", "macaddr"),
    *("date", "time", "timetz", "timestamp", "timestamptz", "interval", "xml"),
)

_ENCODERS: Final[Mapping[str, Encoder]] = {
    "int2": _integer("smallint", 16),
    "int4": _integer("Int", 32),
    "int8": _integer("bigint", 64),
    "float4": _number("Float"),
    "float8": _number("float8"),
    "numeric": _number("numeric"),
    "money": _number("money"),
    "bool": _boolean,
    "json": _json,
    "jsonb": _json,
} | {name: _string("String" if name in ("text", "varchar") else name) for name in _TEXTS}


#: Types of which PostgreSQL's arrays read what is written here. Others have a delimiter of their own (box), or can't be
#: told from text that is there already.
ARRAY_TYPES: Final = frozenset(_ENCODERS) - {"json", "jsonb"}

_NULL: Final = type(None)
#: Bits of the integer types.
_INTEGERS: Final = {"int2": 16, "int4": 32, "int8": 64}
#: What needs no writing, being the same text in JSON.
_PLAIN_KINDS: Final[Mapping[str, frozenset[type]]] = {
    **dict.fromkeys(_INTEGERS, frozenset({int, str})),
    "bool": frozenset({bool}),
    **dict.fromkeys(_TEXTS, frozenset({str})),
}


def column_encoder(pg_type: PgType) -> ColumnEncoder:
    """How many values of this type, nulls among them, are written as `resolvers.columns.array_text` takes them.

    Numbers and booleans of JSON are read as the very text that `encoder` writes, so most columns stay as they are; only
    their kinds and range are looked at. Raises WrongKind.
    """
    encode = encoder(pg_type)
    plain = frozenset() if pg_type.is_array else _PLAIN_KINDS.get(pg_type.name, frozenset())
    limit = 1 << (_INTEGERS.get(pg_type.name, 64) - 1)

    def encode_all(values: Sequence[Any], kinds: Collection[type]) -> Sequence[Any]:
        given = [kind for kind in kinds if kind is not _NULL]
        if not given:
            return values
        if len(given) == 1 and given[0] in plain:
            if given[0] is not int:
                return values
            numbers = values if len(kinds) == 1 else [value for value in values if value is not None]
            if -limit <= min(numbers) and max(numbers) < limit:
                return values
        return [None if value is None else encode(value) for value in values]

    return encode_all


def encoder(pg_type: PgType) -> Encoder:
    """How a JSON value of this type is written as text. The encoder raises WrongKind."""
    element = _ENCODERS.get(pg_type.name) or (_enum(pg_type.name) if pg_type.is_enum else _other)
    return _array(element) if pg_type.is_array else element


def _array(element: Encoder) -> Encoder:
    def encode(value: Any) -> str:
        if type(value) is str:
            return value
        items = value if type(value) is list else [value]
        return "{" + ",".join(_array_item(element, item) for item in items) + "}"

    return encode


def _array_item(element: Encoder, item: Any) -> str:
    if item is None:
        raise WrongKind("unexpected null value in a list")
    escaped = element(item).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def list_encoder(pg_type: PgType) -> Callable[[Any], list[str]]:
    """How a list of such values is sent as one `text[]` bind (`= ANY($1::text[]::uuid[])`). Raises WrongKind."""
    element = encoder(pg_type)

    def encode(value: Any) -> list[str]:
        items = value if type(value) is list else [value]
        if None in items:
            raise WrongKind("unexpected null value in a list")
        return [element(item) for item in items]

    return encode
