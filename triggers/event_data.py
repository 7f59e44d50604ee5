"""The data of a declared trigger's events: composite types, and the expressions that make values of them.

A value of a composite type becomes JSON as a whole. `jsonb_build_object` makes each level a value of its own and copies
it into the next, which takes three times as long; a row without a type's name has its type put together anew in every
statement, which is a fifteenth of all that an event costs.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import indent
from typing import Final

from sqlalchemy.dialects import postgresql

from schema.tables import metadata
from triggers.declared import DeclaredTrigger, Operation
from triggers.event_types import Kind

STEP: Final = "    "
#: Who changes the row (`session.sql`).
SESSION: Final = "events.session_variables()"
_DIALECT: Final = postgresql.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy leaves it untyped


@dataclass(frozen=True, slots=True, kw_only=True)
class Composite:
    """A value of a composite type, and the type."""

    #: For example `events.row_of_public_contract`.
    name: str
    fields: tuple["Field", ...]

    def render_value(self) -> str:
        """The expression; every name in it says its schema."""
        values = ",\n".join(
            field.value.render_value() if isinstance(field.value, Composite) else field.value for field in self.fields
        )
        return f"ROW(\n{indent(values, STEP)}\n)::{self.name}"

    def render_type(self) -> str:
        """The statement that makes the type; those within it come first."""
        columns = ",\n".join(f"{field.name} {field.type}" for field in self.fields)
        return f"CREATE TYPE {self.name} AS (\n{indent(columns, STEP)}\n);\n"

    def within(self) -> Iterator["Composite"]:
        """The composites in it, innermost first, and itself."""
        for field in self.fields:
            if isinstance(field.value, Composite):
                yield from field.value.within()
        yield self


@dataclass(frozen=True, slots=True)
class Field:
    """A member of the JSON object."""

    name: str
    type: str
    value: "str | Composite"


def event_data(trigger: DeclaredTrigger, operation: Operation) -> Composite:
    """The data of the event of one operation; KeyError when it makes none."""
    event_type = trigger.event_type(operation)
    if event_type.kind is Kind.ROW_CHANGE:
        return _row_change(trigger, operation)
    return _flat(trigger, "OLD" if operation is Operation.DELETE else "NEW", subject=event_type.subject)


def data_types(triggers: Sequence[DeclaredTrigger]) -> list[Composite]:
    """A composite of each type that the triggers need, after those within it."""
    found: dict[str, Composite] = {}
    for trigger in triggers:
        for operation in trigger.events:
            for composite in event_data(trigger, operation).within():
                found.setdefault(composite.name, composite)
    return list(found.values())


def text_literal(value: str) -> str:
    """A string literal; what we declare has no backslashes."""
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def _row_change(trigger: DeclaredTrigger, operation: Operation) -> Composite:
    """Hasura's event body (https://hasura.io/docs/2.0/event-triggers/payload/), and `changed` for an update."""
    schema, name = trigger.table.split(".")
    absent = {Operation.INSERT: "old", Operation.DELETE: "new"}.get(operation)
    row_type = _type_name("row", trigger)
    data = Composite(
        name=_type_name("rows", trigger),
        fields=tuple(
            Field(each, row_type, "NULL" if each == absent else _row(trigger, each)) for each in ("old", "new")
        ),
    )
    fields = [
        Field("op", "text", text_literal(operation)),
        Field('"table"', "jsonb", f"{text_literal(json.dumps({'schema': schema, 'name': name}))}::pg_catalog.jsonb"),
        Field("data", data.name, data),
    ]
    if operation is Operation.UPDATE:
        fields.append(Field("changed", "jsonb", _changed(trigger)))
    fields.append(Field("session_variables", "jsonb", SESSION))
    return Composite(name=_type_name(operation.lower(), trigger), fields=tuple(fields))


def _row(trigger: DeclaredTrigger, which: str) -> Composite:
    return Composite(
        name=_type_name("row", trigger),
        fields=tuple(
            Field(column, _column_type(trigger, column), f"{which.upper()}.{column}") for column in trigger.payload
        ),
    )


def _flat(trigger: DeclaredTrigger, row: str, *, subject: str) -> Composite:
    renamed = trigger.renamed or {}
    columns = (
        Field(renamed.get(column, column), _column_type(trigger, column), f"{row}.{column}")
        for column in trigger.payload
    )
    return Composite(name=_type_name("data", trigger), fields=(*columns, Field(subject, "text", "aggregate_id")))


def _changed(trigger: DeclaredTrigger) -> str:
    """The names of the columns that differ, without IS DISTINCT FROM, whose operator the search path decides."""
    cases = ",\n".join(
        f"CASE\n"
        f"{STEP}WHEN OLD.{column} OPERATOR(pg_catalog.=) NEW.{column} THEN NULL\n"
        f"{STEP}WHEN OLD.{column} IS NULL AND NEW.{column} IS NULL THEN NULL\n"
        f"{STEP}ELSE {text_literal(column)}\n"
        f"END"
        for column in trigger.watched
    )
    return f"pg_catalog.to_jsonb(pg_catalog.array_remove(ARRAY[\n{indent(cases, STEP)}\n], NULL))"


def _type_name(what: str, trigger: DeclaredTrigger) -> str:
    return f"events.{what}_of_{trigger.table.replace('.', '_')}"


def _column_type(trigger: DeclaredTrigger, column: str) -> str:
    return metadata.tables[trigger.table].c[column].type.compile(dialect=_DIALECT).lower()
