# ruff: noqa: S608 -- SQL by hand is what this is for; its names and values are the test's own
"""Random rules over a schema, once as permissions and once as the SQL of a view, by generators that share nothing.

The views are what a database administrator would write by hand. They read the base tables: inside of a rule no other
table's rule applies.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from hypothesis import strategies as st

from permissions.model import ALL, Rules, Select, TablePermissions
from tests.differential.queries import VALUES
from tests.differential.schemas import Field, Relation, Schema

ROLE: Final = "visitor"
_SQL_OPERATORS: Final = {
    "_eq": "=",
    "_neq": "<>",
    "_gt": ">",
    "_gte": ">=",
    "_lt": "<",
    "_lte": "<=",
    "_like": "LIKE",
    "_nlike": "NOT LIKE",
    "_ilike": "ILIKE",
    "_contains": "@>",
}
_COLUMN_OPERATORS: Final = {"_ceq": "=", "_cne": "<>", "_cgt": ">", "_clte": "<="}
_SQL_TYPES: Final = {
    "int": "integer",
    "big": "bigint",
    "text": "text",
    "bool": "boolean",
    "numeric": "numeric",
    "date": "date",
    "array": "text[]",
    "json": "jsonb",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruled:
    """The rules of one schema: conditions by table, in the words of metadata, and the session that they read."""

    conditions: Mapping[str, Mapping[str, Any]]
    limits: Mapping[str, int | None]
    session: Mapping[str, str]

    def rules(self, schema: Schema) -> Rules:
        """As the engine takes them."""
        return {
            ROLE: {
                f"{schema.name}.{table.name}": TablePermissions(
                    select=Select(
                        columns=ALL,
                        filter=self.conditions[table.name],
                        limit=self.limits[table.name],
                        aggregate=True,
                    )
                )
                for table in schema.tables
            }
        }


@st.composite
def ruled(draw: st.DrawFn, schema: Schema) -> Ruled:
    """Rules for every table of the schema."""
    return Ruled(
        conditions={table.name: draw(_conditions(schema, table)) for table in schema.tables},
        limits={table.name: draw(st.none() | st.integers(0, 3)) for table in schema.tables},
        session=draw(sessions()),
    )


@st.composite
def sessions(draw: st.DrawFn) -> dict[str, str]:
    """What the conditions of `conditions` read of a session."""
    return {
        "x-hasura-int": str(draw(VALUES["int"])),
        "x-hasura-text": draw(VALUES["text"]),
        "x-hasura-ints": "{" + ",".join(map(str, draw(st.lists(VALUES["int"], max_size=2)))) + "}",
    }


def conditions(schema: Schema, table: Relation) -> st.SearchStrategy[dict[str, Any]]:
    """A rule's condition."""
    return _conditions(schema, table)


@st.composite
def _conditions(draw: st.DrawFn, schema: Schema, table: Relation, depth: int = 2) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(draw(st.integers(0, 2))):
        choice = draw(st.integers(0, 10))
        if choice < 5 or depth == 0:
            column = draw(st.sampled_from(table.fields))
            found[column.name] = draw(_operators(table, column))
        elif choice == 5:
            found["_and"] = draw(st.lists(_conditions(schema, table, depth - 1), max_size=2))
        elif choice == 6:
            found["_or"] = draw(st.lists(_conditions(schema, table, depth - 1), max_size=3))
        elif choice == 7:
            found["_not"] = draw(_conditions(schema, table, depth - 1))
        elif choice == 8:
            other = draw(st.sampled_from(schema.tables))
            spec = {"schema": schema.name, "name": other.name}
            found["_exists"] = {"_table": spec, "_where": draw(_conditions(schema, other, depth - 1))}
        elif table.ways:
            way = draw(st.sampled_from(table.ways))
            found[way.name] = draw(_conditions(schema, schema[way.target], depth - 1))
    return found


@st.composite
def _operators(draw: st.DrawFn, table: Relation, column: Field) -> dict[str, Any]:
    if column.kind == "json":
        return {"_is_null": draw(st.booleans())}
    values: st.SearchStrategy[Any] = VALUES[column.kind].map(
        lambda value: f"{value:f}" if isinstance(value, Decimal) else value
    )
    choice = draw(st.integers(0, 7))
    alike = [other.name for other in table.fields if other.kind == column.kind]
    if choice == 0:
        return {"_is_null": draw(st.booleans())}
    if choice == 1:
        if column.kind == "int" and draw(st.booleans()):
            return {draw(st.sampled_from(["_in", "_nin"])): "X-Hasura-Ints"}
        return {draw(st.sampled_from(["_in", "_nin"])): draw(st.lists(values, max_size=3))}
    if choice == 2 and len(alike) > 1:
        return {draw(st.sampled_from(sorted(_COLUMN_OPERATORS))): draw(st.sampled_from(alike))}
    if choice == 3 and column.kind == "text":
        return {draw(st.sampled_from(["_like", "_nlike", "_ilike"])): draw(values)}
    if choice == 3 and column.kind == "array":
        return {"_contains": draw(values)}
    if choice >= 6 and column.kind in ("int", "text"):
        # Names of session variables are of any case.
        return {draw(st.sampled_from(["_eq", "_neq", "_gt"])): f"X-Hasura-{column.kind.title()}"}
    return {draw(st.sampled_from(["_eq", "_neq", "_gt", "_gte", "_lt", "_lte"])): draw(values)}


# Views


def condition_sql(schema: Schema, table: Relation, condition: Mapping[str, Any], session: Mapping[str, str]) -> str:
    """The condition over a row called `t0`."""
    return _Writer(schema, session).all_of(table, "t0", condition, 0)


def value_sql(schema: Schema, table: Relation, column: str, value: Any) -> str:
    """A value of the column."""
    return "NULL" if value is None else _Writer(schema, {})._value(table.field(column), value)


def visible_sql(schema: Schema, table: Relation, ruled: Ruled) -> str:
    """The ids that the table's rule lets through, as a hand-written query."""
    condition = _Writer(schema, ruled.session).all_of(table, "t0", ruled.conditions[table.name], 0)
    return f"SELECT t0.id FROM {schema.name}.{table.name} AS t0 WHERE {condition} ORDER BY t0.id"


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes conditions with their values in them."""

    schema: Schema
    session: Mapping[str, str]

    def all_of(self, table: Relation, row: str, condition: Mapping[str, Any], depth: int) -> str:
        parts = [self._part(table, row, name, value, depth) for name, value in condition.items()]
        return " AND ".join(f"({part})" for part in parts) or "TRUE"

    def _part(self, table: Relation, row: str, name: str, value: Any, depth: int) -> str:
        inner = f"t{depth + 1}"
        if name in ("_and", "_or"):
            word, empty = (" AND ", "TRUE") if name == "_and" else (" OR ", "FALSE")
            return word.join(f"({self.all_of(table, row, item, depth)})" for item in value) or empty
        if name == "_not":
            return f"NOT ({self.all_of(table, row, value, depth)})"
        if name == "_exists":
            other = self.schema[value["_table"]["name"]]
            where = self.all_of(other, inner, value["_where"], depth + 1)
            return f"(SELECT count(*) FROM {self.schema.name}.{other.name} {inner} WHERE {where}) > 0"
        for way in table.ways:
            if way.name == name:
                where = self.all_of(self.schema[way.target], inner, value, depth + 1)
                # Counting instead of EXISTS: as different from the engine's own text as can be.
                return (
                    f"(SELECT count(*) FROM {self.schema.name}.{way.target} {inner} "
                    f"WHERE {inner}.{way.remote} = {row}.{way.local} AND ({where})) > 0"
                )
        return self._column(row, table.field(name), value)

    def _column(self, row: str, column: Field, operators: Mapping[str, Any]) -> str:
        parts = []
        for operator, operand in operators.items():
            here = f"{row}.{column.name}"
            if operator == "_is_null":
                parts.append(f"{here} IS {'NULL' if operand else 'NOT NULL'}")
            elif operator in _COLUMN_OPERATORS:
                parts.append(f"{here} {_COLUMN_OPERATORS[operator]} {row}.{operand}")
            elif operator in ("_in", "_nin"):
                parts.append(self._listed(here, column, operator, operand))
            else:
                parts.append(f"{here} {_SQL_OPERATORS[operator]} {self._value(column, operand)}")
        return " AND ".join(parts) or "TRUE"

    def _listed(self, here: str, column: Field, operator: str, operand: Any) -> str:
        if isinstance(operand, str):
            numbers = self.session[operand.lower()].strip("{}")
            values = numbers.split(",") if numbers else []
        else:
            values = [self._value(column, item) for item in operand]
        word = "=" if operator == "_in" else "<>"
        joined = (" OR " if operator == "_in" else " AND ").join(f"{here} {word} {value}" for value in values)
        return f"({joined})" if values else ("FALSE" if operator == "_in" else "TRUE")

    def _value(self, column: Field, value: Any) -> str:
        if isinstance(value, str) and value.lower() in self.session:
            value = self.session[value.lower()]
        if isinstance(value, list) and column.kind != "json":
            items = ", ".join(self._value(Field(name="", kind="text"), item) for item in value)
            return f"ARRAY[{items}]::text[]"
        if isinstance(value, bool) and column.kind != "json":
            return "TRUE" if value else "FALSE"
        text = (json.dumps(value) if column.kind == "json" else str(value)).replace("'", "''")
        return f"'{text}'::{_SQL_TYPES[column.kind]}"
