"""The functions and triggers that the declarations stand for, as SQL text.

Everything is written out: a function a table with the columns in it, so that nothing is looked up or put together
while a row changes. `python -m triggers.ddl` prints the script for a migration, `--drop` the one that undoes it.
"""

import sys
from collections.abc import Iterable, Sequence
from itertools import groupby
from textwrap import indent
from typing import Final

from triggers.declared import DECLARED, WRITTEN_BY_TRIGGERS, DeclaredTrigger, Operation
from triggers.event_data import SESSION, STEP, data_types, event_data, text_literal
from triggers.event_types import EVENT_TYPES, EventType, Kind
from triggers.lanes import LANES
from triggers.statements import load_statement
from triggers.topics import Topic

#: Pub/Sub takes 10 MB a request (https://cloud.google.com/pubsub/quotas#resource_limits); this leaves room for the
#: attributes and for Pub/Sub's own framing.
MAX_DATA_BYTES: Final = 9_900_000

_CHANGED: Final = {Operation.INSERT: "inserted", Operation.UPDATE: "updated", Operation.DELETE: "deleted"}

#: In which trace the row is changed (`session.sql`). Part of the statement that writes the event, as the session is:
#: PL/pgSQL prepares a variable's expression anew in every transaction.
_TRACE: Final = "events.traceparent()"
#: In the row that lets an event wait: 0, and whoever waits for events is told of it (`announce.sql`). RETURNING
#: or an IF would cost each event as much as an entry in an index.
_ANNOUNCED: Final = "CASE WHEN events.somebody_waits() THEN events.announce_events() ELSE 0 END"


def render_create(triggers: Sequence[DeclaredTrigger] = DECLARED) -> str:
    """The script that creates every function and trigger of this package."""
    scripts = (
        _template("lane_of", last_lane=str(LANES - 1)),
        _template("session"),
        _template("announce"),
        _template("by_hand"),
        _render_publish(),
        _template("replay", announced=_ANNOUNCED),
        _template("discard"),
        *(composite.render_type() for composite in data_types(triggers)),
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
    lines += [f"DROP TYPE {composite.name};" for composite in reversed(data_types(triggers))]
    lines += [
        "DROP FUNCTION events.replay(uuid[], boolean, text);",
        "DROP FUNCTION events.publish(text, text, jsonb, uuid, jsonb, text);",
        "DROP TRIGGER discard_all ON events.outbox;",
        "DROP TRIGGER discard ON events.outbox;",
        "DROP FUNCTION events.discard_events();",
        "ALTER TABLE events.outbox RESET (autovacuum_analyze_scale_factor);",
        "ALTER TABLE events.waiting RESET (autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);",
        "ALTER TABLE events.relay RESET (fillfactor, autovacuum_vacuum_scale_factor, autovacuum_vacuum_threshold);",
        "ALTER TABLE events.outbox ALTER COLUMN lane DROP DEFAULT;",
        "DROP FUNCTION events.refuse_by_hand();",
        "DROP FUNCTION events.announce_events();",
        "DROP FUNCTION events.somebody_waits();",
        "DROP TRIGGER note_waiting ON events.live_watch;",
        "DROP TRIGGER note_waiting ON events.relay;",
        "DROP FUNCTION events.note_waiting();",
        "DROP SEQUENCE events.awaited_until;",
        "DROP FUNCTION events.trace_id(text);",
        "DROP FUNCTION events.traceparent();",
        "DROP FUNCTION events.session_variables();",
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
        names = ",\n     ".join(text_literal(event_type.name) for event_type in types)
        branches.append(
            f"WHEN {names}\n"
            f"THEN\n"
            f"    topic := {text_literal(topic.name)};\n"
            f"    subject_field := {text_literal(types[0].subject)};\n"
            f"    aggregate_id := event_subject{'' if topic.key_type == 'text' else f'::{topic.key_type}::text'};\n"
            f"    {_render_lock(topic, 'aggregate_id')}"
        )
    hint = f"One of: {', '.join(event_type.name for event_type in publishable)}."
    return _template(
        "publish",
        wait=indent(_render_wait("aggregate_id", "publish.sequence"), STEP * 2).lstrip(),
        types=indent("\n".join(branches), STEP * 2),
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
            declarations="" if trigger.through is None else f"DECLARE\n{STEP}aggregate_id pg_catalog.text;\n",
            body=indent(_render_insert(trigger, operation), STEP),
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
        aggregate_id = f"{row}.{event_type.subject}::pg_catalog.text"
    else:
        aggregate_id = "aggregate_id"
        through = trigger.through
        statements.append(
            f"SELECT t.{through.aggregate_id} INTO STRICT aggregate_id\n"
            f"FROM {through.table} AS t WHERE t.id OPERATOR(pg_catalog.=) {row}.{through.column};\n"
            "-- Keeps the order of the key: see events.publish.\n"
            f"{_render_lock(event_type.topic, 'aggregate_id')}"
        )
    values = ",\n".join(
        (
            text_literal(event_type.name),
            text_literal(event_type.topic.name),
            aggregate_id,
            f"events.lane_of({aggregate_id})",
            aggregate_id,
            f"pg_catalog.to_jsonb({event_data(trigger, operation).render_value()})",
            SESSION,
            _TRACE,
            f"events.trace_id({_TRACE})",
        )
    )
    statements.append(
        "INSERT INTO events.outbox\n"
        f"{STEP}(type, topic, ordering_key, lane, subject, data, session_variables, traceparent, trace_id)\n"
        f"VALUES (\n{indent(values, STEP)}\n);\n"
        + _render_wait(aggregate_id, "pg_catalog.currval('events.outbox_sequence_seq')")
    )
    return "\n".join(statements)


def _render_wait(key: str, sequence: str) -> str:
    """The statement that lets an event wait for the relay. The transaction has its id by then."""
    return (
        "INSERT INTO events.waiting (lane, sequence, attempts)\n"
        f"VALUES (\n"
        f"{STEP}events.lane_of({key}),\n"
        f"{STEP}{sequence},\n"
        f"{STEP}{_ANNOUNCED}\n"
        ");"
    )


def _render_lock(topic: Topic, key: str) -> str:
    """The lock that a change of the aggregate would take; `FOUND` tells whether there is such a row."""
    cast = "" if topic.key_type == "text" else f"::pg_catalog.{topic.key_type}"
    return f"PERFORM FROM {topic.aggregate} AS a WHERE a.id OPERATOR(pg_catalog.=) {key}{cast} FOR NO KEY UPDATE;"


def _trigger_name(operation: Operation) -> str:
    return f"record_{operation.lower()}"


def _template(name: str, /, **parts: str) -> str:
    """A file of `triggers/sql/ddl` with its `{{name}}` marks replaced."""
    text = load_statement(f"ddl/{name}")
    for part, value in parts.items():
        text = text.replace(f"{{{{{part}}}}}", value)
    return text


def main(arguments: Iterable[str]) -> None:
    """Print the script that creates everything, or with `--drop` the one that removes it."""
    sys.stdout.write(render_drop() if "--drop" in arguments else render_create())


if __name__ == "__main__":
    main(sys.argv[1:])
