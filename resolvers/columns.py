"""Many objects of one form, as their columns: how rows that are to be inserted are looked at and written.

    [{"id": 1, "name": "a"}, {"id": 2, "name": null}]
    → {"id": ((1, 2), {int}), "name": (("a", None), {str, NoneType})}

Looked at one by one, the rows of a back-fill's request take much longer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final, TypeAlias

import orjson


@dataclass(frozen=True, slots=True)
class Alike:
    """What all objects have in a column, said once."""

    value: Any


#: A column's values in the order of the objects, or the one that all of them have, and the kinds that are among them.
Column: TypeAlias = tuple[Sequence[Any] | Alike, frozenset[type]]
Columns: TypeAlias = Mapping[str, Column]

#: From how many values on objects are taken as columns, whatever the number of rows.
_MANY_VALUES: Final = 500


def are_many(rows: int, columns: int) -> bool:
    """Whether so many objects with so many keys may be taken as columns."""
    return rows * columns > _MANY_VALUES


def columns_of(objects: Any) -> Columns | None:
    """The columns of a list of many objects that all have the same keys; None for anything else."""
    if type(objects) is not list or not objects or type(objects[0]) is not dict:
        return None
    first = objects[0]
    names = tuple(first)
    if not are_many(len(objects), len(names)):
        return None
    rows: list[Iterable[Any]] = []
    for item in objects:
        if type(item) is not dict:
            return None
        if tuple(item) == names:
            rows.append(item.values())
        elif item.keys() == first.keys():
            rows.append([item[name] for name in names])
        else:
            return None
    return {
        name: (values, frozenset(map(type, values)))
        for name, values in zip(names, zip(*rows, strict=True), strict=True)
    }


def read_columns(given: Any) -> Columns | None:
    """The columns of an object of lists, `{"id": [1, 2], "name": ["a", null], "role": {"each": "cct"}}`.

    `each` stands before what all objects have alike. None unless there are lists, and all of one length.
    """
    if type(given) is not dict or len({len(values) for values in given.values() if type(values) is list}) != 1:
        return None
    columns: dict[str, Column] = {}
    for name, values in given.items():
        if type(values) is list:
            columns[name] = (values, frozenset(map(type, values)))
        elif type(values) is dict and values.keys() == {"each"}:
            columns[name] = (Alike(values["each"]), frozenset({type(values["each"])}))
        else:
            return None
    return columns


def length_of(columns: Columns) -> int:
    """How many objects they are."""
    return next(len(values) for values, _kinds in columns.values() if not isinstance(values, Alike))


def objects_of(columns: Columns) -> list[dict[str, Any]]:
    """The objects whose columns these are."""
    count = length_of(columns)
    lists = [
        repeat(values.value, count) if isinstance(values, Alike) else values for values, _kinds in columns.values()
    ]
    return [dict(zip(columns, row, strict=True)) for row in zip(*lists, strict=True)]


def array_text(values: Iterable[str | int | bool | None]) -> str:
    """The values as PostgreSQL reads a one-dimensional array (PostgreSQL, 8.15.6)."""
    values = tuple(values)
    try:
        text = orjson.dumps(values).decode()
    except TypeError:
        # A lone surrogate, or a number that no 64 bits hold: PostgreSQL refuses them with a better reason.
        pass
    else:
        if "\\" not in text:
            # JSON's list but for the brackets. Its escapes are others.
            return "{" + text[1:-1] + "}"
    return "{" + ",".join(map(_item, values)) + "}"


def _item(value: str | int | bool | None) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return str(value).lower()
