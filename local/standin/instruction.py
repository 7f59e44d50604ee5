"""What a stand-in can be told at ``POST /_control/<path>``: checked before it is done, and shown on the page.

An instruction is data (`Instruction`), so that what a person reads about it is what is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.requests import Request

#: Name to the types of its JSON value; `NoneType` among them where null means something.
Fields = Mapping[str, type | tuple[type, ...]]

TEXT_OR_NULL = (str, type(None))
NUMBER = (int, float)

_NAMES: Mapping[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
    type(None): "null",
}


class ControlError(ValueError):
    """A control was used wrongly; the message says how it is done."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Instruction:
    """One thing that a stand-in can be told."""

    #: What it is for, a sentence.
    about: str
    #: What its body may have.
    fields: Fields
    #: A body that shows how it is used.
    example: Mapping[str, Any]
    #: Does it, in a transaction of the store, and gives the answer as JSON. Raises ValueError for what can't be.
    carry_out: Callable[[Mapping[str, Any]], Any]
    #: Whether a list of such bodies is taken, too, one after the other; the last one's answer is given.
    repeats: bool = False

    def read(self, body: Any) -> list[Mapping[str, Any]]:
        """The bodies, checked; raises ControlError."""
        bodies = body if self.repeats and isinstance(body, list) else [body]
        return [check_fields("the body", one, self.fields) for one in bodies]


async def read_json(request: Request) -> Any:
    """The body, any JSON; an empty body is an empty object."""
    raw = await request.body()
    try:
        return orjson.loads(raw) if raw else {}
    except orjson.JSONDecodeError as error:
        raise ControlError(f"the body must be JSON: {error}") from error


def check_fields(what: str, body: Any, fields: Fields) -> Mapping[str, Any]:
    """The body, an object with no other fields than these and values of their types; ControlError says what isn't."""
    if not isinstance(body, Mapping):
        raise ControlError(f"{what} must be a JSON object with some of {', '.join(fields)}")
    for name, value in body.items():
        if name not in fields:
            raise ControlError(f"{what} has no {name!r}; it has {', '.join(fields)}")
        declared = fields[name]
        types = declared if isinstance(declared, tuple) else (declared,)
        # To Python, true and false are numbers.
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise ControlError(f"{name!r} of {what} is {describe_types(types)}; it can't be {value!r}")
    return body


def need(body: Mapping[str, Any], name: str) -> Any:
    """A field that must be there."""
    try:
        return body[name]
    except KeyError:
        raise ControlError(f"the body needs {name!r}; it has {', '.join(body) or 'nothing'}") from None


def describe_types(types: type | tuple[type, ...]) -> str:
    """The types in words: "text or null"."""
    if types == NUMBER:
        return "a number"
    return " or ".join(_NAMES[one] for one in (types if isinstance(types, tuple) else (types,)))
