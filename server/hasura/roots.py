"""Root fields' own names (`custom_root_fields`), as far as no two fields get the same."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from schema.catalogue import Table, TableKey
from schema.naming import is_graphql_name
from server.hasura.functions import Problem

#: What metadata calls the root fields of a table, and what they are called usually.
_USUAL: Final = {
    "select": "%s",
    "select_by_pk": "%s_by_pk",
    "select_aggregate": "%s_aggregate",
    "select_stream": "%s_stream",
    "insert": "insert_%s",
    "insert_one": "insert_%s_one",
    "update": "update_%s",
    "update_by_pk": "update_%s_by_pk",
    "update_many": "update_%s_many",
    "delete": "delete_%s",
    "delete_by_pk": "delete_%s_by_pk",
}


def root_names(custom: Mapping[str, Any]) -> dict[str, str]:
    """The names that `custom_root_fields` gives, by operation; a spec may be a name or hold one."""
    found = {}
    for operation, spec in custom.items():
        name = spec.get("name") if isinstance(spec, dict) else spec
        if name:
            found[operation] = str(name)
    return found


def told_apart(tables: Mapping[TableKey, Table], problem: Problem) -> tuple[dict[TableKey, Table], frozenset[str]]:
    """The tables, each without those names of roots that can't be, and the names of all roots."""
    owners: dict[str, TableKey] = {}
    for key, table in tables.items():
        usual = [name % table.graphql_name for operation, name in _USUAL.items() if operation not in table.root_names]
        owners |= dict.fromkeys(usual, key)
    found: dict[TableKey, Table] = {}
    for key, table in tables.items():
        names: dict[str, str] = {}
        for operation, name in table.root_names.items():
            flaw = None
            if operation not in _USUAL:
                flaw = "there is no such root field"
            elif not is_graphql_name(name):
                flaw = f"GraphQL can't spell {name!r}, so it keeps its usual name"
            elif name in owners:
                flaw = f"{name!r} is a field of {owners[name]} already, so it keeps its usual name"
            if flaw is None:
                names[operation] = name
                owners[name] = key
            else:
                problem(f"table {key}, custom_root_fields.{operation}", flaw)
                if operation in _USUAL:
                    owners.setdefault(_USUAL[operation] % table.graphql_name, key)
        found[key] = replace(table, root_names=names)
    return found, frozenset(owners)
