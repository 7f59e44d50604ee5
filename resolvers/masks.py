"""Masks of inherited roles, compiled into the columns of the role's view.

From then on a masked column is like any other to the compiler; only the renderer looks (`sql.where.operand_sql`).
"""

from dataclasses import replace

from resolvers.plan.where import permission_condition
from schema.catalogue import Catalogue
from schema.view import RoleView, TableView


def compile_masks(catalogue: Catalogue, view: RoleView) -> RoleView:
    """The view with every mask turned into a condition of its column."""
    tables = {key: _masked(catalogue, table) if table.masks else table for key, table in view.tables.items()}
    return replace(view, tables=tables)


def _masked(catalogue: Catalogue, table: TableView) -> TableView:
    masks = {name: permission_condition(catalogue, table.table, mask) for name, mask in table.masks.items()}
    return replace(
        table,
        columns={
            name: replace(column, mask=masks[name]) if name in masks else column
            for name, column in table.columns.items()
        },
        computed_fields={
            name: replace(computed, mask=masks[name]) if name in masks else computed
            for name, computed in table.computed_fields.items()
        },
        masks={},
    )
