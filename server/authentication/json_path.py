"""The part of JSONPath that finds one value: `$`, `.name`, `['name']`, `["name"]`, `[0]`.

`claims_namespace_path` and `claims_map` are written in it (Hasura's "JWT mode" page). Wildcards, slices and filters
find several values and are refused.
"""

import re
from dataclasses import dataclass
from typing import Final

#: What `find` answers when there is nothing at the path; a JSON null is a value.
MISSING: Final = object()

_STEP: Final = re.compile(
    r"""
      \.(?P<name>[^\s.\[\]'"*?@()]+)
    | \.?"(?P<dotted>(?:[^"\\]|\\.)+)"
    | \[\s*(?P<index>\d+)\s*\]
    | \[\s*'(?P<single>(?:[^'\\]|\\.)+)'\s*\]
    | \[\s*"(?P<double>(?:[^"\\]|\\.)+)"\s*\]
    """,
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonPath:
    """A parsed path: names of members and indexes of items, from the root down."""

    text: str
    steps: tuple[str | int, ...]

    def find(self, document: object) -> object:
        """The value at this path, or MISSING."""
        value = document
        for step in self.steps:
            match step, value:
                case str(), dict() if step in value:
                    value = value[step]
                case int(), list() if step < len(value):
                    value = value[step]
                case _:
                    return MISSING
        return value


def parse_json_path(text: str) -> JsonPath:
    """The path that `text` spells; raises ValueError with the position of what is not understood."""
    if not text.startswith("$"):
        raise ValueError(f"the JSON path {text!r} does not start with `$`")
    steps: list[str | int] = []
    position = 1
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None:
            raise ValueError(
                f"the JSON path {text!r} is not understood at character {position + 1}; "
                "write .name, ['name'] or [0] for each step"
            )
        if step["index"] is not None:
            steps.append(int(step["index"]))
        else:
            quoted = step["dotted"] or step["single"] or step["double"]
            steps.append(step["name"] if quoted is None else _ESCAPE.sub(r"\1", quoted))
        position = step.end()
    return JsonPath(text=text, steps=tuple(steps))
