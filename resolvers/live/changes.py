"""What the database tells of a change (`migrations/versions/sql/0003_notify_live.sql`)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import orjson

from schema.catalogue import TableKey

#: Where changes are told.
CHANNEL: Final = "caregraph_live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Rows of one table that a statement inserted, changed or deleted."""

    table: TableKey
    #: Where in a row of `rows` the value of a column stands.
    places: Mapping[str, int]
    #: The rows before and after, as far as `places` goes; None when there were too many to tell.
    rows: Sequence[Sequence[str | None]] | None


def parse_change(payload: str) -> Change | None:
    """The change that a notification tells of, or None for one that is not ours to understand."""
    try:
        told = orjson.loads(payload)
        return Change(
            table=told["t"],
            places={name: place for place, name in enumerate(told["c"])},
            rows=told["k"],
        )
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
