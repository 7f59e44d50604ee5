"""Writes whose consequences only the database knows, and conflict clauses that can't work."""

import pytest

from tests.integration.hasura.harbour.conftest import Ask


async def test_answers_show_what_foreign_keys_made_of_related_rows(ask: Ask) -> None:
    update = """mutation {
        update_pier_by_pk(pk_columns: {name: "east", no: 1}, _set: {name: "north"}) {
            name
            berths(order_by: {id: asc}) { id pier_name }
            berths_aggregate { aggregate { count } }
        }
    }"""
    assert await ask("admin", update) == {
        "update_pier_by_pk": {
            "name": "north",
            "berths": [{"id": 1, "pier_name": "north"}, {"id": 2, "pier_name": "north"}],
            "berths_aggregate": {"aggregate": {"count": 2}},
        }
    }


async def test_answers_show_what_triggers_made_of_related_rows(ask: Ask) -> None:
    insert = """mutation {
        insert_ship(objects: [{id: 10, name: "Dab", captain_id: 1}, {id: 11, name: "Eel", captain_id: 1}]) {
            affected_rows
            returning { id captain { name ships } }
        }
    }"""
    captain = {"name": "Ada", "ships": 4}
    assert await ask("admin", insert) == {
        "insert_ship": {
            "affected_rows": 2,
            "returning": [{"id": 10, "captain": captain}, {"id": 11, "captain": captain}],
        }
    }


async def test_a_deferrable_constraint_is_no_conflict_target(ask: Ask) -> None:
    insert = """mutation {
        insert_berth_one(
            object: {id: 9, pier_name: "east", pier_no: 1, code: "E1"}
            on_conflict: {constraint: berth_code_key, update_columns: [id]}
        ) { id }
    }"""
    error = await ask("admin", insert)
    assert error == {
        "message": "the constraint of the conflict clause can't be used: it is deferrable",
        "extensions": {"path": "$.selectionSet.insert_berth_one.args.object", "code": "constraint-error"},
    }


@pytest.mark.parametrize(
    ("columns", "rows"), [("", 0), (", update_columns: []", 0), (", update_columns: [_PLACEHOLDER]", None)]
)
async def test_the_placeholder_of_a_role_that_updates_nothing_is_no_column(
    ask: Ask, columns: str, rows: int | None
) -> None:
    insert = """mutation {
        insert_berth(
            objects: {id: 1, pier_name: "east", pier_no: 1}
            on_conflict: {constraint: berth_pkey%s}
        ) { affected_rows }
    }"""
    found = await ask("mooring", insert % columns)
    if rows is not None:
        assert found == {"insert_berth": {"affected_rows": rows}}
    else:
        assert found == {
            "message": "erroneous column name",
            "extensions": {"path": "$.selectionSet.insert_berth.args.on_conflict", "code": "validation-failed"},
        }


@pytest.mark.parametrize(
    "document",
    [
        "{ pier { ...P } } fragment P on pier @include(if: false) { no }",
        "{ pier { no } } fragment P on pier @nothing { no }",
        "query ($least: Int = 0 @nothing) { pier(where: {no: {_gt: $least}}) { no } }",
    ],
)
async def test_directives_where_none_are_defined_are_refused(ask: Ask, document: str) -> None:
    error = await ask("admin", document)
    assert error["message"].endswith("is not defined in the schema or not allowed here")
    assert error["extensions"]["code"] == "validation-failed"
