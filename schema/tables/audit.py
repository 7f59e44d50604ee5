"""Schema `audit`: who changed and who read what. Append-only, and for operators alone."""

from sqlalchemy import ARRAY, Column, Index, Integer, Table, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from schema.tables.metadata import created_at, key, metadata, one_of, ranges_index

change = Table(
    "change",
    metadata,
    key(),
    Column("table_schema", Text, nullable=False),
    Column("table_name", Text, nullable=False),
    Column("row_id", Text, nullable=False, comment="The row's key as text; * for all rows (TRUNCATE)."),
    *one_of("op", "INSERT", "UPDATE", "DELETE", "TRUNCATE"),
    Column("old", JSONB, comment="The row before; of an update only the columns that changed."),
    Column("new", JSONB, comment="The row after; of an update only the columns that changed."),
    Column("role", Text, comment="Role of the session; null for changes made outside the endpoint."),
    Column("user_id", Text),
    Column("database_user", Text, nullable=False),
    Column("traceparent", Text),
    created_at(),
    # Ids are of one table, but for a few short ones of Chargebee's.
    Index(None, "row_id"),
    # What `audit.remove_kept_records` looks for, whoever they are of.
    Index(
        "change_recoveries_idx",
        "row_id",
        postgresql_where=text("table_schema = 'public' AND table_name = 'payment_recovery'"),
    ),
    # Newest first is by id; the ranges of blocks find a time span, and a user, as for reads below.
    ranges_index("change", "user_id"),
    # It repeats what clinical rows hold.
    info={"sensitive": True},
    schema="audit",
    comment="A change of a clinical or financial row: who, when, from what to what.",
)

access = Table(
    "access",
    metadata,
    key(),
    Column("role", Text, nullable=False),
    Column("user_id", Text),
    Column("operation", Text, comment="Name of the GraphQL operation."),
    Column("tables", ARRAY(Text), nullable=False, comment="The PHI tables read, as schema.table."),
    Column("row_count", Integer, nullable=False),
    Column("request_id", Text),
    Column("traceparent", Text),
    created_at(),
    # Every read pays for an index, and one by user is written to all over. Rows lie in the order of their making, so
    # that the ranges of blocks of this one find a time span, and a user, at next to no cost; newest first is by id.
    ranges_index("access", "user_id"),
    schema="audit",
    comment="A read of PHI through the endpoint.",
)
