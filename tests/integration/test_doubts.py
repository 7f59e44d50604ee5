"""What isn't proven is fine for PostgreSQL, too."""

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from resolvers import ir
from resolvers.doubts import Doubt, doubts_about
from schema.types import PgType
from tests.databases import run

DIGITS = st.text("0123456789", min_size=1, max_size=24)
NEARLY = {
    "bool": st.sampled_from(["true", "false", "yes", "1", "TRUE", ""]),
    "int2": st.from_regex(r"-?[0-9]{1,6}", fullmatch=True),
    "int4": st.from_regex(r"[+-]?[0-9]{1,11}", fullmatch=True),
    "int8": st.from_regex(r"-?[0-9]{1,20}", fullmatch=True),
    "numeric": st.from_regex(r"-?[0-9]{0,40}(\.[0-9]{0,40})?(e[0-9]{1,3})?", fullmatch=True),
    "float4": st.from_regex(r"-?[0-9]{1,45}(\.[0-9]{1,45})?", fullmatch=True),
    "uuid": st.uuids().map(str) | st.from_regex(r"[0-9a-fA-F]{8}(-[0-9a-g]{4}){3}-[0-9a-f]{12}", fullmatch=True),
    "date": st.dates().map(str) | st.from_regex(r"[0-9]{4}-[01][0-9]-[0-3][0-9]", fullmatch=True),
    "timestamptz": st.datetimes().map(str)
    | st.from_regex(
        r"(19|20|00)[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9](:[0-6][0-9](\.[0-9]{1,8})?)?"
        r"(Z|[+-][0-2][0-9](:?[0-6][0-9])?)?",
        fullmatch=True,
    ),
    "jsonb": st.sampled_from(['{"a": 1}', '"x"', '"\\u0000"', "[]", "null", '"\\\\u0000"', "1e10"]),
}


def doubt_about(name: str) -> Doubt:
    (doubt,) = doubts_about([ir.Param(source=ir.FromVariables(("it",)), type=PgType(name=name), asks=True)])
    return doubt


@pytest.mark.parametrize("name", NEARLY)
@settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=4,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)
@given(data=st.data())
def test_what_passes_unproven_can_be_cast(postgres_server: str, name: str, data: st.DataObject) -> None:
    doubt = doubt_about(name)
    fine = [text for text in data.draw(st.lists(NEARLY[name], min_size=60, max_size=60)) if doubt.is_fine(text)]

    async def cast() -> None:
        connection = await asyncpg.connect(postgres_server, timeout=10)
        try:
            await connection.fetch(f"SELECT item::{name}::text FROM unnest($1::text[]) AS item", fine, timeout=10)  # noqa: S608
        finally:
            await connection.close(timeout=10)

    run(cast())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uuid", "018cc251-f400-7000-8000-00000000000"),
        ("uuid", "{018cc251-f400-7000-8000-000000000001}"),
        ("int4", "2147483648"),
        ("int4", "1_000"),
        ("date", "2026-02-30"),
        ("date", "today"),
        ("date", "20260101"),
        ("timestamptz", "2026-01-01T24:00:01"),
        ("timestamptz", "now"),
        ("timestamptz", "2026-W01-1"),
        ("numeric", "NaN"),
        ("numeric", "\u0661"),
        ("jsonb", '"\\u0000"'),
        ("jsonb", "[" * 5000),
        ("interval", "1 day"),
    ],
)
def test_what_is_odd_has_to_be_proven(name: str, text: str) -> None:
    assert doubt_about(name).find([text]) == [text]
    assert doubt_about(name).find([[text, text]]) == [text, text]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("uuid", "018cc251-f400-7000-8000-000000000001"),
        ("int8", "-900719925474099"),
        ("numeric", "12.50"),
        ("date", "2026-02-28"),
        ("timestamptz", "2026-01-31T10:00:00.123+00:00"),
        ("timestamptz", "2026-01-31"),
        ("jsonb", '{"a": [1]}'),
    ],
)
def test_what_clients_usually_send_costs_no_statement(name: str, text: str) -> None:
    assert doubt_about(name).find([text]) == []
    assert doubt_about(name).find([None]) == []


def test_texts_and_what_the_rules_compare_with_are_never_in_doubt() -> None:
    session = ir.Param(source=ir.FromSession("x-hasura-user-id"), type=PgType(name="uuid"))
    text = ir.Param(source=ir.FromVariables(("it",)), type=PgType(name="text"), asks=True)
    assert doubts_about([session, text]) == ()
