"""The MetaData that all tables share, and the few column shapes that repeat in them.

Constraint and index names follow PostgreSQL's own habit (`customer_pkey`, `customer_email_key`,
`contract_customer_id_fkey`), because GraphQL clients write them in `on_conflict: {constraint: ...}`.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Label,
    MetaData,
    Text,
    Uuid,
    text,
)

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)

#: An instant. PostgreSQL keeps it in UTC.
Timestamp = DateTime(timezone=True)


def key() -> Column[Any]:
    """Our primary key: a UUID of version 7, so that rows sort by the time they were made."""
    return Column("id", Uuid, primary_key=True, server_default=text("public.uuid_v7()"))


def created_at() -> Column[Any]:
    """When the row was made."""
    return Column("created_at", Timestamp, nullable=False, server_default=text("now()"))


def updated_at() -> Column[Any]:
    """When the row last changed; the trigger `touch_updated_at` keeps it."""
    return Column("updated_at", Timestamp, nullable=False, server_default=text("now()"))


def ranges_index(table: str, *texts: str | Label[Any], distinct: Sequence[int] = ()) -> Index:
    """Ranges of blocks (BRIN) by time and by these texts, columns or named expressions.

    Rows lie in the order of their making, so that it finds a time span, or one text among many, at next to no cost to
    who writes. `distinct` says for each text how many different values a range of 32 blocks is expected to have, where
    rows are updated: PostgreSQL's default makes filters for 931, and compresses them at each change.
    """
    names = [each if isinstance(each, str) else each.name for each in texts]
    sizes = [f"(n_distinct_per_range={number})" for number in distinct] or [""] * len(names)
    return Index(
        f"{table}_ranges_idx",
        "created_at",
        *texts,
        postgresql_using="brin",
        postgresql_ops={name: f"text_bloom_ops{size}" for name, size in zip(names, sizes, strict=True)},
        postgresql_with={"pages_per_range": 32, "autosummarize": "on"},
    )


def reference(
    name: str,
    target: str,
    *,
    required: bool = True,
    index: bool = True,
    unique: bool = False,
    object_name: str | None = None,
    array_name: str | None = "",
    comment: str | None = None,
) -> Column[Any]:
    """A UUID foreign key to `schema.table`.

    `index=False` is for keys that a composite index or a unique constraint already starts with. `object_name` and
    `array_name` override the names of the two relationships it gives; `array_name=None` leaves the array out. The
    other side of a unique key is an object too, and `array_name` names that.
    """
    info: dict[str, str | None] = {}
    if object_name is not None:
        info["object"] = object_name
    if array_name != "":
        info["array"] = array_name
    return Column(
        name,
        Uuid,
        ForeignKey(f"{target}.id", info=info),
        nullable=not required,
        index=index and not unique,
        unique=unique or None,
        comment=comment,
    )


def one_of(
    name: str, *values: str, default: str | None = None, required: bool = True, comment: str | None = None
) -> tuple[Column[Any], CheckConstraint]:
    """A text column that holds one of the given values, and the check that says so.

    The values stand in `Column.info["values"]` for those who list them (tests, demo data, forms).
    """
    listed = ", ".join(f"'{value}'" for value in values)
    column = Column(
        name,
        Text,
        nullable=not required,
        server_default=default,
        comment=comment,
        info={"values": values},
    )
    return column, CheckConstraint(f"{name} IN ({listed})", name=name)


def money(name: str, *, required: bool = True, default: int | None = None, comment: str | None = None) -> Column[Any]:
    """An amount in minor units (cents for USD) of the currency in the row's `currency_code`."""
    return Column(
        name,
        BigInteger,
        nullable=not required,
        server_default=None if default is None else text(str(default)),
        comment=comment,
    )


def currency_code(*, default: str | None = None) -> tuple[Column[Any], CheckConstraint]:
    """The ISO 4217 code of the row's amounts, and a check of its form."""
    column = Column(
        "currency_code",
        Text,
        nullable=False,
        server_default=default,
        comment="ISO 4217 code of the amounts in this row.",
    )
    return column, CheckConstraint("currency_code ~ '^[A-Z]{3}$'", name="currency_code")


def flag(name: str, *, default: bool = False, comment: str | None = None) -> Column[Any]:
    """A boolean that is never null."""
    return Column(name, Boolean, nullable=False, server_default=text("true" if default else "false"), comment=comment)
