"""The rules as a page that people read: `python -m permissions.table > docs/permissions.md`, or `make permissions`.

First who may do what at a glance, then table by table which rows and columns, at last what of it each agent has.
Conditions are written the way one says them: `patient.customer is me` stands for
`{"patient": {"customer": {"id": {"_eq": "X-Hasura-User-Id"}, …}}}`.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from permissions.model import Columns, Delete, Insert, Rules, Select, TablePermissions, Update
from permissions.parts import Division, Operation, Part
from permissions.rules import DIVISIONS, ROLES, RULES
from permissions.rules.persons import ME, PHRASES
from schema.catalogue import Table
from schema.from_metadata import catalogue_from_metadata
from schema.tables import metadata
from schema.view import BoolExp

_SYMBOLS: Final = {
    "_eq": "=",
    "_neq": "≠",
    "_gt": ">",
    "_lt": "<",
    "_gte": "≥",
    "_lte": "≤",
    "_in": "in",
    "_nin": "not in",
}
#: Comparisons with another column.
_COLUMN_SYMBOLS: Final = {"_ceq": "=", "_cneq": "≠", "_cgt": ">", "_clt": "<", "_cgte": "≥", "_clte": "≤"}

_HEAD: Final = """\
# Who may do what

Written by `make permissions` from `permissions/rules/`; a test keeps it current. What is not listed is not allowed: for
a role without a rule, the table, column, argument or operation does not exist. `admin` may do everything, and alone
sees `events` and `audit` (an agent reads back which events it has handled, no more).

| role | who it is | `me` is |
|---|---|---|
| `anonymous` | a visitor | nobody |
| `newcomer` | somebody who has signed in and not yet signed up | nobody |
| `user` | a customer | `public.customer.id` |
| `provider` | a clinician | `public.staff.id` |
| `cct` | a member of the care coordination team | `public.staff.id` |
| `service` | an agent, which has [its part](#agents) of what the role may | the agent's name |

A role selects, updates and deletes the rows that the condition holds of; what it inserts must satisfy it, or nothing
is inserted. A relationship's name before a condition means: there is a related row of which it holds. `its x` is the
column `x` of the row that the rule is about. A comma means and. These conditions have names:

| words | mean |
|---|---|
"""

_AGENTS: Final = """\

## Agents

Agents act in role `service`, and each has a part of it (`permissions/rules/agents.py`): of the tables named here, with
the rows and columns of the role. What isn't in its part isn't in its schema. Where a table is not asked for by itself,
its rows are seen from related ones, in conditions, and in the answers of what is written. `caregraph schema --role
service --agent NAME` prints what an agent sees. A service account that is no agent's has what every agent has; who has
the admin secret and names no agent has the whole role.
"""
#: How a table's operations are called here.
_SAID: Final = {
    Operation.RELATED: "seen",
    Operation.SELECT: "select",
    Operation.SELECT_BY_PK: "select by key",
    Operation.SELECT_AGGREGATE: "aggregates",
    Operation.INSERT: "insert",
    Operation.UPDATE: "update",
    Operation.DELETE: "delete",
}


def render(rules: Rules, agents: Division) -> str:
    """The whole page, in Markdown."""
    tables = [table for table in catalogue_from_metadata(metadata) if any(table.key in rules[role] for role in ROLES)]
    closed = sorted(set(metadata.tables) - {table.key for table in tables})
    parts = [_HEAD]
    parts += [f"| {phrase} | {_joined(_terms(exp, named=False))} |\n" for phrase, exp in PHRASES.items()]
    parts += ["\n## At a glance\n\n", *_overview(rules, tables)]
    parts.append(f"\nFor admin alone: {', '.join(f'`{key}`' for key in closed)}.\n")
    for schema, members in groupby(sorted(tables, key=lambda table: table.key), key=lambda table: table.schema):
        parts.append(f"\n## {schema}\n")
        for table in members:
            parts += _section(rules, table)
    parts += [_AGENTS, *_part("Every agent", agents.common)]
    for name, own in sorted(agents.own.items()):
        parts += _part(name, own)
    return "".join(parts)


def condition_text(exp: BoolExp) -> str:
    """A filter or check in words."""
    return _joined(_terms(exp)) or "any"


def _overview(rules: Rules, tables: Sequence[Table]) -> Iterator[str]:
    yield f"| table | {' | '.join(f'`{role}`' for role in ROLES)} |\n|{'---|' * (len(ROLES) + 1)}\n"
    for table in sorted(tables, key=lambda table: table.key):
        cells = [", ".join(_operations(rules[role].get(table.key))) for role in ROLES]
        yield f"| `{table.key}` | {' | '.join(cells)} |\n"


def _operations(granted: TablePermissions | None) -> list[str]:
    return [name for name in ("select", "insert", "update", "delete") if granted and getattr(granted, name)]


def _section(rules: Rules, table: Table) -> Iterator[str]:
    yield f"\n### {table.key}\n\n{table.comment or ''}\n\n"
    yield "| role | may | rows | columns | besides |\n|---|---|---|---|---|\n"
    for role in ROLES:
        granted = rules[role].get(table.key)
        for operation in _operations(granted):
            rows, columns, besides = _cells(table, getattr(granted, operation))
            yield f"| `{role}` | {operation} | {rows} | {columns} | {'; '.join(besides)} |\n"


def _part(name: str, part: Part) -> Iterator[str]:
    yield f"\n### {name}\n\n| table | may |\n|---|---|\n"
    for key, operations in part.tables.items():
        yield f"| `{key}` | {', '.join(said for operation, said in _SAID.items() if operation in operations)} |\n"
    if part.fields:
        yield f"\nOperations: {', '.join(f'`{field}`' for field in sorted(part.fields))}.\n"
    if part.events:
        yield f"\nPublishes: {', '.join(f'`{event}`' for event in sorted(part.events))}.\n"


def _cells(table: Table, rule: Select | Insert | Update | Delete) -> tuple[str, str, list[str]]:
    """Rows, columns, and what else there is to say."""
    besides: list[str] = []
    match rule:
        case Select():
            if rule.limit is not None:
                besides.append(f"at most {rule.limit}")
            if rule.aggregate:
                besides.append("aggregates")
            return condition_text(rule.filter), _columns(table, rule.columns), besides
        case Insert():
            return condition_text(rule.check), _columns(table, rule.columns), _presets(rule.presets)
        case Update():
            if rule.check is not None:
                besides.append(f"afterwards: {condition_text(rule.check)}")
            return condition_text(rule.filter), _columns(table, rule.columns), besides + _presets(rule.presets)
        case Delete():
            return condition_text(rule.filter), "", besides


def _columns(table: Table, columns: Columns) -> str:
    """In the table's own order, so that the page does not depend on how a rule was typed."""
    return ", ".join(name for name in table.columns if name in columns) if isinstance(columns, tuple) else "all"


def _presets(presets: Mapping[str, Any]) -> list[str]:
    return [f"sets {', '.join(f'{name} = {_value(value)}' for name, value in presets.items())}"] if presets else []


# Conditions


@dataclass(frozen=True, slots=True)
class _Term:
    """One thing that must hold. What is said of a whole row follows its name after a blank, a column after a dot."""

    text: str
    is_of_row: bool = False


def _joined(terms: Sequence[_Term]) -> str:
    return ", ".join(term.text for term in terms)


def _terms(exp: BoolExp, *, named: bool = True) -> list[_Term]:
    terms: list[_Term] = []
    rest = dict(exp)
    for phrase, meaning in PHRASES.items() if named else ():
        if all(name in rest and rest[name] == value for name, value in meaning.items()):
            terms.append(_Term(phrase, is_of_row=True))
            rest = {name: value for name, value in rest.items() if name not in meaning}
    for name, value in rest.items():
        terms += _named_term(name, value)
    return terms


def _named_term(name: str, value: Any) -> list[_Term]:
    match name:
        case "_and":
            return [term for item in value for term in _terms(item)]
        case "_or":
            return [_Term(f"({' or '.join(_joined(_terms(item)) for item in value)})", is_of_row=True)]
        case "_not":
            return [_Term(f"not ({_joined(_terms(value))})")]
        case "_exists":
            table = f"{value['_table']['schema']}.{value['_table']['name']}"
            return [_Term(f"there is a {table} ({_joined(_terms(value['_where']))})")]
    if all(operator.startswith("_") and operator not in ("_and", "_or", "_not", "_exists") for operator in value):
        return [_Term(_comparison(name, operator, operand)) for operator, operand in value.items()]
    inner = _terms(value)
    if len(inner) > 1:
        return [_Term(f"{name} ({_joined(inner)})")]
    return [_Term(f"{name}{' ' if inner[0].is_of_row else '.'}{inner[0].text}")]


def _comparison(column: str, operator: str, operand: Any) -> str:
    if operator == "_is_null":
        return f"{column} is {'' if operand else 'not '}null"
    if operator == "_eq" and isinstance(operand, bool):
        return column if operand else f"not {column}"
    if operator in _COLUMN_SYMBOLS:
        other = f"its {operand[-1]}" if isinstance(operand, list) else operand
        return f"{column} {_COLUMN_SYMBOLS[operator]} {other}"
    if isinstance(operand, list):
        return f"{column} {_SYMBOLS[operator]} ({', '.join(_value(item) for item in operand)})"
    return f"{column} {_SYMBOLS[operator]} {_value(operand)}"


def _value(value: Any) -> str:
    return "me" if value == ME else str(value)


if __name__ == "__main__":
    sys.stdout.write(render(RULES, DIVISIONS["service"]))
