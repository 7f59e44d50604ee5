"""A variable of many objects, sent by columns: the endpoint's extension for rows in bulk (docs/beyond-hasura.md).

Half as much to write and to read as objects that repeat their keys.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ByColumns:
    """Stands for a list of objects: each key with its values, in the objects' order."""

    columns: Mapping[str, Sequence[Any]]


def request_of(query: str, variables: Mapping[str, Any], operation_name: str) -> dict[str, Any]:
    """The request, in which variables `ByColumns` are named."""
    request: dict[str, Any] = {"query": query, "variables": variables, "operationName": operation_name}
    names = [name for name, value in variables.items() if type(value) is ByColumns]
    if names:
        request["variables"] = {**variables, **{name: variables[name].columns for name in names}}
        request["extensions"] = {"columns": names}
    return request
