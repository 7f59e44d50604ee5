"""How names are made from other names, and which ones GraphQL can spell."""

import re
from functools import cache
from typing import Final

_NAME: Final = re.compile(r"(?!__)[_A-Za-z][_0-9A-Za-z]*", re.ASCII)
_NO_ENUM_VALUES: Final = frozenset({"true", "false", "null"})


def plural(noun: str) -> str:
    """The plural of an English snake_case noun, by the three regular rules."""
    if noun.endswith(("s", "x", "ch", "sh")):
        return noun + "es"
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + "s"


def is_graphql_name(name: str) -> bool:
    """Whether a field or type may have this name (GraphQL specification, 2.1.9; `__` is introspection's)."""
    return _NAME.fullmatch(name) is not None


@cache
def as_graphql_name(name: str) -> str:
    """The name, or one like it that GraphQL can spell."""
    if is_graphql_name(name):
        return name
    spelt = re.sub(r"[^_0-9A-Za-z]", "_", name).lstrip("_") or "unnamed"
    return f"_{spelt}" if spelt[0].isdigit() else spelt


def is_enum_value(name: str) -> bool:
    """Whether an enum may have this value."""
    return is_graphql_name(name) and name not in _NO_ENUM_VALUES
