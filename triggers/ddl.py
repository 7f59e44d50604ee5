"""The functions and triggers that the declarations stand for, as SQL text.

Everything is written out: a function a table with the columns in it, so that nothing is looked up or put together
while a row changes. `python -m triggers.ddl` prints the script for a migration, `--drop` the one that undoes it.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from textwrap import indent
from typing import Final

from triggers.declared import DECLARED, WRITTEN_BY_TRIGGERS, DeclaredTrigger, Operation
from triggers.event_types import EVENT_TYPES, EventType, Kind
from triggers.lanes import LANES
from triggers.statements import load_statement
from triggers.topics import Topic

#: Pub/Sub takes 10 MB a request (https://cloud.google.com/pubsub/quotas#resource_limits); this leaves room for the
#: attributes and for Pub/Sub's own framing.
MAX_DATA_BYTES: Final = 9_900_000

_STEP: Final = "    "
_CHANGED: Final = {Operation.INSERT: "inserted", Operation.UPDATE: "updated", Operation.DELETE: "deleted"}

#: Who changes the row, and in which trace. Parts of the statement that writes the event: PL/pgSQL prepares a variable's
#: expression anew in every transaction.
_SESSION: Final = "nullif(current_setting('app.session', true), '')::jsonb"
_TRACE: Final = "nullif(current_setting('app.traceparent', true), '')"
#: Whether a relay sleeps or a live query watches the outbox, or has just begun to or ceased: see `announce.sql`.
_SOMEBODY_WAITS: Final = "pg_sequence_last_value('events.awaited_until') > date_part('epoch', clock_timestamp())"


def render_create(triggers: Sequence[DeclaredTrigger] = DECLARED) -> str:
    """The script that creates every function and trigger of this package."""
    scripts = (
        _template("lane_of", last_lane=str(LANES - 1)),
        _template("announce", somebody_waits=_SOMEBODY_WAITS),
        _render_publish(),
        _template("replay"),
        _template("discard"),
        *(_render_trigger(trigger) for trigger in triggers),
    )
    return "\n".join(scripts)


def render_drop(triggers: Sequence[DeclaredTrigger] = DECLARED) -> str:
    """The script that removes what `render_create` created."""
    lines: list[str] = []
    for trigger in reversed(triggers):
        for operation in trigger.events:
            lines.append(f"DROP TRIGGER {_trigger_name(operation)} ON {trigger.table};")
            lines.append(f"DROP FUNCTION {function_name(trigger, operation)}();")
    lines += [
        "DROP FUNCTION events.replay(uuid[], boolean, text);",
        "DROP FUNCTION events.publish(text, text, jsonb, uuid, jsonb, text);",
        "DROP TRIGGER discard_all ON events.outbox;",
        "DROP TRIGGER discard ON events.outbox;",
        "DROP FUNCTION events.discard_events();",
        "ALTER TABLE events.outbox RESET (autovacuum_analyze_scale_factor);",
        "ALTER TABLE events.waiting RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);",
        "ALTER TABLE events.relay RESET (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);",
        "DROP TRIGGER announce ON events.outbox;",
        "DROP FUNCTION events.announce();",
        "DROP FUNCTION events.announce_events();",
        "DROP TRIGGER note_waiting ON events.live_watch;",
        "DROP TRIGGER note_waiting ON events.relay;",
        "DROP FUNCTION events.note_waiting();",
        "DROP SEQUENCE events.awaited_until;",
        "DROP FUNCTION events.lane_of(text);",
    ]
    return "\n".join(lines) + "\n"


def function_name(trigger: DeclaredTrigger, operation: Operation) -> str:
    """The trigger function of a table's operation: `events.record_insert_public_contract`."""
    return f"events.{_trigger_name(operation)}_{trigger.table.replace('.', '_')}"


def _render_publish() -> str:
    def group(event_type: EventType) -> tuple[str, str]:
        return event_type.topic.name, event_type.subject

    publishable = sorted(
        (
            event_type
            for event_type in EVENT_TYPES.values()
            if event_type.kind is Kind.DOMAIN and event_type.name not in WRITTEN_BY_TRIGGERS
        ),
        key=lambda event_type: (*group(event_type), event_type.name),
    )
    branches: list[str] = []
    for _, members in groupby(publishable, key=group):
        types = list(members)
        topic = types[0].topic
        names = ",\n     ".join(_text(event_type.name) for event_type in types)
        branches.append(
            f"WHEN {names}\n"
            f"THEN\n"
            f"    topic := {_text(topic.name)};\n"
            f"    subject_field := {_text(types[0].subject)};\n"
            f"    aggregate_id := event_subject{'' if topic.key_type == 'text' else f'::{topic.key_type}::text'};\n"
            f"    {_render_lock(topic, 'aggregate_id')}"
        )
    hint = f"One of: {', '.join(event_type.name for event_type in publishable)}."
    return _template(
        "publish",
        somebody_waits=_SOMEBODY_WAITS,
        types=indent("\n".join(branches), _STEP * 2),
        hint=hint.replace("'", "''"),
        max_data_bytes=str(MAX_DATA_BYTES),
    )


def _render_trigger(trigger: DeclaredTrigger) -> str:
    scripts: list[str] = []
    for operation in trigger.events:
        function = _template(
            "row_trigger",
            table=trigger.table,
            changed=_CHANGED[operation],
            function=function_name(trigger, operation),
            declarations="" if trigger.through is None else f"{_STEP}aggregate_id text;\n",
            body=indent(_render_insert(trigger, operation), _STEP),
        )
        scripts += [function, _render_create_trigger(trigger, operation)]
    return "\n".join(scripts)


def _render_create_trigger(trigger: DeclaredTrigger, operation: Operation) -> str:
    lines = [f"CREATE TRIGGER {_trigger_name(operation)} AFTER {operation} ON {trigger.table}", "FOR EACH ROW"]
    if operation is Operation.UPDATE:
        # Judged before the event is queued, so that an update of other columns costs next to nothing.
        changed = "\n    OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in trigger.watched)
        lines.append(f"WHEN (\n    {changed}\n)")
    elif operation is Operation.INSERT and trigger.history is not None:
        lines.append(f"WHEN (NEW.{trigger.history} IS NULL)")
    lines.append(f"EXECUTE FUNCTION {function_name(trigger, operation)}();")
    return "\n".join(lines) + "\n"


def _render_insert(trigger: DeclaredTrigger, operation: Operation) -> str:
    """The statements that write the event of one operation."""
    event_type = trigger.event_type(operation)
    row = "OLD" if operation is Operation.DELETE else "NEW"
    statements: list[str] = []
    if trigger.through is None:
        # The change itself holds the lock on the aggregate's row.
        aggregate_id = f"{row}.{event_type.subject}::text"
    else:
        aggregate_id = "aggregate_id"
        through = trigger.through
        statements.append(
            f"SELECT t.{through.aggregate_id} INTO STRICT aggregate_id\n"
            f"FROM {through.table} AS t WHERE t.id = {row}.{through.column};\n"
            "-- Keeps the order of the key: see events.publish.\n"
            f"{_render_lock(event_type.topic, 'aggregate_id')}"
        )
    if event_type.kind is Kind.ROW_CHANGE:
        data = _render_row_change(trigger, operation)
    else:
        data = _render_flat(trigger, row, subject=event_type.subject)
    values = ",\n".join(
        (
            _text(event_type.name),
            _text(event_type.topic.name),
            aggregate_id,
            f"events.lane_of({aggregate_id})",
            aggregate_id,
            "to_jsonb(told)",
            _SESSION,
            _TRACE,
            f"split_part({_TRACE}, '-', 2)",
        )
    )
    statements.append(
        "INSERT INTO events.outbox\n"
        f"{_STEP}(type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)\n"
        f"SELECT\n{indent(values, _STEP)}\n"
        f"FROM {data} AS told;\n"
        "INSERT INTO events.waiting (lane, sequence)\n"
        f"VALUES (events.lane_of({aggregate_id}), currval('events.outbox_sequence_seq'))\n"
        "RETURNING CASE\n"
        f"{_STEP}WHEN {_SOMEBODY_WAITS}\n"
        f"{_STEP}THEN events.announce_events()\n"
        "END INTO announced;"
    )
    return "\n".join(statements)


def _render_row_change(trigger: DeclaredTrigger, operation: Operation) -> str:
    """Hasura's event body (https://hasura.io/docs/2.0/event-triggers/payload/), and `changed` for an update."""
    schema, name = trigger.table.split(".")
    absent = {Operation.INSERT: "old", Operation.DELETE: "new"}.get(operation)
    rows = [row for row in ("old", "new") if row != absent]
    shown = "\nCROSS JOIN ".join(f"{_render_row(trigger, row.upper())} AS {row}_row" for row in rows)
    both = [(row, f"{row}_row" if row in rows else "NULL::text") for row in ("old", "new")]
    fields = [
        ("op", _text(operation)),
        ('"table"', f"{_text(json.dumps({'schema': schema, 'name': name}))}::jsonb"),
        ("data", "rows"),
    ]
    if operation is Operation.UPDATE:
        fields.append(("changed", _render_changed(trigger)))
    fields.append(("session_variables", _SESSION))
    return _render_select(fields, of=f"{_render_select(both, of=shown)} AS rows")


def _render_row(trigger: DeclaredTrigger, row: str) -> str:
    return _render_select([(column, f"{row}.{column}") for column in trigger.payload])


def _render_flat(trigger: DeclaredTrigger, row: str, *, subject: str) -> str:
    renamed = trigger.renamed or {}
    fields = [(renamed.get(column, column), f"{row}.{column}") for column in trigger.payload]
    return _render_select([*fields, (subject, "aggregate_id")])


def _render_changed(trigger: DeclaredTrigger) -> str:
    cases = ",\n".join(
        f"CASE WHEN OLD.{column} IS DISTINCT FROM NEW.{column} THEN {_text(column)} END" for column in trigger.watched
    )
    return f"to_jsonb(array_remove(ARRAY[\n{indent(cases, _STEP)}\n], NULL))"


def _render_select(fields: Sequence[tuple[str, str]], *, of: str = "") -> str:
    """A row of these fields, in brackets, to be made into JSON as a whole.

    `jsonb_build_object` makes each level a value of its own and copies it into the next, which takes three times as
    long.
    """
    lines = ",\n".join(value if value.endswith(f".{name}") else f"{value} AS {name}" for name, value in fields)
    select = f"SELECT\n{indent(lines, _STEP)}"
    if of:
        select += f"\nFROM {of}"
    return f"(\n{indent(select, _STEP)}\n)"


def _render_lock(topic: Topic, key: str) -> str:
    """The lock that a change of the aggregate would take; `FOUND` tells whether there is such a row."""
    cast = "" if topic.key_type == "text" else f"::{topic.key_type}"
    return f"PERFORM FROM {topic.aggregate} AS a WHERE a.id = {key}{cast} FOR NO KEY UPDATE;"


def _trigger_name(operation: Operation) -> str:
    return f"record_{operation.lower()}"


def _template(name: str, /, **parts: str) -> str:
    """A file of `triggers/sql/ddl` with its `{{name}}` marks replaced."""
    text = load_statement(f"ddl/{name}")
    for part, value in parts.items():
        text = text.replace(f"{{{{{part}}}}}", value)
    return text


def _text(value: str) -> str:
    """A string literal; what we declare has no backslashes."""
    escaped = value.replace("'", "''")
    return f"'{escaped}'"


def main(arguments: Iterable[str]) -> None:
    """Print the script that creates everything, or with `--drop` the one that removes it."""
    sys.stdout.write(render_drop() if "--drop" in arguments else render_create())


if __name__ == "__main__":
    main(sys.argv[1:])
