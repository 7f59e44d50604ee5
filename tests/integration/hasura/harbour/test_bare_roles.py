"""Roles that have next to nothing: rows without columns, writes without values."""

import pytest
from graphql import build_client_schema, get_introspection_query, validate_schema

from resolvers.engine import Engine
from server.source import Source
from tests.integration.hasura.harbour.conftest import Ask


async def test_every_role_s_schema_is_one_that_tools_take(ask: Ask, engine: Engine, source: Source) -> None:
    for role in ("admin", "stranger", *source.rules, *source.inherited_roles):
        assert validate_schema(engine.schema(role).graphql_schema) == [], role
        found = build_client_schema(await ask(role, get_introspection_query()))
        assert validate_schema(found) == [], role


async def test_a_table_without_columns_leads_on(ask: Ask) -> None:
    query = "{ captain(where: {vessels: {id: {_eq: 3}}}) { __typename vessels { id } } }"
    assert await ask("gate", query) == {"captain": [{"__typename": "captain", "vessels": [{"id": 3}]}]}
    for given in ("{_PLACEHOLDER: true}", "{_PLACEHOLDER: null}"):
        error = await ask("gate", f"{{ captain(order_by: {given}) {{ __typename }} }}")
        assert error["message"] == "field '_PLACEHOLDER' not found in type: 'captain_order_by'"
    by = "query ($by: [captain_order_by!]) { captain(order_by: $by) { __typename } }"
    error = await ask("gate", by, by=[{"_PLACEHOLDER": True}])
    assert error["message"] == "field '_PLACEHOLDER' not found in type: 'captain_order_by'"


async def test_a_table_of_which_nothing_is_selected_is_not_there(ask: Ask) -> None:
    error = await ask("blind", "{ total { __typename } }")
    assert error["message"] == "field 'total' not found in type: 'query_root'"
    error = await ask("blind", "{ add_up(args: {arg_1: 1}) { __typename } }")
    assert error["message"] == "field 'add_up' not found in type: 'query_root'"
    insert = "mutation { insert_total(objects: {result: 1}) { affected_rows %s } }"
    assert await ask("blind", insert % "") == {"insert_total": {"affected_rows": 1}}
    error = await ask("blind", insert % "returning { __typename }")
    assert error["message"] == "field 'returning' not found in type: 'total_mutation_response'"


async def test_what_presets_alone_write_is_written(ask: Ask) -> None:
    insert = "mutation { insert_ship(objects: {}) { affected_rows returning { name } } }"
    assert await ask("dark", insert) == {"insert_ship": {"affected_rows": 1, "returning": [{"name": "Bergen"}]}}
    update = "mutation { update_captain(where: {}) { affected_rows } }"
    assert await ask("dark", update, town="Turku") == {"update_captain": {"affected_rows": 3}}
    found = await ask("admin", "{ captain(distinct_on: born_in) { born_in } }")
    assert found == {"captain": [{"born_in": "Turku"}]}
    error = await ask("dark", "mutation { insert_ship(objects: {_PLACEHOLDER: true}) { affected_rows } }")
    assert error["message"] == "field '_PLACEHOLDER' not found in type: 'ship_insert_input'"


@pytest.mark.parametrize("returned", ["affected_rows", "affected_rows __typename"])
async def test_rows_that_can_t_be_seen_can_be_deleted(ask: Ask, returned: str) -> None:
    found = await ask("dark", f"mutation {{ delete_captain(where: {{}}) {{ {returned} }} }}")
    assert found["delete_captain"]["affected_rows"] == 1
