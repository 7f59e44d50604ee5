"""Numbers of more digits than a float holds arrive as they were written."""

from typing import Any

import orjson
import pytest

from resolvers.exact_numbers import ExactNumber, read_json, write_json
from resolvers.values import WrongKind, encoder
from schema.types import PgType

LONG = "12345678901234567890.1234567890"


@pytest.mark.parametrize(
    "text",
    [
        '{"n": 1, "x": [1.5, -2, 0.1, 1e3], "t": "2024-01-01T00:00:00.123456+00:00"}',
        '{"id": 9007199254740993, "least": -9223372036854775808, "most": 18446744073709551615}',
        '{"uuid": "01234567-0123-0123-0123-012345678901", "digits": "12345678901234567890123"}',
        '{"id": "li_0000000000000001", "sentence": "it takes 12345678901234567890.12, or -12345678901234567890"}',
        '{"zeros": 0.100000000000000000000, "small": 0.000000000000000000012}',
    ],
)
def test_what_python_holds_is_read_as_ever(text: str) -> None:
    read = read_json(text)
    assert read == orjson.loads(text)
    assert ExactNumber not in {
        type(item) for value in read.values() for item in (value if type(value) is list else [value])
    }


def test_more_digits_keep_their_text_wherever_they_stand() -> None:
    read = read_json(f'{{"a": {LONG}, "b": [{{"c": -0.12345678901234567890e5}}], "d": 123456789012345678901234567890}}')
    assert read["a"].text == LONG
    assert read["b"][0]["c"].text == "-0.12345678901234567890e5"
    assert read["d"].text == "123456789012345678901234567890"
    assert read_json(write_json(read)) == read
    assert LONG.encode() in write_json(read)
    for text in (LONG, f" {LONG}", f"-{LONG}", f"[\n{LONG}]", f"[1,{LONG}]", f'{{"a"\t:\t{LONG}}}'):
        assert LONG.encode() in write_json(read_json(text)), text


def test_numbers_that_a_float_can_t_tell_apart_are_not_equal() -> None:
    one, two = ExactNumber("1.00000000000000001"), ExactNumber("1.00000000000000002")
    assert float(one) == float(two)
    assert one != two
    assert len({one, two, ExactNumber("1.00000000000000001")}) == 2
    assert one != 1.0


@pytest.mark.parametrize(("name", "text"), [("numeric", LONG), ("float8", LONG), ("money", LONG), ("jsonb", LONG)])
def test_columns_of_numbers_get_the_digits(name: str, text: str) -> None:
    assert encoder(PgType(name=name))(ExactNumber(text)) == text


@pytest.mark.parametrize("name", ["int2", "int4", "int8", "text", "bool", "date"])
@pytest.mark.parametrize("text", [LONG, "123456789012345678901234567890", "-1" + "0" * 400])
def test_columns_that_can_t_hold_them_refuse_them(name: str, text: str) -> None:
    with pytest.raises(WrongKind):
        encoder(PgType(name=name))(ExactNumber(text))


def test_what_is_no_json_stays_none_and_nesting_is_left_to_others() -> None:
    assert read_json(f"[{'9' * 300}]")[0].text == "9" * 300
    deep: Any = read_json("[" * 1000 + LONG + "]" * 1000)
    for _ in range(1000):
        deep = deep[0]
    assert isinstance(deep, float)
    with pytest.raises(orjson.JSONDecodeError):
        read_json('{"n": NaN, "m": 12345678901234567890}')
