"""JSON that clients send, read without loss: a number with more digits than a float holds keeps its text.

    read_json(b'{"price": 12345678901234567890.12}')["price"].text == "12345678901234567890.12"

What fits in 64 bits or is told apart by a float is an int or a float, as ever. Few requests have other numbers, so a
glance at the text tells first.
"""

import json
import re
from typing import Any, Final

import orjson

#: A text's shape: what numbers consist of, what can stand before one, and the rest.
_SHAPES: Final = bytes.maketrans(b"0123456789.:[,- \t\r\n", b"0" * 11 + b":" * 8)
#: What the shape of a number of more than 15 digits begins with; in a string only where a number is quoted.
_LONG: Final = b":" + b"0" * 16
#: Decimal digits that a double always keeps (IEEE 754).
_KEPT_DIGITS: Final = 15
#: What orjson reads without loss. (Integers of more than 64 bits are floats to it.)
_PLAIN: Final = (str, int, bool, type(None))
_EXPONENT: Final = re.compile("[eE]")


class ExactNumber(float):
    """A number as the client wrote it. Equal to none but those that are written the same."""

    __slots__ = ("text",)

    text: str

    def __new__(cls, text: str) -> "ExactNumber":
        """The number of this JSON text."""
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ExactNumber) and self.text == other.text

    def __ne__(self, other: object) -> bool:
        # float has one of its own.
        return not self == other

    def __hash__(self) -> int:
        return hash(self.text)


def read_json(text: bytes | str) -> Any:
    """What the text says. Raises orjson.JSONDecodeError."""
    read = orjson.loads(text)
    if type(read) is dict and "query" in read and _is_plain(read.get("variables")):
        return read
    raw = text.encode() if isinstance(text, str) else text
    # A tenth of what a regular expression takes, which for a megabyte of rows is more than reading it.
    shape = raw.translate(_SHAPES)
    if _LONG not in shape and not shape.startswith(_LONG[1:]):
        return read
    try:
        return json.loads(raw, parse_int=_integer, parse_float=_fraction)
    except RecursionError:
        # What is nested so deeply is refused later, whatever its numbers are.
        return read


def _is_plain(variables: Any) -> bool:
    """Whether they can hold no fraction and nothing within: sooner seen than the text is gone through."""
    if variables is None:
        return True
    if type(variables) is not dict:
        return False
    for value in variables.values():  # noqa: SIM110 - a generator would take twice as long
        if type(value) not in _PLAIN:
            return False
    return True


def write_json(value: Any) -> bytes:
    """The value as JSON, numbers as they were written. Raises TypeError for what is no JSON."""
    return orjson.dumps(value, default=_fragment)


def _integer(text: str) -> int | ExactNumber:
    if len(text) > 20:
        return ExactNumber(text)
    value = int(text)
    return value if -(2**63) <= value < 2**64 else ExactNumber(text)


def _fraction(text: str) -> float:
    digits = _EXPONENT.split(text)[0].lstrip("-").replace(".", "").strip("0")
    return float(text) if len(digits) <= _KEPT_DIGITS else ExactNumber(text)


def _fragment(value: object) -> orjson.Fragment:
    if isinstance(value, ExactNumber):
        return orjson.Fragment(value.text)
    raise TypeError(f"Type is not JSON serializable: {type(value).__name__}")
