"""Types that few databases have: domains over enums and over domains, and those that PostgreSQL has no `min` of."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import asyncpg
import orjson
import pytest
from graphql import GraphQLNonNull, GraphQLObjectType

from permissions.session import Session
from resolvers.engine import Engine
from resolvers.pool import Pool
from server.source import hasura_source

Change = Callable[[dict[str, Any]], Path]

_SCHEMA: Final = """
    CREATE TYPE public.grade AS ENUM ('poor', 'fair', 'mint');
    CREATE DOMAIN public.seen_grade AS public.grade DEFAULT 'fair';
    CREATE DOMAIN public.sold_grade AS public.seen_grade NOT NULL;
    CREATE DOMAIN public.cents AS bigint CHECK (VALUE >= 0);
    CREATE DOMAIN public.price AS public.cents CHECK (VALUE < 100000);
    CREATE TABLE public.copy (
        id uuid PRIMARY KEY, seen seen_grade, sold sold_grade DEFAULT 'poor', price price, shelf int4range,
        address inet, paid money
    );
    INSERT INTO public.copy VALUES
        ('0a000000-0000-0000-0000-000000000000', 'mint', 'poor', 500, '[1,3)', '10.0.0.9', 5),
        ('f0000000-0000-0000-0000-000000000000', 'poor', 'fair', 700, '[2,3)', '10.0.0.10', 7),
        ('9f000000-0000-0000-0000-000000000000', NULL, 'mint', NULL, NULL, NULL, NULL);
"""


def _select(role: str, columns: list[str], condition: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "permission": {"columns": columns, "filter": condition, "allow_aggregations": True}}


@pytest.fixture
async def engine(music_url: str, changed_metadata: Change) -> AsyncIterator[Engine]:
    """Serves the copies of records; `buyer_and_clerk` sees of each what one of its parents does."""
    connection = await asyncpg.connect(music_url, timeout=10)
    await connection.execute(_SCHEMA)
    await connection.close()
    copies = {
        "table": {"schema": "public", "name": "copy"},
        "select_permissions": [
            _select("buyer", ["id", "price"], {"price": {"_lt": 600}, "_exists": {"_table": "copy", "_where": {}}}),
            _select("clerk", ["id", "seen"], {}),
        ],
    }
    roles = [{"role_name": "buyer_and_clerk", "role_set": ["buyer", "clerk"]}]
    folder = changed_metadata({"databases/music/tables/tables.yaml": [copies], "inherited_roles.yaml": roles})
    (folder / "databases" / "music" / "functions" / "functions.yaml").write_text("[]")
    source = await hasura_source(music_url, folder)
    pool = Pool(music_url, size=1)
    yield source.engine(pool)
    await pool.close()


async def ask(engine: Engine, query: str, role: str = "admin", **variables: Any) -> Any:
    answer = orjson.loads(await engine.execute(Session(role=role), query, variables or None))
    assert "data" in answer, answer["errors"]
    return next(iter(answer["data"].values()))


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("{seen: {_eq: mint}}", [500]),
        ('{seen: {_in: ["mint", poor]}}', [500, 700]),
        ("{seen: {_lt: mint}}", [700]),
        ("{sold: {_gte: fair}}", [700, None]),
        ("{price: {_gt: 500}}", [700]),
    ],
)
async def test_domain_is_compared_as_what_it_is_a_domain_over(engine: Engine, where: str, found: list[Any]) -> None:
    rows = await ask(engine, "{ copy(where: WHERE, order_by: {price: asc}) { price } }".replace("WHERE", where))
    assert [row["price"] for row in rows] == found


async def test_domain_over_a_domain_has_the_scalar_of_the_innermost_and_the_nullability_of_both(engine: Engine) -> None:
    row: Any = engine.schema("admin").graphql_schema.type_map["copy"]
    assert isinstance(row, GraphQLObjectType)
    types = {name: str(field.type) for name, field in row.fields.items()}
    assert (types["price"], types["seen"], types["sold"]) == ("bigint", "grade", "grade!")
    assert isinstance(row.fields["sold"].type, GraphQLNonNull)


async def test_domain_over_an_enum_is_written_paged_by_and_aggregated(engine: Engine) -> None:
    insert = 'mutation ($g: grade) { insert_copy_one(object: {id: "1", seen: $g}) { seen } }'
    key = "11111111-1111-1111-1111-111111111111"
    assert await ask(engine, insert.replace('"1"', f'"{key}"'), g="fair") == {"seen": "fair"}
    assert await ask(engine, "{ copy_aggregate { aggregate { min { seen } max { seen sold } } } }") == {
        "aggregate": {"min": {"seen": "poor"}, "max": {"seen": "mint", "sold": "mint"}}
    }
    page = "query ($after: String) { copy_page(limit: 2, after: $after, order_by: {seen: desc_nulls_last}) %s }"
    page %= "{ nodes { seen } next_cursor }"
    first = await ask(engine, page)
    second = await ask(engine, page, after=first["next_cursor"])
    assert [node["seen"] for node in first["nodes"] + second["nodes"]] == ["mint", "fair", "poor", None]


async def test_least_and_greatest_uuid_are_found(engine: Engine) -> None:
    query = "{ copy_aggregate(where: %s) { aggregate { min { id } max { id } } } }"
    assert await ask(engine, query % "{}") == {
        "aggregate": {
            "min": {"id": "0a000000-0000-0000-0000-000000000000"},
            "max": {"id": "f0000000-0000-0000-0000-000000000000"},
        }
    }
    assert await ask(engine, query % "{_or: []}") == {"aggregate": {"min": {"id": None}, "max": {"id": None}}}


async def test_aggregates_are_offered_of_types_that_have_them(engine: Engine) -> None:
    types = engine.schema("admin").graphql_schema.type_map
    fields: dict[str, Any] = {
        name: getattr(types[f"copy_{name}_fields"], "fields", {}) for name in ("max", "avg", "sum")
    }
    assert set(fields["max"]) == {"address", "id", "paid", "price", "seen", "sold"}
    assert set(fields["avg"]) == {"price"}
    assert set(fields["sum"]) == {"paid", "price"}


async def test_inherited_role_takes_distinct_values_of_a_masked_column(engine: Engine) -> None:
    query = "{ copy(distinct_on: price, order_by: [{price: asc}, {id: asc}]) { id price } }"
    rows = await ask(engine, query, "buyer_and_clerk")
    # 700 is more than the buyer sees, and the clerk sees no price.
    assert [(row["id"][:2], row["price"]) for row in rows] == [("0a", 500), ("9f", None)]


async def test_inherited_role_groups_by_what_a_parent_s_rule_looks_up_in_another_table(engine: Engine) -> None:
    query = "{ copy_group_by(keys: [{column: price}], order_by: [{count: asc}]) { key { price } aggregate { count } } }"
    assert await ask(engine, query, "buyer_and_clerk") == [
        {"key": {"price": 500}, "aggregate": {"count": 1}},
        {"key": {"price": None}, "aggregate": {"count": 2}},
    ]
