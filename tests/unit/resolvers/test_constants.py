"""Values that Python takes for equal and PostgreSQL does not: each is a bind of its own."""

from typing import Any

import pytest

from permissions.session import Session
from resolvers import ir
from resolvers.engine import Engine
from resolvers.pool import Pool
from resolvers.sql.live import _RowWriter
from resolvers.sql.writer import Writer
from schema.catalogue import Catalogue, Column, Constraint, Table
from schema.types import PgType
from tests.golden.planning import outcome

_JSONB = PgType(name="jsonb")
_COLUMNS = {
    "id": Column(name="id", graphql_name="id", type=PgType(name="int4"), nullable=False),
    "data": Column(name="data", graphql_name="data", type=_JSONB, nullable=True),
    "price": Column(name="price", graphql_name="price", type=PgType(name="numeric"), nullable=True),
}
_TABLE = Table(
    schema="public",
    name="thing",
    graphql_name="thing",
    columns=_COLUMNS,
    primary_key=("id",),
    constraints=(Constraint(name="thing_pkey", columns=("id",), primary=True),),
)
_ADMIN = Session(role="admin")
_ALIKE = [True, 1, 1.0, [True], [1], {"a": 1}, {"a": True}, {"a": 1.0}, 0, False, 0.0, -0.0, "1"]


@pytest.fixture
def engine() -> Engine:
    return Engine(catalogue=Catalogue(tables={_TABLE.key: _TABLE}), rules={}, pool=Pool("postgresql://x/y", size=1))


def test_constants_of_another_kind_are_not_equal() -> None:
    for first in range(len(_ALIKE)):
        for second in range(len(_ALIKE)):
            assert (ir.Const(_ALIKE[first]) == ir.Const(_ALIKE[second])) == (first == second)


@pytest.mark.parametrize("writer", [Writer, _RowWriter])
def test_lists_of_constants_that_look_alike_are_binds_of_their_own(writer: type[Writer]) -> None:
    found = writer()
    for value in (True, 1):
        found.bind(ir.Param(source=(ir.Const(value), ir.FromVariables(("a",))), type=_JSONB, many=True))
    assert [param.source[0] for param in found.params if isinstance(param.source, tuple)] == [
        ir.Const(True),
        ir.Const(1),
    ]


def test_lists_in_one_document_keep_their_kinds(engine: Engine) -> None:
    document = """query ($a: jsonb!) {
        first: thing(where: {data: {_in: [true, $a]}}) { id }
        second: thing(where: {data: {_in: [1, $a]}}) { id }
    }"""
    made = outcome(engine, _ADMIN, document, {"a": "x"})
    assert made.arguments == ((("true", '"x"'), ("1", '"x"')),)


def rows(*values: Any) -> str:
    return ", ".join(f"{{id: {number}, data: {value}}}" for number, value in enumerate(values))


def test_many_rows_that_look_alike_are_stored_as_they_are(engine: Engine) -> None:
    # Enough values for an array a column (`resolvers.sql.mutate`).
    listed = rows("true", *["1"] * 300)
    made = outcome(engine, _ADMIN, f"mutation {{ insert_thing(objects: [{listed}]) {{ affected_rows }} }}", {})
    assert ("true", *["1"] * 300) in made.arguments[0]


def test_many_rows_of_numbers_keep_their_digits(engine: Engine) -> None:
    listed = ", ".join(f"{{id: {number}, price: {value}}}" for number, value in enumerate(["1.50", *["1.5"] * 300]))
    made = outcome(engine, _ADMIN, f"mutation {{ insert_thing(objects: [{listed}]) {{ affected_rows }} }}", {})
    assert ("1.50", *["1.5"] * 300) in made.arguments[0]


@pytest.mark.parametrize("given", [None, {"data": None, "price": None}])
def test_many_rows_of_nothing_but_null_are_rows_of_null(engine: Engine, given: dict[str, Any] | None) -> None:
    document = "mutation ($rows: [thing_insert_input!]!) { insert_thing(objects: $rows) { affected_rows } }"
    listed = ", ".join(["{data: null, price: null}"] * 300)
    if given is None:
        document = f"mutation {{ insert_thing(objects: [{listed}]) {{ affected_rows }} }}"
    for _ in range(2):
        made = outcome(engine, _ADMIN, document, {} if given is None else {"rows": [given] * 300})
        assert made.error == b""
        assert "INSERT INTO" in made.sql[0]


def test_a_document_of_another_kind_of_constant_is_another_plan(engine: Engine) -> None:
    for value, bind in (("true", "true"), ("1", "1"), ("1.0", "1.0"), ('"1"', '"1"')):
        made = outcome(engine, _ADMIN, f"{{ thing(where: {{data: {{_eq: {value}}}}}) {{ id }} }}", {})
        assert made.arguments == ((bind,),)
    for given, bind in ((True, "true"), (1, "1"), (1.0, "1.0"), ("1", '"1"'), ([True], "[true]"), ([1], "[1]")):
        document = "query ($a: jsonb!) { thing(where: {data: {_eq: $a}}) { id } }"
        assert outcome(engine, _ADMIN, document, {"a": given}).arguments == ((bind,),)
