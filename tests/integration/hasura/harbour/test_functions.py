"""Functions with parameters that nobody named, and JSON that is computed."""

from graphql import validate_schema

from resolvers.engine import Engine
from server.source import Source
from tests.integration.hasura.harbour.conftest import Ask


def test_the_harbour_is_served_in_full(source: Source) -> None:
    assert source.problems == ()


async def test_nameless_parameters_are_called_by_their_places(ask: Ask) -> None:
    query = """{
        a: add_up(args: {arg_1: 1}) { result }
        b: add_up(args: {arg_2: 2, arg_1: 1}) { result }
        c: add_up(args: {arg_1: 1, times: 3}) { result }
    }"""
    assert await ask("admin", query) == {"a": [{"result": 11}], "b": [{"result": 3}], "c": [{"result": 33}]}
    error = await ask("admin", "{ add_up(args: {arg_2: 1}) { result } }")
    assert error["message"] == "missing required field 'arg_1'"
    assert error["extensions"] == {"path": "$.selectionSet.add_up.args.args", "code": "validation-failed"}


async def test_computed_json_takes_a_path_beside_its_arguments(ask: Ask) -> None:
    query = """query ($path: String) {
        captain(where: {id: {_eq: 1}}) {
            whole: record(args: {of_year: 1999})
            year: record(args: {of_year: 1999}, path: "$.years[0]")
            name: record(args: {of_year: 1999}, path: $path)
        }
    }"""
    assert await ask("admin", query, path="name") == {
        "captain": [{"whole": {"name": "Ada", "years": [1999, 0]}, "year": 1999, "name": "Ada"}]
    }


async def test_rows_that_are_computed_are_a_condition_like_related_ones(ask: Ask) -> None:
    query = """query ($afloat: Boolean!) {
        some: captain(where: {fleet: {}}, order_by: {id: asc}) { id }
        none: captain(where: {_not: {fleet: {}}}) { id }
        sunk: captain(where: {fleet: {afloat: {_eq: $afloat}}}) { id }
        same: ship(where: {captain: {fleet: {name: {_eq: "Bee"}, captain: {fleet: {id: {_eq: 1}}}}}}) { id }
    }"""
    assert await ask("admin", query, afloat=False) == {
        "some": [{"id": 1}, {"id": 2}],
        "none": [{"id": 3}],
        "sunk": [{"id": 1}],
        "same": [{"id": 1}, {"id": 2}],
    }
    error = await ask("admin", "{ captain(where: {fleet: null}) { id } }")
    assert error["message"] == "unexpected null value for type 'ship_bool_exp'"
    # What takes arguments is asked for, not asked by.
    error = await ask("admin", "{ captain(where: {record: {_is_null: true}}) { id } }")
    assert error["message"] == "field 'record' not found in type: 'captain_bool_exp'"


async def test_computed_rows_that_a_role_does_not_see_are_no_condition_of_its_own(ask: Ask) -> None:
    query = "{ captain(where: {fleet: {id: {_in: [2, 3]}}}) { id name } }"
    assert await ask("surveyor", query) == {"captain": [{"id": 2, "name": "Bo"}]}
    error = await ask("surveyor", "{ captain(where: {fleet: {tonnes: {_gt: 1}}}) { id } }")
    assert error["message"] == "field 'tonnes' not found in type: 'ship_bool_exp'"
    error = await ask("crew", "{ captain(where: {fleet: {}}) { id } }")
    assert error["message"] == "field 'fleet' not found in type: 'captain_bool_exp'"


async def test_permissions_look_at_computed_rows_whoever_may_read_them(ask: Ask) -> None:
    assert await ask("pilot", "{ captain { id } }") == {"captain": [{"id": 2}]}


async def test_checks_by_computed_fields_tell_what_was_inserted_from_what_was_updated(ask: Ask) -> None:
    insert = """mutation ($id: Int!, $name: String!) {
        insert_captain(
            objects: {id: $id, name: $name}
            on_conflict: {constraint: captain_pkey, update_columns: [name]}
        ) { affected_rows }
    }"""
    one = {"insert_captain": {"affected_rows": 1}}
    assert await ask("surveyor", insert, id=9, name="Zoe") == one
    assert await ask("surveyor", insert, id=9, name="Yul") == one
    for id_, name in ((9, "Xi"), (10, "Yan")):
        error = await ask("surveyor", insert, id=id_, name=name)
        assert error["extensions"]["code"] == "permission-error"


async def test_rows_that_are_computed_are_sorted_by_like_related_ones(ask: Ask) -> None:
    query = """{
        most: captain(order_by: [{fleet_aggregate: {count: desc}}, {id: desc}]) { id }
        heaviest: captain(order_by: [{fleet_aggregate: {max: {tonnes: desc_nulls_last}}}, {id: desc}]) { id }
        ship(order_by: [{captain: {fleet_aggregate: {count: asc}}}, {id: asc}]) { id }
    }"""
    assert await ask("admin", query) == {
        "most": [{"id": 1}, {"id": 2}, {"id": 3}],
        "heaviest": [{"id": 1}, {"id": 3}, {"id": 2}],
        "ship": [{"id": 3}, {"id": 1}, {"id": 2}],
    }
    # Who may not aggregate the table of the rows may not sort by how many there are.
    error = await ask("surveyor", "{ captain(order_by: {fleet_aggregate: {count: desc}}) { id } }")
    assert error["message"] == "field 'fleet_aggregate' not found in type: 'captain_order_by'"


async def test_a_function_that_takes_a_row_is_a_root_field_like_others(ask: Ask, engine: Engine) -> None:
    query = "query ($row: captain_scalar) { fleet_of(args: {captain_row: $row}, order_by: {id: asc}) { id } }"
    assert await ask("admin", query, row="(1,Ada,Rome,0)") == {"fleet_of": [{"id": 1}, {"id": 2}]}
    error = await ask("admin", query, row="(1")
    assert error["extensions"] == {"path": "$", "code": "data-exception"}
    assert validate_schema(engine.schema("admin").graphql_schema) == []


async def test_sort_keys_of_one_object_count_as_they_are_written(ask: Ask) -> None:
    query = """query ($by: [ship_order_by!]) {
        one: ship(order_by: {afloat: asc, id: desc}) { id }
        two: ship(order_by: {id: desc, afloat: asc}) { id }
        three: ship(order_by: $by) { id }
        first: ship(distinct_on: afloat, order_by: {afloat: desc, id: asc}) { id }
        ship_group_by(
            keys: [{column: captain_id}, {column: afloat}]
            order_by: {count: desc, key: {afloat: asc, captain_id: desc}}
        ) { key { captain_id afloat } }
    }"""
    for by, ids in (({"afloat": "desc", "id": "desc"}, [3, 1, 2]), ({"id": "asc", "afloat": "desc"}, [1, 2, 3])):
        assert await ask("admin", query, by=by) == {
            "one": [{"id": 2}, {"id": 3}, {"id": 1}],
            "two": [{"id": 3}, {"id": 2}, {"id": 1}],
            "three": [{"id": id_} for id_ in ids],
            "first": [{"id": 1}, {"id": 2}],
            "ship_group_by": [
                {"key": {"captain_id": 1, "afloat": False}},
                {"key": {"captain_id": 2, "afloat": True}},
                {"key": {"captain_id": 1, "afloat": True}},
            ],
        }
