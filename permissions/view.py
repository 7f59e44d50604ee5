"""A role's view of a catalogue: what its rules leave of the tables, columns and relationships.

A relationship exists for a role only when it can select from the target (HASURA_DIALECT §8). An unknown role gets an
empty view.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from permissions.model import ALL, Columns, Rules, TablePermissions
from schema.catalogue import Catalogue, Column, ComputedField, Function, Table, TableKey
from schema.naming import is_graphql_name
from schema.view import BoolExp, DeleteView, InsertView, RoleView, TableView, UpdateView

#: The role that needs no rules.
ADMIN = "admin"


class RuleError(ValueError):
    """A rule names a table or column that does not exist."""


def role_view(
    catalogue: Catalogue, rules: Rules, role: str, function_roles: Mapping[str, frozenset[str]] | None = None
) -> RoleView:
    """What `role` sees. Raises RuleError for a rule about something that does not exist.

    `function_roles` says who may call which function (by key). One that is not listed is open to who may read the
    table that it returns, unless it may write.
    """
    if role == ADMIN:
        return RoleView(
            role=role,
            tables={table.key: _admin_view(table) for table in catalogue},
            functions=tuple(catalogue.functions.values()),
        )
    granted = rules.get(role, {})
    for key in granted:
        if key not in catalogue.tables:
            raise RuleError(f"permissions of role {role}: there is no table {key}")
    tables, readable = _table_views(catalogue, granted, role)
    return RoleView(
        role=role,
        tables=tables,
        functions=tuple(
            function
            for function in catalogue.functions.values()
            if function.returns in readable and _may_call(function, function_roles, role)
        ),
    )


def _table_views(
    catalogue: Catalogue, granted: Mapping[TableKey, TablePermissions], role: str
) -> tuple[dict[TableKey, TableView], set[TableKey]]:
    """The tables, and which of them the role reads: one that it may select nothing of is none."""
    readable = {key for key, permissions in granted.items() if permissions.select is not None}
    while True:
        tables = {
            table.key: _table_view(table, granted[table.key], readable, role)
            for table in catalogue
            if table.key in granted
        }
        shown = {
            key for key in readable if tables[key].columns or tables[key].computed_fields or tables[key].relationships
        }
        if shown == readable:
            return tables, readable
        # What led there leads nowhere now.
        readable = shown


def _may_call(function: Function, function_roles: Mapping[str, frozenset[str]] | None, role: str) -> bool:
    if function_roles is not None and function.key in function_roles:
        return role in function_roles[function.key]
    return not function.volatile


def _admin_view(table: Table) -> TableView:
    columns = _by_graphql_name(table.columns.values())
    writable = {name: column for name, column in columns.items() if not column.generated}
    everything: BoolExp = {}
    return TableView(
        table=table,
        selectable=True,
        columns=columns,
        relationships=table.relationships,
        filter=everything,
        computed_fields=table.computed_fields,
        aggregate=True,
        insert=InsertView(columns=writable, check=everything) if table.insertable else None,
        update=UpdateView(columns=writable, filter=everything) if table.updatable else None,
        delete=DeleteView(filter=everything) if table.deletable else None,
    )


def _table_view(table: Table, granted: TablePermissions, readable: set[str], role: str) -> TableView:
    select = granted.select if table.key in readable else None
    insert, update, delete = granted.insert, granted.update, granted.delete
    return TableView(
        table=table,
        selectable=select is not None,
        columns=_chosen(table, select.columns, role, "select") if select else {},
        relationships={
            name: relationship for name, relationship in table.relationships.items() if relationship.target in readable
        }
        if select
        else {},
        filter=select.filter if select else {},
        computed_fields=_computed(table, select.computed_fields, readable, role) if select else {},
        limit=select.limit if select else None,
        aggregate=select.aggregate if select else False,
        query_fields=select.query_fields if select else None,
        subscription_fields=select.subscription_fields if select else None,
        insert=InsertView(
            columns=_writable(table, insert.columns, insert.presets, role, "insert"),
            check=insert.check,
            presets=_existing(table, insert.presets, role),
        )
        if insert and table.insertable
        else None,
        update=UpdateView(
            columns=_writable(table, update.columns, update.presets, role, "update"),
            filter=update.filter,
            check=update.check,
            presets=_existing(table, update.presets, role),
        )
        if update and table.updatable
        else None,
        delete=DeleteView(filter=delete.filter) if delete and table.deletable else None,
    )


def _chosen(table: Table, columns: Columns, role: str, operation: str) -> Mapping[str, Column]:
    if columns is ALL:
        return _by_graphql_name(table.columns.values())
    assert isinstance(columns, tuple)
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise RuleError(f"{operation} permission of role {role} on {table.key}: no column {', '.join(missing)}")
    # The table's own order, so that the schema does not depend on how a rule was typed.
    return _by_graphql_name(column for name, column in table.columns.items() if name in columns)


def _computed(table: Table, names: tuple[str, ...], readable: set[str], role: str) -> Mapping[str, ComputedField]:
    missing = [name for name in names if name not in table.computed_fields]
    if missing:
        raise RuleError(f"select permission of role {role} on {table.key}: no computed field {', '.join(missing)}")
    chosen = {name: item for name, item in table.computed_fields.items() if name in names}
    # A field that returns rows is granted with the table whose rows they are.
    tables = {name: item for name, item in table.computed_fields.items() if item.function.returns in readable}
    return tables | {name: item for name, item in chosen.items() if item.function.returns is None}


def _writable(
    table: Table, columns: Columns, presets: Mapping[str, object], role: str, operation: str
) -> Mapping[str, Column]:
    chosen = _chosen(table, columns, role, operation)
    return {name: column for name, column in chosen.items() if not column.generated and column.name not in presets}


def _existing(table: Table, presets: Mapping[str, Any], role: str) -> Mapping[str, Any]:
    for name in presets:
        if name not in table.columns:
            raise RuleError(f"preset of role {role} on {table.key}: no column {name}")
    return presets


def _by_graphql_name(columns: Iterable[Column]) -> Mapping[str, Column]:
    # A column whose name GraphQL can't spell is there for filters alone.
    return {column.graphql_name: column for column in columns if is_graphql_name(column.graphql_name)}
