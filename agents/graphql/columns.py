"""A variable of many objects, sent by columns: the endpoint's extension for rows in bulk (docs/beyond-hasura.md).

Half as much to write and to read as objects that repeat their keys, and less where a column has one value in all
objects, as many of an invoice's have in all of a page.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson


@dataclass(frozen=True, slots=True)
class ByColumns:
    """Stands for a list of objects: each key with its values, in the objects' order."""

    columns: Mapping[str, Sequence[Any]]


def request_of(query: str, variables: Mapping[str, Any], operation_name: str) -> dict[str, Any]:
    """The request, in which variables `ByColumns` are named."""
    request: dict[str, Any] = {"query": query, "variables": variables, "operationName": operation_name}
    names = [name for name, value in variables.items() if type(value) is ByColumns]
    if names:
        request["variables"] = {**variables, **{name: _written(variables[name].columns) for name in names}}
        request["extensions"] = {"columns": names}
    return request


def _written(columns: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
    """The columns as they are sent: a list each, or once what all objects have. One list at least says how many."""
    written = {name: {"each": values[0]} if _are_alike(values) else values for name, values in columns.items()}
    return dict(columns) if all(type(one) is dict for one in written.values()) else written


def _are_alike(values: Sequence[Any]) -> bool:
    if not values or values[0] != values[-1]:
        return False
    try:
        # As they are written: `True == 1`, also deep in a list.
        return orjson.dumps(values) == b"[%b]" % b",".join([orjson.dumps(values[0])] * len(values))
    except TypeError:
        # Decimal, say, which takes another writer.
        return False
