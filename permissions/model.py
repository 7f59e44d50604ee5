"""What a permission is: rules as data, one `TablePermissions` per role and table.

The words are Hasura's (HASURA_DIALECT §8). A filter or check is a boolean expression over columns and relationships;
a string that starts with `X-Hasura-` stands for that session variable. No rule means nothing is allowed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from schema.catalogue import TableKey
from schema.view import BoolExp


class _AllColumns:
    """Stands for every column of the table, those added later included."""

    def __repr__(self) -> str:
        return "ALL"


#: Every column of the table.
ALL: Final = _AllColumns()
#: Every row.
EVERY_ROW: Final[BoolExp] = {}

Columns = tuple[str, ...] | _AllColumns


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """Which columns of which rows a role reads; `limit` caps the rows of one list."""

    columns: Columns
    filter: BoolExp
    limit: int | None = None
    aggregate: bool = False
    computed_fields: tuple[str, ...] = ()
    #: Which fields of the table the roots of queries and subscriptions have (`schema.view.ROOT_FIELDS`); None: all.
    query_fields: frozenset[str] | None = None
    subscription_fields: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """Which columns a role fills in, what the stored row must satisfy, and what is set for it."""

    columns: Columns
    check: BoolExp
    presets: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
    """Which columns of which rows a role changes; `check` is what the new row must satisfy (None: nothing more)."""

    columns: Columns
    filter: BoolExp
    check: BoolExp | None = None
    presets: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """Which rows a role deletes."""

    filter: BoolExp


@dataclass(frozen=True, slots=True, kw_only=True)
class TablePermissions:
    """What one role may do with one table."""

    select: Select | None = None
    insert: Insert | None = None
    update: Update | None = None
    delete: Delete | None = None


#: role → table → permissions. `admin` is not listed: it may do everything.
Rules = Mapping[str, Mapping[TableKey, TablePermissions]]
