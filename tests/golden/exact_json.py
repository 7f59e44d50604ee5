"""JSON to the letter: numbers keep their digits, objects the order of their keys, and duplicates are not hidden."""

import json
from typing import Any, Final

_WIDTH: Final = 116


class Number(str):
    """A JSON number as it was written: `9.50` is not `9.5`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Object(tuple[tuple[str, Any], ...]):
    """A JSON object as its members in order."""

    __slots__ = ()


def parse_exactly(text: str | bytes) -> Any:
    """The value with `Number` for numbers and `Object` for objects. Raises ValueError."""
    return json.loads(text, parse_float=Number, parse_int=Number, object_pairs_hook=Object)


def render_exactly(value: Any, indent: int = 0) -> str:
    """The value as text: on one line where it fits, else a member a line."""
    line = _one_line(value)
    if indent + len(line) <= _WIDTH or not isinstance(value, list | Object) or not value:
        return line
    pad = " " * (indent + 2)
    if isinstance(value, Object):
        members = [f"{json.dumps(key, ensure_ascii=False)}: {render_exactly(item, indent + 2)}" for key, item in value]
        return "{\n" + ",\n".join(pad + member for member in members) + "\n" + " " * indent + "}"
    items = [render_exactly(item, indent + 2) for item in value]
    return "[\n" + ",\n".join(pad + item for item in items) + "\n" + " " * indent + "]"


def _one_line(value: Any) -> str:
    if isinstance(value, Object):
        return "{" + ", ".join(f"{json.dumps(key, ensure_ascii=False)}: {_one_line(item)}" for key, item in value) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_one_line, value)) + "]"
    return str(value) if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)
