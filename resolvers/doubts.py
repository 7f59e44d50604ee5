"""Values that PostgreSQL may refuse to cast, proven before anything is read.

A bind travels as text that the statement casts (`$1::text::timestamptz`). Once a plan is made for any values,
PostgreSQL casts where it compares: text that is no timestamp would fail if a row got that far and go unnoticed if none
did, hidden rows included. So what isn't plainly fine is cast on its own first, and fails whatever the rows are.
"""

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from resolvers import ir
from resolvers.sql.writer import type_name
from schema.types import TEXT_TYPES, PgType

#: More text than this is not looked at here.
_MAX_LENGTH: Final = 10_000

Test = Callable[[str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A bind that a client gives, and how to tell that its text is fine."""

    #: Its place among the arguments, from 0.
    number: int
    #: One statement of one bind, the text; it fails unless the text can be cast.
    proof: str
    is_fine: Test

    def find(self, arguments: Sequence[Any]) -> list[str]:
        """The texts that have to be proven."""
        argument = arguments[self.number]
        if argument is None:
            return []
        texts = argument if isinstance(argument, list) else [argument]
        return [text for text in texts if not self.is_fine(text)]


def doubts_about(params: Sequence[ir.Param]) -> tuple[Doubt, ...]:
    """What must be proven of a statement's binds: those that a client asks by. A text is always fine."""
    return tuple(
        Doubt(number=number, proof=f"SELECT ($1::text::{type_name(param.type)}) IS NOT NULL", is_fine=test)
        for number, param in enumerate(params)
        if param.asks and (test := _test(param.type)) is not None
    )


def _test(pg_type: PgType) -> Test | None:
    if pg_type.is_array:
        return _never
    if pg_type.name in TEXT_TYPES and pg_type.schema is None:
        return None
    return _TESTS.get(pg_type.name, _never) if pg_type.schema is None else _never


def _never(_text: str) -> bool:
    return False


def _pattern(pattern: str) -> Test:
    return re.compile(pattern, re.ASCII).fullmatch


_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _is_date(text: str) -> bool:
    # Both: Python reads weeks, too, and a pattern doesn't know the months.
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return _DATE.fullmatch(text) is not None


_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)?", re.ASCII)


def _is_timestamp(text: str) -> bool:
    if _is_date(text):
        return True
    try:
        datetime.datetime.fromisoformat(text)
    except ValueError:
        return False
    return _TIME.fullmatch(text) is not None


def _is_json(text: str) -> bool:
    # It was rendered as JSON; PostgreSQL refuses a NUL character, and what is nested without end.
    return len(text) <= _MAX_LENGTH and "\\u0000" not in text and text.count("[") + text.count("{") < 1_000


_NUMBER: Final = _pattern(r"-?\d{1,30}(\.\d{1,30})?")
_TESTS: Final[Mapping[str, Test]] = {
    "bool": _pattern("true|false"),
    "int2": _pattern(r"-?\d{1,4}"),
    "int4": _pattern(r"-?\d{1,9}"),
    "int8": _pattern(r"-?\d{1,18}"),
    "float4": _NUMBER,
    "float8": _NUMBER,
    "numeric": _NUMBER,
    "uuid": _pattern(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    "date": _is_date,
    "timestamp": _is_timestamp,
    "timestamptz": _is_timestamp,
    "json": _is_json,
    "jsonb": _is_json,
}
