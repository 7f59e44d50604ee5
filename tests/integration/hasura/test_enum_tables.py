"""Enum tables: columns that refer to them are GraphQL enums of their rows."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from graphql import GraphQLEnumType, print_type

from resolvers.engine import Engine
from server.source import hasura_source
from tests.integration.hasura.conftest import Ask


def printed(engine: Engine, name: str, role: str = "admin") -> str:
    return print_type(engine.schema(role).graphql_schema.type_map[name])


def test_the_enum_has_the_rows_as_values_and_their_comments_as_descriptions(engine: Engine) -> None:
    assert printed(engine, "genre_enum") == (
        'enum genre_enum {\n  """Improvised"""\n  JAZZ\n  ROCK\n\n  """Handed down"""\n  folk_music\n}'
    )
    assert printed(engine, "sales_order_status_enum") == "enum sales_order_status_enum {\n  open\n  paid\n  sent\n}"


def test_its_comparison_has_the_general_operators_without_an_order(engine: Engine) -> None:
    comparison: Any = engine.schema("admin").graphql_schema.type_map["genre_enum_comparison_exp"]
    assert {name: str(field.type) for name, field in comparison.fields.items()} == {
        "_eq": "genre_enum",
        "_in": "[genre_enum!]",
        "_is_null": "Boolean",
        "_neq": "genre_enum",
        "_nin": "[genre_enum!]",
    }


def test_columns_that_refer_to_it_have_its_type_wherever_they_stand(engine: Engine) -> None:
    types = engine.schema("admin").graphql_schema.type_map
    places = {
        "record": "genre_enum!",
        "record_insert_input": "genre_enum",
        "record_set_input": "genre_enum",
        "record_bool_exp": "genre_enum_comparison_exp",
        "record_order_by": "order_by",
        "record_stream_cursor_value_input": "genre_enum",
        "record_group_key": "genre_enum",
    }
    for name, kind in places.items():
        fields: Any = types[name]
        assert str(fields.fields["genre"].type) == kind, name
    row: Any = types["record"]
    assert str(row.fields["second_genre"].type) == "genre_enum"
    # The table itself keeps its text, and an enum has no least value.
    genre: Any = types["genre"]
    assert str(genre.fields["value"].type) == "String!"
    assert "genre" not in printed(engine, "record_max_fields")
    assert isinstance(types["sales_order_status_enum"], GraphQLEnumType)


async def test_conditions_take_its_values_as_literals_and_in_variables(ask: Ask) -> None:
    jazz = {"records": [{"id": 1, "genre": "JAZZ"}, {"id": 3, "genre": "JAZZ"}]}
    assert await ask("admin", "{ records(where: {genre: {_eq: JAZZ}}, order_by: {id: asc}) { id genre } }") == jazz
    query = "query ($g: genre_enum) { records(where: {genre: {_eq: $g}}, order_by: {id: asc}) { id genre } }"
    assert await ask("admin", query, g="JAZZ") == jazz
    assert await ask("admin", query, g="ROCK") == {"records": [{"id": 2, "genre": "ROCK"}]}
    query = "query ($g: [genre_enum!]) { records(where: {genre: {_in: $g}}, order_by: {id: asc}) { id } }"
    assert await ask("admin", query, g=["ROCK"]) == {"records": [{"id": 2}]}
    assert await ask("admin", query, g=["ROCK", "JAZZ"]) == {"records": [{"id": 1}, {"id": 2}, {"id": 3}]}
    assert await ask("admin", query, g=[]) == {"records": []}
    assert await ask("admin", query, g="ROCK") == {"records": [{"id": 2}]}
    query = "query ($w: record_bool_exp) { records(where: $w, order_by: {id: asc}) { id } }"
    assert await ask("admin", query, w={"genre": {"_nin": ["JAZZ"]}}) == {"records": [{"id": 2}]}
    assert await ask("admin", query, w={"second_genre": {"_is_null": True}}) == {"records": [{"id": 2}, {"id": 3}]}
    mixed = "query ($g: genre_enum!) { records(where: {genre: {_in: [$g, JAZZ]}}, order_by: {id: asc}) { id } }"
    assert await ask("admin", mixed, g="ROCK") == {"records": [{"id": 1}, {"id": 2}, {"id": 3}]}
    default = "query ($g: genre_enum! = ROCK) { records(where: {genre: {_eq: $g}}) { id } }"
    assert await ask("admin", default) == {"records": [{"id": 2}]}


WRONG = "expected one of the values ['JAZZ', 'ROCK', 'folk_music'] for type 'genre_enum', but found 'POLKA'"


@pytest.mark.parametrize(
    ("query", "variables", "message", "path"),
    [
        ("{ records(where: {genre: {_eq: POLKA}}) { id } }", {}, WRONG, "where.genre._eq"),
        (
            '{ records(where: {genre: {_eq: "JAZZ"}}) { id } }',
            {},
            "expected an enum value for type 'genre_enum', but found a string",
            "where.genre._eq",
        ),
        (
            "query ($g: genre_enum) { records(where: {genre: {_eq: $g}}) { id } }",
            {"g": "POLKA"},
            WRONG,
            "where.genre._eq",
        ),
        (
            "query ($g: [genre_enum!]) { records(where: {genre: {_in: $g}}) { id } }",
            {"g": ["JAZZ", "POLKA"]},
            WRONG,
            "where.genre._in[1]",
        ),
        (
            "query ($w: record_bool_exp) { records(where: $w) { id } }",
            {"w": {"genre": {"_eq": "POLKA"}}},
            WRONG,
            "where.genre._eq",
        ),
        (
            "query ($w: record_bool_exp) { records(where: $w) { id } }",
            {"w": {"genre": {"_eq": 1}}},
            "expected an enum value for type 'genre_enum', but found a number",
            "where.genre._eq",
        ),
        (
            "query ($w: record_bool_exp) { records(where: $w) { id } }",
            {"w": {"genre": {"_in": [None]}}},
            "unexpected null value for type 'genre_enum'",
            "where.genre._in[0]",
        ),
        (
            "{ records(where: {genre: {_like: JAZZ}}) { id } }",
            {},
            "field '_like' not found in type: 'genre_enum_comparison_exp'",
            "where.genre._like",
        ),
        (
            "{ records(where: {genre: {_eq: null}}) { id } }",
            {},
            "unexpected null value for type 'genre_enum'",
            "where.genre._eq",
        ),
    ],
)
async def test_nothing_else_passes_for_a_value(
    ask: Ask, query: str, variables: dict[str, Any], message: str, path: str
) -> None:
    # Whatever is known already: plans are shared by all values of the enum, and by no other text.
    for known in ("JAZZ", "ROCK"):
        await ask("admin", "query ($g: genre_enum) { records(where: {genre: {_eq: $g}}) { id } }", g=known)
        await ask("admin", "query ($g: [genre_enum!]) { records(where: {genre: {_in: $g}}) { id } }", g=[known, known])
        whole = "query ($w: record_bool_exp) { records(where: $w) { id } }"
        await ask("admin", whole, w={"genre": {"_eq": known}})
        await ask("admin", whole, w={"genre": {"_in": [known]}})
    error = await ask("admin", query, **variables)
    assert error == {
        "message": message,
        "extensions": {"code": "validation-failed", "path": f"$.selectionSet.records.args.{path}"},
    }


async def test_rows_are_written_with_its_values(ask: Ask) -> None:
    add = "mutation ($o: record_insert_input!) { addRecord(object: $o) { genre second_genre } }"
    new = {"artist_id": 1, "title": "A", "genre": "folk_music"}
    assert await ask("admin", add, o=new) == {"addRecord": {"genre": "folk_music", "second_genre": None}}
    error = await ask("admin", add, o={**new, "title": "B", "genre": "POLKA"})
    assert error == {
        "message": WRONG,
        "extensions": {"code": "validation-failed", "path": "$.selectionSet.addRecord.args.object.genre"},
    }
    change = (
        "mutation ($g: genre_enum) { update_record(where: {id: {_eq: 1}}, _set: {second_genre: $g}) { affected_rows } }"
    )
    for value in ("ROCK", "JAZZ", None):
        assert await ask("admin", change, g=value) == {"update_record": {"affected_rows": 1}}
        assert await ask("admin", "{ recordByPk(id: 1) { second_genre } }") == {"recordByPk": {"second_genre": value}}
    # A rule may name a value, too.
    forbidden = "mutation { update_record(where: {id: {_eq: 1}}, _set: {second_genre: ROCK}) { affected_rows } }"
    assert (await ask("label", forbidden, user="ann"))["extensions"]["code"] == "permission-error"


async def test_many_rows_are_held_to_its_values_each(ask: Ask) -> None:
    add = "mutation ($o: [record_insert_input!]!) { insert_record(objects: $o) { affected_rows } }"
    new = [{"artist_id": 1, "title": f"Number {number}", "genre": "JAZZ"} for number in range(300)]
    assert await ask("admin", add, o=new) == {"insert_record": {"affected_rows": 300}}
    error = await ask("admin", add, o=[*new[:200], {**new[0], "genre": "POLKA"}, *new[201:]])
    assert error == {
        "message": WRONG,
        "extensions": {
            "code": "validation-failed",
            "path": "$.selectionSet.insert_record.args.objects[200].genre",
        },
    }


async def test_orders_groups_and_streams_know_it(ask: Ask) -> None:
    assert await ask("admin", "{ records(order_by: [{genre: desc}, {id: asc}], distinct_on: genre) { id } }") == {
        "records": [{"id": 2}, {"id": 1}]
    }
    groups = "{ record_group_by(keys: {column: genre}) { key { genre } aggregate { count } } }"
    assert await ask("admin", groups) == {
        "record_group_by": [
            {"key": {"genre": "JAZZ"}, "aggregate": {"count": 2}},
            {"key": {"genre": "ROCK"}, "aggregate": {"count": 1}},
        ]
    }


async def test_a_role_that_sees_no_such_column_has_no_such_type(engine: Engine) -> None:
    assert "sales_order_status_enum" not in engine.schema("label").graphql_schema.type_map
    assert "genre_enum" in engine.schema("listener").graphql_schema.type_map


async def test_tables_that_make_no_enum_are_named_and_their_columns_stay_text(
    music_url: str, changed_metadata: Callable[[dict[str, Any]], Path]
) -> None:
    listed = [*("colour", "nothing_yet", "shape"), "artist"]
    tables = [{"table": {"name": name, "schema": "public"}, "is_enum": True} for name in listed]
    album = {"table": {"name": "album", "schema": "public"}}
    folder = changed_metadata({"databases/music/tables/tables.yaml": [*tables, album]})
    source = await hasura_source(music_url, folder)
    assert [str(problem) for problem in source.problems if "is_enum" in problem.where] == [
        f"table public.{name}, is_enum: {why}, so it is no enum: columns that refer to it stay text"
        for name, why in (
            ("colour", "GraphQL can't spell 'light blue'"),
            ("nothing_yet", "it has no rows"),
            ("shape", "it has more than a text column of comments beside its key"),
            ("artist", "its primary key is not a single text column"),
        )
    ]
    assert source.catalogue["public.album"].columns["colour"].choices is None


async def test_values_are_those_at_start(ask: Ask, music_url: str) -> None:
    connection = await asyncpg.connect(music_url, timeout=10)
    await connection.execute("INSERT INTO public.genre VALUES ('POLKA', NULL)")
    await connection.execute("UPDATE public.album SET genre = 'POLKA' WHERE id = 3")
    await connection.close()
    # What is in a row is shown; the type knows it after the next start.
    assert await ask("admin", "{ recordByPk(id: 3) { genre } }") == {"recordByPk": {"genre": "POLKA"}}
    assert (await ask("admin", "{ records(where: {genre: {_eq: POLKA}}) { id } }"))["message"] == WRONG
