"""What is wrong with a permission, found while metadata is read and not when somebody asks."""

from permissions.model import Delete, Insert, Select, Update
from resolvers.plan.where import permission_condition, rule_param
from resolvers.sql.where import filters_sql
from resolvers.sql.writer import Writer
from resolvers.statement import make_statement
from schema.catalogue import Catalogue, Table
from schema.view import BoolExp

#: What a rule that is no rule makes of the compiler: it expects the shapes that Hasura exports.
_MISTAKES = (ValueError, TypeError, AttributeError, LookupError)


def find_flaw(catalogue: Catalogue, table: Table, rule: Select | Insert | Update | Delete) -> str | None:
    """Why the rule can't be applied to `table`, or None. Compiles its conditions and presets."""
    conditions: list[BoolExp] = []
    if isinstance(rule, Select | Update | Delete):
        conditions.append(rule.filter)
    if isinstance(rule, Insert | Update):
        conditions.append(rule.check or {})
        missing = [name for name in rule.presets if name not in table.columns]
        if missing:
            return f"it presets {', '.join(missing)}, which is no column"
    try:
        for condition in conditions:
            _compile(catalogue, table, condition)
        if isinstance(rule, Insert | Update):
            writer = Writer()
            for name, value in rule.presets.items():
                writer.bind(rule_param(value, table.columns[name].type))
            make_statement("", writer)
    except _MISTAKES as error:
        return str(error) or type(error).__name__
    return None


def _compile(catalogue: Catalogue, table: Table, condition: BoolExp) -> None:
    writer = Writer()
    filters_sql(writer, permission_condition(catalogue, table, condition), writer.alias())
    make_statement("", writer)
