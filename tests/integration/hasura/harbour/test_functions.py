"""Functions with parameters that nobody named, and JSON that is computed."""

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
