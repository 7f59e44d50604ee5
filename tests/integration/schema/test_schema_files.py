"""The committed SDL is what the API serves, and tells what tables and columns are for."""

import copy
from pathlib import Path

import orjson
import pytest
from graphql import (
    GraphQLObjectType,
    GraphQLSchema,
    build_client_schema,
    build_schema,
    get_introspection_query,
    print_schema,
)

from permissions.session import Session
from resolvers.pool import Pool
from schema.from_metadata import catalogue_from_metadata
from schema.tables import metadata
from server.sdl import render_sdl, role_schema, roles
from server.source import platform_source

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "schema"


@pytest.mark.parametrize("role", roles())
def test_committed_schema_is_the_one_that_is_served(role: str) -> None:
    path = FOLDER / f"{role}.graphql"
    assert path.exists(), f"docs/schema has no {path.name}: run `make schema-files`"
    # Not compared by pytest, which would need minutes to show how a megabyte differs.
    is_same = path.read_text(encoding="utf-8") == render_sdl(role)
    assert is_same, f"docs/schema/{path.name} is out of date: run `make schema-files` and look at the difference"


def test_there_are_no_schemas_of_roles_that_do_not_exist() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.graphql")) == list(roles())


def test_comments_on_tables_and_columns_are_descriptions() -> None:
    types = role_schema("admin").graphql_schema.type_map
    commented = 0
    for table in catalogue_from_metadata(metadata):
        kind = types[table.graphql_name]
        assert isinstance(kind, GraphQLObjectType)
        if table.comment:
            assert kind.description == table.comment
        for column in table.columns.values():
            assert kind.fields[column.graphql_name].description == column.comment
            commented += column.comment is not None
    assert commented > 100


@pytest.mark.parametrize("role", roles())
async def test_what_graphiql_and_apollo_ask_for_makes_a_client_schema(role: str) -> None:
    query = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )
    # Introspection touches no table, so nobody needs to listen at this address.
    engine = platform_source().engine(Pool("postgresql://127.0.0.1:1/none", size=1))
    answer = orjson.loads(
        await engine.execute(Session(role=role, has_admin_secret=True), query, None, "IntrospectionQuery")
    )
    assert "errors" not in answer
    schema = build_client_schema(answer["data"])
    is_same = _sorted_sdl(schema) == render_sdl(role)
    assert is_same, "a client that asks the API sees another schema than the SDL"
    build_schema(render_sdl(role))


def _sorted_sdl(schema: GraphQLSchema) -> str:
    schema = copy.copy(schema)
    schema.type_map = dict(sorted(schema.type_map.items()))
    return print_schema(schema) + "\n"
