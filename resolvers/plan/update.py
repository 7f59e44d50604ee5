"""Updates of one table: what is assigned, to which of the rows that the role may change."""

from collections.abc import Mapping
from typing import Any, Final

from resolvers import ir
from resolvers.errors import ValidationFailed
from resolvers.plan.context import Compiler
from resolvers.plan.insert import preset_assignments, update_check
from resolvers.plan.where import permission_condition
from schema.types import PgType
from schema.view import TableView

_TEXT: Final = PgType(name="text")
#: The update operators, and the type of their operand where it is not the column's.
_OPERATORS: Final[Mapping[str, PgType | None]] = {
    "_set": None,
    "_inc": None,
    "_append": None,
    "_prepend": None,
    "_delete_key": _TEXT,
    "_delete_elem": PgType(name="int4"),
    "_delete_at_path": _TEXT,
}


def update_of(
    compiler: Compiler, table: TableView, where: ir.Condition, assignments: tuple[ir.Assignment, ...]
) -> ir.Update:
    """The role's update of the rows where `where` holds: with its filter, presets and check."""
    update = table.update
    assert update is not None
    if assignments or not update.columns:
        # Who updates no column at all asks for the presets.
        assignments += preset_assignments(table.table, update)
    return ir.Update(
        table=table.table,
        where=ir.both(permission_condition(compiler.catalogue, table.table, update.filter), where),
        assignments=assignments,
        check=update_check(compiler, table),
    )


def assignments_of(
    compiler: Compiler, table: TableView, operators: Mapping[str, Any], path: str
) -> tuple[ir.Assignment, ...]:
    """What `_set`, `_inc` … say, an assignment a column. Raises ValidationFailed."""
    update = table.update
    assert update is not None
    found: dict[str, ir.Assignment] = {}
    for operator, operand_type in _OPERATORS.items():
        for name, value in (operators.get(operator) or {}).items():
            column = update.columns[name]
            here = f"{path}.{operator}.{name}"
            if column.name in found:
                raise ValidationFailed(f'column found in multiple operators: "{name}"', path)
            if value is None and (operator != "_set" or not column.nullable):
                raise ValidationFailed(f"unexpected null value for type '{column.scalar}'", here)
            # A lone key stands for a path of one.
            many = operator == "_delete_at_path"
            param = None if value is None else compiler.param(value, operand_type or column.type, many=many)
            found[column.name] = ir.Assignment(column=column, operator=operator, value=param)
    return tuple(found.values())
