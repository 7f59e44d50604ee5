"""The `path` argument of JSON columns (HASURA_DIALECT §2): `$.a.b`, `a[0]`, `['k']`, `["k"]`."""

import re
from typing import Final

_STEP: Final = re.compile(
    r"""
    \.?(?P<name>[^\s.\[\]'"$][^\s.\[\]'"]*)     # .name or a leading name
    | \[(?P<index>\d+)\]                        # [0]
    | \['(?P<single>[^']*)'\]                   # ['key']
    | \["(?P<double>[^"]*)"\]                   # ["key"]
    """,
    re.VERBOSE,
)


def parse_json_path(text: str) -> list[str]:
    """The keys and indices on the way, as PostgreSQL's `#>` takes them; none for the whole value. Raises ValueError."""
    position = 1 if text.startswith("$") else 0
    if text[position : position + 1] == "." and len(text) == position + 1:
        raise ValueError("it ends in a dot")
    keys: list[str] = []
    while position < len(text):
        step = _STEP.match(text, position)
        if step is None or (keys and step.group("name") and text[position] != "."):
            raise ValueError(f"unexpected text at position {position + 1}")
        keys.append(next(group for group in step.groups() if group is not None))
        position = step.end()
    if not text:
        raise ValueError("it is empty")
    return keys
