"""Boolean expressions to conditions: a client's, already checked, and a permission's, out of the rules.

Both share one grammar (HASURA_DIALECT §2). They differ in what they may name: a client sees its role's columns and
passes through the filters of the tables it reaches; a permission sees the whole catalogue, other tables' filters do
not apply inside it, and it may use session variables and `_exists`.
"""

from collections.abc import Mapping
from typing import Any, Final

from resolvers import ir
from resolvers.errors import ValidationFailed
from resolvers.inputs import Leaf, LeafList
from resolvers.plan.context import Compiler
from schema.catalogue import Catalogue, Column, ComputedField, Table
from schema.graphql.scalars import comparison_exp
from schema.types import PgType
from schema.view import BoolExp, TableView

_TEXT: Final = PgType(name="text")
_JSONPATH: Final = PgType(name="jsonpath")

#: Operators whose operand is not of the column's own type.
_OPERAND_TYPES: Final[Mapping[str, PgType]] = {
    "_has_key": _TEXT,
    "_has_keys_any": _TEXT,
    "_has_keys_all": _TEXT,
    "_jsonb_path_exists": _JSONPATH,
    "_jsonb_path_match": _JSONPATH,
}
_LIST_OPERATORS: Final = frozenset({"_in", "_nin", "_has_keys_any", "_has_keys_all"})
#: Operators that fail, or take long, for some values of the column and not for others: a pattern that ends in the
#: middle of an escape, one that backtracks, a date without time zone compared with one that has it.
_TELLING_OPERATORS: Final = frozenset(
    {
        *("_like", "_nlike", "_ilike", "_nilike", "_similar", "_nsimilar", "_regex", "_nregex", "_iregex", "_niregex"),
        *("_jsonb_path_exists", "_jsonb_path_match"),
    }
)
_COLUMN_OPERATORS: Final[Mapping[str, str]] = {
    "_ceq": "_eq",
    "_cne": "_neq",
    "_cneq": "_neq",
    "_cgt": "_gt",
    "_clt": "_lt",
    "_cgte": "_gte",
    "_clte": "_lte",
}
_SESSION_PREFIX: Final = "x-hasura-"


# A client's expressions


def client_condition(compiler: Compiler, table: TableView, exp: Mapping[str, Any], path: str) -> ir.Condition:
    """The condition that a client's checked `where` means for rows of `table`. Raises ValidationFailed for nulls."""
    conditions: list[ir.Condition] = []
    for name, value in exp.items():
        here = f"{path}.{name}"
        if value is None:
            raise ValidationFailed(f"unexpected null value for type '{_type_of(compiler, table, name)}'", here)
        if name == "_and":
            conditions.append(ir.And(_each(compiler, table, value, here)))
        elif name == "_or":
            conditions.append(ir.Or(_each(compiler, table, value, here)))
        elif name == "_not":
            conditions.append(ir.Not(client_condition(compiler, table, value, here)))
        elif (operand := table.find_operand(name)) is not None:
            asked = _client_column(compiler, operand, value, here)
            conditions += [_among_visible(compiler, table, condition) for condition in asked]
        elif name in table.relationships:
            relationship = table.relationships[name]
            target = compiler.view[relationship.target]
            inner = client_condition(compiler, target, value, here)
            conditions.append(
                ir.Exists(
                    table=target.table,
                    columns=relationship.columns,
                    where=ir.both(row_filter(compiler, target), inner),
                    asked=True,
                )
            )
        elif name in table.computed_fields:
            conditions.append(_client_rows(compiler, table, table.computed_fields[name], value, here))
        else:
            conditions += _client_aggregate(compiler, table, name.removesuffix("_aggregate"), value, here)
    return ir.both(*conditions)


def _client_rows(
    compiler: Compiler, table: TableView, computed: ComputedField, value: Mapping[str, Any], path: str
) -> ir.Condition:
    """There is one among the rows that a computed field gives. Functions are called for visible rows only."""
    assert computed.function.returns is not None
    target = compiler.view[computed.function.returns]
    found = ir.Exists(
        table=target.table,
        columns=(),
        where=ir.both(row_filter(compiler, target), client_condition(compiler, target, value, path)),
        asked=True,
        call=ir.Call(function=computed.function, arguments=(), row_argument=computed.row_argument),
    )
    return _among_visible(compiler, table, found)


def row_filter(compiler: Compiler, table: TableView) -> ir.Condition:
    """The rows of `table` that the role may see at all."""
    return permission_condition(compiler.catalogue, table.table, table.filter)


def _among_visible(compiler: Compiler, table: TableView, condition: ir.Condition) -> ir.Condition:
    """The condition, so that rows that the role may not see make no difference to how it ends."""
    tells = isinstance(condition, ir.Compare) and condition.operator in _TELLING_OPERATORS
    computed = isinstance(condition, ir.Compare | ir.IsNull) and condition.column.computed_by is not None
    computed = computed or (isinstance(condition, ir.Exists) and condition.call is not None)
    if not tells and not computed:
        return condition
    visible = row_filter(compiler, table)
    return ir.Among(rows=visible, item=condition) if _is_about_rows(visible) else condition


def _is_about_rows(condition: ir.Condition, depth: int = 0) -> bool:
    """Whether it can hold of one row and not of another. One that can't is tested before any row is read.

    `depth` is how far inside rows of other tables the condition stands.
    """
    match condition:
        case ir.And(items) | ir.Or(items):
            return any(_is_about_rows(item, depth) for item in items)
        case ir.Not(item):
            return _is_about_rows(item, depth)
        case ir.Exists() if not condition.columns and condition.call is None:
            return _is_about_rows(condition.where, depth + 1)
        case ir.Exists():
            return depth == 0 or _is_about_rows(condition.where, depth + 1)
        case ir.CompareColumns():
            return condition.levels_up >= depth
        case _:
            return depth == 0


def _each(
    compiler: Compiler, table: TableView, expressions: list[Mapping[str, Any] | None], path: str
) -> tuple[ir.Condition, ...]:
    found = []
    for index, exp in enumerate(expressions):
        if exp is None:
            raise ValidationFailed(f"unexpected null value for type '{table.name}_bool_exp'", f"{path}[{index}]")
        found.append(client_condition(compiler, table, exp, f"{path}[{index}]"))
    return tuple(found)


def _type_of(compiler: Compiler, table: TableView, name: str) -> str:
    column = table.find_operand(name)
    if column is not None:
        return f"{column.scalar}_{'array_' if column.type.is_array else ''}comparison_exp"
    if name in table.relationships:
        return f"{compiler.view[table.relationships[name].target].name}_bool_exp"
    rows = table.computed_fields[name].function.returns if name in table.computed_fields else None
    if rows is not None:
        return f"{compiler.view[rows].name}_bool_exp"
    return f"{table.name}_bool_exp"


def _client_column(compiler: Compiler, column: Column, operators: Mapping[str, Any], path: str) -> list[ir.Condition]:
    conditions: list[ir.Condition] = []
    for operator, operand in operators.items():
        here = f"{path}.{operator}"
        if operand is None:
            scalar = "Boolean" if operator == "_is_null" else column.scalar
            raise ValidationFailed(f"unexpected null value for type '{scalar}'", here)
        if operator == "_is_null":
            conditions.append(ir.IsNull(column=column, expected=bool(compiler.scope.structural(operand))))
        elif operator == "_cast":
            as_text = operand.get("String", {})
            if as_text is None:
                raise ValidationFailed("unexpected null value for type 'String_comparison_exp'", f"{here}.String")
            for text_operator, text_operand in as_text.items():
                conditions.append(
                    _client_comparison(
                        compiler, column, text_operator, text_operand, f"{here}.String.{text_operator}", as_text=True
                    )
                )
        else:
            conditions.append(_client_comparison(compiler, column, operator, operand, here))
    return conditions


def _client_comparison(
    compiler: Compiler,
    column: Column,
    operator: str,
    operand: Leaf | LeafList | None,
    path: str,
    *,
    as_text: bool = False,
) -> ir.Condition:
    if operand is None:
        raise ValidationFailed(f"unexpected null value for type '{column.scalar}'", path)
    if operator == "_is_null":
        return ir.IsNull(column=column, expected=bool(compiler.scope.structural(operand)))
    many = operator in _LIST_OPERATORS
    if many:
        _refuse_null_items(operand, column.scalar, path)
    pg_type = _TEXT if as_text else _operand_type(column, operator)
    return ir.Compare(
        column=column,
        operator=operator,
        value=compiler.param(operand, pg_type, many=many, asks=True),
        as_text=as_text,
    )


def _refuse_null_items(operand: Leaf | LeafList, scalar: str, path: str) -> None:
    items = [item.value for item in operand.items] if isinstance(operand, LeafList) else operand.value
    for index, item in enumerate(items if isinstance(items, list) else [items]):
        if item is None:
            raise ValidationFailed(f"unexpected null value for type '{scalar}'", f"{path}[{index}]")


def _operand_type(column: Column, operator: str) -> PgType:
    return _OPERAND_TYPES.get(operator, column.type)


def _client_aggregate(
    compiler: Compiler, table: TableView, name: str, functions: Mapping[str, Any], path: str
) -> list[ir.Condition]:
    relationship = table.relationships[name]
    target = compiler.view[relationship.target]
    conditions: list[ir.Condition] = []
    for function, spec in functions.items():
        here = f"{path}.{function}"
        if spec is None:
            raise ValidationFailed(
                f"unexpected null value for type '{target.name}_aggregate_bool_exp_{function}'", here
            )
        arguments = spec.get("arguments") or []
        columns = tuple(
            target.columns[column] for column in (arguments if isinstance(arguments, list) else [arguments])
        )
        where = client_condition(compiler, target, spec.get("filter") or {}, f"{here}.filter")
        pg_type = PgType(name="int8" if function == "count" else "bool")
        conditions.append(
            ir.AggregateCompare(
                relationship=relationship,
                table=target.table,
                function=function,  # type: ignore[arg-type] # the input type has these three only
                columns=columns,
                distinct=bool(compiler.scope.structural(spec.get("distinct") or False)),
                where=ir.both(row_filter(compiler, target), where),
                predicates=value_compares(compiler, spec["predicate"], pg_type, f"{here}.predicate"),
            )
        )
    return conditions


def value_compares(
    compiler: Compiler, operators: Mapping[str, Any], pg_type: PgType, path: str
) -> tuple[ir.ValueCompare, ...]:
    """What is asked of an aggregate's value. Raises ValidationFailed for nulls."""
    found = []
    for operator, operand in operators.items():
        if operand is None:
            # A count is compared as Int, whatever it is counted in.
            scalar = "Int" if pg_type.name == "int8" else pg_type.scalar
            raise ValidationFailed(f"unexpected null value for type '{scalar}'", f"{path}.{operator}")
        if operator == "_is_null":
            expected = bool(compiler.scope.structural(operand))
            found.append(ir.ValueCompare(operator=operator, value=None, expected=expected))
            continue
        param = compiler.param(operand, pg_type, many=operator in _LIST_OPERATORS, asks=True)
        found.append(ir.ValueCompare(operator=operator, value=param))
    return tuple(found)


# A permission's expressions


class PermissionRuleError(ValueError):
    """A filter or check in the rules names something that does not exist."""


def permission_condition(
    catalogue: Catalogue, table: Table, exp: BoolExp, root: Table | None = None, depth: int = 0
) -> ir.Condition:
    """The condition that a rule's filter or check means for rows of `table`. Raises PermissionRuleError.

    `root` is the table the whole rule is about (`["$", column]` names its columns), `depth` relationships out.
    """
    root = root or table
    conditions: list[ir.Condition] = []
    for name, value in exp.items():
        lowered = name.lower()
        if lowered in ("_and", "$and", "_or", "$or"):
            if not isinstance(value, list | tuple):
                raise PermissionRuleError(f"a permission on {table.key} has a {name} that is no list")
            joined = ir.And if lowered.endswith("and") else ir.Or
            conditions.append(
                joined(tuple(permission_condition(catalogue, table, item, root, depth) for item in value))
            )
        elif lowered in ("_not", "$not"):
            conditions.append(ir.Not(permission_condition(catalogue, table, value, root, depth)))
        elif lowered in ("_exists", "$exists"):
            if not isinstance(value, Mapping) or not {"_table", "_where"} <= value.keys():
                raise PermissionRuleError(f"a permission on {table.key} has a {name} without _table or without _where")
            other = _table_named(catalogue, value["_table"])
            conditions.append(
                ir.Exists(
                    table=other,
                    columns=(),
                    where=permission_condition(catalogue, other, value["_where"], root, depth + 1),
                )
            )
        elif name in table.columns:
            conditions += _permission_column(table, root, depth, table.columns[name], value)
        elif name in table.computed_fields:
            computed = table.computed_fields[name]
            if computed.arguments:
                raise PermissionRuleError(f"a permission on {table.key} names {name!r}, which takes arguments")
            if computed.function.returns is None:
                conditions += _permission_column(table, root, depth, computed.scalar_column, value)
                continue
            target = catalogue[computed.function.returns]
            conditions.append(
                ir.Exists(
                    table=target,
                    columns=(),
                    where=permission_condition(catalogue, target, value, root, depth + 1),
                    call=ir.Call(function=computed.function, arguments=(), row_argument=computed.row_argument),
                )
            )
        elif name in table.relationships:
            relationship = table.relationships[name]
            target = catalogue[relationship.target]
            conditions.append(
                ir.Exists(
                    table=target,
                    columns=relationship.columns,
                    where=permission_condition(catalogue, target, value, root, depth + 1),
                )
            )
        else:
            raise PermissionRuleError(f"a permission on {table.key} names {name!r}, which is no column or relationship")
    return ir.both(*conditions)


def _table_named(catalogue: Catalogue, spec: Any) -> Table:
    key = f"public.{spec}" if isinstance(spec, str) else f"{spec.get('schema', 'public')}.{spec['name']}"
    if key not in catalogue.tables:
        raise PermissionRuleError(f"_exists in a permission names the table {key}, which does not exist")
    return catalogue[key]


def _permission_column(table: Table, root: Table, depth: int, column: Column, operators: Any) -> list[ir.Condition]:
    if not isinstance(operators, Mapping):
        operators = {"_eq": operators}
    conditions: list[ir.Condition] = []
    for spelled, operand in operators.items():
        operator = "_" + spelled[1:] if spelled.startswith("$") else spelled
        if operator == "_ne":
            operator = "_neq"
        if operator in _COLUMN_OPERATORS:
            conditions.append(_compare_columns(table, root, depth, column, _COLUMN_OPERATORS[operator], operand))
        elif operator not in comparison_exp(column.type).fields:
            raise PermissionRuleError(
                f"a permission on {table.key} uses {spelled!r}, which {column.name} does not have"
            )
        elif operator == "_is_null" and isinstance(operand, bool):
            conditions.append(ir.IsNull(column=column, expected=operand))
        elif operand is None and operator in ("_eq", "_neq"):
            conditions.append(ir.IsNull(column=column, expected=operator == "_eq"))
        elif operand is None or operator == "_is_null":
            raise PermissionRuleError(f"a permission on {table.key} compares {column.name} by {spelled!r} with nothing")
        elif operator == "_cast":
            conditions += [
                _permission_comparison(column, text_operator, text, as_text=True)
                for text_operator, text in operand["String"].items()
            ]
        else:
            conditions.append(_permission_comparison(column, operator, operand))
    return conditions


def _permission_comparison(column: Column, operator: str, operand: Any, *, as_text: bool = False) -> ir.Compare:
    pg_type = _TEXT if as_text else _operand_type(column, operator)
    value = rule_param(operand, pg_type, many=operator in _LIST_OPERATORS)
    return ir.Compare(column=column, operator=operator, value=value, as_text=as_text)


def _compare_columns(
    table: Table, root: Table, depth: int, column: Column, operator: str, operand: Any
) -> ir.Condition:
    path = operand if isinstance(operand, list) else [operand]
    is_root = path[:1] == ["$"]
    name = path[-1] if len(path) == 1 + is_root else None
    owner = root if is_root else table
    if not isinstance(name, str) or name not in owner.columns:
        raise PermissionRuleError(
            f"a permission on {table.key} compares with {operand!r}, which is no column of {owner.key}"
        )
    return ir.CompareColumns(
        column=column, operator=operator, other=owner.columns[name], levels_up=depth if is_root else 0
    )


def rule_param(value: Any, pg_type: PgType, *, many: bool = False) -> ir.Param:
    """A value out of the rules as a bind: a literal, or a session variable where a string names one."""
    if many and isinstance(value, str) and is_session_variable(value):
        # One session variable for a whole list: its text is a PostgreSQL array literal.
        array = PgType(name=pg_type.name, is_array=True, is_enum=pg_type.is_enum, schema=pg_type.schema)
        return ir.Param(source=ir.FromSession(value.lower()), type=array)
    if many and not isinstance(value, list | tuple):
        raise PermissionRuleError(f"a permission asks whether a value is one of {value!r}, which is no list")
    if many:
        return ir.Param(source=tuple(_rule_source(item) for item in value), type=pg_type, many=True)
    return ir.Param(source=_rule_source(value), type=pg_type)


def _rule_source(value: Any) -> ir.Source:
    if isinstance(value, str) and is_session_variable(value):
        return ir.FromSession(value.lower())
    return ir.Const(value)


def is_session_variable(value: str) -> bool:
    """Whether a string in a rule stands for a session variable (HASURA_DIALECT §8)."""
    return value.lower().startswith(_SESSION_PREFIX)
