"""Walking the conditions of the rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from permissions.model import TablePermissions
from permissions.rules import RULES
from schema.catalogue import Catalogue, Relationship, Table
from schema.from_metadata import catalogue_from_metadata
from schema.tables import metadata
from schema.view import BoolExp

CATALOGUE: Catalogue = catalogue_from_metadata(metadata)


@dataclass(frozen=True)
class Comparison:
    """A column compared with something, at the end of a path of relationships."""

    table: Table
    path: tuple[Relationship, ...]
    column: str
    operator: str
    operand: Any


def cells() -> Iterator[tuple[str, str, TablePermissions]]:
    """Every role and table with rules."""
    for role, granted in RULES.items():
        for table, permissions in granted.items():
            yield role, table, permissions


def conditions(permissions: TablePermissions) -> Iterator[tuple[str, BoolExp]]:
    """All conditions of a cell, with what each is."""
    select, insert, update, delete = permissions.select, permissions.insert, permissions.update, permissions.delete
    if select:
        yield "select filter", select.filter
    if insert:
        yield "insert check", insert.check
    if update:
        yield "update filter", update.filter
        if update.check is not None:
            yield "update check", update.check
    if delete:
        yield "delete filter", delete.filter


def every_condition() -> list[tuple[str, str, str, BoolExp]]:
    """Role, table, what it is, the condition."""
    return [
        (role, table, name, exp) for role, table, permissions in cells() for name, exp in conditions(permissions) if exp
    ]


def comparisons(table: Table, exp: BoolExp, path: tuple[Relationship, ...] = ()) -> Iterator[Comparison]:
    """Every comparison in the condition. What `_exists` looks at begins a path of its own."""
    for name, value in exp.items():
        if name in ("_and", "_or"):
            for item in value:
                yield from comparisons(table, item, path)
        elif name == "_not":
            yield from comparisons(table, value, path)
        elif name == "_exists":
            other = CATALOGUE[f"{value['_table']['schema']}.{value['_table']['name']}"]
            yield from comparisons(other, value["_where"])
        elif name in table.columns:
            for operator, operand in value.items():
                yield Comparison(table, path, name, operator, operand)
        else:
            relationship = table.relationships[name]
            yield from comparisons(CATALOGUE[relationship.target], value, (*path, relationship))
