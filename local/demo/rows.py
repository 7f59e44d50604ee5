"""Collecting rows table by table, completed as PostgreSQL would complete them."""

import datetime
import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, Table, Uuid
from sqlalchemy.sql.elements import TextClause

from schema.tables import base_tables

Row = dict[str, Any]

#: Ids carry a time, as all UUIDs of version 7. It is not the row's, which depends on the reference date: it begins here
#: and goes on by a second a row of the table, so that the ids of people can be written down.
_ID_EPOCH_MS = 1_704_153_600_000  # 2024-01-02, a day after the well-known ones


@dataclass(frozen=True, kw_only=True, slots=True)
class Dataset:
    """All demo rows. Rows of a table have the same keys: its columns but those that PostgreSQL or the loader fills."""

    #: The day that the rows call today.
    reference: datetime.date
    #: `schema.table` → rows, tables in an order that foreign keys allow.
    rows: Mapping[str, tuple[Row, ...]]

    def table(self, name: str) -> tuple[Row, ...]:
        """The rows of `schema.table`."""
        return self.rows[name]


class Rows:
    """Where the parts of the generator put their rows."""

    def __init__(self, reference: datetime.date) -> None:
        #: The first moment of the reference day: what has happened is before it.
        self.now = datetime.datetime.combine(reference, datetime.time(), tzinfo=datetime.UTC)
        self._reference = reference
        self._rows: dict[str, list[Row]] = {table.fullname: [] for table in base_tables()}
        self._columns = {table.fullname: _stored_columns(table) for table in base_tables()}

    @property
    def today(self) -> datetime.date:
        """The reference date."""
        return self._reference

    def add(self, table: Table, **values: Any) -> Row:
        """Add a row and return it. What is left out gets the column's default.

        Raises ValueError for an unknown column, and for one that has no default and isn't given.
        """
        columns = self._columns[table.fullname]
        if unknown := values.keys() - columns.keys():
            raise ValueError(f"{table.fullname} has no column {', '.join(sorted(unknown))}")
        row: Row = {}
        for name, column in columns.items():
            if name in values:
                row[name] = values[name]
            elif name == "id" and isinstance(column.type, Uuid):
                row[name] = self._make_id(table)
            elif name in {"updated_at", "synced_at"}:
                row[name] = values.get("updated_at") or values["created_at"]
            else:
                row[name] = _default(column)
        self._rows[table.fullname].append(row)
        return row

    def all(self, table: Table) -> list[Row]:
        """The rows that the table has so far."""
        return self._rows[table.fullname]

    def dataset(self) -> Dataset:
        """All rows, finished."""
        return Dataset(reference=self._reference, rows={name: tuple(rows) for name, rows in self._rows.items()})

    def _make_id(self, table: Table) -> uuid.UUID:
        ordinal = len(self._rows[table.fullname])
        milliseconds = _ID_EPOCH_MS + ordinal * 1000
        noise = int.from_bytes(hashlib.blake2b(f"{table.fullname}:{ordinal}".encode(), digest_size=10).digest())
        # RFC 9562, section 5.7: 48 bits of time, version 7, 12 random bits, variant 10, 62 random bits.
        value = milliseconds << 80 | 7 << 76 | (noise >> 68) << 64 | 2 << 62 | noise & (1 << 62) - 1
        return uuid.UUID(int=value)


#: It asks PostgreSQL.
_FILLED_BY_LOADER: Final = frozenset({"events.outbox.lane"})


def _stored_columns(table: Table) -> dict[str, Column[Any]]:
    """Those that rows are made with: the others PostgreSQL fills, by an expression or a sequence, or the loader."""
    return {
        column.name: column
        for column in table.columns
        if column.computed is None
        and column.identity is None
        and f"{table.fullname}.{column.name}" not in _FILLED_BY_LOADER
    }


_LITERALS: Mapping[str, Any] = {
    "true": True,
    "false": False,
    "'{}'::jsonb": {},
    "'[]'::jsonb": [],
    "'{}'::text[]": [],
}


def _default(column: Column[Any]) -> Any:
    """What PostgreSQL would put into the column, where that is a constant."""
    default = getattr(column.server_default, "arg", None)
    if default is None:
        if column.nullable:
            return None
    elif not isinstance(default, TextClause):
        return default
    elif default.text in _LITERALS:
        return _LITERALS[default.text]
    elif re.fullmatch(r"-?\d+", default.text):
        return int(default.text)
    elif match := re.fullmatch(r"'(\d\d:\d\d)'::time", default.text):
        return datetime.time.fromisoformat(match[1])
    raise ValueError(f"{column} must be given: it has no constant default")
