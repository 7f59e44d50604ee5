"""Values of a column are written so that PostgreSQL reads the text that each would have been sent as."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest

from resolvers.values import Word, WrongKind, column_encoder, encoder
from schema.types import PgType

CASES: dict[str, list[Any]] = {
    "text": ["", "a", 'with "quotes" and \\', "ä", "null"],
    "timestamptz": ["2026-02-28T00:00:00+00:00"],
    "int2": [-32768, 32767, "7"],
    "int4": [-(2**31), 2**31 - 1, "7", 7.0],
    "int8": [-(2**63), 2**63 - 1, 0, "-0", 2**53 + 1],
    "numeric": [1, 0.1, 1e300, "1.10"],
    "float8": [1, 0.1, "NaN"],
    "bool": [True, False],
    "jsonb": [{"a": [1, None]}, [], "text", True, 1.5],
    "mood": ["happy", Word("happy")],
}


def types() -> list[PgType]:
    return [PgType(name=name, is_enum=name == "mood") for name in CASES]


def encoded(pg_type: PgType, values: Sequence[Any]) -> Sequence[Any]:
    return column_encoder(pg_type)(values, frozenset(map(type, values)))


def text_of(value: Any) -> str:
    """What an array has of a value."""
    return value if isinstance(value, str) else orjson.dumps(value).decode()


@pytest.mark.parametrize("pg_type", types(), ids=lambda each: each.name)
def test_a_column_is_the_text_of_each_of_its_values(pg_type: PgType) -> None:
    values, encode = CASES[pg_type.name], encoder(pg_type)
    for column in (values, *([value] for value in values), *([value, value] for value in values)):
        assert [text_of(value) for value in encoded(pg_type, column)] == [encode(value) for value in column]
        assert encoded(pg_type, [None, *column])[0] is None


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("int2", 32768),
        ("int4", -(2**31) - 1),
        ("int8", 2**63),
        ("int4", 1.5),
        ("int4", True),
        ("text", 1),
        ("text", True),
        ("text", Word("bare")),
        ("bool", "true"),
        ("bool", 1),
        ("uuid", 7),
    ],
)
def test_one_value_of_the_wrong_kind_is_found_among_right_ones(name: str, wrong: Any) -> None:
    pg_type = PgType(name=name)
    with pytest.raises(WrongKind) as alone:
        encoder(pg_type)(wrong)
    for column in ([wrong], [*CASES.get(name, ["a"])[:1], wrong], [None, wrong]):
        with pytest.raises(WrongKind) as caught:
            encoded(pg_type, column)
        assert str(caught.value) == str(alone.value)


def test_arrays_are_written_as_ever() -> None:
    pg_type = PgType(name="int4", is_array=True)
    assert encoded(pg_type, [[1, 2], "{3}", None, 4]) == ['{"1","2"}', "{3}", None, '{"4"}']
