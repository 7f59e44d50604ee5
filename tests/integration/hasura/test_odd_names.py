"""Databases whose names GraphQL can't spell, or that have one name for two things, are served as far as they can be."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from graphql import validate_schema

from permissions.session import Session
from resolvers.engine import Engine
from resolvers.pool import Pool
from server.source import hasura_source

Change = Callable[[dict[str, Any]], Path]


async def served(
    url: str, changed_metadata: Change, statements: str, *tables: dict[str, Any] | str
) -> tuple[Engine, Pool, list[str]]:
    """An engine for these tables of the schema `public`, its pool, and the problems."""
    connection = await asyncpg.connect(url, timeout=10)
    await connection.execute(statements)
    await connection.close()
    items = [{"table": {"schema": "public", "name": item}} if isinstance(item, str) else item for item in tables]
    folder = changed_metadata({"databases/music/tables/tables.yaml": items, "inherited_roles.yaml": []})
    (folder / "databases" / "music" / "functions" / "functions.yaml").write_text("[]")
    source = await hasura_source(url, folder)
    pool = Pool(url, size=1)
    return source.engine(pool), pool, [str(problem) for problem in source.problems]


async def ask(engine: Engine, query: str) -> Any:
    return orjson.loads(await engine.execute(Session(role="admin"), query))["data"]


async def test_what_is_beyond_the_dialect_gives_way_to_tables(music_url: str, changed_metadata: Change) -> None:
    statements = """
        CREATE TABLE public.member (id integer PRIMARY KEY, kind text);
        CREATE TABLE public.member_group (id integer PRIMARY KEY);
        CREATE TABLE public.landing (id integer PRIMARY KEY);
        CREATE TABLE public.landing_page (id integer PRIMARY KEY);
        INSERT INTO public.landing_page VALUES (1);
    """
    tables = ("member", "member_group", "landing", "landing_page")
    engine, pool, problems = await served(music_url, changed_metadata, statements, *tables)
    schema = engine.schema("admin").graphql_schema
    assert problems == []
    assert validate_schema(schema) == []
    assert schema.query_type is not None
    assert {"landing_group_by", "landing_page", "landing_page_page", "member_group", "member_page"} <= set(
        schema.query_type.fields
    )
    assert "member_group_by" not in schema.query_type.fields
    assert await ask(engine, "{ landing_page { id } member_group { id } }") == {
        "landing_page": [{"id": 1}],
        "member_group": [],
    }
    await pool.close()


async def test_tables_that_can_t_both_have_their_names_are_told_apart(music_url: str, changed_metadata: Change) -> None:
    statements = """
        CREATE TABLE public.member (id integer PRIMARY KEY);
        CREATE TABLE public.member_aggregate (id integer PRIMARY KEY);
        CREATE TABLE public.member_one (id integer PRIMARY KEY);
        CREATE TABLE public.order_by (id integer PRIMARY KEY);
        CREATE TABLE public."Int" (id integer PRIMARY KEY);
    """
    renamed = {"table": {"schema": "public", "name": "order_by"}, "configuration": {"custom_name": "sorting"}}
    tables = ("member", "member_aggregate", "member_one", renamed, "Int")
    engine, pool, problems = await served(music_url, changed_metadata, statements, *tables)
    assert problems == [
        "table public.member_aggregate: 'member_aggregate' is a name of public.member already: give it a custom_name",
        "table public.member_one: 'insert_member_one' is a name of public.member already: give it a custom_name",
        "table public.Int: 'Int' is a name of GraphQL already: give it a custom_name",
    ]
    assert validate_schema(engine.schema("admin").graphql_schema) == []
    assert await ask(engine, "{ sorting { id } member_aggregate { aggregate { count } } }") == {
        "sorting": [],
        "member_aggregate": {"aggregate": {"count": 0}},
    }
    await pool.close()


async def test_columns_and_types_with_odd_names_do_not_stop_the_others(
    music_url: str, changed_metadata: Change
) -> None:
    statements = """
        CREATE TYPE public."2nd Mood" AS ENUM ('so so', 'ok');
        CREATE TABLE public.odd ("Id" integer PRIMARY KEY, "a-b" text, "__c" text, "d""e" text, mood "2nd Mood");
        INSERT INTO public.odd VALUES (1, 'ab', 'c', 'de', 'so so');
    """
    renamed = {
        "table": {"schema": "public", "name": "odd"},
        "configuration": {"column_config": {"a-b": {"custom_name": "a_b"}}},
    }
    engine, pool, problems = await served(music_url, changed_metadata, statements, renamed)
    assert problems == [
        "table public.odd, column __c: GraphQL can't spell its name: give it a custom_name",
        "table public.odd, column d\"e: GraphQL can't spell its name: give it a custom_name",
    ]
    schema = engine.schema("admin").graphql_schema
    assert validate_schema(schema) == []
    row: Any = schema.type_map["odd"]
    assert {name: str(field.type) for name, field in row.fields.items()} == {
        "Id": "Int!",
        "a_b": "String",
        "mood": "_2nd_Mood",
    }
    insert = 'mutation { insert_odd_one(object: {Id: 2, a_b: "x", mood: "ok"}) { Id a_b mood } }'
    assert await ask(engine, insert) == {"insert_odd_one": {"Id": 2, "a_b": "x", "mood": "ok"}}
    query = '{ odd(where: {mood: {_in: [ok, "so so"]}}, order_by: {a_b: desc}) { Id mood } }'
    assert await ask(engine, query) == {"odd": [{"Id": 2, "mood": "ok"}, {"Id": 1, "mood": "so so"}]}
    await pool.close()


async def test_partitions_may_be_tracked_beside_their_table(music_url: str, changed_metadata: Change) -> None:
    statements = """
        CREATE TABLE public.hall (region text, no integer, PRIMARY KEY (region, no)) PARTITION BY LIST (region);
        CREATE TABLE public.hall_north PARTITION OF public.hall FOR VALUES IN ('north');
        CREATE TABLE public.hall_south PARTITION OF public.hall FOR VALUES IN ('south');
        CREATE TABLE public.concert (
            id integer PRIMARY KEY, region text, no integer,
            FOREIGN KEY (region, no) REFERENCES public.hall
        );
        INSERT INTO public.hall VALUES ('north', 1), ('south', 1);
        INSERT INTO public.concert VALUES (1, 'south', 1);
    """
    related = {"name": "hall", "using": {"foreign_key_constraint_on": ["region", "no"]}}
    concert = {"table": {"schema": "public", "name": "concert"}, "object_relationships": [related]}
    engine, pool, problems = await served(music_url, changed_metadata, statements, "hall", "hall_north", concert)
    assert problems == []
    query = "{ hall_north { region } hall_aggregate { aggregate { count } } concert { hall { region __typename } } }"
    assert await ask(engine, query) == {
        "hall_north": [{"region": "north"}],
        "hall_aggregate": {"aggregate": {"count": 2}},
        "concert": [{"hall": {"region": "south", "__typename": "hall"}}],
    }
    await pool.close()
