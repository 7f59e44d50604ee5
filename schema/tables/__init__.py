"""All tables of Caregraph as SQLAlchemy metadata, a module per PostgreSQL schema.

    public      customers, treatments, contracts, staff, messages, notifications, tickets, referrals, deletion requests
    chargebee   the mirror of billing: Chargebee's names, Chargebee's text ids, no foreign keys
    healthcare  the chart (PHI), in the vocabulary of FHIR R4
    events      outbox, inbox, deliveries, dead letters, scheduled tasks
    audit       who changed and who read what

Terms: a *view* is a `Table` with `info["is_view"]`; its key stands in `info["primary_key"]`, and `info["shows"]` names
the table whose rows it shows one by one, if there is one (`schema.catalogue.Table.shows`). A *status* is a text
column with a check of its values, which are also in `Column.info["values"]`. Comments become GraphQL descriptions.
Importing this package touches no database.
"""

from collections.abc import Iterator

from sqlalchemy import Table

from schema.tables import audit, chargebee, events, healthcare, public
from schema.tables.metadata import metadata

__all__ = ["audit", "base_tables", "chargebee", "events", "healthcare", "metadata", "public", "views"]


def base_tables() -> Iterator[Table]:
    """The tables that hold rows, each after those that it references."""
    return (table for table in metadata.sorted_tables if not table.info.get("is_view"))


def views() -> Iterator[Table]:
    """The views; migrations create them, `create_all` must be kept from it by passing `base_tables()`."""
    return (table for table in metadata.sorted_tables if table.info.get("is_view"))
