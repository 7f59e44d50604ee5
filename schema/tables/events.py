"""Schema `events`: from a committed change to its effects. Only operators read it.

An event is a row of `outbox`, written in the transaction of the change it tells of, and a row of `waiting` until the
relay has published it; `publication` says when that was. The event itself never changes
(docs/decisions/what-waits-has-a-table-of-its-own.md). Each agent keeps an `inbox` row for what it has done and a
`delivery` row for every attempt; what was given up is a `dead_letter`.
There are no foreign keys to the outbox: published rows are archived, and events can come from outside.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    Label,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from schema.relationships import to_many, to_one
from schema.tables.metadata import Timestamp, created_at, key, metadata, one_of, ranges_index, updated_at

_TRACE_ID: Label[str] = literal_column("split_part(traceparent, '-'::text, 2)").label("trace_id")
#: Of types, and of traces: 32 blocks have room for some 300 events. Filters up to half a kilobyte aren't compressed.
_DISTINCT: Final = (32, 384)

#: What hangs on an event, wherever it lies.
_FOLLOWING = [
    to_many("deliveries", "events.delivery", id="event_id"),
    to_many("dead_letters", "events.dead_letter", id="event_id"),
    to_many("notifications", "public.notification", id="event_id"),
]

outbox = Table(
    "outbox",
    metadata,
    key(),
    Column("sequence", BigInteger, Identity(always=True), nullable=False, unique=True),
    Column("type", Text, nullable=False, comment="For example contract.created."),
    Column("topic", Text, nullable=False),
    Column("ordering_key", Text, nullable=False, comment="Events of one key are delivered in commit order."),
    Column("subject", Text, nullable=False, comment="Id of the aggregate that the event is about."),
    Column("source", Text, comment="URI of where it happened, for example /caregraph/production."),
    Column("data", JSONB, nullable=False),
    Column("session_variables", JSONB, comment="Who did it; null for changes made outside the endpoint."),
    Column("traceparent", Text, comment="W3C trace context of the request that caused it."),
    Column(
        "lane",
        SmallInteger,
        nullable=False,
        # Events are written by functions, which let them wait, too.
        server_default=text("events.refuse_by_hand()"),
        comment="Hash of the ordering key, 0 to 63 (`events.lane_of`); a lane has one relay at a time.",
    ),
    Column("trace_id", Text, comment="Of the trace context."),
    Column("replay_of", Uuid, comment="The event that this row publishes once more, under that event's id."),
    created_at(),
    Column("replay_to", Text, comment="The agent that alone is to handle this replay; null: all of them."),
    Index(None, "subject", "sequence"),
    # Every write pays for an index. Rows lie in the order of their making, so that the ranges of blocks of this one,
    # which cost next to nothing, find a time span as well; and a rare type, and what belongs to a trace. (By columns:
    # an expression in an index is prepared anew by every statement that inserts, which costs more than the index.)
    ranges_index("outbox", "type", "trace_id", distinct=_DISTINCT),
    schema="events",
    comment="Every event, exactly as its transaction committed it.",
    info={
        "relationships": [
            *_FOLLOWING,
            to_one("waiting", "events.waiting", lane="lane", sequence="sequence"),
            to_one("publication", "events.publication", sequence="sequence"),
        ]
    },
)

waiting = Table(
    "waiting",
    metadata,
    Column("lane", SmallInteger, nullable=False, comment="The event's."),
    Column("sequence", BigInteger, nullable=False, comment="The event's."),
    Column("attempts", Integer, nullable=False, server_default=text("0"), comment="Those that failed."),
    Column("last_error", Text),
    PrimaryKeyConstraint("lane", "sequence"),
    schema="events",
    comment="The events that the relay has yet to publish. Written with the event, removed with its publication.",
    info={"relationships": [to_one("event", "events.outbox", sequence="sequence")]},
)

publication = Table(
    "publication",
    metadata,
    Column("sequence", BigInteger, primary_key=True, autoincrement=False, comment="The event's."),
    Column("published_at", Timestamp, comment="When Pub/Sub had taken it; null if it never did."),
    Column("message_id", Text, comment="Pub/Sub's id of the message."),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text),
    Column("dead_lettered_at", Timestamp, comment="When the relay gave it up; its dead letter says why."),
    CheckConstraint("(published_at IS NULL) <> (dead_lettered_at IS NULL)", name="outcome"),
    schema="events",
    comment="What the relay made of an event of the outbox: published, or given up.",
    info={"relationships": [to_one("event", "events.outbox", sequence="sequence")]},
)

outbox_archive = Table(
    "outbox_archive",
    metadata,
    key(),
    Column("sequence", BigInteger, nullable=False, unique=True),
    Column("type", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("ordering_key", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("source", Text),
    Column("data", JSONB, nullable=False),
    Column("session_variables", JSONB),
    Column("traceparent", Text),
    Column("replay_of", Uuid),
    Column("replay_to", Text),
    Column("created_at", Timestamp, nullable=False),
    Column("published_at", Timestamp),
    Column("message_id", Text),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text),
    Column("dead_lettered_at", Timestamp),
    Column("archived_at", Timestamp, nullable=False, server_default=text("now()")),
    Index(None, "subject", "sequence"),
    ranges_index("outbox_archive", "type", _TRACE_ID, distinct=_DISTINCT),
    schema="events",
    comment="Events that left the outbox for their age; the columns are the outbox's.",
    info={"relationships": _FOLLOWING},
)

history = Table(
    "history",
    metadata,
    Column("id", Uuid),
    Column("sequence", BigInteger),
    Column("type", Text),
    Column("topic", Text),
    Column("ordering_key", Text),
    Column("subject", Text),
    Column("source", Text),
    Column("data", JSONB),
    Column("session_variables", JSONB),
    Column("traceparent", Text),
    Column("trace_id", Text),
    Column("replay_of", Uuid),
    Column("replay_to", Text),
    Column("created_at", Timestamp),
    Column("published_at", Timestamp),
    Column("message_id", Text),
    Column("attempts", Integer),
    Column("last_error", Text),
    Column("dead_lettered_at", Timestamp),
    schema="events",
    comment="Every event: those in the outbox and those in its archive.",
    info={"is_view": True, "primary_key": ["id"], "relationships": _FOLLOWING},
)

relay = Table(
    "relay",
    metadata,
    key(),
    Column("backend_pid", Integer, nullable=False, comment="Its PostgreSQL session, which holds its lanes."),
    Column("host", Text, nullable=False),
    Column("lanes", SmallInteger, nullable=False, server_default=text("0"), comment="How many lanes it owns."),
    Column(
        "asleep",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="Whether it waits for NOTIFY: commits with events then wake it.",
    ),
    Column("started_at", Timestamp, nullable=False, server_default=text("now()")),
    Column("expires_at", Timestamp, nullable=False, comment="The row counts until then; a living relay moves it on."),
    schema="events",
    comment="The relays that are running.",
)

inbox = Table(
    "inbox",
    metadata,
    Column("agent", Text, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("processed_at", Timestamp, nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("agent", "event_id"),
    Index(None, "event_id"),
    Index(None, "processed_at"),
    schema="events",
    comment="Which agent has handled which event. Its key is what makes an effect happen once.",
    info={"relationships": [to_one("event", "events.outbox", event_id="id")]},
)

delivery = Table(
    "delivery",
    metadata,
    key(),
    Column("event_id", Uuid, nullable=False),
    Column("agent", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default=text("1")),
    *one_of("outcome", "done", "duplicate", "retry", "dead_letter", "skipped"),
    Column("error", Text),
    Column("effects", JSONB, nullable=False, server_default=text("'[]'::jsonb"), comment="What the agent did outside."),
    Column("started_at", Timestamp, nullable=False, server_default=text("now()")),
    Column("finished_at", Timestamp),
    Index(None, "event_id", "started_at"),
    Index(None, "agent", "started_at"),
    Index(None, "outcome", "started_at"),
    schema="events",
    comment="One attempt of an agent at an event.",
    info={"relationships": [to_one("event", "events.outbox", event_id="id")]},
)

dead_letter = Table(
    "dead_letter",
    metadata,
    key(),
    Column("event_id", Uuid, nullable=False, index=True),
    Column("agent", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("event", JSONB, nullable=False, comment="The whole event, so that it can be replayed after archiving."),
    created_at(),
    Column("resolved_at", Timestamp, comment="When it was replayed or discarded."),
    *one_of("resolution", "replayed", "discarded", required=False),
    Column("resolution_reason", Text, comment="Why it was discarded."),
    Column("resolved_by", Text, comment="Who discarded it."),
    CheckConstraint("(resolved_at IS NULL) = (resolution IS NULL)", name="resolved_at"),
    Index("dead_letter_open_idx", "agent", "created_at", postgresql_where=text("resolved_at IS NULL")),
    schema="events",
    comment="An event that an agent gave up on.",
    info={"relationships": [to_one("original", "events.outbox", event_id="id")]},
)

scheduled_task = Table(
    "scheduled_task",
    metadata,
    key(),
    Column("name", Text, nullable=False, unique=True, comment="Says what it is for, so that nothing is planned twice."),
    Column("kind", Text, nullable=False, comment="For example contract.renew."),
    Column("target", Text, nullable=False, comment="The agent that carries it out."),
    Column("payload", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("due_at", Timestamp, nullable=False),
    *one_of("status", "scheduled", "handed_over", "done", "cancelled", "failed", default="scheduled"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("last_error", Text),
    Column("handed_over_at", Timestamp, comment="When Cloud Tasks took it; it takes nothing more than 30 days ahead."),
    Column("finished_at", Timestamp),
    Column(
        "generation",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="How often it was planned anew; part of its name in Cloud Tasks, which takes a name once.",
    ),
    Column("cloud_task", Text, comment="Name of the task that Cloud Tasks was given."),
    created_at(),
    updated_at(),
    Column("traceparent", Text, comment="W3C trace context of the request that planned it; a trigger notes it."),
    Index(None, "status", "due_at"),
    Index(None, "kind", "due_at"),
    schema="events",
    comment="Work for later: the source of truth, of which Cloud Tasks gets what is due soon.",
)

cron_run = Table(
    "cron_run",
    metadata,
    key(),
    Column("job", Text, nullable=False, comment="For example renewal-check."),
    Column("due_at", Timestamp, nullable=False, comment="The minute that the schedule names."),
    *one_of("outcome", "running", "done", "failed", "abandoned", default="running"),
    Column("error", Text),
    Column("result", JSONB, comment="What it did, in numbers."),
    Column("started_at", Timestamp, nullable=False, server_default=text("now()")),
    Column("finished_at", Timestamp),
    CheckConstraint("(outcome = 'running') = (finished_at IS NULL)", name="finished_at"),
    UniqueConstraint("job", "due_at"),
    Index(None, "started_at"),
    schema="events",
    comment="Every run of a cron job, with its outcome.",
)

live_watch = Table(
    "live_watch",
    metadata,
    Column("table_key", Text, primary_key=True, comment="For example public.contract."),
    Column(
        "until",
        Timestamp,
        nullable=False,
        comment="Changes are told of until then; a process with subscribers moves it on.",
    ),
    schema="events",
    comment="The tables whose changes somebody is subscribed to.",
)
